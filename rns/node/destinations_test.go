package node_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// spec: rns-core §5.3
func TestRegisterTwice(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		in := n.Inbox("test.inbox")
		if _, err := n.Register(node.DestinationConfig{Identity: in.Identity(), Name: "test.inbox"}); !errors.Is(err, node.ErrRegistered) {
			t.Errorf("registered twice: %v", err)
		}
		if err := in.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Register(node.DestinationConfig{Identity: in.Identity(), Name: "test.inbox"}); err != nil {
			t.Errorf("not registered again: %v", err)
		}
	})
}

// spec: rns-core §5.4
func TestProofStrategies(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		kept := make(chan *node.Packet, 3)
		strategy := func(s node.ProofStrategy) func(*node.DestinationConfig) {
			return func(c *node.DestinationConfig) {
				c.Proofs = s
				c.OnPacket = func(p *node.Packet) { kept <- p }
			}
		}
		none, app, all := b.Inbox("t.none", strategy(node.ProveNone)), b.Inbox("t.app", strategy(node.ProveApp)), b.Inbox("t.all", strategy(node.ProveAll))
		for _, in := range []*rnstest.Inbox{none, app, all} {
			in.Announce()
		}
		w.Settle()
		send := func(in *rnstest.Inbox) *node.Receipt {
			r, err := a.SendPacket(t.Context(), in.Addr(), []byte("x"), node.SendOptions{Timeout: 3 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			return r
		}
		if err := send(all).Wait(t.Context()); err != nil {
			t.Errorf("prove all: %v", err)
		}
		<-kept
		r := send(none)
		if err := (<-kept).Prove(); err != nil {
			t.Error(err)
		}
		if err := r.Wait(t.Context()); !errors.Is(err, node.ErrNoProof) {
			t.Errorf("prove none: %v", err)
		}
		var concluded []node.ReceiptState
		r, err := a.SendPacket(t.Context(), app.Addr(), []byte("x"), node.SendOptions{
			OnConclude: func(s node.ReceiptStatus) { concluded = append(concluded, s.State) },
		})
		if err != nil {
			t.Fatal(err)
		}
		p := <-kept
		w.Run(2 * time.Second)
		if s := r.Status().State; s != node.ReceiptSent {
			t.Errorf("%v before the application proved", s)
		}
		if err := p.Prove(); err != nil {
			t.Error(err)
		}
		if err := r.Wait(t.Context()); err != nil {
			t.Errorf("prove app: %v", err)
		}
		w.Settle()
		if d := cmp.Diff([]node.ReceiptState{node.ReceiptDelivered}, concluded); d != "" {
			t.Error(d)
		}
	})
}

