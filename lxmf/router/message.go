package router

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Stage is where an outbound message is.
type Stage uint8

// The stages.
const (
	StageQueued  Stage = iota // may go as soon as the link, or its turn, is there
	StageHeard                // waits for an announce of the recipient
	StageStamp                // waits for its stamp
	StagePath                 // waits for a path
	StageLink                 // waits for a link
	StageSending              // is on its way
	StageRetry                // waits for the next attempt
)

// String returns the stage as a word.
func (s Stage) String() string {
	return [...]string{"queued", "heard", "stamp", "path", "link", "sending", "retry"}[min(s, StageRetry)]
}

// delivery is one outbound message.
type delivery struct {
	id    rns.Hash
	msg   *lxmf.Message
	peer  *peer
	seq   uint64
	timer timer // opportunistic only: direct messages wait for their peer

	want   lxmf.Method // what was asked for
	method lxmf.Method // how it goes
	packed []byte
	// packedFor is the stamp in packed.
	packedFor []byte
	stage     Stage
	// loose tells that it goes as a single packet, else it stands in a line of its peer. resource tells which.
	loose, resource bool
	waitHeard       bool
	fallback        Fallback
	oversize        Oversize
	work            workKind  // that it waits for in StageStamp
	up              upload    // of a message that goes through a propagation node
	offline         bool      // said already that there is no interface
	asked           bool      // a path was asked for before the first attempt
	rediscovered    bool      // the path was dropped once
	attempts        int       // that failed
	retryAt         time.Time // as told
	turn            time.Time // on a slow medium, zero if it has none
	slot            bool      // holds one of the recipient's window

	try     uint64 // of the present or last transmission, 0 before the first
	channel *channel
	resends int
	// moved tells that some of a resource has arrived, whole that all of it has left, shown when its progress was last told.
	moved bool
	whole bool
	shown time.Time

	paused    time.Time // the failure whose pause was waited for
	sentVia   rns.Addr  // node of the last transmission, zero for the recipient itself
	stampCost int       // cost that the stamp satisfies
	ticketed  time.Time // until when the ticket of the stamp is valid; zero for a stamp by work
}

// tell reports a step.
func (m *machine) tell(now time.Time, d *delivery, e Event) {
	e.ID, e.Peer, e.At, e.Method = d.id, d.peer.addr, now, d.method
	if e.Via.IsZero() && d.up.via != nil {
		e.Via, e.ViaName = d.up.via.addr, m.nodes.name(d.up.via.addr)
	}
	if e.Attempt == 0 {
		e.Attempt = min(d.attempts+1, m.p.MaxAttempts)
	}
	if e.Kind != KindPathFound && e.Kind != KindLinkRequest {
		e.Hops = -1
	}
	m.fx.events = append(m.fx.events, e)
}

// begin starts, or starts again, what leads to sending: stamp, form, line.
func (m *machine) begin(now time.Time, d *delivery) {
	m.unqueue(now, d)
	if d.want == lxmf.MethodPropagated && m.nodes.chosen.Node.IsZero() {
		m.noNode(now, d)
		return
	}
	switch m.stampFor(now, d) {
	case stampReady:
		m.enqueue(now, d)
	case stampSearch:
		m.needWork(now, d, workStamp)
	case stampTooDear:
		m.fail(now, d, CodeStampRequired, "the recipient asks for more work than is allowed")
	}
}

// enqueue chooses the form of a message and puts it where it waits for its turn.
func (m *machine) enqueue(now time.Time, d *delivery) {
	d.pack()
	if d.want == lxmf.MethodPropagated {
		m.propagate(now, d)
		return
	}
	d.loose = m.chooses(d)
	if !d.loose && m.unfit(now, d) {
		return
	}
	if d.loose {
		d.method = lxmf.MethodOpportunistic
		d.peer.loose[d.id] = d
		d.stage = StageQueued
		m.sendLoose(now, d)
		return
	}
	m.queueDirect(now, d)
}

// chooses tells whether a message goes as a single packet. spec: lxmf §5.2, §5.3
func (m *machine) chooses(d *delivery) bool {
	if d.want == lxmf.MethodDirect || d.msg.ContentSize() > lxmf.MaxOpportunistic {
		return false
	}
	w := m.ways.way(d.peer.addr)
	switch {
	case !d.fitsPacket(w):
		return false
	case d.want == lxmf.MethodOpportunistic:
		return true
	}
	// Nobody chose: a packet is the cheapest while it is secret even later and no link is open; when that fails twice, a
	// link tells more about why.
	return w.ratchet && m.usable(d.peer) == nil && d.attempts < 2
}

// queueDirect puts a message into the line for links.
func (m *machine) queueDirect(now time.Time, d *delivery) {
	d.method, d.loose, d.stage = lxmf.MethodDirect, false, StageQueued
	d.resource = d.msg.ContentSize() > lxmf.MaxDirectPacket
	p := d.peer
	p.line(d).insert(d)
	if p.own != nil && !p.own.up {
		m.telling(now, d, p.own)
	}
	m.refresh(p, d)
	m.advance(now, p)
}

// unqueue takes a message out of whatever it waits in. What is on its way stays there.
func (m *machine) unqueue(now time.Time, d *delivery) {
	m.timers.stop(&d.timer)
	delete(d.peer.heard, d.id)
	delete(d.peer.loose, d.id)
	if d.stage == StageStamp {
		m.dropStamp(d)
	}
	if d.packed != nil {
		d.hop().line(d).remove(d)
	}
	m.freeSlot(now, d)
	m.detach(d)
}

