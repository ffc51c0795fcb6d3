package rnstest

import (
	"bytes"
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

func TestPacketAcrossThreeTransportNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(t, 1)
		a, b := w.Node("a"), w.Node("b")
		t1, t2, t3 := w.Transport("t1"), w.Transport("t2"), w.Transport("t3")
		c := mem.Conditions{Delay: 10 * time.Millisecond}
		w.Connect(a, t1, c)
		w.Connect(t1, t2, c)
		w.Connect(t2, t3, c)
		w.Connect(t3, b, c)
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(10 * time.Second)
		if h := a.HopsTo(t.Context(), in.Addr()); h != 4 {
			t.Fatalf("path of %d hops", h)
		}
		r, err := a.SendPacket(t.Context(), in.Addr(), []byte("hello"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{"hello"}, in.Texts()); d != "" {
			t.Error(d)
		}
		if rtt := r.Status().RTT(); rtt < 80*time.Millisecond || rtt > 90*time.Millisecond {
			t.Errorf("round trip took %v over 8 hops of 10 ms", rtt)
		}
	})
}

func TestLinkAcrossATransportNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := New(t, 2)
		a, b, hub := w.Node("a"), w.Node("b"), w.Transport("hub")
		c := mem.Conditions{Delay: 5 * time.Millisecond}
		w.Connect(a, hub, c)
		w.Connect(hub, b, c)
		var got bytes.Buffer
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.OnLink = func(*node.Link) node.LinkHandler {
				return node.LinkHandler{
					OnPacket: func(l *node.Link, p *node.LinkPacket) {
						got.Write(p.Data)
						if err := p.Prove(); err != nil {
							t.Error(err)
						}
					},
				}
			}
		})
		in.Announce()
		w.Run(10 * time.Second)
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		r, err := l.Send(t.Context(), []byte("over the link"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got.String() != "over the link" {
			t.Errorf("got %q", got.String())
		}
		l.Close()
		<-l.Done()
		if err := l.Err(); err != nil {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.Send(ctx, []byte("too late"), node.SendOptions{}); err == nil {
			t.Error("closed link took a packet")
		}
	})
}