func TestPlainAndGroupReachNeighboursOnly(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, hub, far := w.Node("a"), w.Transport("hub"), w.Node("far")
		w.Connect(a, hub, mem.Conditions{})
		w.Connect(hub, far, mem.Conditions{})
		key := pattern(64)
		plain := func(c *node.DestinationConfig) { c.Identity = nil }
		group := func(c *node.DestinationConfig) { c.Identity, c.GroupKey = nil, key }
		nearPlain, farPlain := hub.Inbox("t.plain", plain), far.Inbox("t.plain", plain)
		nearGroup := hub.Inbox("t.group", group)
		if err := a.SendPlain(t.Context(), nearPlain.Addr(), []byte("open"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := a.SendGroup(t.Context(), nearGroup.Addr(), key, []byte("closed"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		if err := a.SendGroup(t.Context(), nearGroup.Addr(), pattern(32), []byte("wrong key"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Run(5 * time.Second)
		if d := cmp.Diff([][]string{{"open"}, {"closed"}, nil}, [][]string{nearPlain.Texts(), nearGroup.Texts(), farPlain.Texts()}); d != "" {
			t.Error(d)
		}
		if err := nearPlain.Destination.Announce(t.Context(), node.AnnounceOptions{}); !errors.Is(err, node.ErrNeedsIdentity) {
			t.Errorf("plain destination announced: %v", err)
		}
	})
}

// spec: rns-core §4.4
func TestRatchetsRotateAndSurviveARestart(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		cable := w.Connect(a, b, mem.Conditions{})
		id := w.Identity(500)
		ratcheted := func(c *node.DestinationConfig) {
			c.Identity = id
			c.Ratchets = node.Ratchets{Name: "own/ratchets", Enforce: rns.RatchetsEnforced}
		}
		in := b.Inbox("test.inbox", ratcheted)
		if _, err := b.Storage.Read("own/ratchets"); err != nil {
			t.Fatal(err)
		}
		seen := make(map[rns.RatchetID]int)
		send := func(from *rnstest.Node, in *rnstest.Inbox) {
			t.Helper()
			before := len(in.Packets())
			r, err := from.SendPacket(t.Context(), in.Addr(), []byte("x"), node.SendOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if err := r.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			p := in.Packets()[before]
			if p.Ratchet == nil {
				t.Fatal("packet without ratchet")
			}
			seen[*p.Ratchet]++
		}
		for range 3 { // two announces within the interval, then one after it
			in.Announce()
			w.Run(2 * time.Second)
			send(a, in)
			w.Run(16 * time.Minute)
		}
		if len(seen) != 2 {
			t.Errorf("%d ratchets were used", len(seen))
		}
		b2 := b.Restart()
		if err := a.RemoveInterface(t.Context(), cable.OnA); err != nil {
			t.Fatal(err)
		}
		w.Connect(a, b2, mem.Conditions{})
		again := b2.Inbox("test.inbox", ratcheted)
		send(a, again) // a still encrypts to a ratchet of before the restart
		if len(seen) != 2 {
			t.Errorf("%d ratchets were used", len(seen))
		}
		k, err := a.Recall(t.Context(), in.Addr())
		if err != nil || !k.Ratchet {
			t.Errorf("recalled %+v: %v", k, err)
		}
	})
}

func TestDamagedRatchetFileIsAnError(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Node("n")
		other := w.Identity(1)
		for name, content := range map[string][]byte{
			"damaged": []byte("nonsense"), "foreign": rns.AppendRatchetFile(nil, other, nil),
		} {
			if err := n.Storage.Write(name, content); err != nil {
				t.Fatal(err)
			}
			_, err := n.Register(node.DestinationConfig{
				Identity: w.Identity(2), Name: "test.inbox", Ratchets: node.Ratchets{Name: name},
			})
			if err == nil {
				t.Errorf("%s ratchet file was accepted", name)
			}
			if b, _ := n.Storage.Read(name); string(b) != string(content) {
				t.Errorf("%s ratchet file was overwritten", name)
			}
		}
	})
}

// spec: rns-core §5.7, §6.3
func TestAnnounceHandlers(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		w.Connect(a, b, mem.Conditions{})
		var all, named, answers []node.Announced
		defer a.OnAnnounce(node.AnnounceHandler{Handle: func(x node.Announced) { all = append(all, x) }})()
		defer a.OnAnnounce(node.AnnounceHandler{Name: "test.one", Handle: func(x node.Announced) { named = append(named, x) }})()
		defer a.OnAnnounce(node.AnnounceHandler{PathResponses: node.On, Handle: func(x node.Announced) {
			if x.PathResponse {
				answers = append(answers, x)
			}
		}})()
		data := func(s string) func(*node.DestinationConfig) {
			return func(c *node.DestinationConfig) { c.AppData = func() []byte { return []byte(s) } }
		}
		one, two := b.Inbox("test.one", data("first")), b.Inbox("test.two", data("second"))
		one.Announce()
		if err := two.Destination.Announce(t.Context(), node.AnnounceOptions{AppData: []byte("changed")}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		if len(all) != 2 || len(named) != 1 || string(all[1].AppData) != "changed" || string(named[0].AppData) != "first" ||
			named[0].Identity != one.Identity().Public() || named[0].Hops != 1 || named[0].InterfaceName != "a-b" {
			t.Errorf("heard %d, %d: %+v", len(all), len(named), named)
		}
		w.Run(5 * time.Second)
		if err := a.DropPath(t.Context(), one.Addr()); err != nil {
			t.Fatal(err)
		}
		if _, err := a.AwaitPath(t.Context(), one.Addr()); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		if len(answers) != 1 || string(answers[0].AppData) != "first" || len(all) != 2 {
			t.Errorf("%d answers, %d announces", len(answers), len(all))
		}
		if got := two.Announced(); got.IsZero() {
			t.Error("time of the announce is not known")
		}
	})
}

