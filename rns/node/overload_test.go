package node_test

import (
	"errors"
	"syscall"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// TestFailureApplicationIsSlow: packets that the application cannot take in time are dropped without a proof, a bounded
// number of them waits, and those are delivered.
func TestFailureApplicationIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b", func(c *node.Config) { c.Params.LinkInbox = 40_000 })
		cable := w.Connect(a, b, mem.Conditions{})
		block, got := make(chan struct{}), 0
		in := b.Inbox("test.inbox", answering(node.LinkHandler{OnPacket: func(_ *node.Link, p *node.LinkPacket) {
			<-block
			got++
			_ = p.Prove()
		}}))
		in.Announce()
		w.Settle()
		l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		var receipts []*node.Receipt
		for range 100 {
			r, err := l.Send(t.Context(), pattern(300), node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
			w.Settle()
		}
		dropped := verdicts(t, b, cable.OnB)[rns.VerdictOverload]
		close(block)
		w.Run(10 * time.Second)
		proved := 0
		for _, r := range receipts {
			if r.Wait(t.Context()) == nil {
				proved++
			}
		}
		if dropped < 70 || got != 100-int(dropped) || proved != got {
			t.Errorf("%d dropped, %d delivered, %d proved", dropped, got, proved)
		}
		if _, err := l.Send(t.Context(), []byte("again"), node.SendOptions{}); err != nil {
			t.Error(err)
		}
		w.Settle()
		if got != 101-int(dropped) {
			t.Error("nothing is delivered any more")
		}
	})
}

// TestFailureDestinationIsSlow: a bounded number of packets of the usual size waits for a destination; what is dropped is not
// proved.
func TestFailureDestinationIsSlow(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b", func(c *node.Config) { c.Params.CallbackBacklog = 10 })
		cable := w.Connect(a, b, mem.Conditions{})
		block, got := make(chan struct{}), 0
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) {
			c.OnPacket = func(*node.Packet) {
				<-block
				got++
			}
		})
		in.Announce()
		w.Settle()
		var receipts []*node.Receipt
		for range 50 {
			r, err := a.SendPacket(t.Context(), in.Addr(), []byte("x"), node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			receipts = append(receipts, r)
			w.Settle()
		}
		v := verdicts(t, b, cable.OnB)
		close(block)
		w.Run(time.Minute)
		proved := 0
		for _, r := range receipts {
			if r.Wait(t.Context()) == nil {
				proved++
			}
		}
		if v[rns.VerdictOverload] != 39 || got != 11 || proved != 11 {
			t.Errorf("%d dropped, %d delivered, %d proved", v[rns.VerdictOverload], got, proved)
		}
		cable.B.Inject(pack(t, rns.Packet{Dest: in.Addr(), Data: pattern(460)}))
		large := rns.Packet{Dest: in.Addr(), Data: pattern(600)}.Append(nil)
		cable.B.Inject(large)
		w.Settle()
		if n := verdicts(t, b, cable.OnB)[rns.VerdictTooLong]; n != 1 {
			t.Errorf("%d packets were too long", n)
		}
	})
}

// TestFailureUnreadablePackets: a flood of packets that no key opens stops the search among all old ratchets for a while; the
// newest ones still open what they should.
func TestFailureUnreadablePackets(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox", func(c *node.DestinationConfig) { c.Ratchets = node.Ratchets{Name: "own/ratchets"} })
		var keys []rns.RatchetPublic
		stop := a.OnAnnounce(node.AnnounceHandler{Handle: func(h node.Announced) { keys = append(keys, *h.Ratchet) }})
		defer stop()
		for range 12 {
			in.Announce()
			w.Run(31 * time.Minute)
		}
		sent := uint64(0)
		send := func(key rns.RatchetPublic) int {
			sent++
			before := len(in.Packets())
			data, err := in.Identity().Public().Encrypt(rnstest.Random(sent+7000), []byte("x"), &key)
			if err != nil {
				t.Fatal(err)
			}
			cable.B.Inject(pack(t, rns.Packet{Dest: in.Addr(), Data: data}))
			w.Settle()
			return len(in.Packets()) - before
		}
		oldest, newest := keys[0], keys[len(keys)-1]
		if len(keys) != 12 || send(oldest) != 1 || send(newest) != 1 {
			t.Fatalf("%d ratchets; not in the state of the test", len(keys))
		}
		noise := rnstest.Random(7100)
		for range 100 {
			data := make([]byte, 112)
			_, _ = noise.Read(data)
			cable.B.Inject(pack(t, rns.Packet{Dest: in.Addr(), Data: data}))
			w.Settle()
		}
		if v := verdicts(t, b, cable.OnB)[rns.VerdictUndecryptable]; v != 100 {
			t.Errorf("%d undecryptable", v)
		}
		if send(newest) != 1 || send(oldest) != 0 {
			t.Error("during the flood: not the newest ratchets only")
		}
		w.Run(11 * time.Second)
		if send(oldest) != 1 {
			t.Error("after the flood: an old ratchet is not tried")
		}
	})
}

