package interop

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"meshchatx/interop/shaper"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// TestLiveLimits sends what the other side does not take: it is refused before it is transferred, and the sender is told.
func TestLiveLimits(t *testing.T) {
	pythonPath(t)
	const limit = 1_000 // of the partner, in thousands of bytes; ours is the default
	l := newLab(t, way{name: "plain", partner: peer.Args{"delivery_limit": limit}})
	file := func(size int) lxmf.Attachment {
		return lxmf.Attachment{Name: "f.bin", Data: peer.Generate(size, "file", peer.Random)}
	}
	t.Run("the partner's", func(t *testing.T) {
		record(t, "limit of the partner", l.way.name, 2*time.Minute, func(ctx context.Context) []string {
			over := l.ours.message(l.lxmf, "", "too large")
			over.Fields.SetAttachments(file(limit*1000 + 1000))
			id := l.send(t, router.Outbound{Message: over, Method: lxmf.MethodDirect})
			final := expect(ctx, t, &l.ours.outbound, 0, func(e router.Event) bool { return e.ID == id && e.Kind.Final() })
			if final.Kind != router.KindRejected || final.Code != router.CodeTooLargeDirect {
				t.Errorf("message over the limit was %s (%s)", final.Kind, final.Code)
			}
			under := l.ours.message(l.lxmf, "", "not too large")
			under.Fields.SetAttachments(file(limit*1000 - 1000))
			l.deliver(ctx, t, router.Outbound{Message: under, Method: lxmf.MethodDirect}, nil)
			if n := len(l.peer.Events("message", 0)); n != 1 {
				t.Errorf("%d messages arrived", n)
			}
			return nil
		})
	})
	t.Run("ours", func(t *testing.T) {
		record(t, "limit of ours", l.way.name, 3*time.Minute, func(ctx context.Context) []string {
			attach := func(size int) []peer.Args { return []peer.Args{{"name": "f.bin", "size": size, "seed": "file"}} }
			var r sending
			l.call(ctx, t, "send", peer.Args{
				"to": l.ours.router.Address().Hex(), "method": "direct", "wait": 90, "attachments": attach(router.DefaultDeliveryLimit + 1000),
			}, &r)
			if r.State != "rejected" {
				t.Errorf("the partner's message over the limit is %s", r.State)
			}
			l.take(ctx, t, peer.Args{"method": "direct", "wait": 120, "attachments": attach(router.DefaultDeliveryLimit - 1000)})
			if n := l.ours.inbox.mark(); n != 1 {
				t.Errorf("%d messages arrived", n)
			}
			return nil
		})
	})
}

// badMedium loses one frame in seven and is slow.
var badMedium = shaper.Conditions{BytesPerSecond: 50_000, Delay: 60 * time.Millisecond, Loss: 0.15}

// TestLiveBadMedium exchanges messages of every kind over a medium that loses frames: all of them arrive, each once.
func TestLiveBadMedium(t *testing.T) {
	pythonPath(t)
	record(t, "all kinds of messages", "15 % loss", 10*time.Minute, func(ctx context.Context) []string {
		n := startNode(t, node.Off, new(node.MemStorage))
		port, err := listen(ctx, n, 0, access{})
		if err != nil {
			t.Fatal(err)
		}
		proxy, err := shaper.Listen("127.0.0.1:0", "127.0.0.1:"+strconv.Itoa(port), shaper.Conditions{}, 7)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = proxy.Close() })
		l := &lab{way: way{name: "15 % loss"}, ours: startStation(t, n)}
		l.peer, l.info = partnerAt(ctx, t, t.TempDir(), proxy.Addr().Port)
		l.lxmf = addr(t, l.info.Delivery)
		l.announceUntil(ctx, t, func() error { return l.ours.router.Announce(ctx) }, l.partnerHears(l.ours.router.Address()))
		l.announceUntil(ctx, t, func() error { return l.peer.Call(ctx, "announce", nil, nil) }, l.weHear(l.lxmf))
		proxy.Set(badMedium)
		const rounds = 6
		for i := range rounds {
			for _, method := range []lxmf.Method{lxmf.MethodOpportunistic, lxmf.MethodDirect} {
				text := fmt.Sprintf("%s %d", method, i)
				l.deliver(ctx, t, router.Outbound{Message: l.ours.message(l.lxmf, "", text), Method: method}, nil)
				l.take(ctx, t, peer.Args{"method": method.String(), "content": text, "wait": 200})
			}
			m := l.ours.message(l.lxmf, "", "file")
			m.Fields.SetAttachments(lxmf.Attachment{Name: "f", Data: peer.Generate(60_000, strconv.Itoa(i), peer.Random)})
			l.deliver(ctx, t, router.Outbound{Message: m, Method: lxmf.MethodDirect}, nil)
			l.take(ctx, t, peer.Args{"method": "direct", "wait": 200, "attachments": []peer.Args{{"name": "f", "size": 60_000}}})
		}
		c := proxy.Counters()
		return []string{fmt.Sprintf("%d messages each way, %d of %d frames lost", rounds*3, c.Lost, c.Frames)}
	})
}
