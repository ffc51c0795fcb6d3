package interop

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/tools/peer"
)

// fileSize is the size of attachments that need a resource, in bytes.
const fileSize = 5_000_000

// opportunistic: short messages in single packets.
func opportunistic(ctx context.Context, t *testing.T, l *lab) []string {
	return l.shortMessages(ctx, t, lxmf.MethodOpportunistic)
}

// directPacket: short messages over links.
func directPacket(ctx context.Context, t *testing.T, l *lab) []string {
	return l.shortMessages(ctx, t, lxmf.MethodDirect)
}

// shortMessages: title and text both ways, a few times so that links are used again.
func (l *lab) shortMessages(ctx context.Context, t *testing.T, method lxmf.Method) []string {
	t.Helper()
	var sent, received []time.Duration
	for i := range 4 {
		text := fmt.Sprintf("%s message %d: grüße 你好", method, i)
		m := l.ours.message(l.lxmf, "Title ✓", text)
		start := time.Now()
		l.deliver(ctx, t, router.Outbound{Message: m, Method: method}, func(e peer.Event) {
			if e.Title != "Title ✓" || e.Content != text || e.Method != method.String() {
				t.Errorf("message arrived as %.300s", e.Raw)
			}
		})
		sent = append(sent, time.Since(start))
		start = time.Now()
		in := l.take(ctx, t, peer.Args{"method": method.String(), "title": "Title ✓", "content": text})
		received = append(received, time.Since(start))
		if string(in.Message.Title) != "Title ✓" || string(in.Message.Content) != text || in.Method != method {
			t.Errorf("the partner's message arrived as %q %q, %s", in.Message.Title, in.Message.Content, in.Method)
		}
	}
	return []string{fmt.Sprintf("sent %.2f s, received %.2f s (medians)", median(sent), median(received))}
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return d[len(d)/2].Seconds()
}

// directResource: a file of 5 MB both ways.
func directResource(ctx context.Context, t *testing.T, l *lab) []string {
	file := peer.Generate(fileSize, "file", peer.Random)
	m := l.ours.message(l.lxmf, "", "a file")
	m.Fields.SetAttachments(lxmf.Attachment{Name: "ours.bin", Data: file}, lxmf.Attachment{Name: "empty", Data: nil})
	start := time.Now()
	l.deliver(ctx, t, router.Outbound{Message: m, Method: lxmf.MethodDirect}, func(e peer.Event) {
		if len(e.Attachments) != 2 || e.Attachments[0].Name != "ours.bin" || e.Attachments[1].Length != 0 {
			t.Fatalf("attachments arrived as %+v", e.Attachments)
		}
		sameDigest(t, "our file", e.Attachments[0].Length, e.Attachments[0].Digest, file)
	})
	out := time.Since(start)
	start = time.Now()
	in := l.take(ctx, t, peer.Args{
		"method": "direct", "content": "a file back", "wait": 180,
		"attachments": []peer.Args{{"name": "theirs.bin", "size": fileSize, "seed": "file"}},
	})
	took := time.Since(start)
	files := in.Message.Fields.Attachments()
	if len(files) != 1 || files[0].Name != "theirs.bin" {
		t.Fatalf("%d attachments", len(files))
	}
	same(t, "the partner's file", files[0].Data, file)
	return []string{"sent " + rate(fileSize, out), "received " + rate(fileSize, took)}
}

// deliver sends a message of ours, waits until it is delivered and has arrived, once, and returns the steps.
func (l *lab) deliver(ctx context.Context, t *testing.T, o router.Outbound, check func(peer.Event)) []router.Event {
	t.Helper()
	mark, at := l.peer.Mark(), l.ours.outbound.mark()
	id := l.send(t, o)
	final := expect(ctx, t, &l.ours.outbound, at, func(e router.Event) bool { return e.ID == id && e.Kind.Final() })
	steps := l.steps(id, at)
	if final.Kind != router.KindDelivered {
		t.Fatalf("our message was %s (%s %s) after %s", final.Kind, final.Code, final.Detail, kinds(steps))
	}
	e := l.wait(ctx, t, "message", mark, func(e peer.Event) bool { return e.Hash == id.Hex() })
	if !e.SignatureValid || e.Source != l.ours.router.Address().Hex() {
		t.Errorf("signature valid %v, source %s", e.SignatureValid, e.Source)
	}
	if check != nil {
		check(e)
	}
	l.once(t, id)
	return steps
}

// send hands a message to our router, signed unless a ticket is wanted.
func (l *lab) send(t *testing.T, o router.Outbound) rns.Hash {
	t.Helper()
	if !o.TicketWanted {
		o.Message.Sign(l.ours.id)
	}
	if err := l.ours.router.Send(o); err != nil {
		t.Fatal(err)
	}
	return o.Message.Hash
}

// steps are the events of a message.
func (l *lab) steps(id rns.Hash, mark int) []router.Event {
	list, _ := l.ours.outbound.from(mark)
	return slices.DeleteFunc(slices.Clone(list), func(e router.Event) bool { return e.ID != id })
}

func kinds(steps []router.Event) string {
	var b strings.Builder
	for _, s := range steps {
		if s.Kind != router.KindProgress && s.Kind != router.KindStampProgress {
			fmt.Fprintf(&b, "%s ", strings.TrimSpace(string(s.Kind)+" "+string(s.Code)+" "+s.Detail))
		}
	}
	return b.String()
}

func has(steps []router.Event, kind router.Kind) bool {
	return slices.ContainsFunc(steps, func(e router.Event) bool { return e.Kind == kind })
}

// once checks that a message of ours arrived exactly once.
func (l *lab) once(t *testing.T, id rns.Hash) {
	t.Helper()
	n := 0
	for _, e := range l.peer.Events("message", 0) {
		if e.Hash == id.Hex() {
			n++
		}
	}
	if n != 1 {
		t.Errorf("our message arrived %d times", n)
	}
}

// sending is what the partner says of a message it sends.
type sending struct {
	Hash       string `json:"hash"`
	State      string `json:"state"`
	TicketUsed bool   `json:"ticket_used"`
	StampCost  *int   `json:"stamp_cost"`
}

// theySend makes the partner send a message and waits until it is final there.
func (l *lab) theySend(ctx context.Context, t *testing.T, args peer.Args) sending {
	t.Helper()
	args["to"] = l.ours.router.Address().Hex()
	if _, ok := args["wait"]; !ok {
		args["wait"] = 90
	}
	var r sending
	l.call(ctx, t, "send", args, &r)
	if r.State != "delivered" {
		t.Fatalf("the partner's message is %s", r.State)
	}
	return r
}

// take makes the partner send a message, and returns it once it has arrived, once.
func (l *lab) take(ctx context.Context, t *testing.T, args peer.Args) router.Inbound {
	t.Helper()
	mark := l.ours.inbox.mark()
	r := l.theySend(ctx, t, args)
	is := func(m router.Inbound) bool { return m.Message.Hash.Hex() == r.Hash }
	in := expect(ctx, t, &l.ours.inbox.feed, mark, is)
	if in.Unverified != 0 || in.Message.Source != l.lxmf || in.Hops != l.way.hops() {
		t.Errorf("unverified %v, source %s, %d hops", in.Unverified, in.Message.Source, in.Hops)
	}
	if n := l.ours.inbox.count(is); n != 1 {
		t.Errorf("the partner's message arrived %d times", n)
	}
	return in
}
