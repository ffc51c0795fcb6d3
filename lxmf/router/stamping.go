package router

import (
	"math"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// stampNeed is what a message needs before it can go. spec: lxmf §6.6
type stampNeed uint8

const (
	stampReady stampNeed = iota
	stampSearch
	stampTooDear
)

// stampFor stamps a message by ticket if there is one, and otherwise tells whether work is needed. The stamp a message carries
// is kept where nothing is asked for.
func (m *machine) stampFor(now time.Time, d *delivery) stampNeed {
	peer := d.peer.addr
	if t, ok := m.tickets.received[peer]; ok && t.Usable(now) {
		d.msg.Stamp, d.ticketed, d.stampCost = t.Stamp(d.id), t.Expires, 0
		return stampReady
	}
	if !d.ticketed.IsZero() && !now.Before(d.ticketed) {
		d.msg.Stamp, d.ticketed = nil, time.Time{}
	}
	cost := m.costs.get(now, peer)
	switch {
	case cost <= d.stampCost || !d.ticketed.IsZero():
		return stampReady
	case cost > m.p.MaxStampCost:
		return stampTooDear
	}
	return stampSearch
}

// needStamp puts a message into the line for work: one is worked on at a time, in order. spec: lxmf §6.6
func (m *machine) needStamp(now time.Time, d *delivery) {
	d.stage = StageStamp
	m.tell(now, d, Event{Kind: KindStampStart, Bits: m.costs.get(now, d.peer.addr)})
	m.stampLine = append(m.stampLine, d)
	m.nextStamp(now)
}

// nextStamp begins the next piece of work.
func (m *machine) nextStamp(now time.Time) {
	if m.stamping != nil || len(m.stampLine) == 0 {
		return
	}
	d := m.stampLine[0]
	m.stamping = d
	cost := m.costs.get(now, d.peer.addr)
	m.do(searchStamp{id: d.id, cost: cost, carried: carried(d.msg)})
}

// carried is the stamp by work that a message brings along.
func carried(m *lxmf.Message) []byte {
	if len(m.Stamp) == stamp.Size {
		return m.Stamp
	}
	return nil
}

// dropStamp takes a message out of the line for work.
func (m *machine) dropStamp(d *delivery) {
	m.stampLine = slices.DeleteFunc(m.stampLine, func(o *delivery) bool { return o == d })
	if m.stamping == d {
		m.do(stopStamp{id: d.id})
	}
}

// stampEnded takes the result of a search and begins the next. An empty one without an error was stopped.
func (m *machine) stampEnded(now time.Time, r stampResult) {
	if m.stamping == nil || m.stamping.id != r.id {
		return
	}
	m.stamping = nil
	d, ok := m.messages[r.id]
	switch {
	case !ok || d.stage != StageStamp:
	case r.err != nil:
		m.fail(now, d, CodeUnknown, r.err.Error())
	case r.stamp != nil:
		d.msg.Stamp, d.stampCost = r.stamp, r.cost
		m.tell(now, d, Event{Kind: KindStampDone, Bits: r.cost, Stamp: r.stamp})
		m.begin(now, d)
	}
	m.nextStamp(now)
}

// stampResult is how a search ended.
type stampResult struct {
	id    rns.Hash
	cost  int
	stamp []byte
	err   error
}

// stampProgress reports how far a search is. It has no memory, so the share is that of the average effort.
func (m *machine) stampProgress(now time.Time, id rns.Hash, cost int, attempts uint64, rate float64) {
	d, ok := m.messages[id]
	if !ok || d.stage != StageStamp {
		return
	}
	expected := math.Exp2(float64(cost))
	e := Event{Kind: KindStampProgress, Bits: cost, Percent: int(min(float64(attempts)/expected, 0.99) * 100)}
	if rate > 0 {
		left := max(expected-float64(attempts), expected/100) / rate
		e.ETA = time.Duration(min(left, 1e6) * float64(time.Second))
	}
	m.tell(now, d, e)
}

// restamp looks again at everything that waits for a recipient that now asks for more.
func (m *machine) restamp(now time.Time, p *peer) {
	for _, d := range p.all() {
		if d.stage != StageSending && m.stampFor(now, d) != stampReady {
			m.begin(now, d)
		}
	}
}
