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
// is kept where nothing is asked for, and where it is good enough and the message is sealed already.
func (m *machine) stampFor(now time.Time, d *delivery) stampNeed {
	peer := d.peer.addr
	cost := m.costs.get(now, peer)
	if !d.ticketed.IsZero() && !now.Before(d.ticketed) {
		d.msg.Stamp, d.ticketed = nil, time.Time{}
	}
	if d.up.sealed != nil && (cost <= d.stampCost || !d.ticketed.IsZero()) {
		return stampReady
	}
	if t, ok := m.tickets.received[peer]; ok && t.Usable(now) {
		d.msg.Stamp, d.ticketed, d.stampCost = t.Stamp(d.id), t.Expires, 0
		return stampReady
	}
	switch {
	case cost <= d.stampCost || !d.ticketed.IsZero():
		return stampReady
	case cost > m.p.MaxStampCost:
		return stampTooDear
	}
	return stampSearch
}

// workKind is a kind of work on a message that is done in the background. spec: lxmf §6.6
type workKind uint8

const (
	workStamp  workKind = iota // the stamp its recipient asks for
	workSeal                   // encryption for a propagation node
	workUpload                 // the stamp the node asks for
)

// needWork puts a message into the line for work: one is worked on at a time, in order. spec: lxmf §6.6
func (m *machine) needWork(now time.Time, d *delivery, w workKind) {
	d.stage, d.work = StageStamp, w
	if w == workSeal {
		d.up.of = slices.Clone(d.msg.Stamp)
	} else {
		m.tell(now, d, Event{Kind: KindStampStart, Bits: m.workCost(now, d)})
	}
	m.stampLine = append(m.stampLine, d)
	m.nextStamp(now)
}

// workCost is the cost of the stamp that a message waits for.
func (m *machine) workCost(now time.Time, d *delivery) int {
	if d.work != workUpload {
		return m.costs.get(now, d.peer.addr)
	}
	if r, ok := m.record(d.up.via.addr); ok {
		return r.StampCost
	}
	return 0
}

// nextStamp begins the next piece of work.
func (m *machine) nextStamp(now time.Time) {
	if m.stamping != nil || len(m.stampLine) == 0 {
		return
	}
	d := m.stampLine[0]
	m.stamping = d
	switch d.work {
	case workSeal:
		m.do(sealMessage{id: d.id, dest: d.peer.addr, packed: d.packed})
	case workUpload:
		m.do(searchStamp{
			id: d.id, work: workUpload, material: d.up.id, rounds: stamp.PropagationRounds, cost: m.workCost(now, d), carried: d.up.stamp,
		})
	default:
		m.do(searchStamp{
			id: d.id, work: workStamp, material: d.id, rounds: stamp.MessageRounds, cost: m.workCost(now, d), carried: carried(d.msg),
		})
	}
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

// stampEnded takes the result of a piece of work and begins the next. An empty one without an error was stopped.
func (m *machine) stampEnded(now time.Time, r stampResult) {
	if m.stamping == nil || m.stamping.id != r.id {
		return
	}
	m.stamping = nil
	d, ok := m.messages[r.id]
	switch {
	case !ok || d.stage != StageStamp || d.work != r.work:
	case r.err != nil:
		m.fail(now, d, failureCode(r.err), r.err.Error())
	case r.work == workSeal && r.sealed != nil:
		d.up.sealed, d.up.id = r.sealed, lxmf.TransientID(r.sealed)
		d.up.stamp, d.up.value = r.stamp, 0
		m.begin(now, d)
	case r.work == workUpload && r.stamp != nil:
		d.up.stamp, d.up.value = r.stamp, r.cost
		m.tell(now, d, Event{Kind: KindStampDone, Bits: r.cost}) // the stamp is not that of the message
		m.keepSealed(d)
		m.begin(now, d)
	case r.work == workStamp && r.stamp != nil:
		d.msg.Stamp, d.stampCost = r.stamp, r.cost
		m.tell(now, d, Event{Kind: KindStampDone, Bits: r.cost, Stamp: r.stamp})
		m.begin(now, d)
	}
	m.nextStamp(now)
}

// keepSealed has a sealed and stamped message saved, so that after a restart the work is not done again and the node sees the
// same message. Large ones are made again. spec: lxmf §5.5, §6.5
func (m *machine) keepSealed(d *delivery) {
	if int64(len(d.up.sealed)) > m.p.MaxKeptSealed {
		return
	}
	d.up.kept = true
	m.do(noteSealed{sealed: Sealed{
		Message: d.id, Packed: rns.FullHash(d.packed), Stored: append(slices.Clone(d.up.sealed), d.up.stamp...),
	}})
}

// stampResult is how a piece of work ended.
type stampResult struct {
	id     rns.Hash
	work   workKind
	cost   int
	stamp  []byte
	sealed []byte
	err    error
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
