package router_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/rnstest"
)

// TestOnlineRace: an interface that comes up while the router starts is not missed, however the two meet.
func TestOnlineRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 55)
		for range 300 {
			n := w.Node("n")
			r, err := router.New(router.Config{Node: n.Node, Identity: w.Identity(1), Inbox: new(inbox)})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				_ = r.Serve(ctx) // ends with the context
			}()
			if _, err := n.AddInterface(mem.New("m"), rnstest.Open()); err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			if s, err := r.Snapshot(ctx); err != nil || !s.Online {
				t.Fatalf("online %v: %v", s.Online, err)
			}
			cancel()
			<-done
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestTwoIdentitiesOfOneNode: they write to each other without any interface, small messages and large ones.
func TestTwoIdentitiesOfOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, 56)
		n := w.Node("both")
		a, b := w.user(n), w.user(n)
		small := a.send(b, "to my other self", opportunistic)
		large := a.send(b, strings.Repeat("x", 20_000))
		w.Run(time.Minute)
		for _, id := range []rns.Hash{small, large} {
			if a.log.last(id).Kind != router.KindDelivered {
				t.Errorf("events %s", a.log.kinds(id))
			}
		}
		if got := len(b.inbox.messages); got != 2 {
			t.Errorf("%d messages arrived", got)
		}
	})
}
