package interop

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/tools/peer"
)

// TestLivePropagationClients: clients of the reference leave messages with our node and fetch them there.
func TestLivePropagationClients(t *testing.T) {
	pythonPath(t)
	record(t, "propagation node of ours", "clients of the reference", 4*time.Minute, func(ctx context.Context) []string {
		h := startHosted(ctx, t, func(c *propagation.Config) { c.Settings.Flexibility = 0 })
		dir := t.TempDir()
		alice, _ := partnerAt(ctx, t, filepath.Join(dir, "alice"), h.port)
		bob, info := partnerAt(ctx, t, filepath.Join(dir, "bob"), h.port)
		call(ctx, t, bob, "announce", nil, nil)
		until(ctx, t, "keys of the recipient", func() bool {
			return alice.Call(ctx, "request_path", peer.Args{"hash": info.Delivery, "timeout": 5}, nil) == nil &&
				alice.Call(ctx, "recall", peer.Args{"hash": info.Delivery}, nil) == nil
		})
		for _, p := range []*peer.Process{alice, bob} {
			call(ctx, t, p, "request_path", peer.Args{"hash": h.Addr().Hex(), "timeout": 10}, nil)
		}
		sizes := []int{10, 200, 2000, 60_000}
		began := time.Now()
		for i, size := range sizes {
			var r struct{ State string }
			call(ctx, t, alice, "send", peer.Args{
				"to": info.Delivery, "method": "propagated", "propagation_node": h.Addr().Hex(), "content_size": size,
				"kind": "random", "seed": fmt.Sprint(i), "wait": 90,
			}, &r)
			if r.State != "sent" {
				t.Fatalf("the message of %d bytes is %q", size, r.State)
			}
		}
		s, err := h.Stats(ctx)
		if err != nil || s.Messages != len(sizes) || int(s.Counters.ClientReceived) != len(sizes) {
			t.Fatalf("the node has %d messages, %d received, %v", s.Messages, s.Counters.ClientReceived, err)
		}
		mark := bob.Mark()
		var got struct {
			State       string
			Result      int
			NewMessages int `json:"new_messages"`
		}
		call(ctx, t, bob, "pn_sync", peer.Args{"hash": h.Addr().Hex()}, &got)
		if got.Result != len(sizes) || got.NewMessages != len(sizes) {
			t.Errorf("the sync ended %+v", got)
		}
		if events := bob.Events("message", mark); len(events) != len(sizes) {
			t.Errorf("%d messages came out", len(events))
		}
		until(ctx, t, "deletion", func() bool {
			s, err = h.Stats(ctx)
			return err == nil && s.Messages == 0 && s.Bytes == 0
		})
		call(ctx, t, bob, "pn_sync", peer.Args{"hash": h.Addr().Hex()}, &got)
		if got.Result != 0 {
			t.Errorf("a second sync ended %+v", got)
		}
		return []string{fmt.Sprintf("%d messages in %.1f s", len(sizes), time.Since(began).Seconds())}
	})
}

// call gives a partner a command that must not fail.
func call(ctx context.Context, t *testing.T, p *peer.Process, command string, args peer.Args, out any) {
	t.Helper()
	if err := p.Call(ctx, command, args, out); err != nil {
		t.Fatal(err)
	}
}

// TestLivePropagationPeers: our node and lxmd become peers by themselves and exchange 1,000 messages, half of them from each.
func TestLivePropagationPeers(t *testing.T) {
	pythonPath(t)
	record(t, "peering with lxmd", "1,000 messages, both ways", 8*time.Minute, func(ctx context.Context) []string {
		const half = 500
		h := startHosted(ctx, t)
		d := newDaemon(t, filepath.Join(t.TempDir(), "lxmd"), h.port, nil)
		d.serve()
		r := newReader(ctx, t, h.port)
		h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Alive })
		until(ctx, t, "peering of lxmd with us", func() bool {
			h.RequestAnnounce() // what came before the daemon listened is lost
			return d.peers(ctx, r) > 0
		})
		all := r.letters(2*half, 100, 1) // the reference removes those worth nothing when it cleans its store
		began := time.Now()
		r.upload(ctx, h.Addr(), all[:half])
		ours := time.Since(began)
		began = time.Now()
		r.upload(ctx, d.addr(), all[half:])
		theirs := time.Since(began)
		began = time.Now()
		var s propagation.Stats
		h.log(ctx)
		until(ctx, t, "exchange", func() bool {
			s, _ = h.Stats(ctx)
			return s.Messages == 2*half && d.stored() == 2*half
		})
		took := time.Since(began)
		h.log(ctx)
		if n := h.events.count(func(e propagation.Event) bool { return e.Kind == propagation.EventRefused }); n > 0 {
			t.Errorf("%d things were refused", n)
		}
		for _, at := range []struct {
			name string
			ids  int
		}{{"ours", len(r.list(ctx, h.Addr()))}, {"lxmd", len(r.list(ctx, d.addr()))}} {
			if at.ids != 2*half {
				t.Errorf("%s lists %d messages", at.name, at.ids)
			}
		}
		p := h.peerOf(ctx, d.addr(), func(p propagation.PeerStats) bool { return p.Outstanding == 0 })
		if p.Outgoing != half || p.Incoming != half {
			t.Errorf("sent %d, got %d", p.Outgoing, p.Incoming)
		}
		return []string{
			fmt.Sprintf("upload to us %.0f/s, to lxmd %.0f/s", half/ours.Seconds(), half/theirs.Seconds()),
			fmt.Sprintf("exchanged after %.1f s", took.Seconds()),
		}
	})
}

// peers is how many peers the daemon says that it has.
func (d *daemon) peers(ctx context.Context, r *reader) int {
	d.t.Helper()
	control := rns.DestinationHash(lxmf.ControlName, d.id.Hash())
	l := r.link(ctx, control, d.boss)
	defer l.Close()
	v, err := r.request(ctx, l, lxmf.PathStats, []byte{0xC0})
	if err != nil {
		d.t.Fatal(err)
	}
	m, ok := v.Map()
	if !ok {
		d.t.Fatalf("statistics are %v", v)
	}
	total, _ := m.Text("total_peers")
	n, _ := total.Int()
	return int(n)
}
