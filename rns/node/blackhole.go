package node

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// Blackhole refuses the announces and links of an identity from now on, and forgets its paths. spec: rns-core §21.4
func (n *Node) Blackhole(ctx context.Context, b transport.Blackhole) error {
	if b.Source.IsZero() {
		b.Source = n.TransportID()
	}
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		n.apply(now, n.m.Blackhole(now, b), nil)
		n.noteBlackholed()
		return struct{}{}
	})
	return err
}

// LiftBlackhole accepts an identity again and reports whether it was refused.
func (n *Node) LiftBlackhole(ctx context.Context, identity rns.Addr) (bool, error) {
	return ask(ctx, n, func(time.Time) bool {
		lifted := n.m.LiftBlackhole(identity)
		n.noteBlackholed()
		return lifted
	})
}

// Blackholed lists the refused identities.
func (n *Node) Blackholed(ctx context.Context) ([]transport.Blackhole, error) {
	return ask(ctx, n, func(time.Time) []transport.Blackhole {
		var all []transport.Blackhole
		collect(&all, n.m.Blackholed())
		return all
	})
}

// noteBlackholed publishes the list for links, which ask without the loop. It runs on the loop, or before it.
func (n *Node) noteBlackholed() {
	list := make(map[rns.Addr]time.Time)
	for b := range n.m.Blackholed() {
		list[b.Identity] = b.Until
	}
	n.black.Store(&list)
}

// refuses tells whether an identity is blackholed.
func (n *Node) refuses(identity rns.Addr) bool {
	list := n.black.Load()
	if list == nil {
		return false
	}
	until, ok := (*list)[identity]
	return ok && (until.IsZero() || n.env.now().Before(until))
}
