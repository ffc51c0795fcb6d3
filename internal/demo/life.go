package demo

import (
	"context"
	"time"

	"meshchatx/rns/node"
)

// meet lets the people of the simulated network announce themselves as soon as the program has an interface, and again
// when another one comes up.
func (w *world) meet(n *node.Node) error {
	up := make(chan struct{}, 1)
	stop := n.OnEvent(func(e node.Event) {
		if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
			select {
			case up <- struct{}{}:
			default:
			}
		}
	})
	context.AfterFunc(w.ctx, stop)
	w.run(func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-up:
			}
			if !pause(ctx, settleTime) {
				return
			}
			w.announce(ctx)
		}
	})
	return nil
}

// settleTime lets interfaces that come up together be announced to together.
const settleTime = 50 * time.Millisecond

func (w *world) announce(ctx context.Context) {
	for _, p := range w.peers {
		if err := p.router.Announce(ctx); err != nil && ctx.Err() == nil {
			w.log.Debug("simulated person is not announced", "name", p.Name, "error", err)
		}
	}
}
