package router

import (
	"maps"
	"slices"
	"time"

	"meshchatx/rns"
)

// channel is a link to a recipient, as the machine sees it.
type channel struct {
	ref  linkRef
	peer *peer
	// own tells that we opened it, else the peer did and identified itself.
	own, up    bool
	identified bool // we told the peer who we are
	hops       int
	iface      string

	inflight map[rns.Hash]*delivery
	packets  int       // of those in flight
	window   window    // bounds them
	starved  bool      // the resource in flight kept a packet waiting for too long
	resource *delivery // the one in flight
	moved    time.Time // last progress of it
	used     time.Time // last payload in either direction
	idle     timer
	crowded  time.Time // the link took no more; try again then
}

// linkUp takes a link into use.
func (m *machine) linkUp(now time.Time, ref linkRef, rtt time.Duration) {
	ch, ok := m.channels[ref]
	if !ok || ch.up {
		return
	}
	ch.up, ch.used, ch.window = true, now, m.newWindow(rtt)
	m.timers.set(&ch.idle, now.Add(m.p.LinkIdle))
	for _, d := range ch.peer.waiting() {
		m.tell(now, d, Event{Kind: KindLinkUp, RTT: rtt})
		d.stage = StageQueued
	}
	m.dialled(now)
	if ch.peer.node {
		m.nodeWorked(now, ch.peer)
	}
	m.fill(now, ch)
	m.syncLink(now, ch)
}

// backchannel takes a link of a peer into use that has identified itself on it. spec: lxmf §9.5
func (m *machine) backchannel(now time.Time, ref linkRef, addr rns.Addr) {
	if _, known := m.channels[ref]; known {
		return // who a link belongs to does not change
	}
	p := m.peer(addr)
	ch := &channel{ref: ref, peer: p, up: true, used: now, window: m.newWindow(0), inflight: make(map[rns.Hash]*delivery)}
	ch.idle.channel = ch
	m.channels[ref] = ch
	p.back = ch
	m.advance(now, p)
}

// fill sends what waits over a link, as much as may be in flight: packets together, resources one at a time.
func (m *machine) fill(now time.Time, ch *channel) {
	p := ch.peer
	switch {
	case !ch.up:
		return
	case now.Before(ch.crowded):
		m.timers.sooner(&p.timer, ch.crowded)
		return
	}
	for ch.packets < ch.room() {
		d := p.packets.pop()
		if d == nil {
			break
		}
		m.sendOver(now, d, ch)
	}
	if ch.resource == nil {
		if d := p.resources.pop(); d != nil {
			m.sendOver(now, d, ch)
		}
	}
}

// room is how many packets may be in flight. On a slow link a resource leaves room for one, and for none once it has kept a
// packet waiting for too long.
func (ch *channel) room() int {
	switch {
	case ch.peer.node:
		return 1 // the signal of a bad stamp names no message
	case ch.resource == nil || !ch.window.slow():
		return ch.window.size
	case ch.starved:
		return 0
	}
	return 1
}

// sendOver sends a message over a link.
func (m *machine) sendOver(now time.Time, d *delivery, ch *channel) {
	d.channel, d.resends, d.moved, d.whole, d.shown, d.offline = ch, 0, false, false, now, false
	ch.inflight[d.id] = d
	total := int64(len(d.wire()))
	m.tell(now, d, Event{Kind: KindProgress, Total: total})
	if d.resource {
		ch.resource, ch.moved = d, now
	} else {
		ch.packets++
	}
	m.transmit(now, d)
}

// transmit puts a message on its link, for the first time or again.
func (m *machine) transmit(now time.Time, d *delivery) {
	ch := d.channel
	m.tries++
	d.try, d.stage = m.tries, StageSending
	ch.used = now
	d.sentVia = rns.Addr{}
	if d.up.via != nil {
		d.sentVia = d.up.via.addr
	}
	if d.resource {
		m.do(linkResource{ref: ch.ref, way: d.method, id: d.id, try: d.try, data: d.wire()})
		return
	}
	m.do(linkPacket{ref: ch.ref, way: d.method, id: d.id, try: d.try, data: d.wire()})
	total := int64(len(d.wire()))
	m.tell(now, d, Event{Kind: KindProofWait, Bytes: total, Total: total})
}

