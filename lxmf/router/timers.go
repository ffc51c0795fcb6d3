package router

import (
	"container/heap"
	"time"
)

// timer is the next moment at which something of the machine is due. The zero value is not set. Exactly one of its owners
// is set.
type timer struct {
	at  time.Time
	idx int // place in the heap, from 1; 0 when not set

	message *delivery
	peer    *peer
	channel *channel
	late    *lateProof
	proof   func() error
	look    bool // at the choice of the propagation node
	sync    bool // the next fetch from it
}

// timers is a heap of set timers, earliest first. The zero value is empty.
type timers struct{ heap timerHeap }

// set arms a timer, or moves it.
func (t *timers) set(x *timer, at time.Time) {
	x.at = at
	if x.idx > 0 {
		heap.Fix(&t.heap, x.idx-1)
		return
	}
	heap.Push(&t.heap, x)
}

// sooner arms a timer, or moves it to an earlier time.
func (t *timers) sooner(x *timer, at time.Time) {
	if x.idx == 0 || at.Before(x.at) {
		t.set(x, at)
	}
}

// stop disarms a timer.
func (t *timers) stop(x *timer) {
	if x.idx > 0 {
		heap.Remove(&t.heap, x.idx-1)
	}
}

// next is the earliest time, zero if nothing is set.
func (t *timers) next() time.Time {
	if len(t.heap) == 0 {
		return time.Time{}
	}
	return t.heap[0].at
}

// due removes and returns the earliest timer that is due, nil if none is.
func (t *timers) due(now time.Time) *timer {
	if len(t.heap) == 0 || now.Before(t.heap[0].at) {
		return nil
	}
	return heap.Pop(&t.heap).(*timer)
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].idx, h[j].idx = i+1, j+1
}

// Push and Pop are for container/heap.
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	*h = append(*h, t)
	t.idx = len(*h)
}

func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.idx = 0
	return t
}
