package node_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

// A handler registered while a link is open serves that link, too. spec: rns-link §7.3
func TestHandlersRegisteredLateServeOpenLinks(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Run(10 * time.Second)
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		ask := func() error {
			_, err := l.RequestValue(t.Context(), "/late", msgpack.Nil(), node.RequestOptions{Timeout: time.Second})
			return err
		}
		if ask() == nil {
			t.Fatal("answered without a handler")
		}
		d, _ := b.Destination(t.Context(), in.Addr())
		d.Handle(node.RequestHandler{Path: "/late", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
			return node.BytesResponse([]byte("here")), nil
		}})
		w.Settle()
		if err := ask(); err != nil {
			t.Errorf("after registering: %v", err)
		}
		d.Unhandle("/late")
		w.Settle()
		if ask() == nil {
			t.Error("answered after the handler was removed")
		}
	})
}

// The same tag gets the same answer for a while, another one a new announce. spec: rns-core §6.4
func TestAnswersToOneTagAreRepeated(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a := w.Node("a")
		end := mem.New("end")
		a.Add(end, rnstest.Open())
		d, _ := a.Destination(t.Context(), a.Inbox("test.inbox").Addr())
		answer := func(tag string) []byte {
			if err := d.Announce(t.Context(), node.AnnounceOptions{Answer: []byte(tag)}); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			sent := end.Drain()
			if len(sent) != 1 {
				t.Fatalf("%d frames", len(sent))
			}
			p, err := rns.ParsePacket(sent[0].Data)
			if err != nil || p.Context != rns.ContextPathResponse {
				t.Fatalf("%v, %v", p.Context, err)
			}
			return p.Data
		}
		first := answer("one")
		if !bytes.Equal(first, answer("one")) {
			t.Error("the same tag got another answer")
		}
		if bytes.Equal(first, answer("two")) {
			t.Error("another tag got the same answer")
		}
		w.Run(31 * time.Second)
		if bytes.Equal(first, answer("one")) {
			t.Error("the answer outlived its memory")
		}
	})
}

// Proofs follow the strategy that a destination was given last. spec: rns-core §5.4
func TestProofsCanBeChanged(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Proofs = node.ProveNone })
		in.Announce()
		w.Run(10 * time.Second)
		d, _ := b.Destination(t.Context(), in.Addr())
		for _, c := range []struct {
			set  node.ProofStrategy
			want bool
		}{{node.ProveNone, false}, {node.ProveAll, true}, {node.ProveNone, false}} {
			d.SetProofs(c.set)
			r, err := a.SendPacket(t.Context(), in.Addr(), []byte("hello"), node.SendOptions{Timeout: time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); (err == nil) != c.want {
				t.Errorf("strategy %d: %v", c.set, err)
			}
		}
	})
}

// Driving reaches the machines, carries out their effects, and ends with their owners.
func TestDriveCarriesOutEffects(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		l := linked(t, w, mem.Conditions{}, node.LinkHandler{}, func(*node.DestinationConfig) {})
		a := l.Node()
		err := a.Drive(t.Context(), func(now time.Time, m *transport.Machine) *transport.Effects {
			return m.Blackhole(now, transport.Blackhole{Identity: rns.Addr{9}})
		})
		if list, lerr := a.Blackholed(t.Context()); err != nil || lerr != nil || len(list) != 1 {
			t.Errorf("%v, %v, %v", list, err, lerr)
		}
		var raw []byte
		err = l.Drive(t.Context(), func(now time.Time, m *link.Link) (*link.Effects, error) {
			fx, err := m.SendContext(now, rns.ContextNone, []byte("driven"))
			raw = slices.Clone(fx.Send[0].Raw)
			return fx, err
		})
		if err != nil || len(raw) == 0 {
			t.Errorf("%d bytes, %v", len(raw), err)
		}
		l.Close()
		<-l.Done()
		if err := l.Drive(t.Context(), func(time.Time, *link.Link) (*link.Effects, error) { return nil, nil }); err == nil {
			t.Error("a link that has ended was driven")
		}
		if s, err := l.Snapshot(t.Context()); err != nil || s.State != link.Dead || s.Reason != link.ReasonInitiatorClosed {
			t.Errorf("last snapshot: %v, %v, %v", s.State, s.Reason, err)
		}
	})
}
