package nodes

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
)

// startShaper puts a bad medium in front of a port of the loopback.
func startShaper(t *testing.T, port int, c shaper.Conditions, seed uint64) *shaper.Proxy {
	t.Helper()
	p, err := shaper.Listen("127.0.0.1:0", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), c, seed)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// shaped joins two stations over a bad medium.
func shaped(ctx context.Context, t *testing.T, from, to *station, c shaper.Conditions, seed uint64) (*shaper.Proxy, node.InterfaceID) {
	t.Helper()
	_, port := to.mustListen(ctx, t)
	p := startShaper(t, port, c, seed)
	mark := to.events.mark()
	id := from.dial(ctx, t, p.Addr().Port, node.InterfaceConfig{})
	to.awaitPeer(ctx, t, mark)
	return p, id
}

// TestLossAndDelay: a seventh of all frames is lost in either direction. Every message arrives once.
func TestLossAndDelay(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 50*time.Second)
	a, b := newStation(t, "a", impatient), newStation(t, "b", impatient)
	p, _ := shaped(ctx, t, a, b, shaper.Conditions{Loss: 0.15, Delay: 15 * time.Millisecond}, 4)
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	type sent struct {
		from, to *station
		m        *lxmf.Message
	}
	var all []sent
	for i, d := range []struct{ from, to *station }{{a, b}, {b, a}} {
		send := func(m *lxmf.Message, method lxmf.Method) {
			all = append(all, sent{d.from, d.to, d.from.send(t, m, method)})
		}
		for j := range 10 {
			send(d.from.message(d.to.router.Address(), fmt.Sprint("loose ", i, j)), lxmf.MethodOpportunistic)
			send(d.from.message(d.to.router.Address(), fmt.Sprint("direct ", i, j)), lxmf.MethodDirect)
		}
		file := lxmf.Attachment{Data: noise(60_000, uint64(i))}
		send(d.from.message(d.to.router.Address(), fmt.Sprint("file ", i), file), lxmf.MethodDirect)
	}
	for _, s := range all {
		s.from.delivered(ctx, t, s.to, s.m)
	}
	for _, s := range all {
		s.to.once(t, s.m)
	}
	if c := p.Counters(); c.Lost < c.Frames/20 {
		t.Errorf("only %d of %d frames were lost: the medium was not bad", c.Lost, c.Frames)
	}
}

// TestCuts cuts the connection three times while a file and messages are under way in both directions.
func TestCuts(t *testing.T) {
	t.Parallel()
	ctx := limited(t, 50*time.Second)
	a, b := newStation(t, "a", impatient), newStation(t, "b", impatient)
	p, id := shaped(ctx, t, a, b, shaper.Conditions{BytesPerSecond: 1_500_000, Delay: 2 * time.Millisecond}, 5)
	introduce(ctx, t, a, b)
	introduce(ctx, t, b, a)
	file := a.message(b.router.Address(), "file", lxmf.Attachment{Data: noise(3_000_000, 9)})
	a.send(t, file, lxmf.MethodDirect)
	var there, back []*lxmf.Message
	for i := range 3 {
		mark := a.steps.mark()
		moving := func(e router.Event) bool { return e.ID == file.Hash && e.Kind == router.KindProgress && e.Percent > 10 }
		if _, err := a.steps.wait(ctx, mark, moving); err != nil {
			t.Fatalf("the file does not move: %s", dump(a.course(file.Hash)))
		}
		down := a.events.mark()
		p.Cut()
		there = append(there, a.send(t, a.message(b.router.Address(), fmt.Sprint("there ", i)), lxmf.MethodDirect))
		back = append(back, b.send(t, b.message(a.router.Address(), fmt.Sprint("back ", i)), lxmf.MethodOpportunistic))
		a.awaitState(ctx, t, down, id, node.StateError)
		up := a.events.mark()
		p.Mend()
		a.awaitState(ctx, t, up, id, node.StateUp)
	}
	for _, m := range append(there, file) {
		a.delivered(ctx, t, b, m)
	}
	for _, m := range back {
		b.delivered(ctx, t, a, m)
	}
	b.once(t, append(there, file)...)
	a.once(t, back...)
}
