package interop

import (
	"bytes"
	"context"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// announces: what one side says is what the other hears, both ways.
func announces(ctx context.Context, t *testing.T, l *lab) []string {
	// The plain destination says bytes of its own; the delivery destination name, cost and ratchet.
	data := []byte{0x00, 0xff, 'x'}
	mark := l.peer.Mark()
	l.announceUntil(ctx, t, func() error {
		return l.ours.echo.Announce(ctx, node.AnnounceOptions{AppData: data})
	}, func(ctx context.Context) error {
		e, err := l.peer.Wait(ctx, "announce", mark, func(e peer.Event) bool {
			return e.Hash == l.ours.echo.Addr().Hex() && e.AppData != nil && *e.AppData == hex.EncodeToString(data)
		})
		if err == nil {
			checkHeard(t, l, e)
		}
		return err
	})
	mark = l.peer.Mark()
	l.ours.stampCost.Store(9)
	defer l.ours.stampCost.Store(0)
	l.announceUntil(ctx, t, func() error { return l.ours.router.Announce(ctx) }, func(ctx context.Context) error {
		e, err := l.peer.Wait(ctx, "announce", mark, func(e peer.Event) bool {
			return e.Hash == l.ours.router.Address().Hex() && e.StampCost != nil && *e.StampCost == 9
		})
		if err == nil && (e.Kind != lxmf.DeliveryName || e.DisplayName == nil || *e.DisplayName != "Our station") {
			t.Errorf("delivery announce was heard as %s", e.Raw)
		}
		if err == nil {
			checkHeard(t, l, e)
		}
		return err
	})
	l.hearPartner(ctx, t, data)
	return nil
}

// checkHeard checks what the partner says of an announce of ours.
func checkHeard(t *testing.T, l *lab, e peer.Event) {
	t.Helper()
	if e.Identity != l.ours.id.Hash().Hex() || e.Hops != l.way.hops() || e.RatchetID == nil {
		t.Errorf("announce was heard as %s, want %d hops, a ratchet and identity %s", e.Raw, l.way.hops(), l.ours.id.Hash())
	}
}

// hearPartner hears announces of the partner.
func (l *lab) hearPartner(ctx context.Context, t *testing.T, data []byte) {
	t.Helper()
	want := func(h rns.Addr, name string, match func([]byte) bool, announce peer.Args) {
		mark := l.ours.announces.mark()
		l.announceUntil(ctx, t, func() error { return l.peer.Call(ctx, "announce", announce, nil) }, func(ctx context.Context) error {
			a, err := l.ours.announces.wait(ctx, mark, func(a node.Announced) bool {
				return a.Destination == h && match(a.AppData)
			})
			if err != nil {
				return err
			}
			if a.Identity.Hash().Hex() != l.info.Identity || a.Name != rns.NameHashOf(name) || a.Hops != l.way.hops() || a.Ratchet == nil {
				t.Errorf("%s: heard %d hops, ratchet %v, identity %s", name, a.Hops, a.Ratchet != nil, a.Identity.Hash())
			}
			return nil
		})
	}
	want(l.echo, echoName, func(b []byte) bool { return bytes.Equal(b, data) },
		peer.Args{"what": "dest", "hash": l.echo.Hex(), "app_data": hex.EncodeToString(data)})
	want(l.lxmf, lxmf.DeliveryName, func(b []byte) bool {
		info, err := lxmf.ParseDeliveryInfo(b)
		return err == nil && info.Name == "Partner"
	}, nil)
	if known, err := l.ours.node.Recall(ctx, l.lxmf); err != nil || known.Public.Hash().Hex() != l.info.Identity {
		t.Errorf("recalled %v: %v", known.Public.Hash(), err)
	}
}

// paths: each side forgets the path to the other, asks, and is answered.
func paths(ctx context.Context, t *testing.T, l *lab) []string {
	if err := l.ours.node.DropPath(ctx, l.echo); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	p, err := l.ours.node.AwaitPath(ctx, l.echo)
	if err != nil {
		t.Fatal(err)
	}
	ours := time.Since(start)
	if want := l.nextHop(l.echo); p.Hops != l.way.hops() || p.NextHop != want {
		t.Errorf("our path has %d hops via %s, want %d via %s", p.Hops, p.NextHop, l.way.hops(), want)
	}
	var r struct {
		HasPath bool    `json:"has_path"`
		Hops    int     `json:"hops"`
		NextHop string  `json:"next_hop"`
		Seconds float64 `json:"seconds"`
	}
	h := l.ours.echo.Addr()
	l.call(ctx, t, "request_path", peer.Args{"hash": h.Hex(), "drop": true, "timeout": 30}, &r)
	if want := l.nextHop(h).Hex(); !r.HasPath || r.Hops != l.way.hops() || r.NextHop != want {
		t.Errorf("the partner's path: %+v, want %d hops via %s", r, l.way.hops(), want)
	}
	if _, err := l.ours.node.AwaitPath(shortly(ctx), rns.Addr{1}); err == nil {
		t.Error("a path to nowhere was found")
	}
	return []string{fmt.Sprintf("ours %.2f s, partner's %.2f s", ours.Seconds(), r.Seconds)}
}

// nextHop is where a path to h should go first.
func (l *lab) nextHop(h rns.Addr) rns.Addr {
	if l.way.hops() == 1 {
		return h
	}
	return l.hubID
}

// shortly bounds what is expected not to happen.
func shortly(ctx context.Context) context.Context {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	context.AfterFunc(ctx, cancel)
	return ctx
}

// singlePackets: encrypted single packets and their proofs, both ways.
func singlePackets(ctx context.Context, t *testing.T, l *lab) []string {
	for _, size := range []int{0, 1, rns.EncryptedMDU} {
		data := peer.Generate(size, "single", peer.Random)
		mark := l.peer.Mark()
		receipt, err := l.ours.node.SendPacket(ctx, l.echo, data, node.SendOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if err := receipt.Wait(ctx); err != nil {
			t.Errorf("our packet of %d bytes: %v", size, err)
		}
		if size > 0 {
			e := l.wait(ctx, t, "packet", mark, func(e peer.Event) bool { return e.Data.Hex == hex.EncodeToString(data) })
			if e.RatchetID == nil {
				t.Error("our packet was not encrypted to the ratchet")
			}
		}
		at := l.ours.seen.datagrams.mark()
		var r struct {
			Proved bool `json:"proved"`
		}
		l.call(ctx, t, "packet_send", peer.Args{
			"hash": l.ours.echo.Addr().Hex(), "name": echoName, "data_hex": hex.EncodeToString(data),
		}, &r)
		if !r.Proved {
			t.Errorf("the partner's packet of %d bytes was not proved", size)
		}
		expect(ctx, t, &l.ours.seen.datagrams, at, func(a arrival) bool { return bytes.Equal(a.data, data) })
	}
	return nil
}
