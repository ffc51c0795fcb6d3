package transport

import (
	"io"
	"time"

	"meshchatx/rns"
)

// requests holds everything about path requests. spec: rns-core §11.3
type requests struct {
	// tags are the requests seen, sent our own with their time, search those passed on for others, clients those that
	// wait for a local client.
	tags    table[requestTag, struct{}]
	sent    table[rns.Addr, tick]
	search  table[rns.Addr, search]
	clients table[rns.Addr, InterfaceID]
	// queue waits to be sent after links failed, one per timer.
	queue []queuedRequest
	timer tick
}

// requestTag is what two copies of one request have in common.
type requestTag struct {
	dest rns.Addr
	tag  [rns.TagSize]byte
	n    uint8
}

// search is a recursive request. spec: rns-core §15.4
type search struct {
	iface InterfaceID
	until tick
}

// queuedRequest excludes the interface on which a link failed, if any.
type queuedRequest struct {
	dest    rns.Addr
	exclude InterfaceID
}

func (q *requests) deadline() tick {
	t := min(q.sent.deadline(), q.search.deadline())
	if len(q.queue) > 0 {
		t = min(t, q.timer)
	}
	return t
}

// takeClient removes the record that somebody waits for a local client to announce dest.
func (q *requests) takeClient(dest rns.Addr) bool { return q.clients.delete(dest) }

// dropClient forgets what waits for an interface that is gone.
func (q *requests) dropClient(id InterfaceID) {
	for dest, asked := range q.clients.all() {
		if *asked == id {
			q.clients.delete(dest)
		}
	}
}

// makeRoom deletes the oldest entry of a full table.
func makeRoom[K comparable, V any](t *table[K, V], k K, limit int) {
	if t.len() < limit || t.get(k) != nil {
		return
	}
	if oldest, _, ok := t.first(); ok {
		t.delete(oldest)
	}
}

func (m *Machine) expireRequests(now tick) {
	q := &m.requests
	for dest, _, ok := q.sent.due(now); ok; dest, _, ok = q.sent.due(now) {
		q.sent.delete(dest)
	}
	for dest, _, ok := q.search.due(now); ok; dest, _, ok = q.search.due(now) {
		q.search.delete(dest)
	}
	for len(q.queue) > 0 && now >= q.timer {
		next := q.queue[0]
		q.queue = append(q.queue[:0], q.queue[1:]...)
		q.timer = now.after(m.p.PathRequestSpacing)
		m.requestAgain(now, next)
	}
}

// PathRequest asks the network for a path.
type PathRequest struct {
	Destination rns.Addr
	// Interface limits the request to one interface, zero for all.
	Interface InterfaceID
	// Tag of at most 16 bytes is drawn at random when nil.
	Tag []byte
}

// RequestPath asks the network for a path. There is no throttle here. spec: rns-core §15.2
func (m *Machine) RequestPath(now time.Time, r PathRequest) *Effects {
	fx, t := m.begin(now)
	tag := r.Tag
	if tag == nil {
		tag = m.newTag()
	}
	raw := m.requestPacket(r.Destination, tag)
	m.sendRequest(t, r.Destination, raw, func(n *netif) bool { return r.Interface == 0 || n.id() == r.Interface })
	fx.Verdict = rns.VerdictForwarded
	if len(fx.Send) == 0 {
		fx.Verdict = rns.VerdictNothingListening
	}
	return fx
}

func (m *Machine) newTag() []byte {
	tag := make([]byte, rns.TagSize)
	if _, err := io.ReadFull(m.rand, tag); err != nil {
		h := rns.FullHash(m.cfg.TransportID[:], []byte(m.clock.last.String()))
		copy(tag, h[:]) // a tag must be new, not secret
	}
	return tag
}

// requestPacket builds a request. spec: rns-core §15.1
func (m *Machine) requestPacket(dest rns.Addr, tag []byte) []byte {
	r := rns.PathRequest{Dest: dest, Tag: tag[:min(len(tag), rns.TagSize)]}
	if m.cfg.TransportEnabled {
		r.Requestor = m.cfg.TransportID
	}
	return r.Packet().Append(make([]byte, 0, rns.HeaderMinSize+3*rns.AddrSize))
}

// sendRequest sends a request on the interfaces that fit and records it as ours.
func (m *Machine) sendRequest(now tick, dest rns.Addr, raw []byte, fits func(*netif) bool) {
	for _, n := range m.order {
		if !n.info.ReceiveOnly && fits(n) {
			m.transmit(now, n, raw, ClassRequest)
		}
	}
	m.noteRequest(now, dest)
}

func (m *Machine) noteRequest(now tick, dest rns.Addr) {
	makeRoom(&m.requests.sent, dest, m.p.Limits.Requests)
	*m.requests.sent.put(dest) = now
	m.requests.sent.schedule(dest, now.after(m.p.PathRequestGate)+1)
}

// throttled tells whether an own request for dest is too recent for an automatic one.
func (m *Machine) throttled(now tick, dest rns.Addr) bool {
	at := m.requests.sent.get(dest)
	return at != nil && now-*at < tick(m.p.PathRequestInterval)
}

