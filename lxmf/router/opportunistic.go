package router

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// staleAttempts is after how many failed attempts the path is taken for stale. spec: lxmf §9.3
const staleAttempts = 2

// sendLoose carries out the next step of a message that goes as a single packet. spec: lxmf §9.3
func (m *machine) sendLoose(now time.Time, d *delivery) {
	p := d.peer
	w := m.ways.way(p.addr)
	switch {
	case m.cutOff(w):
		m.park(now, d)
		m.timers.set(&d.timer, now.Add(m.p.OfflineWait))
		return
	case !w.known:
		m.awaitPath(now, d)
		return
	case !w.path && (d.attempts > 0 || !d.asked):
		// The first attempt goes out without a path if asking brought none. spec: lxmf §9.2
		m.awaitPath(now, d)
		return
	case d.attempts == staleAttempts && w.path && !d.rediscovered:
		d.rediscovered = true
		m.rediscover(now, d)
		return
	case !d.fitsPacket(w):
		// The path has become longer, and the packet would not fit with the transport header. spec: lxmf §19
		d.want = lxmf.MethodDirect
		m.begin(now, d)
		return
	}
	if at := m.looseAllowed(now, d); at.After(now) {
		m.timers.set(&d.timer, at)
		m.willRetry(now, d, "", at)
		return
	}
	if !p.takeSlot(d) {
		return
	}
	leaves, ok := m.pace(now, d, w)
	if !ok {
		return
	}
	d.offline = false
	m.tries++
	d.try, d.stage, d.sentVia = m.tries, StageSending, rns.Addr{}
	m.timers.set(&d.timer, leaves.Add(m.p.RetryWait))
	m.do(sendPacket{id: d.id, dest: p.addr, try: d.try, data: d.packed[rns.AddrSize:]})
	m.tell(now, d, Event{Kind: KindSent, Bytes: int64(len(d.packed)), Total: int64(len(d.packed))})
}

// awaitPath asks for a path and waits for it.
func (m *machine) awaitPath(now time.Time, d *delivery) {
	d.asked, d.offline = true, false
	p := d.peer
	d.stage = StagePath
	if !p.awaits(now) {
		m.ask(now, p)
	} else if p.askAt.IsZero() {
		m.tell(now, d, Event{Kind: KindPathRequest, Try: p.asked})
	}
	// Others may have asked long ago; the wait of this message begins now.
	m.timers.set(&d.timer, later(p.askAt, now).Add(m.p.PathWait))
}

// pathMissed ends the wait for a path. Without keys nothing can be sent; without a path the first attempt goes all the same.
func (m *machine) pathMissed(now time.Time, d *delivery) {
	w := m.ways.way(d.peer.addr)
	switch {
	case !w.known:
		if m.attemptFailed(now, d, CodeNoIdentity, "") {
			m.begin(now, d)
		}
	case w.path || d.attempts == 0:
		d.stage = StageQueued
		m.sendLoose(now, d)
	default:
		if m.attemptFailed(now, d, CodeNoPath, "") {
			m.begin(now, d)
		}
	}
}

// rediscover drops a path that did not carry twice, and asks for another. spec: lxmf §9.3
func (m *machine) rediscover(now time.Time, d *delivery) {
	p := d.peer
	m.do(dropPath{dest: p.addr})
	d.stage = StagePath
	m.askAt(now, p, now.Add(m.p.PathDrop))
	m.timers.set(&d.timer, p.askUntil)
}

// packetFailed takes the outcome of a packet that could not be sent, or whose proof did not come in time. The latter needs no
// answer: the message has its own timer.
func (m *machine) packetFailed(now time.Time, o outcome) {
	d, ok := m.messages[o.id]
	if !ok || d.try != o.try || !d.loose || d.stage != StageSending || o.code == CodeProofTimeout {
		return
	}
	if m.attemptFailed(now, d, o.code, o.detail) {
		m.timers.set(&d.timer, now.Add(m.p.RetryWait))
		m.willRetry(now, d, o.code, now.Add(m.p.RetryWait))
	}
}
