package router

import (
	"errors"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// linkTo says what a link is opened to.
type linkTo uint8

const (
	toPeer linkTo = iota
	toNode
)

// syncStep is what a fetch waits for.
type syncStep uint8

const (
	stepNone   syncStep = iota
	stepLink            // the link to the node
	stepList            // the ids of what the node has for us
	stepSort            // which of them are known
	stepFetch           // the messages
	stepStore           // their storage
	stepDelete          // the deletion on the node, before another round
)

// syncing is the fetch of messages from the propagation node. It shares its link with messages on their way there.
type syncing struct {
	status SyncStatus
	opts   SyncOptions
	step   syncStep
	ref    linkRef // the link in use, 0 while there is none
	n      uint64  // numbers questions, so that late answers are known as such
	tried  int     // nodes that did not answer, in this fetch
	rounds int
	limit  int64 // of incoming messages
	// In this round: what the node has for us, what of it is new, what was asked for, and what came.
	listed, fresh, wanted, answered int

	leave    bool          // messages stay on the node
	interval time.Duration // between fetches, 0 for none by themselves
	every    timer
}

// syncLimits are what the router's configuration says about a fetch.
type syncLimits struct {
	limit int64
	leave bool
}

// wantsLink tells whether a link to a node is wanted though no message waits for it.
func (m *machine) wantsLink(p *peer) bool {
	return p.node && (p.verifying || m.sync.step == stepLink && m.sync.status.Node == p.addr)
}

// startSync begins to fetch messages from the node in use. One that is under way goes on. spec: lxmf §11.6
func (m *machine) startSync(now time.Time, o SyncOptions, l syncLimits) error {
	s := &m.sync
	node := m.nodes.chosen.Node
	switch {
	case s.status.State.Active():
		return nil
	case node.IsZero():
		return ErrNoNode
	}
	s.opts, s.limit, s.leave, s.tried, s.rounds = o, l.limit, l.leave, 0, 0
	if o.Limit > 0 {
		s.limit = min(s.limit, o.Limit)
	}
	m.dialSync(now, node)
	return nil
}

// dialSync begins a fetch from one node.
func (m *machine) dialSync(now time.Time, node rns.Addr) {
	s := &m.sync
	s.status = SyncStatus{Node: node, Started: now}
	s.step, s.ref = stepLink, 0
	s.n++
	p := m.nodePeer(node)
	m.calm(p)
	p.notBefore = now
	state := SyncLinkEstablishing
	if w := m.ways.way(node); m.usable(p) == nil && !(w.known && w.path) {
		state = SyncPathRequested
	}
	m.syncTo(now, state)
	m.advance(now, p)
}

// syncTo moves to another state and tells.
func (m *machine) syncTo(now time.Time, state SyncState) {
	s := &m.sync
	if s.status.State == state && state != SyncReceiving {
		return
	}
	s.status.State, s.status.Changed = state, now
	if !state.Active() {
		s.step, s.ref, s.status.Ended = stepNone, 0, now
		s.n++
		if p, ok := m.peers[s.status.Node]; ok {
			m.release(p)
		}
	}
	m.fx.notices = append(m.fx.notices, SyncChanged{Status: s.status})
}

// syncWaits tells what the way to the node is waiting for.
func (m *machine) syncWaits(now time.Time, p *peer, state SyncState) {
	if m.sync.step == stepLink && m.sync.status.Node == p.addr {
		m.syncTo(now, state)
	}
}

// syncStopped ends a fetch that waits for a link which does not come up. If the choice of the node is ours the next one is tried.
func (m *machine) syncStopped(now time.Time, p *peer, state SyncState, code Code, detail string) {
	s := &m.sync
	if s.step != stepLink || s.status.Node != p.addr {
		return
	}
	next := m.nodes.chosen.Node
	if m.nodes.mode == NodeAuto && !next.IsZero() && next != p.addr && s.tried < m.p.SyncNodes-1 && code != CodeNoInterface {
		s.tried++
		m.syncFailed(now, state, code, detail)
		m.dialSync(now, next)
		return
	}
	m.syncFailed(now, state, code, detail)
}

// syncFailed ends a fetch.
func (m *machine) syncFailed(now time.Time, state SyncState, code Code, detail string) {
	m.sync.status.Code, m.sync.status.Detail = code, detail
	m.syncTo(now, state)
}

// syncLink takes the link to the node into use for a fetch that waits for it.
func (m *machine) syncLink(now time.Time, ch *channel) {
	s := &m.sync
	if s.step != stepLink || s.status.Node != ch.peer.addr || !ch.own {
		return
	}
	s.ref = ch.ref
	m.syncTo(now, SyncLinkEstablished)
	if !ch.identified {
		ch.identified = true
		m.do(identify{ref: ch.ref})
	}
	m.askList(now, ch)
}

// askList asks for the ids of what the node has for us.
func (m *machine) askList(now time.Time, ch *channel) {
	s := &m.sync
	s.step = stepList
	s.rounds++
	s.n++
	ch.used = now
	m.do(askNode{ref: s.ref, n: s.n, limit: m.p.MaxList})
	m.syncTo(now, SyncRequestSent)
}

// syncChannel is the link of the fetch, if the answer with this number is waited for.
func (m *machine) syncChannel(now time.Time, n uint64, step syncStep) (*channel, bool) {
	s := &m.sync
	if s.n != n || s.step != step {
		return nil, false
	}
	ch, ok := m.channels[s.ref]
	if ok {
		ch.used = now
	}
	return ch, ok
}

// answered takes the failure of a request, or none. It reports whether the fetch goes on. spec: lxmf §11.6
func (m *machine) answered(now time.Time, ch *channel, err error) bool {
	if err == nil {
		return true
	}
	state, code := SyncTransferFailed, Code("")
	var refusal lxmf.ErrorCode
	switch {
	case errors.Is(err, lxmf.ErrorNoIdentity):
		state = SyncNoIdentity
	case errors.Is(err, lxmf.ErrorNoAccess):
		state, code = SyncNoAccess, CodePropagationRefused
	case errors.Is(err, lxmf.ErrorThrottled):
		state, code = SyncFailed, CodePropagationThrottled
	case errors.As(err, &refusal):
		state, code = SyncFailed, CodePropagationRefused
	}
	m.syncFailed(now, state, code, err.Error())
	m.hangUp(now, ch)
	return false
}

// hangUp ends a link to a node. What is on its way there goes over the next one.
func (m *machine) hangUp(now time.Time, ch *channel) {
	m.drop(now, ch)
	m.do(closeLink{ref: ch.ref})
	m.abort(now, ch, CodeLinkClosed, "")
	m.advance(now, ch.peer)
	m.release(ch.peer)
}

// listed takes the ids of what the node has for us.
func (m *machine) listed(now time.Time, n uint64, ids []rns.Hash, err error) {
	ch, ok := m.syncChannel(now, n, stepList)
	if !ok || !m.answered(now, ch, err) {
		return
	}
	s := &m.sync
	s.listed, s.fresh, s.wanted, s.answered = len(ids), 0, 0, 0
	if s.rounds == 1 {
		s.status.Listed = len(ids)
	}
	if len(ids) == 0 {
		m.syncComplete(now)
		return
	}
	s.step = stepSort
	m.do(sortIDs{n: n, ids: ids})
}

// sorted takes which of the listed messages are known, and asks for the others. Known ones are deleted there, unless messages
// are to stay.
func (m *machine) sorted(now time.Time, n uint64, wants, haves []rns.Hash, err error) {
	_, ok := m.syncChannel(now, n, stepSort)
	if !ok {
		return
	}
	s := &m.sync
	if err != nil {
		m.syncFailed(now, SyncFailed, CodeStorageFull, err.Error())
		return
	}
	s.fresh = len(wants)
	wants, haves = wants[:min(len(wants), m.p.MaxAsk)], haves[:min(len(haves), m.p.MaxAsk)]
	if most := s.opts.Max - s.status.Received; s.opts.Max > 0 && len(wants) > most {
		wants = wants[:max(most, 0)]
	}
	if s.leave {
		haves = nil
	}
	if len(wants) == 0 && len(haves) == 0 {
		m.syncComplete(now)
		return
	}
	s.step, s.wanted = stepFetch, len(wants)
	s.status.Wanted = s.status.Received + len(wants)
	s.status.Percent, s.status.Size = 0, 0
	s.n++
	if wants == nil {
		wants = []rns.Hash{}
	}
	if haves == nil {
		haves = []rns.Hash{}
	}
	get := lxmf.Get{Wants: wants, Haves: haves, Limit: float64(s.limit) / lxmf.BytesPerKilobyte}
	m.do(askNode{ref: s.ref, n: s.n, get: get, limit: s.limit + m.p.MaxList})
	m.syncTo(now, SyncRequestSent)
}

// fetching reports how much of an answer has come.
func (m *machine) fetching(now time.Time, n uint64, share float64, size int64) {
	if _, ok := m.syncChannel(now, n, stepFetch); !ok {
		return
	}
	m.sync.status.Percent, m.sync.status.Size = int(min(share, 1)*100), size
	m.syncTo(now, SyncReceiving)
}

// fetched takes messages; they are stored before anything is said to the node.
func (m *machine) fetched(now time.Time, n uint64, sealed [][]byte, err error) {
	ch, ok := m.syncChannel(now, n, stepFetch)
	if !ok || !m.answered(now, ch, err) {
		return
	}
	s := &m.sync
	s.answered = len(sealed)
	s.status.Received += len(sealed)
	s.status.Percent = 100
	m.syncTo(now, SyncResponseReceived)
	if len(sealed) == 0 {
		m.syncComplete(now)
		return
	}
	s.step = stepStore
	m.do(takeIn{n: n, sealed: sealed})
}

// takenIn is what became of the messages of one answer.
type takenIn struct {
	stored, duplicates, unreadable, unstored int
	// done may be deleted on the node.
	done []rns.Hash
}

// tookIn goes on when messages are stored: only what is durable is deleted on the node. spec: lxmf §11.6
//
// differs: the reference deletes before it has stored anything, and even under its policy of leaving messages there.
func (m *machine) tookIn(now time.Time, n uint64, t takenIn) {
	s := &m.sync
	if s.n != n || s.step != stepStore {
		return
	}
	s.status.Stored += t.stored
	s.status.Duplicates += t.duplicates
	s.status.Unreadable += t.unreadable
	s.status.Unstored += t.unstored
	ch, up := m.channels[s.ref]
	if s.leave || len(t.done) == 0 || !up {
		m.syncComplete(now)
		return
	}
	ch.used = now
	s.step = stepDelete
	s.n++
	m.do(askNode{ref: s.ref, n: s.n, get: lxmf.Get{Haves: t.done}, limit: m.p.MaxList})
	if m.lastRound(t) {
		m.syncComplete(now) // the answer is not waited for
	}
}

// lastRound tells whether nothing more is to be fetched: the node has no more, the person wants no more, or it would be the
// same again, or nothing but junk.
func (m *machine) lastRound(t takenIn) bool {
	s := &m.sync
	left := s.answered < s.fresh || t.unstored > 0
	full := s.opts.Max > 0 && s.status.Received >= s.opts.Max
	junk := t.stored+t.duplicates == 0
	return !left || full || junk || s.rounds >= m.p.MaxSyncRounds
}

// deleted goes on to the next round.
func (m *machine) deleted(now time.Time, n uint64, err error) {
	ch, ok := m.syncChannel(now, n, stepDelete)
	if ok && m.answered(now, ch, err) {
		m.askList(now, ch)
	}
}

// syncComplete ends a fetch well.
func (m *machine) syncComplete(now time.Time) {
	s := &m.sync
	s.status.Left = max(s.fresh-s.answered, 0) + s.status.Unstored
	if s.leave {
		s.status.Left = s.listed
	}
	m.syncTo(now, SyncComplete)
}

// syncLost takes the end of the link of a fetch. What has come already is stored all the same. spec: lxmf §11.6
func (m *machine) syncLost(now time.Time, ch *channel, code Code, detail string) {
	s := &m.sync
	if s.ref != ch.ref || !s.status.State.Active() {
		return
	}
	if s.ref = 0; s.step == stepStore {
		return
	}
	m.syncFailed(now, SyncTransferFailed, code, detail)
}
