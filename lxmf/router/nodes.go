package router

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// ErrNoNode means that no propagation node is in use.
var ErrNoNode = errors.New("no propagation node is in use")

// NodeMode says which propagation node an identity uses.
type NodeMode uint8

// The modes.
const (
	NodeOff   NodeMode = iota // none
	NodeFixed                 // the one a person chose
	NodeAuto                  // the best of those heard, see ChooseNode
)

// String returns the mode as a word.
func (m NodeMode) String() string { return [...]string{"off", "fixed", "auto"}[min(m, NodeAuto)] }

// nodeBook is what is known of propagation nodes, and the one in use.
type nodeBook struct {
	mode   NodeMode
	fixed  rns.Addr
	known  map[rns.Addr]*NodeRecord
	noted  map[rns.Addr]time.Time // when a record was last given to State
	chosen Choice
	timer  timer // next look at the choice

	// checked is when the last link was opened only to see whether the node works.
	checked time.Time
}

func newNodeBook() nodeBook {
	return nodeBook{known: make(map[rns.Addr]*NodeRecord), noted: make(map[rns.Addr]time.Time)}
}

func (b *nodeBook) name(node rns.Addr) string {
	if r, ok := b.known[node]; ok {
		return r.Name
	}
	return ""
}

// list copies the records.
func (b *nodeBook) list() []NodeRecord {
	out := make([]NodeRecord, 0, len(b.known))
	for _, r := range b.known {
		out = append(out, *r)
	}
	slices.SortFunc(out, func(a, b NodeRecord) int { return slices.Compare(a.Node[:], b.Node[:]) })
	return out
}

// record is what is known of a node, looked up in the node's table of destinations if it was not heard since the start.
func (m *machine) record(node rns.Addr) (*NodeRecord, bool) {
	if r, ok := m.nodes.known[node]; ok {
		return r, true
	}
	r, ok := m.ways.info(node)
	if !ok {
		return nil, false
	}
	return m.remember(r), true
}

// remember adds a record, or what it says of the announce to the one there is.
func (m *machine) remember(r NodeRecord) *NodeRecord {
	old, ok := m.nodes.known[r.Node]
	if !ok {
		if len(m.nodes.known) >= m.p.MaxNodes {
			m.evictNode()
		}
		m.nodes.known[r.Node] = &r
		return &r
	}
	r.Successes, r.Failures, r.Streak = old.Successes, old.Failures, old.Streak
	r.LastSuccess, r.LastFailure, r.Latency = old.LastSuccess, old.LastFailure, old.Latency
	*old = r
	return old
}

// evictNode forgets the node that was silent for longest.
func (m *machine) evictNode() {
	var oldest *NodeRecord
	for _, r := range m.nodes.known {
		if r.Node != m.nodes.chosen.Node && (oldest == nil || r.Heard.Before(oldest.Heard)) {
			oldest = r
		}
	}
	if oldest != nil {
		delete(m.nodes.known, oldest.Node)
		delete(m.nodes.noted, oldest.Node)
	}
}

// forgetNodes drops those that were not heard for long.
func (m *machine) forgetNodes(now time.Time) {
	maps.DeleteFunc(m.nodes.known, func(addr rns.Addr, r *NodeRecord) bool {
		gone := addr != m.nodes.chosen.Node && now.Sub(r.Heard) > NodeMemory
		if gone {
			delete(m.nodes.noted, addr)
		}
		return gone
	})
}

// NodeMemory is how long a propagation node that is not heard is remembered.
const NodeMemory = 30 * 24 * time.Hour

// noteNode has a record saved; announces that tell nothing new not more often than every NodeNote.
func (m *machine) noteNode(now time.Time, r *NodeRecord) {
	m.nodes.noted[r.Node] = now
	m.do(noteNode{record: *r})
}

