package interop

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// rnsRandom is the randomness of the system.
type rnsRandom struct{}

func (rnsRandom) Read(b []byte) (int, error) { return rand.Read(b) }

// TestLivePropagationRefusals: our node and lxmd refuse the same things with the same words.
func TestLivePropagationRefusals(t *testing.T) {
	pythonPath(t)
	record(t, "refusals of a node", "ours and lxmd", 2*time.Minute, func(ctx context.Context) []string {
		h := startHosted(ctx, t, func(c *propagation.Config) { c.Settings.Flexibility, c.Settings.PeeringCost = 0, keyCost })
		d := newDaemon(t, filepath.Join(t.TempDir(), "lxmd"), h.port, settings{
			"propagation_stamp_cost_flexibility": 0, "peering_cost": keyCost,
		})
		d.serve()
		r := newReader(ctx, t, h.port)
		h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Alive })
		for _, at := range []struct {
			name     string
			node     rns.Addr
			identity rns.Addr
		}{{"ours", h.Addr(), h.id.Hash()}, {"lxmd", d.addr(), d.id.Hash()}} {
			peer, err := rns.NewIdentity(rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			refused(ctx, t, r, at.name, at.node, at.identity, peer)
		}
		return nil
	})
}

// keyCost is more than a key has that nobody worked for.
const keyCost = 12

// refused does to a node what it refuses.
func refused(ctx context.Context, t *testing.T, r *reader, name string, at, identity rns.Addr, peer *rns.Identity) {
	t.Helper()
	offer := lxmf.Offer{IDs: []rns.Hash{{1}, {2}}}
	ask := func(as *rns.Identity, o lxmf.Offer, want error) {
		t.Helper()
		l := r.link(ctx, at, as)
		defer l.Close()
		if _, err := r.request(ctx, l, lxmf.PathOffer, o.Append(nil)); !errors.Is(err, want) {
			t.Errorf("%s: the offer gets %v, want %v", name, err, want)
		}
	}
	ask(nil, offer, lxmf.ErrorNoIdentity)
	ask(peer, offer, lxmf.ErrorInvalidKey)

	two := r.letters(2, 2000, 13)
	l := r.link(ctx, at, peer)
	if err := r.handResource(ctx, l, two...); err == nil && len(r.list(ctx, at)) > 0 {
		t.Errorf("%s: two messages without a key are stored", name)
	}
	l.Close()

	found, err := lxmf.PeeringWork(identity, peer.Hash()).Search(ctx, keyCost, stamp.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	offer.Key = found.Stamp
	ask(peer, offer, nil)
	l = r.link(ctx, at, peer)
	bad := r.letters(1, 2000, 1)[0]
	bad.Stamp = stamp.Stamp{1}
	_ = r.handResource(ctx, l, bad) // the reference proves a resource before it looks into it
	l.Close()
	until(ctx, t, name+" throttles", func() bool {
		l := r.link(ctx, at, peer)
		defer l.Close()
		_, err := r.request(ctx, l, lxmf.PathOffer, offer.Append(nil))
		return errors.Is(err, lxmf.ErrorThrottled)
	})
	if ids := r.list(ctx, at); len(ids) != 0 {
		t.Errorf("%s: %d of the messages are stored", name, len(ids))
	}
}

// TestLivePropagationRefused: our node copes with what lxmd refuses: a wrong key, throttling, messages and transfers that are
// too large.
func TestLivePropagationRefused(t *testing.T) {
	pythonPath(t)
	record(t, "refused by lxmd", "wrong key, throttled, over limit", 6*time.Minute, func(ctx context.Context) []string {
		d := newDaemon(t, filepath.Join(t.TempDir(), "lxmd"), 0, nil) // its identity is needed before its port
		wrong := lxmf.Peer{Destination: d.addr(), Key: &lxmf.PeeringKey{Stamp: stamp.Stamp{9}, Value: 40}, Strategy: lxmf.SyncPersistent}
		h := startHosted(ctx, t, func(c *propagation.Config) {
			c.Settings.StaticPeers = []rns.Addr{d.addr()}
			if err := c.State.Write("peers", lxmf.AppendPeers(nil, []lxmf.Peer{wrong})); err != nil {
				t.Fatal(err)
			}
		})
		id := d.id
		d = newDaemon(t, d.dir, h.port, settings{
			"propagation_message_max_accepted_size": 2, "propagation_sync_max_accepted_size": 5, "propagation_stamp_cost_flexibility": 13,
		})
		d.id = id
		d.write("identity", id.Bytes())
		d.serve()
		r := newReader(ctx, t, h.port)
		h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Alive && p.PeeringCost != nil })
		letters := append(r.letters(10, 800, 1), r.letters(1, 2500, 1)...)
		r.upload(ctx, h.Addr(), letters)
		refusedWith := func(want lxmf.ErrorCode) {
			t.Helper()
			expect(ctx, t, &h.events, 0, func(e propagation.Event) bool { return e.Kind == propagation.EventSync && errors.Is(e.Err, want) })
		}
		refusedWith(lxmf.ErrorInvalidKey)
		p := h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.State == propagation.SyncIdle })
		if p.Key != nil && p.Key.Value == 40 || p.NextSync.IsZero() {
			t.Errorf("after the refusal the key is %+v, next %v", p.Key, p.NextSync)
		}

		// With another key it takes what it takes, in several transfers, and the large one not at all.
		until(ctx, t, "transfer", func() bool {
			if err := h.SyncPeer(ctx, d.addr()); err != nil {
				t.Fatal(err)
			}
			return d.stored() >= 10
		})
		p = h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Outstanding == 0 })
		if p.Outgoing != 10 || d.stored() != 10 {
			t.Errorf("sent %d, stored %d", p.Outgoing, d.stored())
		}
		// Somebody with the key of our node sends something bad: lxmd throttles it, and our node waits.
		l := r.link(ctx, d.addr(), h.id)
		_ = r.handResource(ctx, l, lxmf.Stored{Sealed: make([]byte, 60)}) // the reference proves before it looks
		l.Close()
		r.upload(ctx, h.Addr(), r.letters(1, 500, 1))
		until(ctx, t, "throttling", func() bool {
			if err := h.SyncPeer(ctx, d.addr()); err != nil {
				t.Fatal(err)
			}
			return h.events.count(func(e propagation.Event) bool { return errors.Is(e.Err, lxmf.ErrorThrottled) }) > 0
		})
		return []string{fmt.Sprintf("%d offered, %d sent", p.Offered, p.Outgoing)}
	})
}

