package node_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// slowLink opens a link over a medium of bps bit/s. It returns the interfaces' nodes too.
func slowLink(t *testing.T, w *rnstest.Network, bps int64, d func(*node.DestinationConfig), change ...func(*node.Config)) (*node.Link, *rnstest.Cable) {
	t.Helper()
	a, b := w.Node("a", change...), w.Node("b", change...)
	cable := w.Connect(a, b, mem.Conditions{Bandwidth: bps, Delay: 10 * time.Millisecond}, mem.WithBitrate(bps))
	in := b.Inbox("test.inbox", d)
	in.Announce()
	w.Run(20 * time.Second)
	l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
	if err != nil {
		t.Fatal(err)
	}
	return l, cable
}

// TestLinkPacketsWaitForRoom: packets sent all at once on a slow medium wait in the link, leave one by one in order, between the
// parts of a resource, and the wait for a proof begins when its packet leaves.
func TestLinkPacketsWaitForRoom(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		var got []string
		file := pattern(6_000)
		arrived := false
		l, cable := slowLink(t, w, 1200, answering(node.LinkHandler{
			OnPacket: func(_ *node.Link, p *node.LinkPacket) {
				got = append(got, string(p.Data[:3]))
				if err := p.Prove(); err != nil {
					t.Error(err)
				}
			},
			OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
				return &node.ResourceAcceptance{Conclude: func(_ *node.Link, r node.IncomingResource) error {
					arrived = bytes.Equal(r.Data, file)
					return r.Err
				}}
			},
		}))
		var receipts []*node.Receipt
		transfer, err := l.SendResource(t.Context(), bytes.NewReader(file), int64(len(file)), node.ResourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		data := make([]byte, 300)
		for i := range 30 {
			copy(data, fmt.Sprintf("%03d", i)) // the link must keep a copy
			r, err := l.Send(t.Context(), data, node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
		}
		for i, r := range receipts {
			if err := r.Wait(t.Context()); err != nil {
				t.Errorf("packet %d: %v", i, err)
			}
			if s := r.Status(); s.RTT() > 15*time.Second || s.Hash.IsZero() {
				t.Errorf("packet %d took %v, hash %v", i, s.RTT(), s.Hash)
			}
		}
		if err := transfer.Wait(t.Context()); err != nil || !arrived {
			t.Errorf("resource arrived %v: %v", arrived, err)
		}
		for i, text := range got {
			if text != fmt.Sprintf("%03d", i) {
				t.Fatalf("order %v", got)
			}
		}
		for id, n := range map[node.InterfaceID]*node.Node{cable.OnA: l.Node()} {
			s, err := n.InterfaceStatus(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			if d := s.Count.Verdicts[rns.VerdictQueueFull]; d > 0 {
				t.Errorf("%d packets were dropped", d)
			}
		}
	})
}

// TestLinkOutboxEnds: what waits in a link is bounded, and fails when the link ends.
func TestLinkOutboxEnds(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		const most = 20
		l, _ := slowLink(t, w, 1200, answering(node.LinkHandler{}), func(c *node.Config) { c.Params.Link.MaxReceipts = most })
		var last *node.Receipt
		var refused error
		for range 3 * most {
			r, err := l.Send(t.Context(), make([]byte, 400), node.SendOptions{})
			if err != nil {
				refused = err
				break
			}
			last = r
		}
		if !errors.Is(refused, node.ErrBusy) {
			t.Errorf("refused with %v", refused)
		}
		if _, err := l.Send(t.Context(), make([]byte, l.MDU()+1), node.SendOptions{}); !errors.Is(err, node.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		l.Close()
		if err := last.Wait(t.Context()); !errors.Is(err, node.ErrLinkClosed) {
			t.Errorf("waiting packet of a closed link: %v", err)
		}
		if _, err := l.Send(t.Context(), []byte("late"), node.SendOptions{}); !errors.Is(err, link.ErrClosed) {
			t.Errorf("send after the end: %v", err)
		}
	})
}

// TestControlOverBound: when datagrams have filled a queue, packets of links still pass.
func TestControlOverBound(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		l, cable := slowLink(t, w, 1200, answering(node.LinkHandler{}))
		for range 40 {
			if err := l.Node().SendPlain(t.Context(), rns.PlainHash("test.plain"), pattern(400), node.SendOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		full := func() uint64 {
			s, err := l.Node().InterfaceStatus(t.Context(), cable.OnA)
			if err != nil {
				t.Fatal(err)
			}
			return s.Count.Verdicts[rns.VerdictQueueFull]
		}
		before := full()
		if before == 0 {
			t.Fatal("the queue is not full")
		}
		if err := l.SendContext(t.Context(), rns.ContextNone, []byte("control")); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		if now := full(); now != before {
			t.Errorf("%d packets of the link were dropped", now-before)
		}
	})
}
