package node_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
	"meshchatx/rns/transport"
)

// verdicts are the counters of an interface.
func verdicts(t *testing.T, n *rnstest.Node, id node.InterfaceID) [rns.VerdictCount]uint64 {
	t.Helper()
	s, err := n.InterfaceStatus(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s.Count.Verdicts
}

// pack makes a frame.
func pack(t *testing.T, p rns.Packet) []byte {
	t.Helper()
	raw, err := p.Pack(rns.MTU)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// announceOf is the frame of an announce of a new identity.
func announceOf(t *testing.T, seed uint64) (rns.Announce, []byte) {
	t.Helper()
	id, err := rns.NewIdentity(rnstest.Random(seed))
	if err != nil {
		t.Fatal(err)
	}
	a, err := rns.NewAnnounce(rnstest.Random(seed+1), id, rns.NameHashOf("test.inbox"), nil, []byte("hi"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return a, pack(t, a.Packet(rns.ContextNone))
}

// TestFailureFrames: whatever a neighbour sends is dropped for a reason that is counted, and the node goes on.
func TestFailureFrames(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		end := mem.New("end", mem.WithMTU(rns.MTU))
		id := n.Add(end, rnstest.Open())
		in := n.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		_, good := announceOf(t, 900)
		forged, moved := append([]byte(nil), good...), append([]byte(nil), good...)
		forged[len(forged)-1] ^= 1 // the application data
		moved[5] ^= 1              // the address
		for _, c := range []struct {
			name  string
			frame []byte
			want  rns.Verdict
		}{
			{"empty", nil, rns.VerdictTooShort},
			{"one byte", []byte{1}, rns.VerdictTooShort},
			{"half a header", good[:12], rns.VerdictTooShort},
			{"announce cut off", good[:100], rns.VerdictTooShort},
			{"over the MTU", make([]byte, 600), rns.VerdictTooLong},
			{"data for nobody", pack(t, rns.Packet{Dest: rns.Addr{9}, Data: pattern(64)}), rns.VerdictUnknownDestination},
			{"data nobody can read", pack(t, rns.Packet{Dest: in.Addr(), Data: pattern(112)}), rns.VerdictDelivered},
			{"access code where none is", append([]byte{good[0] | 0x80}, good[1:]...), rns.VerdictAccessCodeUnexpected},
			{"announce with another content", forged, rns.VerdictBadSignature},
			{"announce of another address", moved, rns.VerdictHashMismatch},
			{"good announce", good, rns.VerdictLearned},
			{"replayed announce", good, rns.VerdictDuplicate},
			{"proof of nothing", pack(t, rns.Packet{Type: rns.PacketProof, Dest: rns.Addr{7}, Data: pattern(96)}), rns.VerdictNoReceipt},
			{"packet of no link", pack(t, rns.Packet{DestType: rns.DestLink, Dest: rns.Addr{8}, Data: pattern(64)}), rns.VerdictLinkUnknown},
		} {
			before := verdicts(t, n, id)
			end.Inject(c.frame)
			w.Settle()
			after := verdicts(t, n, id)
			if after[c.want] != before[c.want]+1 {
				for v := range after {
					if after[v] != before[v] {
						t.Errorf("%s: %v, want %v", c.name, rns.Verdict(v), c.want)
					}
				}
			}
		}
		noise := rnstest.Random(901)
		for range 2_000 {
			var size [1]byte
			_, _ = noise.Read(size[:])
			frame := make([]byte, 2*int(size[0]))
			_, _ = noise.Read(frame)
			end.Inject(frame)
		}
		w.Run(time.Minute)
		if c, err := n.Counts(t.Context()); err != nil || c.Links != 0 {
			t.Errorf("after noise: %+v, %v", c, err)
		}
		if err := n.Quiesce(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestFailureReplayedPacket: a packet that comes again is delivered once.
func TestFailureReplayedPacket(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b")
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		cable.A.Record()
		if _, err := a.SendPacket(t.Context(), in.Addr(), []byte("once"), node.SendOptions{}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		sent := cable.A.Drain()
		for range 3 {
			for _, s := range sent {
				cable.B.Inject(s.Data)
			}
		}
		w.Settle()
		if got := in.Texts(); len(got) != 1 || verdicts(t, b, cable.OnB)[rns.VerdictDuplicate] != 3 {
			t.Errorf("delivered %q, %d duplicates", got, verdicts(t, b, cable.OnB)[rns.VerdictDuplicate])
		}
	})
}

// TestFailureAnnounceFlood: forged announces cost their check and leave nothing; real ones from everywhere fill the tables
// to their bound; those over the bound of checks are dropped by name.
func TestFailureAnnounceFlood(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n", func(c *node.Config) {
			c.Params.Transport.Limits.Paths, c.Params.Transport.Limits.Known = 50, 50
			c.Params.VerifyBacklog, c.Params.MaxVerifying = 8, 4
		})
		end := mem.New("end")
		id := n.Add(end, rnstest.Open())
		const flood = 200
		for i := range uint64(flood) {
			_, raw := announceOf(t, 1000+2*i)
			raw[len(raw)-1] ^= 1
			end.Inject(raw)
		}
		w.Settle()
		v := verdicts(t, n, id)
		if v[rns.VerdictBadSignature]+v[rns.VerdictOverload] != flood || v[rns.VerdictBadSignature] == 0 {
			t.Errorf("%d forged, %d dropped of %d", v[rns.VerdictBadSignature], v[rns.VerdictOverload], flood)
		}
		for i := range uint64(flood) {
			_, raw := announceOf(t, 2000+2*i)
			end.Inject(raw)
			synctest.Wait()
		}
		c, err := n.Counts(t.Context())
		if err != nil || c.Paths != 50 {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// TestFailureAnnounceBurst: with ingress control on, a burst of new destinations is held back, a bounded number of them.
func TestFailureAnnounceBurst(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		end := mem.New("end")
		id := n.Add(end, rnstest.Open(func(c *node.InterfaceConfig) { c.IngressControl = transport.LimitOn }))
		for i := range uint64(400) {
			_, raw := announceOf(t, 3000+2*i)
			end.Inject(raw)
			w.Run(10 * time.Millisecond)
		}
		s, err := n.InterfaceStatus(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := n.Counts(t.Context())
		if held := s.Transport.Held; held == 0 || held > 256 || c.Paths > 200 {
			t.Errorf("%d held, %d paths", held, c.Paths)
		}
	})
}

// TestFailurePathRequestFlood: whoever asks for a destination again and again costs a bounded memory.
func TestFailurePathRequestFlood(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		n := w.Transport("n")
		end := mem.New("end")
		id := n.Add(end, rnstest.Open())
		in := n.Inbox("test.inbox")
		for i := range 500 {
			r := rns.PathRequest{Dest: in.Addr(), Tag: []byte{byte(i), byte(i >> 8), 1}}
			if i%2 == 1 {
				r.Dest = rns.Addr{byte(i), byte(i >> 8)}
			}
			end.Inject(pack(t, r.Packet()))
			w.Settle()
		}
		v := verdicts(t, n, id)
		if v[rns.VerdictAnswered] != 250 || v[rns.VerdictNoPath] != 250 {
			t.Errorf("%d answered, %d without path", v[rns.VerdictAnswered], v[rns.VerdictNoPath])
		}
		if kept := node.PathAnswers(in.Destination); kept > 64 {
			t.Errorf("%d answers are kept", kept)
		}
	})
}

// TestFailureTooManyLinks: links over the bound are refused by name; what is there stays usable.
func TestFailureTooManyLinks(t *testing.T) {
	bubble(t, func(t *testing.T, w *rnstest.Network) {
		a, b := w.Node("a"), w.Node("b", func(c *node.Config) { c.Params.MaxLinks = 3 })
		cable := w.Connect(a, b, mem.Conditions{})
		in := b.Inbox("test.inbox")
		in.Announce()
		w.Settle()
		var first *node.Link
		for i := range 3 {
			l, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{})
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 {
				first = l
			}
		}
		if _, err := a.OpenLink(t.Context(), in.Addr(), node.LinkHandler{}); !errors.Is(err, node.ErrLinkTimeout) {
			t.Errorf("the fourth link: %v", err)
		}
		if c, err := b.Counts(t.Context()); err != nil || c.Links != 3 || verdicts(t, b, cable.OnB)[rns.VerdictOverload] != 1 {
			t.Errorf("%+v, %v", c, err)
		}
		if r, err := first.Send(t.Context(), []byte("x"), node.SendOptions{}); err != nil || first.State() != node.LinkActive {
			t.Errorf("%v, %v", r, err)
		}
	})
}