// TestLivePropagationFull: a node of ours that is full refuses transfers of lxmd, and one with a limit makes room.
func TestLivePropagationFull(t *testing.T) {
	pythonPath(t)
	record(t, "full store of ours", "lxmd sends", 6*time.Minute, func(ctx context.Context) []string {
		full := startHosted(ctx, t, func(c *propagation.Config) { c.Params.MaxMessages = 3 })
		small := startHosted(ctx, t, func(c *propagation.Config) {
			c.Settings.StorageLimit, c.Params.CleanTicks = 8000, 8
		})
		for _, h := range []*hosted{full, small} {
			d := newDaemon(t, filepath.Join(t.TempDir(), "lxmd"), h.port, nil)
			d.serve()
			r := newReader(ctx, t, h.port)
			h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Alive })
			until(ctx, t, "peering of lxmd with us", func() bool {
				h.RequestAnnounce()
				return d.peers(ctx, r) > 0
			})
			if h == full {
				r.upload(ctx, h.Addr(), r.letters(3, 200, 1))
			}
			r.upload(ctx, d.addr(), append(r.letters(5, 200, 1), r.letters(2, 7000, 1)...))
			if h == full {
				// lxmd is sent the three, and its own are refused and stay there.
				until(ctx, t, "our messages at lxmd", func() bool { return d.stored() == 10 })
				if s, err := h.Stats(ctx); err != nil || s.Messages != 3 {
					t.Errorf("the full node has %d messages, %v", s.Messages, err)
				}
				d.stop()
				continue
			}
			expect(ctx, t, &h.events, 0, func(e propagation.Event) bool { return e.Kind == propagation.EventCleaned })
			s, err := h.Stats(ctx)
			if err != nil || s.Bytes > 8000 || s.Messages < 5 {
				t.Errorf("after the cleaning there are %d messages of %d bytes, %v", s.Messages, s.Bytes, err)
			}
		}
		return nil
	})
}
