package router_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// stranger opens a link to a user without a router of its own, so that it can send what no router would.
func stranger(t *testing.T, w *world, at *user, n *user) *node.Link {
	t.Helper()
	l, err := n.node.OpenLink(t.Context(), at.Address(), node.LinkHandler{})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	return l
}

// TestFailureMalformedMessages: what is no message is proved, because sending it again cannot help, and never stored.
func TestFailureMalformedMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 60, delay)
		l := stranger(t, w, b, a)
		whole, err := a.message(b, "hello").Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		elsewhere, err := a.message(a, "for somebody else").Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		deep := append([]byte(nil), whole[:96]...)
		for range 200 {
			deep = append(deep, 0x91) // arrays in arrays
		}
		huge := append(append([]byte(nil), whole[:96]...), 0xdd, 0xff, 0xff, 0xff, 0xff)
		for name, packed := range map[string][]byte{
			"empty": {}, "one byte": {1}, "cut in the header": whole[:40], "cut in the signature": whole[:90],
			"cut in the payload": whole[:len(whole)-3], "for somebody else": elsewhere, "deep": deep, "four thousand million fields": huge,
			"noise": []byte(random(400)),
		} {
			r, err := l.Send(t.Context(), packed, node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, size := range []int{2_000, 2 << 20} { // as resources, in memory and in a file
			tr, err := l.SendResource(t.Context(), strings.NewReader(random(size)), int64(size), node.ResourceOptions{})
			if err != nil {
				t.Fatal(err)
			}
			w.Run(time.Minute)
			if s := tr.Status(); s.State != node.TransferComplete {
				t.Errorf("noise of %d bytes: %v, %v", size, s.State, s.Err)
			}
		}
		if n := b.inbox.called(); n != 0 {
			t.Errorf("%d messages were offered for storing", n)
		}
		id := a.send(b, "hello")
		w.Run(5 * time.Second)
		a.expect(id, router.KindDelivered, "")
	})
}

// TestFailureForgedAuthor: a message whose signature is not of its author arrives marked as such, never as good; one of an
// author nobody knows is marked as unknown.
func TestFailureForgedAuthor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 61, delay)
		l := stranger(t, w, b, a)
		forged := lxmf.New(b.Address(), a.Address(), a.node.Now(), nil, []byte("not by a"))
		forged.Sign(w.Identity(7))
		broken := a.message(b, "broken")
		broken.Signature[5] ^= 1
		unknown := lxmf.New(b.Address(), lxmf.DeliveryHash(w.Identity(8).Hash()), a.node.Now(), nil, []byte("by nobody"))
		unknown.Sign(w.Identity(8))
		for _, m := range []*lxmf.Message{forged, broken, unknown} {
			packed, err := m.Pack(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Send(t.Context(), packed, node.SendOptions{}); err != nil {
				t.Fatal(err)
			}
			w.Run(time.Second)
		}
		want := []lxmf.Unverified{lxmf.SignatureInvalid, lxmf.SignatureInvalid, lxmf.SourceUnknown}
		got := b.inbox.all()
		if len(got) != len(want) {
			t.Fatalf("%d arrived", len(got))
		}
		for i, m := range got {
			if m.Unverified != want[i] {
				t.Errorf("%q is %v", m.Message.Content, m.Unverified)
			}
		}
	})
}

// TestFailureDuplicateMessages: one message that comes in every form and over several links is stored once.
func TestFailureDuplicateMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, b, _ := pair(t, 62, delay)
		packed, err := a.message(b, "once").Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			l := stranger(t, w, b, a)
			for range 3 {
				if _, err := l.Send(t.Context(), packed, node.SendOptions{}); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := a.node.SendPacket(t.Context(), b.Address(), packed[rns.AddrSize:], node.SendOptions{}); err != nil {
				t.Fatal(err)
			}
			w.Run(time.Second)
		}
		if n := len(b.inbox.all()); n != 1 {
			t.Errorf("%d copies", n)
		}
	})
}

