package propagation

import (
	"cmp"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// message is what the index knows of a stored message.
type message struct {
	id       rns.Hash
	dest     rns.Addr
	received float64 // seconds since 1970
	size     int64   // of the stored form, stamp included
	value    int     // of the stamp
}

func (m *message) name() string {
	return lxmf.StoredName{ID: m.id, Received: m.received, Value: m.value}.String()
}

// index finds the stored messages. Each has a slot, by which peers remember it; slots are used again.
type index struct {
	slots  []message
	free   []int32
	byID   map[rns.Hash]int32
	byDest map[rns.Addr][]int32
	bytes  int64
}

func newIndex() *index {
	return &index{byID: make(map[rns.Hash]int32), byDest: make(map[rns.Addr][]int32)}
}

func (x *index) len() int { return len(x.byID) }

func (x *index) has(id rns.Hash) bool {
	_, ok := x.byID[id]
	return ok
}

func (x *index) get(id rns.Hash) (*message, int32, bool) {
	slot, ok := x.byID[id]
	if !ok {
		return nil, 0, false
	}
	return &x.slots[slot], slot, true
}

// add returns the slot of the message; one that is there already stays.
func (x *index) add(m message) (int32, bool) {
	if slot, ok := x.byID[m.id]; ok {
		return slot, false
	}
	var slot int32
	if n := len(x.free); n > 0 {
		slot = x.free[n-1]
		x.free = x.free[:n-1]
		x.slots[slot] = m
	} else {
		slot = int32(len(x.slots)) //nolint:gosec // MaxMessages bounds it
		x.slots = append(x.slots, m)
	}
	x.byID[m.id] = slot
	x.byDest[m.dest] = append(x.byDest[m.dest], slot)
	x.bytes += m.size
	return slot, true
}

// remove forgets a message. The caller removes the slot from the peers.
func (x *index) remove(slot int32) {
	m := &x.slots[slot]
	delete(x.byID, m.id)
	rest := slices.DeleteFunc(x.byDest[m.dest], func(s int32) bool { return s == slot })
	if len(rest) == 0 {
		delete(x.byDest, m.dest)
	} else {
		x.byDest[m.dest] = rest
	}
	x.bytes -= m.size
	*m = message{}
	x.free = append(x.free, slot)
}

// of lists the messages of a recipient, small ones first. spec: lxmf §11.5
func (x *index) of(dest rns.Addr) []rns.Hash {
	slots := slices.Clone(x.byDest[dest])
	slices.SortStableFunc(slots, func(a, b int32) int {
		return cmp.Or(cmp.Compare(x.slots[a].size, x.slots[b].size), cmp.Compare(x.slots[a].received, x.slots[b].received))
	})
	ids := make([]rns.Hash, len(slots))
	for i, s := range slots {
		ids[i] = x.slots[s].id
	}
	return ids
}

// weight says how dispensable a message is. spec: lxmf §10
func (x *index) weight(slot int32, now time.Time, prioritised map[rns.Addr]struct{}) float64 {
	m := &x.slots[slot]
	const perDay = 24 * 60 * 60
	age := (seconds(now) - m.received) / perDay
	w := max(1, age/4) * float64(m.size)
	if _, ok := prioritised[m.dest]; ok {
		w *= 0.1
	}
	return w
}

// expired lists what is older than the expiry, and then what has to go for the limit: the heaviest first, as long as the
// store is too large. spec: lxmf §10
func (x *index) expired(now time.Time, expiry time.Duration, limit int64, prioritised map[rns.Addr]struct{}) []int32 {
	oldest := seconds(now) - expiry.Seconds()
	var out, rest []int32
	left := x.bytes
	for _, slot := range x.byID {
		if x.slots[slot].received < oldest {
			out = append(out, slot)
			left -= x.slots[slot].size
		} else {
			rest = append(rest, slot)
		}
	}
	if limit <= 0 || left <= limit {
		return out
	}
	type weighed struct {
		slot   int32
		weight float64
	}
	heavy := make([]weighed, len(rest))
	for i, s := range rest {
		heavy[i] = weighed{s, x.weight(s, now, prioritised)}
	}
	slices.SortFunc(heavy, func(a, b weighed) int { return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.slot, b.slot)) })
	for _, h := range heavy {
		if left <= limit {
			break
		}
		out = append(out, h.slot)
		left -= x.slots[h.slot].size
	}
	return out
}

// seconds is a time as the protocol writes it.
func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }

// moment is the time of seconds since 1970; the zero time for 0.
func moment(s float64) time.Time {
	if s <= 0 {
		return time.Time{}
	}
	return time.Unix(0, int64(s*1e9))
}
