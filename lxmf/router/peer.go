package router

import (
	"maps"
	"slices"
	"time"

	"meshchatx/rns"
)

// peer is a recipient: what waits for it, the links to it, and how it is looked for. Attempts are made per recipient, however
// many messages wait.
type peer struct {
	addr  rns.Addr
	count int // messages that are not final

	packets, resources line                   // wait for a link
	loose              map[rns.Hash]*delivery // go as single packets
	heard              map[rns.Hash]*delivery // wait for an announce
	keyless            map[rns.Hash]*delivery // wait for an announce to go through a propagation node

	node      bool // a propagation node
	uploads   int  // messages of others that go through it
	verifying bool // a link is wanted only to see whether the node works

	window    window // of those that go as single packets
	slots     int    // of it in use
	looseLine line   // wait for one

	own, back *channel // the link we opened, and the one the peer opened
	lastDial  time.Time
	notBefore time.Time // of the next attempt
	declined  bool      // the last link worked and what it carried was not proved: the peer has no room, and an announce changes nothing
	timer     timer
	lined     bool // waits for MaxDialing

	asking   bool // for a path
	needed   bool // by what waits for a link
	asked    int  // requests so far
	askAt    time.Time
	askUntil time.Time
}

// peer returns the record of a recipient.
func (m *machine) peer(addr rns.Addr) *peer {
	p, ok := m.peers[addr]
	if !ok {
		p = &peer{addr: addr, loose: make(map[rns.Hash]*delivery), heard: make(map[rns.Hash]*delivery), keyless: make(map[rns.Hash]*delivery)}
		p.timer.peer, p.window = p, m.newWindow(0)
		m.peers[addr] = p
	}
	return p
}

// release forgets a recipient nothing is left of.
func (m *machine) release(p *peer) {
	if p.idle() && p.addr != m.nodes.chosen.Node && !m.wantsLink(p) && m.peers[p.addr] == p {
		m.timers.stop(&p.timer)
		delete(m.peers, p.addr)
	}
}

// idle tells that nothing is left of a recipient.
func (p *peer) idle() bool { return p.count == 0 && p.uploads == 0 && p.own == nil && p.back == nil }

// line is where a message waits for a link.
func (p *peer) line(d *delivery) *line {
	if d.resource {
		return &p.resources
	}
	return &p.packets
}

// waiting is everything that waits for a link, in order of submission within each form.
func (p *peer) waiting() []*delivery { return slices.Concat(p.packets.waiting, p.resources.waiting) }

// looseList is what goes as single packets, in order of submission.
func (p *peer) looseList() []*delivery { return inOrder(p.loose) }

// waitingHeard is what waits for an announce, in order of submission.
func (p *peer) waitingHeard() []*delivery { return inOrder(p.heard) }

// all is everything that waits for a link or goes as single packets.
func (p *peer) all() []*delivery { return append(p.waiting(), p.looseList()...) }

func inOrder(set map[rns.Hash]*delivery) []*delivery {
	if len(set) == 0 {
		return nil
	}
	return slices.SortedFunc(maps.Values(set), bySubmission)
}

func bySubmission(a, b *delivery) int {
	if a.seq < b.seq {
		return -1
	}
	return 1
}

// usable is the link to send over: our own before the peer's. spec: lxmf §9.3
func (m *machine) usable(p *peer) *channel {
	for _, ch := range []*channel{p.own, p.back} {
		if ch != nil && ch.up {
			return ch
		}
	}
	return nil
}

// advance takes the next step for the messages of a recipient that wait for a link. spec: lxmf §9.3
func (m *machine) advance(now time.Time, p *peer) {
	if ch := m.usable(p); ch != nil {
		m.fill(now, ch)
		m.syncLink(now, ch)
		return
	}
	if len(p.packets.waiting)+len(p.resources.waiting) == 0 && !m.wantsLink(p) || p.own != nil || p.lined {
		return
	}
	w := m.ways.way(p.addr)
	if m.cutOff(w) {
		for _, d := range p.waiting() {
			m.park(now, d)
		}
		m.syncStopped(now, p, SyncNoPath, CodeNoInterface, "")
		m.timers.sooner(&p.timer, now.Add(m.p.OfflineWait))
		return
	}
	if now.Before(p.notBefore) {
		m.retryLater(now, p)
		return
	}
	if w.known && w.path {
		m.dial(now, p, w)
		return
	}
	for _, d := range p.waiting() {
		if d.stage != StagePath {
			d.stage = StagePath
			if p.awaits(now) && p.askAt.IsZero() {
				m.tell(now, d, Event{Kind: KindPathRequest, Try: p.asked})
			}
		}
	}
	p.needed = true
	m.syncWaits(now, p, SyncPathRequested)
	if !p.awaits(now) {
		m.ask(now, p)
	}
}

// awaits tells whether a path is being looked for.
func (p *peer) awaits(now time.Time) bool {
	return p.asking && (!p.askAt.IsZero() || now.Before(p.askUntil))
}