// leave takes a message off its link.
func (m *machine) leave(d *delivery) {
	ch := d.channel
	d.channel = nil
	if ch == nil || ch.inflight[d.id] != d {
		return
	}
	delete(ch.inflight, d.id)
	if ch.resource == d {
		ch.resource, ch.starved = nil, false
	} else {
		ch.packets--
	}
}

// outcome is how a transmission ended without a proof.
type outcome struct {
	id     rns.Hash
	try    uint64
	code   Code
	detail string
}

// linkClosed takes the end of a link. What was on its way goes back into the line and starts over on the next link.
// spec: lxmf §9.3
func (m *machine) linkClosed(now time.Time, ref linkRef, code Code, detail string) {
	ch, ok := m.channels[ref]
	if !ok {
		return
	}
	m.drop(now, ch)
	p := ch.peer
	if !ch.up {
		m.lineFailed(now, p, code, detail, later(p.lastDial.Add(m.p.RetryWait), now.Add(m.p.RetryPause)))
		if code == CodeLinkTimeout {
			m.do(askPath{dest: p.addr})
		}
		m.dialled(now)
	} else if m.abort(now, ch, code, detail) && !p.node {
		m.do(askPath{dest: p.addr})
	}
	m.syncLost(now, ch, code, detail)
	m.advance(now, p)
	m.release(p)
}

// drop forgets a link.
func (m *machine) drop(now time.Time, ch *channel) {
	delete(m.channels, ch.ref)
	m.timers.stop(&ch.idle)
	if p := ch.peer; p.own == ch {
		p.own = nil
	} else if p.back == ch {
		p.back = nil
	}
}

// abort puts everything in flight on a dropped link back into the line, an attempt poorer. It reports whether there was
// anything.
func (m *machine) abort(now time.Time, ch *channel, code Code, detail string) bool {
	lost := slices.SortedFunc(maps.Values(ch.inflight), bySubmission)
	if len(lost) == 0 {
		return false
	}
	p := ch.peer
	p.declined = ch.resource != nil && (!ch.resource.moved || ch.resource.whole)
	p.notBefore = later(p.lastDial.Add(m.p.RetryWait), now.Add(m.p.RetryPause))
	for _, d := range lost {
		m.requeue(now, d, code, detail)
	}
	return true
}

// requeue puts one message that was in flight back into the line, an attempt poorer.
func (m *machine) requeue(now time.Time, d *delivery, code Code, detail string) {
	m.leave(d)
	if m.attemptFailed(now, d, code, detail) {
		d.hop().line(d).insert(d)
	}
}

// linkPacketFailed takes the end of a packet's transmission without a proof. It is repeated on the same link, which costs
// nothing when the peer has it already; then the link is given up, unless a resource shows that it works.
//
// differs: the reference gives the link up at once. spec: lxmf §5.4
func (m *machine) linkPacketFailed(now time.Time, o outcome) {
	d, ok := m.messages[o.id]
	if !ok || d.try != o.try || d.channel == nil {
		return
	}
	ch := d.channel
	switch {
	case o.code == CodeLinkClosed:
		return // the end of the link follows, and takes everything with it
	case o.code == codeBusy:
		m.crowd(now, d)
		return
	case ch.resource != nil && ch.window.slow():
		ch.starved = true
		m.putBack(now, d)
		return
	}
	ch.window.lost()
	switch {
	case d.resends < m.p.LinkResends:
		d.resends++
		m.transmit(now, d)
		return
	case ch.resource != nil && now.Sub(ch.moved) < m.p.RetryWait:
		m.requeue(now, d, o.code, o.detail)
		m.fill(now, ch)
		return
	}
	m.requeue(now, d, o.code, o.detail)
	m.giveUp(now, ch)
}