// nodeHeard takes the announce of a propagation node. spec: lxmf §8.2
func (m *machine) nodeHeard(now time.Time, heard NodeRecord) {
	before, known := m.nodes.known[heard.Node]
	changed := !known || before.Active != heard.Active || before.StampCost != heard.StampCost || before.Hops != heard.Hops
	r := m.remember(heard)
	if changed || now.Sub(m.nodes.noted[heard.Node]) > m.p.NodeNote {
		m.noteNode(now, r)
	}
	if m.nodes.mode == NodeAuto {
		m.rechoose(now, outcome{})
	}
	p, ok := m.peers[heard.Node]
	if !ok || !p.node {
		return
	}
	m.calm(p)
	p.asking, p.needed = false, false
	if at := later(now, p.lastDial.Add(m.p.RetryPause)); at.Before(p.notBefore) {
		p.notBefore = at
	}
	for _, d := range inOrder(p.keyless) {
		m.begin(now, d)
	}
	m.advance(now, p)
}

// setNode takes what a person wants.
func (m *machine) setNode(now time.Time, mode NodeMode, fixed rns.Addr) {
	if mode == NodeFixed && fixed.IsZero() {
		mode = NodeOff
	}
	m.nodes.mode, m.nodes.fixed = mode, fixed
	m.rechoose(now, outcome{})
}

// rechoose chooses anew, and says so when that changes anything. If it does because the node in use failed, o is how.
func (m *machine) rechoose(now time.Time, o outcome) {
	b := &m.nodes
	c := Choice{Reason: ReasonNone, Heard: len(b.known)}
	switch b.mode {
	case NodeFixed:
		c.Node, c.Reason = b.fixed, ReasonFixed
		if r, ok := m.record(b.fixed); ok {
			c.Name, c.Hops, c.Cost, c.Age = r.Name, r.Hops, r.StampCost, max(now.Sub(r.Heard), 0)
		}
	case NodeAuto:
		if m.busyNode() {
			return
		}
		c = ChooseNode(now, b.list(), b.chosen.Node, 0, m.p.Choice)
		m.planLook(now)
	}
	was := b.chosen
	if c.Node == was.Node && b.mode == NodeAuto && was.Reason.lasts() && c.Reason != ReasonResting {
		c.Reason = was.Reason // why it was chosen does not change while it stays
	}
	b.chosen = c
	if c.Node == was.Node && c.Reason == was.Reason {
		return
	}
	m.fx.notices = append(m.fx.notices, NodeChosen{At: now, Mode: b.mode, Choice: c})
	if c.Node != was.Node {
		m.switchNode(now, was.Node, o)
	}
}

// lasts tells whether a reason still holds when others are heard.
func (r ChoiceReason) lasts() bool {
	switch r {
	case "", ReasonNone, ReasonFixed, ReasonOnly, ReasonResting:
		return false
	}
	return true
}

// busyNode tells whether the node in use is working for us at the moment: then it stays.
func (m *machine) busyNode() bool {
	p, ok := m.peers[m.nodes.chosen.Node]
	if !ok || p.own == nil || !p.own.up {
		return false
	}
	return len(p.own.inflight) > 0 || m.sync.ref == p.own.ref && m.sync.status.State.Active()
}

// switchNode moves everything from a node that is not in use any more to the new one. Its link is torn down. A node that failed costs a
// message an attempt only if the new one failed lately, too. spec: lxmf §9.3
func (m *machine) switchNode(now time.Time, from rns.Addr, o outcome) {
	p, ok := m.peers[from]
	if !ok {
		return
	}
	moved := append(p.waiting(), inOrder(p.keyless)...)
	if ch := p.own; ch != nil && ch.up {
		for _, d := range ch.inflight {
			moved = append(moved, d)
		}
		for _, d := range moved {
			m.leave(d)
		}
		m.drop(now, ch)
		m.do(closeLink{ref: ch.ref})
		m.syncLost(now, ch, CodeCancelled, "another node is used")
	}
	p.verifying = false
	slices.SortFunc(moved, bySubmission)
	for _, d := range moved {
		switch {
		case o.code == "":
		case m.nodes.chosen.Reason != ReasonResting:
			m.tell(now, d, Event{Kind: KindAttemptFailed, Code: o.code, Detail: o.detail, Attempt: d.attempts + 1})
		case !m.attemptFailed(now, d, o.code, o.detail):
			continue
		}
		m.begin(now, d)
	}
	m.release(p)
}

// nodePeer is the record of a node as something that is linked to.
func (m *machine) nodePeer(addr rns.Addr) *peer {
	p := m.peer(addr)
	p.node = true
	return p
}