// TestFailureMessageFlood: while the store is slow a bounded number of messages waits, those of one author even fewer. The
// others get no proof; their senders come back, and all arrive once.
func TestFailureMessageFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := router.DefaultParams()
		p.Receivers, p.MaxBacklog, p.MaxSourceBacklog = 1, 8, 4
		w := newWorld(t, 63)
		x := w.Node("x")
		b := w.user(x, func(c *router.Config) { c.Params = p })
		slow := make(chan struct{})
		b.inbox.fail = func(router.Inbound) error { <-slow; return nil }
		var senders []*user
		for i := range 4 {
			n := w.Node(fmt.Sprint("n", i))
			w.Connect(x, n, mem.Conditions{Delay: time.Millisecond})
			senders = append(senders, w.user(n))
		}
		b.announce()
		var ids [4][]rns.Hash
		for i, s := range senders {
			for j := range 10 {
				ids[i] = append(ids[i], s.send(b, fmt.Sprint(i, j)))
			}
		}
		w.Run(time.Second)
		s, err := b.Snapshot(t.Context())
		if err != nil || s.Arriving == 0 || s.Arriving > 8 {
			t.Errorf("%d wait, %v", s.Arriving, err)
		}
		close(slow)
		w.Run(10 * time.Minute)
		for i, s := range senders {
			for _, id := range ids[i] {
				s.expect(id, router.KindDelivered, "")
			}
		}
		if n := len(b.inbox.all()); n != 40 {
			t.Errorf("%d arrived", n)
		}
	})
}

// TestFailureTooMuchArriving: only so much is received at once. Who comes when there is no room is put off, not refused,
// and everything arrives once.
func TestFailureTooMuchArriving(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := router.DefaultParams()
		p.MaxSpool = 300_000
		w := newWorld(t, 64)
		x := w.Node("x")
		b := w.user(x, func(c *router.Config) { c.Params = p })
		var senders []*user
		for i := range 4 {
			n := w.Node(fmt.Sprint("n", i))
			w.Connect(x, n, mem.Conditions{Delay: 20 * time.Millisecond, Bandwidth: 400_000})
			senders = append(senders, w.user(n))
		}
		b.announce()
		var ids []rns.Hash
		for _, s := range senders {
			ids = append(ids, s.send(b, random(200_000)))
		}
		most := int64(0)
		for range 600 {
			w.Run(100 * time.Millisecond)
			s, err := b.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			most = max(most, s.ArrivingBytes)
		}
		if most == 0 || most > p.MaxSpool {
			t.Errorf("%d bytes were arriving at once", most)
		}
		w.Run(20 * time.Minute)
		for i, s := range senders {
			s.expect(ids[i], router.KindDelivered, "")
		}
		if n := len(b.inbox.all()); n != 4 {
			t.Errorf("%d arrived", n)
		}
	})
}

// TestFailureStoreStaysFull: a receiver whose disk is full for half a minute gets every message in the end, large and
// small, and the sender does not give up on it sooner than on anybody else.
func TestFailureStoreStaysFull(t *testing.T) {
	for _, size := range []int{10, 2_000, 2 << 20} {
		synctest.Test(t, func(t *testing.T) {
			w, a, b, _ := pair(t, 65, delay)
			var full atomic.Bool
			full.Store(true)
			b.inbox.fail = func(router.Inbound) error {
				if full.Load() {
					return errDisk
				}
				return nil
			}
			id := a.send(b, random(size))
			w.Run(30 * time.Second)
			if k := a.log.last(id).Kind; k == router.KindDelivered || k == router.KindFailed {
				t.Fatalf("%d bytes: %s while the disk was full\n%s", size, k, a.log.dump(id))
			}
			full.Store(false)
			w.Run(3 * time.Minute)
			a.expect(id, router.KindDelivered, "")
			if n := len(b.inbox.all()); n != 1 {
				t.Errorf("%d bytes: %d copies", size, n)
			}
		})
	}
}
