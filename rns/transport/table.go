package transport

import (
	"iter"
	"math"
)

// tick is a time inside the machine: nanoseconds since its first call, so that tables stay small and intervals follow
// the monotonic clock. See clock.
type tick int64

// never is later than every deadline.
const never tick = math.MaxInt64

// pageSize is the number of slots allocated at once.
const pageSize = 128

// none marks the end of lists.
const none = math.MaxUint32

// table is a map whose entries keep their place in memory, know the order of their last use, and may have a deadline.
// All operations are O(1), those on deadlines O(log n). The zero value is an empty table.
//
// Entries stand in pages that never move: no allocation per entry, no pointers but the values' own. Pointers returned
// stay valid until the entry is deleted.
type table[K comparable, V any] struct {
	index map[K]uint32
	pages [][]slot[K, V]
	used  uint32
	free  []uint32
	// heap holds the slots with a deadline, earliest first.
	heap []uint32
	// oldest and newest are the ends of the list in order of use; valid while the table is not empty.
	oldest, newest uint32
}

type slot[K comparable, V any] struct {
	key        K
	val        V
	due        tick
	pos        int32 // in heap, -1 if there is no deadline
	prev, next uint32
}

func (t *table[K, V]) len() int { return len(t.index) }

func (t *table[K, V]) slot(i uint32) *slot[K, V] { return &t.pages[i/pageSize][i%pageSize] }

// get returns the entry of k or nil.
func (t *table[K, V]) get(k K) *V {
	if i, ok := t.index[k]; ok {
		return &t.slot(i).val
	}
	return nil
}

// put returns the entry of k, a zero one if it is new, as the most recently used.
func (t *table[K, V]) put(k K) *V {
	if i, ok := t.index[k]; ok {
		t.toNewest(i)
		return &t.slot(i).val
	}
	if t.index == nil {
		t.index = make(map[K]uint32)
	}
	i := t.take()
	s := t.slot(i)
	s.key, s.pos, s.due = k, -1, never
	t.index[k] = i
	t.link(i)
	return &s.val
}

func (t *table[K, V]) take() uint32 {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		return i
	}
	if t.used%pageSize == 0 && int(t.used/pageSize) == len(t.pages) {
		t.pages = append(t.pages, make([]slot[K, V], pageSize))
	}
	t.used++
	return t.used - 1
}

// link appends slot i to the list; the index already counts it.
func (t *table[K, V]) link(i uint32) {
	s := t.slot(i)
	s.prev, s.next = none, none
	if len(t.index) > 1 {
		s.prev = t.newest
		t.slot(t.newest).next = i
	} else {
		t.oldest = i
	}
	t.newest = i
}

func (t *table[K, V]) unlink(i uint32) {
	s := t.slot(i)
	if s.prev != none {
		t.slot(s.prev).next = s.next
	} else {
		t.oldest = s.next
	}
	if s.next != none {
		t.slot(s.next).prev = s.prev
	} else {
		t.newest = s.prev
	}
}

func (t *table[K, V]) toNewest(i uint32) {
	if t.newest == i {
		return
	}
	t.unlink(i)
	s := t.slot(i)
	s.prev, s.next = t.newest, none
	t.slot(t.newest).next = i
	t.newest = i
}

// touch makes k the most recently used entry.
func (t *table[K, V]) touch(k K) {
	if i, ok := t.index[k]; ok {
		t.toNewest(i)
	}
}

// delete removes k and reports whether it was there.
func (t *table[K, V]) delete(k K) bool {
	i, ok := t.index[k]
	if !ok {
		return false
	}
	if s := t.slot(i); s.pos >= 0 {
		t.heapRemove(int(s.pos))
	}
	t.unlink(i)
	*t.slot(i) = slot[K, V]{}
	delete(t.index, k)
	t.free = append(t.free, i)
	return true
}

// clear removes everything and gives the memory back.
func (t *table[K, V]) clear() { *t = table[K, V]{} }

// first returns the least recently used entry.
func (t *table[K, V]) first() (K, *V, bool) {
	if len(t.index) == 0 {
		var k K
		return k, nil, false
	}
	s := t.slot(t.oldest)
	return s.key, &s.val, true
}

// all lists the entries, least recently used first. The entry at hand may be deleted meanwhile, others not.
func (t *table[K, V]) all() iter.Seq2[K, *V] {
	return func(yield func(K, *V) bool) {
		if len(t.index) == 0 {
			return
		}
		for i := t.oldest; i != none; {
			s := t.slot(i)
			next := s.next
			if !yield(s.key, &s.val) {
				return
			}
			i = next
		}
	}
}

// schedule sets the deadline of k; never removes it.
func (t *table[K, V]) schedule(k K, due tick) {
	i, ok := t.index[k]
	if !ok {
		return
	}
	s := t.slot(i)
	switch {
	case due == never && s.pos >= 0:
		t.heapRemove(int(s.pos))
	case due == never:
	case s.pos < 0:
		s.due, s.pos = due, int32(len(t.heap))
		t.heap = append(t.heap, i)
		t.up(int(s.pos))
	default:
		s.due = due
		if !t.down(int(s.pos)) {
			t.up(int(s.pos))
		}
	}
}

// deadline is the earliest deadline.
func (t *table[K, V]) deadline() tick {
	if len(t.heap) == 0 {
		return never
	}
	return t.slot(t.heap[0]).due
}

// due returns the entry with the earliest deadline if that is not after now.
func (t *table[K, V]) due(now tick) (K, *V, bool) {
	if len(t.heap) == 0 || t.slot(t.heap[0]).due > now {
		var k K
		return k, nil, false
	}
	s := t.slot(t.heap[0])
	return s.key, &s.val, true
}

// heap order and moves keep slot.pos right.

func (t *table[K, V]) less(a, b int) bool { return t.slot(t.heap[a]).due < t.slot(t.heap[b]).due }

func (t *table[K, V]) swap(a, b int) {
	t.heap[a], t.heap[b] = t.heap[b], t.heap[a]
	t.slot(t.heap[a]).pos, t.slot(t.heap[b]).pos = int32(a), int32(b)
}

func (t *table[K, V]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !t.less(i, parent) {
			return
		}
		t.swap(i, parent)
		i = parent
	}
}

func (t *table[K, V]) down(i int) bool {
	start := i
	for {
		child := 2*i + 1
		if child >= len(t.heap) {
			break
		}
		if right := child + 1; right < len(t.heap) && t.less(right, child) {
			child = right
		}
		if !t.less(child, i) {
			break
		}
		t.swap(i, child)
		i = child
	}
	return i > start
}

func (t *table[K, V]) heapRemove(i int) {
	last := len(t.heap) - 1
	if i != last {
		t.swap(i, last)
	}
	s := t.slot(t.heap[last])
	s.pos, s.due = -1, never
	t.heap = t.heap[:last]
	if i != last && !t.down(i) {
		t.up(i)
	}
}
