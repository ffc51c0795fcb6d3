package router

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// costBook remembers what destinations ask of those who write to them. spec: lxmf §8.1
type costBook struct {
	limit int
	of    map[rns.Addr]StampCost
}

// costChange is what an announce changed.
type costChange uint8

const (
	costSame costChange = iota
	costFell
	costRose
)

// learn takes an announced cost. No cost is remembered only where one was: it replaces that. A cost that is announced again
// is noted once a day, so that it stays known.
func (b *costBook) learn(c StampCost) costChange {
	old, known := b.of[c.Destination]
	switch {
	case !known && c.Cost <= 0:
		return costSame
	case !known && len(b.of) >= b.limit:
		b.evict()
	}
	b.of[c.Destination] = c
	switch {
	case c.Cost > old.Cost:
		return costRose
	case c.Cost < old.Cost || c.At.Sub(old.At) > 24*time.Hour:
		return costFell
	}
	b.of[c.Destination] = StampCost{Destination: c.Destination, Cost: c.Cost, At: old.At}
	return costSame
}

// evict forgets some cost; announces bring it back.
func (b *costBook) evict() {
	for dest := range b.of {
		delete(b.of, dest)
		return
	}
}

// get is the cost of a destination, 0 for none. spec: lxmf §14
func (b *costBook) get(now time.Time, dest rns.Addr) int {
	c, ok := b.of[dest]
	if !ok || now.Sub(c.At) > lxmf.StampCostMemory {
		return 0
	}
	return c.Cost
}
