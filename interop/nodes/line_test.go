package nodes

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

const fileSize = 5_000_000

// line is three nodes in a row: both ends connect to a transport node by TCP.
type line struct{ a, middle, c *station }

func newLine(ctx context.Context, t *testing.T, change ...func(*stationConfig)) *line {
	t.Helper()
	conf := func(name string, forward node.Switch) stationConfig {
		c := stationConfig{name: name, forward: forward}
		for _, f := range change {
			f(&c)
		}
		return c
	}
	l := &line{
		a: startStation(t, conf("a", node.Off)), middle: startStation(t, conf("middle", node.On)),
		c: startStation(t, conf("c", node.Off)),
	}
	_, port := l.middle.mustListen(ctx, t)
	for _, s := range []*station{l.a, l.c} {
		mark := l.middle.events.mark()
		s.dial(ctx, t, port, node.InterfaceConfig{})
		l.middle.awaitPeer(ctx, t, mark)
	}
	introduce(ctx, t, l.a, l.middle, l.c)
	introduce(ctx, t, l.c, l.middle, l.a)
	return l
}

// directions are both ways through the line.
func (l *line) directions() []struct{ from, to *station } {
	return []struct{ from, to *station }{{l.a, l.c}, {l.c, l.a}}
}

// TestLine runs everything two people do over a transport node of ours.
func TestLine(t *testing.T) {
	t.Parallel()
	ctx := limited(t, time.Minute)
	l := newLine(ctx, t)
	for _, s := range []struct {
		name string
		run  func(context.Context, *testing.T, *line)
	}{
		{"paths", linePaths}, {"path request", linePathRequest}, {"opportunistic", lineOpportunistic},
		{"direct packets", lineDirect}, {"files", lineFiles}, {"stamps", lineStamps},
	} {
		if !t.Run(s.name, func(t *testing.T) { s.run(limited(t, 40*time.Second), t, l) }) {
			return
		}
	}
}

// linePaths: announces carry names and make paths with the right length and next hop.
func linePaths(ctx context.Context, t *testing.T, l *line) {
	for _, d := range l.directions() {
		p, err := d.from.node.Path(ctx, d.to.router.Address())
		if err != nil {
			t.Fatal(err)
		}
		if p.Hops != 2 || p.NextHop != l.middle.node.TransportID() {
			t.Errorf("%s to %s: %d hops by %s, want 2 by %s", d.from.name, d.to.name, p.Hops, p.NextHop, l.middle.node.TransportID())
		}
		known, err := d.from.node.Recall(ctx, d.to.router.Address())
		if err != nil {
			t.Fatal(err)
		}
		if info, err := lxmf.ParseDeliveryInfo(known.AppData); err != nil || info.Name != d.to.name || !known.Ratchet {
			t.Errorf("%s knows %s as %q, ratchet %v, %v", d.from.name, d.to.name, info.Name, known.Ratchet, err)
		}
		if p, err := l.middle.node.Path(ctx, d.to.router.Address()); err != nil || p.Hops != 1 {
			t.Errorf("middle to %s: %d hops, %v", d.to.name, p.Hops, err)
		}
	}
}

// linePathRequest: a path that was forgotten is asked for, and the middle answers from what it knows.
func linePathRequest(ctx context.Context, t *testing.T, l *line) {
	for _, d := range l.directions() {
		if err := d.from.node.DropPath(ctx, d.to.router.Address()); err != nil {
			t.Fatal(err)
		}
		if d.from.node.HasPath(ctx, d.to.router.Address()) {
			t.Error("dropped path is still there")
		}
		if p, err := d.from.node.AwaitPath(ctx, d.to.router.Address()); err != nil || p.Hops != 2 {
			t.Errorf("%s to %s: %d hops, %v", d.from.name, d.to.name, p.Hops, err)
		}
	}
	// One that nobody in the line knows is not found, and says so.
	try, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := l.a.node.AwaitPath(try, rns.Addr{1, 2, 3}); err == nil {
		t.Error("path to nowhere")
	}
}

// lineOpportunistic: a message in one packet needs no link.
func lineOpportunistic(ctx context.Context, t *testing.T, l *line) {
	for _, d := range l.directions() {
		m := d.from.send(t, d.from.message(d.to.router.Address(), "hello "+d.to.name), lxmf.MethodOpportunistic)
		steps, in := d.from.delivered(ctx, t, d.to, m)
		if got, want := kinds(steps), "queued sent delivered"; got != want {
			t.Errorf("steps %s, want %s", got, want)
		}
		if in.Hops != 2 || in.Method != lxmf.MethodOpportunistic || in.Ratchet == nil {
			t.Errorf("arrived after %d hops, %s, ratchet %v", in.Hops, in.Method, in.Ratchet)
		}
		d.to.once(t, m)
	}
}

