package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

const (
	// defaultExchanges is the number of exchanges on each of the two links.
	defaultExchanges = 10_000
	// answerTimeout is when an answer counts as lost. It is far above the waits of the protocol, so that a busy machine
	// alone loses nothing.
	answerTimeout = 15 * time.Second
	// slowAnswer is what the repetition of a lost first part request takes at the least. spec: rns-link §6.1
	slowAnswer = 200 * time.Millisecond
)

// tally counts exchanges.
type tally struct {
	Answered int     `json:"answered"`
	Lost     int     `json:"lost"`
	Slow     int     `json:"slow"`
	Slowest  float64 `json:"slowest"`
	Seconds  float64 `json:"seconds"`
}

func (c tally) String() string {
	return fmt.Sprintf("%d answered, %d lost, %d slow (slowest %.0f ms), %.2f ms each",
		c.Answered, c.Lost, c.Slow, c.Slowest*1e3, c.Seconds*1e3/float64(max(c.Answered, 1)))
}

// exchange is one kind of question, asked by one side.
type exchange struct {
	kind  string
	size  int
	share int // of the number of exchanges, in percent
}

// exchanges are the questions of the side that opened the link, and of the other one, which cannot ask requests.
var (
	openerAsks   = []exchange{{"packet", 32, 30}, {"request", 32, 30}, {"resource", 600, 10}}
	acceptorAsks = []exchange{{"packet", 32, 20}, {"resource", 600, 10}}
)

// TestLiveExchanges exchanges link packets with their proofs, requests with their responses, and small resources, one after
// the other, and allows not one answer to be lost, whoever asks and whoever opened the link. spec: rns-link §6.1
func TestLiveExchanges(t *testing.T) {
	pythonPath(t)
	total := defaultExchanges
	if s := os.Getenv(exchangesVariable); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatal(err)
		}
		total = n
	}
	l := newLab(t, way{name: "plain", urgent: true})
	ctx := t.Context()
	ourLink, err := l.ours.node.OpenLink(ctx, l.quiet, l.ours.quietHandler(nil))
	if err != nil {
		t.Fatal(err)
	}
	theirLink, _ := l.openFromPartner(ctx, t, l.ours.quiet, peer.Args{"name": quietName, "quiet": true})
	for _, c := range []struct {
		opener    string
		link      *node.Link
		we, asked []exchange
	}{
		{"our link", ourLink, openerAsks, acceptorAsks},
		{"partner's link", theirLink, acceptorAsks, openerAsks},
	} {
		for _, e := range c.we {
			t.Run(c.opener+"/we ask/"+e.kind, func(t *testing.T) {
				record(t, e.kind+"s we ask", c.opener, time.Hour, func(ctx context.Context) []string {
					return l.count(t, e, l.weAskFor(ctx, c.link, e, total*e.share/100), total)
				})
			})
		}
		for _, e := range c.asked {
			t.Run(c.opener+"/partner asks/"+e.kind, func(t *testing.T) {
				record(t, e.kind+"s partner asks", c.opener, time.Hour, func(ctx context.Context) []string {
					var r tally
					tap := l.ours.node.OpenTap(1<<16, notKeepalive)
					defer l.explainLoss(t, tap)
					l.call(ctx, t, "exchange", peer.Args{
						"link": c.link.ID().Hex(), "kind": e.kind, "count": total * e.share / 100, "size": e.size,
						"timeout": answerTimeout.Seconds(), "slow": slowAnswer.Seconds(),
					}, &r)
					return l.count(t, e, r, total)
				})
			})
		}
	}
}

// explainLoss shows what happened around each lost answer: the last frames before the partner gave up waiting.
func (l *lab) explainLoss(t *testing.T, tap *node.Tap) {
	t.Helper()
	tap.Close()
	if !t.Failed() {
		return
	}
	const around = 5
	records, _ := tap.Since(0)
	for i := 1; i < len(records); i++ {
		if records[i].At.Sub(records[i-1].At) < answerTimeout/10 {
			continue
		}
		t.Logf("answer lost; %s later:", records[i].At.Sub(records[i-1].At))
		showFrames(t, records[max(0, i-around):i+1])
	}
}

// count judges the exchanges of one kind.
func (l *lab) count(t *testing.T, e exchange, r tally, total int) []string {
	t.Helper()
	if r.Lost != 0 || r.Answered != total*e.share/100 {
		t.Errorf("%s: %s, want %d answered", e.kind, r, total*e.share/100)
	}
	return []string{r.String()}
}

// weAskFor asks the partner count times.
func (l *lab) weAskFor(ctx context.Context, link *node.Link, e exchange, count int) tally {
	ask := map[string]func(context.Context, *node.Link, []byte) error{
		"packet": askPacket, "request": askRequest, "resource": askResource,
	}[e.kind]
	var r tally
	start := time.Now()
	for i := 0; i < count && link.State() == node.LinkActive && r.Lost <= 20; i++ {
		at := time.Now()
		if ask(ctx, link, peer.Generate(e.size, strconv.Itoa(i), peer.Random)) == nil {
			r.Answered++
		} else {
			r.Lost++
		}
		took := time.Since(at)
		if took > slowAnswer {
			r.Slow++
		}
		r.Slowest = max(r.Slowest, took.Seconds())
	}
	r.Seconds = time.Since(start).Seconds()
	return r
}

func askPacket(ctx context.Context, link *node.Link, data []byte) error {
	receipt, err := link.Send(ctx, data, node.SendOptions{Timeout: answerTimeout})
	if err != nil {
		return err
	}
	return receipt.Wait(ctx)
}

func askRequest(ctx context.Context, link *node.Link, data []byte) error {
	v, err := link.RequestValue(ctx, "/echo", msgpack.Bin(data), node.RequestOptions{Timeout: answerTimeout})
	if err != nil {
		return err
	}
	if got, _ := v.Bytes(); !bytes.Equal(got, data) {
		return fmt.Errorf("answer has %d bytes", len(got))
	}
	return nil
}

func askResource(ctx context.Context, link *node.Link, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	transfer, err := link.SendResource(ctx, bytes.NewReader(data), int64(len(data)), node.ResourceOptions{})
	if err != nil {
		return err
	}
	return transfer.Wait(ctx)
}