// retryLater waits for the next attempt and tells the messages that wait.
func (m *machine) retryLater(now time.Time, p *peer) {
	for _, d := range p.waiting() {
		m.willRetry(now, d, "", p.notBefore)
	}
	m.timers.sooner(&p.timer, p.notBefore)
}

// ask asks the network for a path.
func (m *machine) ask(now time.Time, p *peer) { m.askAt(now, p, now) }

// askAt asks for a path, not before at, and not before its turn: requests are spaced over all recipients.
func (m *machine) askAt(now time.Time, p *peer, at time.Time) {
	slot := later(at, m.nextAsk)
	m.nextAsk = slot.Add(m.p.PathSpacing)
	wait := m.p.PathWait
	if p.node {
		wait = m.p.NodePathWait
	}
	p.asking, p.askAt, p.askUntil = true, slot, slot.Add(wait)
	if slot.After(now) {
		m.timers.sooner(&p.timer, slot)
		return
	}
	m.request(now, p)
}

// request sends a path request.
func (m *machine) request(now time.Time, p *peer) {
	p.asked++
	p.askAt = time.Time{}
	m.do(askPath{dest: p.addr})
	for _, d := range append(p.all(), inOrder(p.keyless)...) {
		if d.stage == StagePath {
			d.offline = false
			m.tell(now, d, Event{Kind: KindPathRequest, Try: p.asked})
		}
	}
	m.timers.sooner(&p.timer, p.askUntil)
}

// peerDue is called when the timer of a recipient fires.
func (m *machine) peerDue(now time.Time, p *peer) {
	switch {
	case p.asking && !p.askAt.IsZero() && !now.Before(p.askAt):
		m.request(now, p)
	case p.asking && p.askAt.IsZero() && !now.Before(p.askUntil):
		needed := p.needed
		p.asking, p.needed = false, false
		w := m.ways.way(p.addr)
		switch {
		case !needed:
		case !w.known:
			m.lineFailed(now, p, CodeNoIdentity, "", now)
		case !w.path:
			m.lineFailed(now, p, CodeNoPath, "", now)
		}
	}
	if p.asking {
		due := p.askUntil
		if !p.askAt.IsZero() {
			due = p.askAt
		}
		m.timers.sooner(&p.timer, due)
	}
	m.advance(now, p)
	m.release(p)
}

// lineFailed counts a failed attempt for everything that waits for a link, and plans the next one.
func (m *machine) lineFailed(now time.Time, p *peer, code Code, detail string, next time.Time) {
	m.troubled(now, p)
	next = later(next, m.resume(now, p))
	p.notBefore = next
	code = p.lineCode(code)
	if p.node && code != CodeNoInterface {
		m.nodeFailed(now, p, outcome{code: code, detail: detail})
	}
	for _, d := range p.waiting() {
		if m.attemptFailed(now, d, code, detail) && next.After(now) {
			m.willRetry(now, d, code, next)
		}
	}
	if p.node {
		state := SyncLinkFailed
		if code == CodePropagationNoPath {
			state = SyncNoPath
		}
		m.syncStopped(now, p, state, code, detail)
	}
}

// dial opens a link, unless too many are being opened.
func (m *machine) dial(now time.Time, p *peer, w way) {
	if m.opening >= m.p.MaxDialing {
		p.lined = true
		m.dialLine = append(m.dialLine, p)
		return
	}
	if at := m.dialAllowed(now, p); at.After(now) {
		p.notBefore = at
		m.retryLater(now, p)
		m.syncStopped(now, p, SyncLinkFailed, CodePropagationThrottled, "too many links were opened within an hour")
		return
	}
	p.asking, p.needed, p.lastDial, p.declined = false, false, now, false
	m.opening++
	m.refs++
	ch := &channel{ref: m.refs, peer: p, own: true, inflight: make(map[rns.Hash]*delivery), hops: w.hops, iface: w.iface}
	ch.idle.channel = ch
	p.own = ch
	m.channels[ch.ref] = ch
	to := toPeer
	if p.node {
		to = toNode
	}
	m.do(dialLink{ref: ch.ref, dest: p.addr, to: to})
	m.syncWaits(now, p, SyncLinkEstablishing)
	for _, d := range p.waiting() {
		m.telling(now, d, ch)
	}
}

// telling tells a message that its link is being opened.
func (m *machine) telling(now time.Time, d *delivery, ch *channel) {
	d.stage, d.offline = StageLink, false
	m.tell(now, d, Event{Kind: KindLinkRequest, Hops: ch.hops, Interface: ch.iface})
}

// dialled gives the turn to the next recipient that waits to be dialled.
func (m *machine) dialled(now time.Time) {
	m.opening--
	for m.opening < m.p.MaxDialing && len(m.dialLine) > 0 {
		p := m.dialLine[0]
		m.dialLine = m.dialLine[1:]
		p.lined = false
		m.advance(now, p)
	}
}
