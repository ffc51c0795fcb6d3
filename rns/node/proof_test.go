package node_test

import (
	"fmt"
	"testing"
	"time"

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