// receivePathRequest handles a request from the network or a local client. spec: rns-core §15.1, §15.3
func (m *Machine) receivePathRequest(now tick, r *reception) {
	q, err := rns.ParsePathRequest(r.packet.Data)
	if err != nil {
		m.refuse(r, verdictOf(err))
		return
	}
	m.countIncomingRequest(r.from, now)
	key := requestTag{dest: q.Dest, n: uint8(len(q.Tag))}
	copy(key.tag[:], q.Tag)
	if m.requests.tags.get(key) != nil {
		m.refuse(r, rns.VerdictAlreadyAsked)
		return
	}
	makeRoom(&m.requests.tags, key, m.p.Limits.RequestTags)
	m.requests.tags.put(key)
	m.refuse(r, m.answerRequest(now, r.from, q))
}

// answerRequest decides what to do about a path request, and does it. spec: rns-core §15.3
func (m *Machine) answerRequest(now tick, asked *netif, q rns.PathRequest) rns.Verdict {
	rt, n := m.route(q.Dest)
	fromClient := asked.isLocalClient()
	if m.localClients > 0 && n.isLocalClient() {
		makeRoom(&m.requests.clients, q.Dest, m.p.Limits.Requests)
		*m.requests.clients.put(q.Dest) = asked.id()
		m.markUsed(now, q.Dest)
	}
	switch {
	case m.local(q.Dest):
		m.event(PathRequested{Destination: q.Dest, Interface: asked.id(), Tag: q.Tag})
		return rns.VerdictAnswered
	case rt != nil && (m.cfg.TransportEnabled || fromClient):
		return m.answerKnown(now, asked, q, rt, n)
	case fromClient:
		raw := m.requestPacket(q.Dest, m.newTag())
		m.sendRequest(now, q.Dest, raw, func(o *netif) bool { return o != asked })
		return rns.VerdictRelayed
	}
	search, v := m.searches(asked)
	switch {
	case search != nil:
		return m.searchPath(now, asked, q, search)
	case m.localClients > 0:
		for _, o := range m.order {
			if o.isLocalClient() {
				m.sendRequest(now, q.Dest, m.requestPacket(q.Dest, m.newTag()), func(c *netif) bool { return c == o })
			}
		}
		return rns.VerdictRelayed
	}
	return v
}

// answerKnown answers from the path table. spec: rns-core §15.3, step 2
func (m *Machine) answerKnown(now tick, asked *netif, q rns.PathRequest, rt *path, n *netif) rns.Verdict {
	switch {
	case !rt.announce.announce():
		return rns.VerdictUnknownIdentity
	case asked.mode() == ModeRoaming && n == asked:
		return rns.VerdictInterfaceMode
	case !q.Requestor.IsZero() && q.Requestor == rt.nextHop:
		return rns.VerdictNotBetter
	}
	at := now
	if !asked.isLocalClient() && !n.isLocalClient() {
		at = now.after(m.p.PathRequestGrace)
		if asked.mode() == ModeRoaming {
			at = at.after(m.p.PathRequestRoamingGrace)
		}
	}
	m.answerFromTable(now, q.Dest, rt, asked, at)
	m.markUsed(now, q.Dest)
	return rns.VerdictAnswered
}

// searches returns which interfaces a recursive request from an interface goes to, or nil and why to none.
// spec: rns-core §15.4
func (m *Machine) searches(asked *netif) (func(*netif) bool, rns.Verdict) {
	if !m.cfg.TransportEnabled {
		return nil, rns.VerdictNoPath
	}
	all := func(*netif) bool { return true }
	if asked.info.RecursiveRequests {
		return all, rns.VerdictNone
	}
	switch asked.mode() {
	case ModeAccessPoint, ModeGateway, ModeRoaming, ModeInternal:
		return all, rns.VerdictNone
	case ModeBoundary:
		return func(n *netif) bool { return n.mode() == ModeBoundary || n.mode() == ModeGateway }, rns.VerdictNone
	}
	return nil, rns.VerdictNoPath
}

// searchPath passes a request on. spec: rns-core §15.4
func (m *Machine) searchPath(now tick, asked *netif, q rns.PathRequest, fits func(*netif) bool) rns.Verdict {
	if m.requests.search.get(q.Dest) != nil {
		return rns.VerdictAlreadyAsked
	}
	if asked.limitRequest(now) {
		return rns.VerdictRateLimited
	}
	makeRoom(&m.requests.search, q.Dest, m.p.Limits.Requests)
	until := now.after(m.p.PathRequestTimeout)
	*m.requests.search.put(q.Dest) = search{iface: asked.id(), until: until}
	m.requests.search.schedule(q.Dest, until+1)
	raw := m.requestPacket(q.Dest, q.Tag)
	for _, n := range m.order {
		if n == asked || n.info.Offline || n.info.ReceiveOnly || !fits(n) || n.limitEgress(now) || !m.requestBandwidth(now, n, raw) {
			continue
		}
		m.transmit(now, n, raw, ClassRequest)
		m.noteRequest(now, q.Dest)
	}
	return rns.VerdictRelayed
}

// requestBandwidth reserves announce bandwidth for a recursive request. spec: rns-core §15.2
func (m *Machine) requestBandwidth(now tick, n *netif, raw []byte) bool {
	if n.queue.waiting.len() > 0 || now < n.queue.allowedAt {
		return false
	}
	n.queue.allowedAt = now.after(airtime(len(raw), n.info.Bitrate, n.cap))
	return true
}