// awaitHeard puts a message aside until its recipient is heard.
func (m *machine) awaitHeard(now time.Time, d *delivery, code Code) {
	m.unqueue(now, d)
	d.stage, d.attempts, d.asked, d.rediscovered, d.offline, d.retryAt = StageHeard, 0, false, false, false, time.Time{}
	d.peer.heard[d.id] = d
	m.tell(now, d, Event{Kind: KindWaitingHeard, Code: code})
}

// attemptFailed counts a failed attempt. It reports false when the message is not tried any more.
func (m *machine) attemptFailed(now time.Time, d *delivery, code Code, detail string) bool {
	d.attempts++
	m.tell(now, d, Event{Kind: KindAttemptFailed, Code: code, Detail: detail, Attempt: d.attempts})
	d.stage = StageRetry
	switch {
	case d.attempts < m.p.MaxAttempts:
		return true
	case d.waitHeard:
		m.awaitHeard(now, d, code)
	case m.fallBack(now, d, code):
	default:
		m.fail(now, d, code, detail)
	}
	return false
}

// park puts a message aside because no interface is up. It counts for nothing.
func (m *machine) park(now time.Time, d *delivery) {
	if !d.offline {
		d.offline = true
		m.tell(now, d, Event{Kind: KindAttemptFailed, Code: CodeNoInterface})
	}
	d.stage = StageRetry
	if !d.retryAt.After(now) {
		m.willRetry(now, d, CodeNoInterface, now.Add(m.p.OfflineWait))
	}
}

// willRetry tells when the next attempt is made, once.
func (m *machine) willRetry(now time.Time, d *delivery, code Code, at time.Time) {
	d.stage = StageRetry
	if !d.retryAt.Equal(at) {
		d.retryAt = at
		m.tell(now, d, Event{Kind: KindRetryAt, Code: code, RetryAt: at})
	}
}

// fail ends a message.
func (m *machine) fail(now time.Time, d *delivery, code Code, detail string) {
	m.finish(now, d, Event{Kind: KindFailed, Code: code, Detail: detail, Attempt: max(d.attempts, 1)})
}

// finish ends a message with its final event.
func (m *machine) finish(now time.Time, d *delivery, e Event) {
	m.tell(now, d, e)
	m.unqueue(now, d)
	p, ch := d.peer, d.channel
	if ch != nil {
		m.leave(d)
		if e.Kind == KindCancelled && d.resource {
			m.do(cancelTransfer{try: d.try})
		}
	}
	delete(m.messages, d.id)
	p.count--
	if d.up.kept && e.Kind != KindFailed {
		m.do(dropSealed{message: d.id})
	}
	if e.Kind != KindDelivered && e.Kind != KindPropagated && d.try > 0 {
		m.listenLate(now, d)
	}
	if ch != nil && ch.up {
		m.fill(now, ch)
	}
	m.release(p)
}

// delivered ends a message that was proved.
func (m *machine) delivered(now time.Time, d *delivery, rtt time.Duration) {
	if d.msg.Fields.Has(lxmf.FieldTicket) {
		m.tickets.delivered[d.peer.addr] = now
		m.do(noteDelivery{peer: d.peer.addr, at: now})
	}
	if ch := d.channel; ch != nil && ch.own && !ch.identified {
		ch.identified = true
		m.do(identify{ref: ch.ref})
	}
	m.calm(d.peer)
	m.finish(now, d, Event{Kind: KindDelivered, RTT: rtt})
}

// lateProof waits for the proof of a message that was given up.
type lateProof struct {
	id    rns.Hash
	peer  rns.Addr
	via   rns.Addr // of the last transmission, if it went to a propagation node
	timer timer
}

func (m *machine) listenLate(now time.Time, d *delivery) {
	l := &lateProof{id: d.id, peer: d.peer.addr, via: d.sentVia}
	l.timer.late = l
	m.late[d.id] = l
	m.timers.set(&l.timer, now.Add(m.p.LateProof))
}

func (m *machine) forgetLate(id rns.Hash) {
	if l, ok := m.late[id]; ok {
		m.timers.stop(&l.timer)
		delete(m.late, id)
	}
}

// proved takes the proof of a transmission by some way, whichever it was. spec: lxmf §9.3
func (m *machine) proved(now time.Time, id rns.Hash, by lxmf.Method, rtt time.Duration) {
	if d, ok := m.messages[id]; ok {
		switch {
		case d.loose:
			d.peer.window.proved(rtt, m.p.Window)
		case d.channel != nil && !d.resource:
			d.channel.window.proved(rtt, m.p.Window)
		}
		if by == lxmf.MethodPropagated {
			m.atNode(now, d, rtt)
		} else {
			m.delivered(now, d, rtt)
		}
		return
	}
	if l, ok := m.late[id]; ok {
		m.forgetLate(id)
		e := Event{ID: id, Peer: l.peer, At: now, Kind: KindDelivered, Hops: -1, RTT: rtt}
		if by == lxmf.MethodPropagated {
			e.Kind, e.Via, e.ViaName, e.Method = KindPropagated, l.via, m.nodes.name(l.via), by
		}
		m.fx.events = append(m.fx.events, e)
	}
}

// messageDue is called when the timer of a message that goes as a single packet fires.
func (m *machine) messageDue(now time.Time, d *delivery) {
	switch d.stage {
	case StageSending:
		d.peer.window.lost()
		m.troubled(now, d.peer)
		code := CodeProofTimeout
		if d.attempts+1 == staleAttempts && !d.rediscovered {
			code = CodePathStale
		}
		if m.attemptFailed(now, d, code, "") {
			m.begin(now, d)
		}
	case StagePath:
		if d.up.lack != nil {
			m.announceMissed(now, d)
			return
		}
		m.pathMissed(now, d)
	default:
		m.begin(now, d)
	}
}
