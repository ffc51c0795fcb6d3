package node_test

import (
	"fmt"
	"io"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestEarlyProofsAreHeld: a sender that is not known to take a proof at once gets it some milliseconds after its packet, and
// all of them in order; our own kind does not wait. spec: rns-link §6.1
func TestEarlyProofsAreHeld(t *testing.T) {
	for _, c := range []struct {
		marks link.MarkMode
		want  time.Duration
	}{{link.MarksOn, 0}, {link.MarksOff, 3 * time.Millisecond}} {
		t.Run(fmt.Sprint(c.want), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *rnstest.Network) {
				a := w.Node("a", func(conf *node.Config) { conf.Params.Link.Marks = c.marks })
				b := w.Node("b")
				w.Connect(a, b, mem.Conditions{})
				in := b.Inbox("test.inbox")
				in.Announce()
				w.Run(time.Second)
				var receipts []*node.Receipt
				for i := range 5 {
					r, err := a.SendPacket(t.Context(), in.Addr(), []byte{byte(i)}, node.SendOptions{})
					if err != nil {
						t.Fatal(err)
					}
					receipts = append(receipts, r)
					w.Run(time.Millisecond)
				}
				w.Run(time.Second)
				for i, r := range receipts {
					if s := r.Status(); s.State != node.ReceiptDelivered || s.RTT() != c.want {
						t.Errorf("packet %d: %v after %v", i, s.State, s.RTT())
					}
				}
			})
		})
	}
}

// TestEarlyLinkProofsAreHeld: who sends a link request may not be ready to learn at once that the link is up. The proof waits,
// until the neighbour is known as one of our own kind, and again after the connection broke. spec: rns-link §6.1
func TestEarlyLinkProofsAreHeld(t *testing.T) {
	const held = 3 * time.Millisecond
	single := mem.WithInfo(func(i *iface.Info) { i.Tunnel = true })
	for _, c := range []struct {
		name  string
		marks link.MarkMode
		opts  []mem.Option
		want  []time.Duration
	}{
		{"our own kind", link.MarksOn, []mem.Option{single}, []time.Duration{held, 0, 0}},
		{"a stranger", link.MarksOff, []mem.Option{single}, []time.Duration{held, held, held}},
		{"several behind one interface", link.MarksOn, nil, []time.Duration{held, held, held}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *rnstest.Network) {
				a := w.Node("a", func(conf *node.Config) { conf.Params.Link.Marks = c.marks })
				b := w.Node("b")
				cable := w.Connect(a, b, mem.Conditions{}, c.opts...)
				in := b.Inbox("test.inbox")
				in.Announce()
				w.Run(time.Second)
				open := func() time.Duration {
					start := time.Now()
					l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
					if err != nil {
						t.Fatal(err)
					}
					took := time.Since(start)
					w.Run(time.Second)
					l.Close()
					w.Run(time.Second)
					return took
				}
				for i, want := range c.want {
					if took := open(); took != want {
						t.Errorf("link %d took %v, want %v", i, took, want)
					}
				}
				cable.B.Break(io.ErrUnexpectedEOF)
				w.Run(time.Second)
				cable.B.Repair()
				w.Run(10 * time.Second)
				if took := open(); took != held {
					t.Errorf("after the break: %v", took)
				}
			})
		})
	}
}