// crowd puts a message back that its link could not take, without counting an attempt.
func (m *machine) crowd(now time.Time, d *delivery) {
	ch := d.channel
	ch.crowded = now.Add(m.p.RetryPause)
	m.putBack(now, d)
}

// putBack takes a message off its link and into its line again.
func (m *machine) putBack(now time.Time, d *delivery) {
	ch := d.channel
	m.leave(d)
	d.stage = StageQueued
	d.hop().line(d).insert(d)
	m.fill(now, ch)
}

// giveUp closes a link that does not work any more.
func (m *machine) giveUp(now time.Time, ch *channel) {
	m.drop(now, ch)
	m.do(closeLink{ref: ch.ref})
	m.syncLost(now, ch, CodeLinkClosed, "")
	m.abort(now, ch, CodeLinkClosed, "")
	ch.peer.declined = true
	if p := ch.peer; !p.notBefore.After(now) {
		p.notBefore = later(p.lastDial.Add(m.p.RetryWait), now.Add(m.p.RetryPause))
	}
	if !ch.peer.node {
		m.do(askPath{dest: ch.peer.addr})
	}
	m.advance(now, ch.peer)
	m.release(ch.peer)
}

// transferFailed takes the end of a resource that was not proved. spec: lxmf §5.4
func (m *machine) transferFailed(now time.Time, o outcome) {
	d, ok := m.messages[o.id]
	if !ok || d.try != o.try || d.channel == nil {
		return
	}
	ch := d.channel
	switch {
	case o.code == CodeLinkClosed:
		return // the end of the link follows, and takes everything with it
	case o.code == codeBusy:
		m.crowd(now, d)
		return
	case o.code == CodeTooLargeDirect && !d.moved && d.up.via != nil:
		m.uploadRefused(now, d)
		return
	case o.code == CodeTooLargeDirect && !d.moved:
		m.finish(now, d, Event{Kind: KindRejected, Code: CodeTooLargeDirect, Total: int64(len(d.packed))})
		return
	}
	m.requeue(now, d, CodeTransferStalled, o.detail)
	m.giveUp(now, ch)
}

// progress is how far a resource is.
type progress struct {
	id    rns.Hash
	try   uint64
	share float64 // 0 to 1
	rate  float64 // byte/s
}

// transferMoved reports progress, not too often. When everything has left, the proof is waited for.
func (m *machine) transferMoved(now time.Time, g progress) {
	d, ok := m.messages[g.id]
	if !ok || d.try != g.try || d.channel == nil {
		return
	}
	ch := d.channel
	ch.moved, ch.used = now, now
	first := !d.moved && g.share > 0
	d.moved = d.moved || g.share > 0
	d.whole = d.whole || g.share >= 1
	total := int64(len(d.wire()))
	e := Event{
		Kind: KindProgress, Percent: int(g.share * 100), Bytes: int64(g.share * float64(total)), Total: total, Rate: int64(g.rate),
	}
	switch {
	case g.share >= 1:
		e.Kind = KindProofWait
	case !first && now.Sub(d.shown) < m.p.ProgressEvery:
		return
	case g.rate > 0:
		e.ETA = time.Duration(float64(total-e.Bytes) / g.rate * float64(time.Second))
	}
	d.shown = now
	m.tell(now, d, e)
}

// touch notes payload that came in over a link.
func (m *machine) touch(now time.Time, ref linkRef) {
	if ch, ok := m.channels[ref]; ok {
		ch.used = now
	}
}

// channelIdle closes a link of ours that nobody used for a while. spec: lxmf §9.4
func (m *machine) channelIdle(now time.Time, ch *channel) {
	if !ch.own {
		return
	}
	quiet := ch.used.Add(m.p.LinkIdle)
	if len(ch.inflight) > 0 || quiet.After(now) || m.sync.ref == ch.ref && m.sync.status.State.Active() {
		m.timers.set(&ch.idle, later(quiet, now.Add(m.p.RetryWait)))
		return
	}
	m.drop(now, ch)
	m.do(closeLink{ref: ch.ref})
	m.release(ch.peer)
}
