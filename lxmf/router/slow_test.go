package router_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestSlowMedium: many messages at once over 1 kbit/s fill the queue of the interface with what it can carry, and no more:
// nothing is dropped, nothing is sent twice, no attempt fails.
func TestSlowMedium(t *testing.T) {
	for _, c := range []struct {
		name string
		form func(*router.Outbound)
	}{{"direct", func(*router.Outbound) {}}, {"opportunistic", opportunistic}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { slowMedium(t, c.form) })
		})
	}
}

func slowMedium(t *testing.T, form func(*router.Outbound)) {
	const messages = 40
	w := newWorld(t, 77)
	x, y := w.Node("a"), w.Node("b")
	cable := w.Connect(x, y, mem.Conditions{Bandwidth: 1000, Delay: 50 * time.Millisecond}, mem.WithBitrate(1000))
	a, b := w.user(x), w.user(y)
	for _, u := range []*user{a, b} {
		u.announce()
		w.Run(10 * time.Second)
	}
	seen := x.OpenTap(100_000, func(r *node.TapRecord) bool {
		return r.Direction == node.Out && r.Packet.Type == rns.PacketData && r.Packet.Context == rns.ContextNone
	})
	var ids []rns.Hash
	for i := range messages {
		ids = append(ids, a.send(b, fmt.Sprintf("%03d %s", i, text(150)), form))
	}
	w.Run(time.Second)
	ids = append(ids, a.send(b, noise(2500)))
	w.Run(10 * time.Minute)
	for _, id := range ids {
		a.expect(id, router.KindDelivered, "")
		if n := a.log.count(id, router.KindAttemptFailed); n > 0 {
			t.Errorf("%d attempts failed:\n%s", n, a.log.dump(id))
		}
	}
	if n := len(b.inbox.all()); n != len(ids) {
		t.Errorf("%d messages arrived, want %d", n, len(ids))
	}
	if records, _ := seen.Since(0); len(records) != messages {
		t.Errorf("%d packets were sent for %d messages", len(records), messages)
	}
	noDrops(t, x, cable.OnA)
	noDrops(t, y, cable.OnB)
}

// TestSlowTransit: the slow medium is behind a transport node, whose queue nobody tells us about. The window finds out how much
// the way carries: nothing is dropped, and everything arrives.
func TestSlowTransit(t *testing.T) {
	for _, bitrate := range []int64{1000, 5000} {
		for name, form := range map[string]func(*router.Outbound){"direct": func(*router.Outbound) {}, "opportunistic": opportunistic} {
			t.Run(fmt.Sprintf("%s at %d bit per s", name, bitrate), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { slowTransit(t, bitrate, form) })
			})
		}
	}
}

func slowTransit(t *testing.T, bitrate int64, form func(*router.Outbound)) {
	w := newWorld(t, 78)
	x, m, y := w.Node("a"), w.Transport("m"), w.Node("b")
	w.Connect(x, m, mem.Conditions{Delay: 10 * time.Millisecond})
	slow := w.Connect(m, y, mem.Conditions{Bandwidth: bitrate, Delay: 50 * time.Millisecond}, mem.WithBitrate(bitrate))
	a, b := w.user(x), w.user(y)
	for _, u := range []*user{a, b} {
		u.announce()
		w.Run(20 * time.Second)
	}
	var ids []rns.Hash
	for i := range 40 {
		ids = append(ids, a.send(b, fmt.Sprintf("%03d %s", i, text(150)), form))
	}
	w.Run(time.Second)
	ids = append(ids, a.send(b, noise(2500)))
	w.Run(10 * time.Minute)
	for _, id := range ids {
		a.expect(id, router.KindDelivered, "")
	}
	if n := len(b.inbox.all()); n != len(ids) {
		t.Errorf("%d messages arrived, want %d", n, len(ids))
	}
	noDrops(t, m, slow.OnA)
}

func noise(n int) string {
	b := make([]byte, n)
	_, _ = rnstestRandom(5).Read(b)
	return string(b)
}

// noDrops fails the test if an interface dropped a packet before sending.
func noDrops(t *testing.T, n *rnstest.Node, id node.InterfaceID) {
	t.Helper()
	s, err := n.InterfaceStatus(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []rns.Verdict{rns.VerdictQueueFull, rns.VerdictClosed, rns.VerdictOverload} {
		if d := s.Count.Verdicts[v]; d > 0 {
			t.Errorf("%s: %d packets were dropped: %s", n.Name, d, v)
		}
	}
}
