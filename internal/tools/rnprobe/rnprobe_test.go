package rnprobe

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// Probes that arrive are proved and timed; lost ones are counted. spec: rns-link §13.1
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 1)
		a, b := w.Node("a"), w.Node("b")
		var cut atomic.Bool
		w.Connect(a, b, mem.Conditions{Delay: 10 * time.Millisecond, Mutate: func(_, _ *mem.Endpoint, frame []byte) []byte {
			if cut.Load() {
				return nil
			}
			return frame
		}})
		d, err := b.Register(node.DestinationConfig{Identity: w.Identity(1), Name: "some.probe", Proofs: node.ProveAll})
		if err != nil {
			t.Fatal(err)
		}
		sent := 0
		r, err := Run(t.Context(), a.Node, Config{
			Addr: d.Addr(), Name: "some.probe", Count: 3, Wait: time.Second, Size: 100,
			OnSent: func(p Probe) { sent++ }, OnResult: func(p Probe) { cut.Store(p.Number == 2) },
		})
		if err != nil || r.Sent != 3 || r.Received != 2 || sent != 3 || r.Loss() < 33 || r.Loss() > 34 {
			t.Fatalf("%+v %v", r, err)
		}
		for _, p := range r.Probes[:2] {
			if p.RTT < 20*time.Millisecond || p.RTT > 30*time.Millisecond || p.Hops != 1 || !p.Proved {
				t.Errorf("%+v", p)
			}
		}
		if r.Probes[2].Proved {
			t.Error("a lost probe was proved")
		}
		cut.Store(false)
		for name, tt := range map[string]struct {
			c    Config
			want error
		}{
			"too large":    {Config{Addr: d.Addr(), Size: 2 * rns.EncryptedMDU}, ErrSize},
			"another name": {Config{Addr: d.Addr(), Name: "other.name"}, stack.ErrOther},
			"nobody":       {Config{Addr: rns.Addr{1}, Timeout: time.Second}, node.ErrNoPath},
		} {
			if _, err := Run(t.Context(), a.Node, tt.c); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}
