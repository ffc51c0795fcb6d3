package node_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

func TestDestinationsOfOneNodeReachEachOther(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		end := mem.New("e")
		n.Add(end, rnstest.Open())
		var got received
		packets := make(chan string, 10)
		in := n.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.Ratchets = node.Ratchets{Name: "own/r", Enforce: rns.RatchetsEnforced}
			c.OnLink = func(*node.Link) node.LinkHandler {
				return node.LinkHandler{OnResource: got.accept, OnPacket: func(_ *node.Link, p *node.LinkPacket) {
					packets <- string(p.Data)
					_ = p.Prove()
				}}
			}
			c.Requests = []node.RequestHandler{{Path: "/echo", Policy: node.AllowAll, Serve: func(r *node.Request) (*node.Response, error) {
				return &node.Response{Value: r.Data}, nil
			}}}
		})
		if err := in.Destination.Announce(t.Context(), node.AnnounceOptions{AppData: []byte("me")}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		end.Drain()
		if p, err := n.AwaitPath(t.Context(), in.Addr()); err != nil || p.Hops != 0 {
			t.Errorf("path %+v: %v", p, err)
		}
		if k, err := n.Recall(t.Context(), in.Addr()); err != nil || !k.Local || string(k.AppData) != "me" {
			t.Errorf("recalled %+v: %v", k, err)
		}
		r, err := n.SendPacket(t.Context(), in.Addr(), []byte("hello"), node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		err = r.Wait(t.Context())
		w.Settle() // the proof does not wait for the callback
		if texts := in.Texts(); err != nil || len(texts) != 1 || texts[0] != "hello" {
			t.Errorf("packet %q: %v", texts, err)
		}
		closed := make(chan error, 1)
		l, err := n.OpenLink(t.Context(), in.Addr(), node.LinkHandler{OnClosed: func(_ *node.Link, err error) { closed <- err }})
		if err != nil {
			t.Fatal(err)
		}
		if r, err = l.Send(t.Context(), []byte("on a link"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); err != nil || <-packets != "on a link" {
			t.Errorf("link packet: %v", err)
		}
		v, err := l.RequestValue(t.Context(), "/echo", msgpack.Str("?"), node.RequestOptions{})
		if s, _ := v.Text(); err != nil || s != "?" {
			t.Errorf("request: %q %v", s, err)
		}
		tr, err := l.SendResource(t.Context(), bytes.NewReader(pattern(3_000_000)), 3_000_000, node.ResourceOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := tr.Wait(t.Context()); err != nil || !bytes.Equal(got.list()[0].Data, pattern(3_000_000)) {
			t.Errorf("resource: %v", err)
		}
		w.Run(30 * time.Minute) // keepalives
		if s := l.State(); s != node.LinkActive {
			t.Errorf("link is %v", s)
		}
		l.Close()
		if err := <-closed; err != nil {
			t.Error(err)
		}
		w.Settle()
		if c, _ := n.Counts(t.Context()); c.Links != 0 || c.Receipts != 0 {
			t.Errorf("left behind: %+v", c)
		}
		if sent := end.Drain(); len(sent) != 0 {
			t.Errorf("%d frames went out to the network", len(sent))
		}
	})
}

func TestLocalRefusals(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		in := n.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Links, c.Proofs = node.RefuseLinks, node.ProveNone })
		if _, err := n.OpenLink(t.Context(), in.Addr(), node.LinkHandler{}); !errors.Is(err, node.ErrLinkTimeout) {
			t.Errorf("refused link: %v", err)
		}
		r, err := n.SendPacket(t.Context(), in.Addr(), nil, node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Wait(t.Context()); !errors.Is(err, node.ErrNoProof) {
			t.Errorf("never proved: %v", err)
		}
	})
}