// TestFailurePeersDoNotRead: what waits for all interfaces together is bounded; each keeps room for a few packets.
func TestFailurePeersDoNotRead(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		const total = 20_000
		n := w.Transport("n", func(c *node.Config) { c.Params.QueueTotal = total })
		in := n.Inbox("test.inbox")
		for i := range 20 {
			x, y := mem.Pair("a"+string(rune('a'+i)), "b"+string(rune('a'+i)), mem.Conditions{Bandwidth: 8}) // a byte per second
			n.Add(x, rnstest.Open())
			w.Node("peer"+string(rune('a'+i))).Add(y, rnstest.Open())
		}
		for range 60 {
			in.Announce()
			w.Run(10 * time.Millisecond)
		}
		waiting, dropped := 0, uint64(0)
		all, err := n.Interfaces(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			waiting += s.QueuedBytes
			dropped += s.Count.Verdicts[rns.VerdictQueueFull]
			if s.QueuedBytes == 0 {
				t.Errorf("%s holds nothing", s.Info.Name)
			}
		}
		if waiting > total+20*8*rns.MTU || dropped == 0 {
			t.Errorf("%d bytes wait, %d dropped", waiting, dropped)
		}
	})
}

// fullDisk is a storage on which nothing can be written while full is set.
type fullDisk struct {
	node.MemStorage
	full bool
}

func (d *fullDisk) Write(name string, b []byte) error {
	if d.full {
		return &diskError{name}
	}
	return d.MemStorage.Write(name, b)
}

type diskError struct{ name string }

func (e *diskError) Error() string { return "write " + e.name + ": no space left on device" }
func (e *diskError) Unwrap() error { return syscall.ENOSPC }

// TestFailureStorageIsFull: a node whose disk is full says so and goes on in memory; what it had saved stays.
func TestFailureStorageIsFull(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		disk := new(fullDisk)
		n, err := node.New(node.DefaultConfig(), node.WithStorage(disk), node.WithRandom(rnstest.Random(5)))
		if err != nil {
			t.Fatal(err)
		}
		problems := 0
		n.OnEvent(func(e node.Event) {
			if e.Kind == node.EventStorage && errors.Is(e.Err, syscall.ENOSPC) {
				problems++
			}
		})
		if err := n.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		end := mem.New("end")
		if _, err := n.AddInterface(end, rnstest.Open()); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		a, raw := announceOf(t, 5000)
		end.Inject(raw)
		w.Settle()
		if err := n.Save(t.Context()); err != nil {
			t.Fatal(err)
		}
		saved, err := disk.Read("known_destinations")
		if err != nil {
			t.Fatal(err)
		}
		disk.full = true
		b, raw := announceOf(t, 5002)
		end.Inject(raw)
		w.Settle()
		err = n.Save(t.Context())
		w.Settle()
		if !errors.Is(err, syscall.ENOSPC) || problems == 0 {
			t.Errorf("saving: %v, %d reported", err, problems)
		}
		for _, dest := range []rns.Addr{a.Dest, b.Dest} {
			if _, err := n.Recall(t.Context(), dest); err != nil {
				t.Errorf("forgotten: %v", err)
			}
		}
		if now, err := disk.Read("known_destinations"); err != nil || string(now) != string(saved) {
			t.Errorf("what was saved has changed: %v", err)
		}
		disk.full = false
		if err := n.Close(); err != nil {
			t.Error(err)
		}
		if now, _ := disk.Read("known_destinations"); len(now) <= len(saved) {
			t.Error("not saved when there was room again")
		}
	})
}