// lineDirect: messages over a link, the second on the same one; the steps agree with what the tap saw.
func lineDirect(ctx context.Context, t *testing.T, l *line) {
	for i, d := range l.directions() {
		first := d.from.send(t, d.from.message(d.to.router.Address(), "first"), lxmf.MethodDirect)
		steps, in := d.from.delivered(ctx, t, d.to, first)
		want := "queued link_request link_up progress proof_wait delivered"
		if i > 0 {
			want = "queued progress proof_wait delivered" // back over the link of the other direction
		}
		if got := kinds(steps); got != want {
			t.Errorf("steps %s, want %s", got, want)
		}
		if in.Hops != 2 || in.Method != lxmf.MethodDirect {
			t.Errorf("arrived after %d hops, %s", in.Hops, in.Method)
		}
		if i == 0 {
			checkTap(t, d.from, steps)
		}
		second := d.from.send(t, d.from.message(d.to.router.Address(), "second"), lxmf.MethodDirect)
		steps, again := d.from.delivered(ctx, t, d.to, second)
		if got := kinds(steps); got != "queued progress proof_wait delivered" || again.Link != in.Link {
			t.Errorf("second message: %s, on the same link %v", got, again.Link == in.Link)
		}
		d.to.once(t, first, second)
	}
}

// checkTap compares the steps of the first direct message with the frames: nothing is claimed before it happened.
func checkTap(t *testing.T, s *station, steps []router.Event) {
	t.Helper()
	records, _ := s.tap.Since(0)
	first := func(d node.Direction, is func(rns.Packet) bool) time.Time {
		for _, r := range records {
			if r.Direction == d && r.ParseErr == nil && is(r.Packet) {
				return r.At
			}
		}
		return time.Time{}
	}
	at := func(k router.Kind) time.Time {
		for _, e := range steps {
			if e.Kind == k {
				return e.At
			}
		}
		return time.Time{}
	}
	request := first(node.Out, func(p rns.Packet) bool { return p.Type == rns.PacketLinkRequest })
	proof := first(node.In, func(p rns.Packet) bool { return p.Type == rns.PacketProof && p.Context == rns.ContextLRProof })
	data := first(node.Out, func(p rns.Packet) bool {
		return p.DestType == rns.DestLink && p.Type == rns.PacketData && p.Context == rns.ContextNone
	})
	received := first(node.In, func(p rns.Packet) bool {
		return p.DestType == rns.DestLink && p.Type == rns.PacketProof && p.Context == rns.ContextNone
	})
	order := []struct {
		what string
		at   time.Time
	}{
		{"step link_request", at(router.KindLinkRequest)}, {"link request", request}, {"link proof", proof},
		{"step link_up", at(router.KindLinkUp)}, {"message", data}, {"proof of the message", received},
		{"step delivered", at(router.KindDelivered)},
	}
	for i, o := range order {
		if o.at.IsZero() {
			t.Errorf("%s is missing", o.what)
		} else if i > 0 && o.at.Before(order[i-1].at) {
			t.Errorf("%s came before %s", o.what, order[i-1].what)
		}
	}
}

// lineFiles: a file of 5 MB and a photo, both ways at once.
func lineFiles(ctx context.Context, t *testing.T, l *line) {
	type parcel struct {
		from, to *station
		m        *lxmf.Message
	}
	var sent []parcel
	for i, d := range l.directions() {
		for j, size := range []int{fileSize, 300_000} {
			file := lxmf.Attachment{Name: fmt.Sprintf("%d.bin", j), Data: noise(size, uint64(10*i+j))}
			m := d.from.message(d.to.router.Address(), fmt.Sprintf("file %d of %s", j, d.from.name), file)
			sent = append(sent, parcel{d.from, d.to, d.from.send(t, m, lxmf.MethodDirect)})
		}
	}
	for _, p := range sent {
		steps, in := p.from.delivered(ctx, t, p.to, p.m)
		want := p.m.Fields.Attachments()[0]
		got := in.Message.Fields.Attachments()
		if len(got) != 1 || got[0].Name != want.Name || !bytes.Equal(got[0].Data, want.Data) {
			t.Errorf("%q arrived with other files", p.m.Content)
		}
		if count(steps, router.KindAttemptFailed) > 0 {
			t.Errorf("%q took more than one attempt:\n%s", p.m.Content, dump(steps))
		}
		last := -1
		for _, e := range steps {
			if e.Kind == router.KindProgress && e.Percent < last {
				t.Errorf("progress fell from %d%% to %d%%", last, e.Percent)
			}
			last = e.Percent
		}
		p.to.once(t, p.m)
	}
}

// lineStamps: both sides begin to ask for stamps; messages carry them from the next announce on.
func lineStamps(ctx context.Context, t *testing.T, l *line) {
	for _, d := range l.directions() {
		d.to.stampCost.Store(8)
		introduce(ctx, t, d.to, d.from)
		if err := d.from.node.Quiesce(ctx); err != nil { // the router hears on its own
			t.Fatal(err)
		}
		m := d.from.send(t, d.from.message(d.to.router.Address(), "paid"), lxmf.MethodOpportunistic)
		steps, in := d.from.delivered(ctx, t, d.to, m)
		if in.Stamp != router.StampValid || in.StampValue < 8 || count(steps, router.KindStampDone) != 1 {
			t.Errorf("stamp %s of %d bits; %s", in.Stamp, in.StampValue, kinds(steps))
		}
		d.to.once(t, m)
	}
}
