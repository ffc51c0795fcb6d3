package router

import (
	"context"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"meshchatx/rns"
)

// keeper writes what must be remembered, off the router's goroutine: costs and received ids are gathered for a moment and
// saved together, tickets at once. It is safe for concurrent use.
type keeper struct {
	r    *Router
	wake chan struct{}

	mu         sync.Mutex
	costs      map[rns.Addr]StampCost
	tickets    []Ticket
	deliveries map[rns.Addr]time.Time
	ids        []rns.Hash
	nodes      map[rns.Addr]NodeRecord
	sealed     map[rns.Hash]Sealed
	dropped    []rns.Hash
}

func (k *keeper) init(r *Router) {
	k.r, k.wake = r, make(chan struct{}, 1)
	k.costs, k.deliveries = make(map[rns.Addr]StampCost), make(map[rns.Addr]time.Time)
	k.nodes, k.sealed = make(map[rns.Addr]NodeRecord), make(map[rns.Hash]Sealed)
}

func (k *keeper) note(f func()) {
	k.mu.Lock()
	f()
	k.mu.Unlock()
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *keeper) cost(c StampCost) { k.note(func() { k.costs[c.Destination] = c }) }

func (k *keeper) ticket(t Ticket) { k.note(func() { k.tickets = append(k.tickets, t) }) }

func (k *keeper) delivery(peer rns.Addr, at time.Time) { k.note(func() { k.deliveries[peer] = at }) }

func (k *keeper) node(n NodeRecord) { k.note(func() { k.nodes[n.Node] = n }) }

func (k *keeper) seal(s Sealed) {
	s.At = k.r.cfg.Node.Now()
	k.note(func() { k.sealed[s.Message] = s })
}

func (k *keeper) unseal(message rns.Hash) {
	k.note(func() {
		delete(k.sealed, message)
		k.dropped = append(k.dropped, message)
	})
}

func (k *keeper) received(id rns.Hash) { k.note(func() { k.ids = append(k.ids, id) }) }

// run saves until ctx ends, and then once more.
func (k *keeper) run(ctx context.Context) {
	delay := time.NewTimer(k.r.cfg.Params.SaveDelay)
	delay.Stop()
	defer delay.Stop()
	expire := time.NewTicker(k.r.cfg.Params.ExpireEvery)
	defer expire.Stop()
	last := context.WithoutCancel(ctx) // what is known at the end must not get lost
	defer k.save(last)
	armed := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
			if !armed {
				armed = true
				delay.Reset(k.r.cfg.Params.SaveDelay)
			}
		case <-delay.C:
			armed = false
			k.save(ctx)
		case <-expire.C:
			k.expire(ctx)
		}
	}
}

// save writes what has gathered. What cannot be written is tried again with the next.
func (k *keeper) save(ctx context.Context) {
	k.mu.Lock()
	costs, tickets, deliveries, ids := k.costs, k.tickets, k.deliveries, k.ids
	k.costs, k.deliveries = make(map[rns.Addr]StampCost), make(map[rns.Addr]time.Time)
	k.tickets, k.ids = nil, nil
	k.mu.Unlock()
	k.saveNodes(ctx)
	state := k.r.cfg.State
	if len(ids) > 0 {
		if k.failed(state.PutDelivered(ctx, k.r.cfg.Node.Now(), ids...)) {
			k.note(func() { k.ids = append(ids, k.ids...) })
		}
	}
	if len(costs) > 0 {
		if k.failed(state.PutStampCosts(ctx, slices.Collect(maps.Values(costs))...)) {
			k.note(func() {
				maps.Copy(costs, k.costs)
				k.costs = costs
			})
		}
	}
	for _, t := range tickets {
		if k.failed(state.PutTicket(ctx, t)) {
			k.ticket(t)
		}
	}
	for peer, at := range deliveries {
		if k.failed(state.PutTicketDelivery(ctx, peer, at)) {
			k.delivery(peer, at)
		}
	}
}

// saveNodes writes what concerns propagation nodes.
func (k *keeper) saveNodes(ctx context.Context) {
	k.mu.Lock()
	nodes, sealed, dropped := k.nodes, k.sealed, k.dropped
	k.nodes, k.sealed, k.dropped = make(map[rns.Addr]NodeRecord), make(map[rns.Hash]Sealed), nil
	k.mu.Unlock()
	state := k.r.cfg.State
	if len(nodes) > 0 && k.failed(state.PutNodes(ctx, slices.Collect(maps.Values(nodes))...)) {
		k.note(func() {
			maps.Copy(nodes, k.nodes)
			k.nodes = nodes
		})
	}
	if len(dropped) > 0 && k.failed(state.DropSealed(ctx, dropped...)) {
		k.note(func() { k.dropped = append(dropped, k.dropped...) })
	}
	for _, s := range sealed {
		if k.failed(state.PutSealed(ctx, s)) {
			k.note(func() {
				if !slices.Contains(k.dropped, s.Message) {
					k.sealed[s.Message] = s
				}
			})
		}
	}
}

// expire forgets what is too old.
func (k *keeper) expire(ctx context.Context) {
	k.failed(k.r.cfg.State.Expire(ctx, k.r.cfg.Node.Now()))
	k.r.box.post(func(m *machine, now time.Time) { m.forget(now) })
}

func (k *keeper) failed(err error) bool {
	if err != nil {
		k.r.cfg.Node.Logger().Error("message state is not saved yet", slog.Any("error", err))
	}
	return err != nil
}