func TestAnnounceErrors(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n, peer := w.Node("n"), w.Node("peer")
		in := n.Inbox("test.inbox")
		if err := in.Destination.Announce(t.Context(), node.AnnounceOptions{}); !errors.Is(err, node.ErrNotSent) {
			t.Errorf("announced without interface: %v", err)
		}
		w.Connect(n, peer, mem.Conditions{})
		for size, want := range map[int]error{rns.MaxAppData: nil, rns.MaxAppData + 1: node.ErrAppDataSize} {
			err := in.Destination.Announce(t.Context(), node.AnnounceOptions{AppData: make([]byte, size)})
			if !errors.Is(err, want) {
				t.Errorf("%d bytes of data: %v", size, err)
			}
		}
		if err := in.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := in.Destination.Announce(t.Context(), node.AnnounceOptions{}); !errors.Is(err, rns.VerdictClosed) {
			t.Errorf("closed destination announced: %v", err)
		}
	})
}

// spec: rns-core §6.4, §15.2
func TestAwaitPath(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, hub, b := w.Node("a"), w.Transport("hub"), w.Node("b")
		w.Connect(a, hub, mem.Conditions{Delay: time.Millisecond})
		w.Connect(hub, b, mem.Conditions{Delay: time.Millisecond})
		in := b.Inbox("test.inbox")
		start := time.Now()
		if _, err := a.AwaitPath(t.Context(), in.Addr()); !errors.Is(err, node.ErrNoPath) {
			t.Errorf("path to a destination nobody knows: %v", err)
		}
		if took := time.Since(start); took != 15*time.Second {
			t.Errorf("waited %v", took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := a.AwaitPath(ctx, in.Addr()); !errors.Is(err, node.ErrNoPath) {
			t.Errorf("deadline of the caller: %v", err)
		}
		in.Announce()
		w.Run(10 * time.Second)
		if err := a.DropPath(t.Context(), in.Addr()); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		p, err := a.AwaitPath(t.Context(), in.Addr()) // the hub answers from its table
		if err != nil || p.Hops != 2 || p.NextHop != hub.TransportID() || p.InterfaceName != "a-hub" {
			t.Errorf("path %+v: %v", p, err)
		}
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("answer took %v", took)
		}
		all, err := a.Paths(t.Context())
		if err != nil || len(all) != 1 {
			t.Errorf("%d paths: %v", len(all), err)
		}
		if err := a.DropPathsVia(t.Context(), hub.TransportID()); err != nil || a.HasPath(t.Context(), in.Addr()) {
			t.Errorf("paths via the hub were not dropped: %v", err)
		}
	})
}

func TestSendErrors(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		if _, err := a.SendPacket(t.Context(), rns.Addr{1}, nil, node.SendOptions{}); !errors.Is(err, node.ErrUnknownIdentity) {
			t.Errorf("unknown destination: %v", err)
		}
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		if _, err := a.SendPacket(t.Context(), in.Addr(), make([]byte, rns.EncryptedMDU), node.SendOptions{}); err != nil {
			t.Errorf("largest packet: %v", err)
		}
		if _, err := a.SendPacket(t.Context(), in.Addr(), make([]byte, rns.EncryptedMDU+17), node.SendOptions{}); !errors.Is(err, node.ErrTooLarge) {
			t.Errorf("too large: %v", err)
		}
		r, err := a.SendPacket(t.Context(), in.Addr(), nil, node.SendOptions{Receipt: node.NoReceipt})
		if r != nil || err != nil {
			t.Errorf("without receipt: %v %v", r, err)
		}
		cable.Cut()
		if _, err := a.SendPacket(t.Context(), in.Addr(), nil, node.SendOptions{}); !errors.Is(err, node.ErrNotSent) {
			t.Errorf("without interface: %v", err)
		}
	})
}