// nodeWorked notes a link to a node that came up.
func (m *machine) nodeWorked(now time.Time, p *peer) {
	p.verifying = false
	if r, ok := m.record(p.addr); ok {
		r.Successes++
		r.Streak, r.LastSuccess, r.Latency = 0, now, max(now.Sub(p.lastDial), 0)
		m.noteNode(now, r)
	}
}

// nodeFailed notes that a node could not be reached, or refused; when another one is better now, that is taken.
func (m *machine) nodeFailed(now time.Time, p *peer, o outcome) {
	p.verifying = false
	if r, ok := m.record(p.addr); ok {
		r.Failures++
		r.Streak++
		r.LastFailure = now
		m.noteNode(now, r)
	}
	if m.nodes.mode == NodeAuto && m.nodes.chosen.Node == p.addr {
		m.rechoose(now, o)
	}
}

// planLook sets the time of the next look at the choice.
func (m *machine) planLook(now time.Time) {
	if m.nodes.timer.idx == 0 {
		m.timers.set(&m.nodes.timer, now.Add(m.p.NodeLook))
	}
}

// look sees whether another node is better by now, and, rarely, whether the chosen one works: by a link to it and no other.
func (m *machine) look(now time.Time) {
	if m.nodes.mode != NodeAuto {
		return
	}
	m.rechoose(now, outcome{})
	m.planLook(now)
	r, ok := m.nodes.known[m.nodes.chosen.Node]
	if !ok || !m.online || now.Sub(m.nodes.checked) < m.p.NodeCheckPause || now.Sub(r.LastSuccess) < m.p.NodeCheck ||
		m.p.Choice.RestsUntil(*r).After(now) || now.Sub(r.LastFailure) < m.p.NodeCheckPause {
		return
	}
	p := m.nodePeer(r.Node)
	if p.own != nil {
		return
	}
	m.nodes.checked, p.verifying = now, true
	m.advance(now, p)
}

// UseNode says which propagation node is used from now on: none, the one with this address, or the best one heard. Messages that
// wait for the one before go to the new one.
func (r *Router) UseNode(mode NodeMode, fixed rns.Addr) {
	r.box.post(func(m *machine, now time.Time) { m.setNode(now, mode, fixed) })
}

// Nodes returns what is known of propagation nodes, and the one in use.
func (r *Router) Nodes(ctx context.Context) ([]NodeRecord, NodeMode, Choice, error) {
	type answer struct {
		nodes []NodeRecord
		mode  NodeMode
		c     Choice
	}
	a, err := ask(ctx, r, func(m *machine, _ time.Time) answer { return answer{m.nodes.list(), m.nodes.mode, m.nodes.chosen} })
	return a.nodes, a.mode, a.c, err
}

// nodeAnnounced takes the announce of a propagation node.
func (r *Router) nodeAnnounced(a node.Announced) {
	info, err := lxmf.ParsePropagationInfo(a.AppData)
	if err != nil {
		return
	}
	rec := nodeRecord(a.Destination, info)
	rec.Heard, rec.Hops, rec.Interface = a.Received, a.Hops, a.InterfaceName
	r.box.postWait(r.done, func(m *machine, now time.Time) { m.nodeHeard(now, rec) })
}

// nodeRecord is what an announce says.
func nodeRecord(addr rns.Addr, info lxmf.PropagationInfo) NodeRecord {
	return NodeRecord{
		Node: addr, Name: info.Name, Active: info.Active, TransferLimit: int64(info.TransferLimit * lxmf.BytesPerKilobyte),
		SyncLimit: int64(info.SyncLimit * lxmf.BytesPerKilobyte), StampCost: info.StampCost, Flexibility: info.Flexibility,
	}
}

// info tells the machine what the last announce of a propagation node said.
func (r *Router) info(dest rns.Addr) (NodeRecord, bool) {
	ctx := context.Background() // the node answers at once, or is closed
	known, err := r.cfg.Node.Recall(ctx, dest)
	if err != nil {
		return NodeRecord{}, false
	}
	info, err := lxmf.ParsePropagationInfo(known.AppData)
	if err != nil {
		return NodeRecord{}, false
	}
	rec := nodeRecord(dest, info)
	rec.Heard = known.Announced
	if p, err := r.cfg.Node.Path(ctx, dest); err == nil {
		rec.Hops, rec.Interface = p.Hops, p.InterfaceName
	}
	return rec, true
}
