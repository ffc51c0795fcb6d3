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
// nothing is dropped, nothing is sent twice.
func TestSlowMedium(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 77)
		x, y := w.Node("a"), w.Node("b")
		cable := w.Connect(x, y, mem.Conditions{Bandwidth: 1000, Delay: 50 * time.Millisecond}, mem.WithBitrate(1000))
		a, b := w.user(x), w.user(y)
		a.announce()
		w.Run(10 * time.Second)
		b.announce()
		w.Run(10 * time.Second)
		seen := x.OpenTap(100_000, func(r *node.TapRecord) bool { return r.Direction == node.Out })
		var ids []rns.Hash
		for i := range 40 {
			ids = append(ids, a.send(b, fmt.Sprintf("%03d %s", i, text(150))))
		}
		ids = append(ids, a.send(b, text(20)+string(rnstestBytes(2500))))
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
		noDrops(t, x, cable.OnA)
		noDrops(t, y, cable.OnB)
		records, _ := seen.Since(0)
		count := map[string]int{}
		for _, r := range records {
			count[fmt.Sprintf("%d/%02x/%s", r.Packet.Type, byte(r.Packet.Context), r.Verdict)]++
		}
		t.Log(count)
		t.Log(a.log.dump(ids[39]))
		t.Log(a.log.dump(ids[40]))
	})
}

func rnstestBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rnstestRandom(5).Read(b)
	return b
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
