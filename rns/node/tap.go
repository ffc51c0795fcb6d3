package node

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
)

// Direction is the way of a frame, seen from the node.
type Direction uint8

// The directions.
const (
	In Direction = iota
	Out
)

// TapRecord is one frame seen by a tap.
type TapRecord struct {
	// Seq counts all frames since the tap was opened, from 1.
	Seq       uint64
	At        time.Time
	Direction Direction
	Interface InterfaceID
	Name      string
	// Raw is the packet without access code; Wire is the frame with it, nil where there is none.
	Raw, Wire []byte
	// Packet is the parsed packet, ParseErr why it could not be parsed.
	Packet   rns.Packet
	ParseErr error
	// Verdict is what became of it: of a received packet in the machine, VerdictForwarded for one that was sent.
	Verdict rns.Verdict
	Signal  iface.Signal
}

// Tap shows every frame in and out of a node, newest in a bounded buffer. It is safe for concurrent use.
type Tap struct {
	owner  *tap
	filter func(*TapRecord) bool

	mu    sync.Mutex
	ring  []TapRecord
	limit int
	seq   uint64
	more  chan struct{}
}

// OpenTap starts a tap that keeps the newest size records for which filter, if not nil, is true. Frames cost nothing extra
// while no tap is open. filter must not block.
func (n *Node) OpenTap(size int, filter func(*TapRecord) bool) *Tap {
	t := &Tap{owner: &n.tap, filter: filter, limit: max(size, 1), more: make(chan struct{})}
	n.tap.mu.Lock()
	defer n.tap.mu.Unlock()
	n.tap.taps = append(slices.Clone(n.tap.taps), t)
	n.tap.open.Store(int32(len(n.tap.taps)))
	return t
}

// Close ends the tap. Its records can still be read.
func (t *Tap) Close() {
	t.owner.mu.Lock()
	defer t.owner.mu.Unlock()
	t.owner.taps = slices.DeleteFunc(slices.Clone(t.owner.taps), func(o *Tap) bool { return o == t })
	t.owner.open.Store(int32(len(t.owner.taps)))
}

// Since returns the kept records with a sequence number above since, in order, and a channel that is closed when there
// are more. A gap in the numbers tells what was lost or filtered.
func (t *Tap) Since(since uint64) ([]TapRecord, <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := len(t.ring)
	for from > 0 && t.ring[from-1].Seq > since {
		from--
	}
	return slices.Clone(t.ring[from:]), t.more
}

func (t *Tap) add(r TapRecord) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	r.Seq = t.seq
	if t.filter != nil && !t.filter(&r) {
		return
	}
	if len(t.ring) >= 2*t.limit {
		t.ring = append(t.ring[:0], t.ring[len(t.ring)-t.limit+1:]...)
	}
	t.ring = append(t.ring, r)
	close(t.more)
	t.more = make(chan struct{})
}

// tap is the node's list of taps.
type tap struct {
	open atomic.Int32
	mu   sync.Mutex
	taps []*Tap
}

// active tells whether anybody looks. It is the whole cost of taps while nobody does.
func (t *tap) active() bool { return t.open.Load() > 0 }

// inbound prepares the record of a received packet, before the machine may rewrite it.
func (t *tap) inbound(p *port, now time.Time, raw []byte, s *span) *TapRecord {
	r := newTapRecord(p, now, In, raw, s.wire)
	r.Signal = s.signal
	return r
}

// outbound records a frame that is handed to a driver.
func (t *tap) outbound(p *port, now time.Time, raw, wire []byte, v rns.Verdict) {
	if p.code == nil {
		wire = nil
	}
	t.record(newTapRecord(p, now, Out, raw, wire), v)
}

// refused records a received frame that did not reach the machine.
func (t *tap) refused(p *port, now time.Time, f *iface.Frame, v rns.Verdict) {
	r := newTapRecord(p, now, In, nil, f.Data)
	r.Signal = f.Signal
	t.record(r, v)
}

// record gives a record to all taps.
func (t *tap) record(r *TapRecord, v rns.Verdict) {
	r.Verdict = v
	t.mu.Lock()
	taps := t.taps
	t.mu.Unlock()
	for _, one := range taps {
		one.add(*r)
	}
}

func newTapRecord(p *port, now time.Time, d Direction, raw, wire []byte) *TapRecord {
	r := &TapRecord{
		At: now, Direction: d, Interface: p.id, Name: p.info.Label, Raw: slices.Clone(raw), Wire: slices.Clone(wire),
	}
	if raw == nil {
		r.ParseErr = rns.VerdictTooShort
		return r
	}
	r.Packet, r.ParseErr = rns.ParsePacket(r.Raw)
	return r
}
