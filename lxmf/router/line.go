package router

import "slices"

// line holds messages in the order of their submission. The zero value is empty.
type line struct{ waiting []*delivery }

func (l *line) find(d *delivery) (int, bool) {
	return slices.BinarySearchFunc(l.waiting, d.seq, func(o *delivery, seq uint64) int {
		switch {
		case o.seq < seq:
			return -1
		case o.seq > seq:
			return 1
		}
		return 0
	})
}

// insert adds a message at its place.
func (l *line) insert(d *delivery) {
	if at, there := l.find(d); !there {
		l.waiting = slices.Insert(l.waiting, at, d)
	}
}

// remove takes a message out. One that is not there is left alone.
func (l *line) remove(d *delivery) {
	if at, there := l.find(d); there {
		if at == 0 {
			l.pop()
			return
		}
		l.waiting = slices.Delete(l.waiting, at, at+1)
	}
}

// pop takes the first message out, nil if there is none.
func (l *line) pop() *delivery {
	if len(l.waiting) == 0 {
		return nil
	}
	d := l.waiting[0]
	l.waiting[0] = nil
	if l.waiting = l.waiting[1:]; len(l.waiting) == 0 {
		l.waiting = nil
	}
	return d
}
