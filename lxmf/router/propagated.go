package router

import (
	"bytes"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// upload is what a message needs to go through a propagation node. spec: lxmf §5.5
type upload struct {
	via  *peer // the node whose line it stands in
	lack *peer // whose announce it waits for: the recipient's for its keys, or the node's for its costs
	// sealed is the message encrypted to its recipient, made once, of the message with the stamp of; id is its hash.
	sealed, of []byte
	id         rns.Hash
	// stamp is the work for id, worth at least value.
	stamp    []byte
	value    int
	transfer []byte // as it goes over the link
	kept     bool   // State has it
}

// hop is where a message goes next: a propagation node, or its recipient.
func (d *delivery) hop() *peer {
	if d.up.via != nil {
		return d.up.via
	}
	return d.peer
}

// wire is what goes over the link.
func (d *delivery) wire() []byte {
	if d.up.via != nil {
		return d.up.transfer
	}
	return d.packed
}

// attach gives a message to a node.
func (m *machine) attach(d *delivery, via *peer) {
	d.up.via = via
	via.uploads++
}

// detach takes a message from its node, and from whatever announce it waits for.
func (m *machine) detach(d *delivery) {
	if p := d.up.lack; p != nil {
		delete(p.keyless, d.id)
		d.up.lack = nil
	}
	if p := d.up.via; p != nil {
		d.up.via = nil
		p.uploads--
		m.release(p)
	}
}

// propagate takes the next step of a message that goes through a propagation node. spec: lxmf §9.3
func (m *machine) propagate(now time.Time, d *delivery) {
	d.method, d.loose = lxmf.MethodPropagated, false
	size := d.storedSize()
	via := m.nodeFor(now, size)
	switch {
	case via.IsZero():
		m.noNode(now, d)
		return
	case d.up.sealed == nil && !m.ways.way(d.peer.addr).known:
		m.awaitAnnounce(now, d, d.peer)
		return
	}
	m.attach(d, m.nodePeer(via))
	node, known := m.record(via)
	if !known {
		m.awaitAnnounce(now, d, d.up.via)
		return
	}
	switch {
	case m.oversized(now, d, node, size):
	case d.up.sealed == nil || !bytes.Equal(d.up.of, d.msg.Stamp):
		d.up.sealed, d.up.stamp = nil, nil
		m.needWork(now, d, workSeal)
	case d.up.stamp != nil && d.up.value >= lxmf.RequiredPropagationCost(node.StampCost, node.Flexibility):
		m.queueUpload(now, d)
	case node.StampCost > m.p.MaxStampCost:
		m.finish(now, d, Event{
			Kind: KindFailed, Code: CodeStampRequired, Bits: node.StampCost, Detail: "the node asks for more work than is allowed",
			Attempt: max(d.attempts, 1),
		})
	default:
		m.needWork(now, d, workUpload)
	}
}

func (m *machine) noNode(now time.Time, d *delivery) {
	m.fail(now, d, CodePropagationNone, ErrNoNode.Error())
}

// nodeFor is the node for a message of this size: the one in use, or, if the choice is ours, another one that takes it.
func (m *machine) nodeFor(now time.Time, size int64) rns.Addr {
	via := m.nodes.chosen.Node
	r, ok := m.nodes.known[via]
	if m.nodes.mode != NodeAuto || !ok || r.TransferLimit <= 0 || size <= r.TransferLimit {
		return via
	}
	if c := ChooseNode(now, m.nodes.list(), via, size, m.p.Choice); !c.Node.IsZero() && c.Reason != ReasonResting {
		return c.Node
	}
	return via
}

// storedSize is how long the message will be on the node, stamp included.
func (d *delivery) storedSize() int64 {
	if d.up.sealed != nil {
		return int64(len(d.up.sealed) + stamp.Size)
	}
	const block, around = 16, 32 + 16 + 32 // ephemeral key, initialisation vector, code
	plain := len(d.packed) - rns.AddrSize
	return int64(rns.AddrSize + around + (plain/block+1)*block + stamp.Size)
}

// oversized rejects a message that the node does not take, with its limit. It reports whether it did. spec: lxmf §5.5
func (m *machine) oversized(now time.Time, d *delivery, node *NodeRecord, size int64) bool {
	limit := node.TransferLimit
	if d.oversize == OversizeTry {
		limit = node.SyncLimit
	}
	if limit <= 0 || size <= limit {
		return false
	}
	m.finish(now, d, Event{Kind: KindRejected, Code: CodeTooLargePropagation, Total: size, Limit: limit})
	return true
}

// awaitAnnounce waits for an announce without which a message cannot go through a node.
func (m *machine) awaitAnnounce(now time.Time, d *delivery, p *peer) {
	if m.cutOff(m.ways.way(p.addr)) {
		d.up.lack, p.keyless[d.id] = p, d
		m.park(now, d)
		m.timers.set(&d.timer, now.Add(m.p.OfflineWait))
		return
	}
	d.up.lack, p.keyless[d.id] = p, d
	d.stage, d.offline = StagePath, false
	if !p.awaits(now) {
		m.ask(now, p)
	} else if p.askAt.IsZero() {
		m.tell(now, d, Event{Kind: KindPathRequest, Try: p.asked})
	}
	m.timers.set(&d.timer, later(p.askAt, now).Add(m.p.PathWait))
}

// announceMissed ends the wait for an announce.
func (m *machine) announceMissed(now time.Time, d *delivery) {
	code := CodeNoIdentity
	if d.up.lack.node {
		code = CodePropagationNoPath
	}
	if m.attemptFailed(now, d, code, "") {
		m.timers.set(&d.timer, now.Add(m.p.RetryWait))
		m.willRetry(now, d, code, now.Add(m.p.RetryWait))
	}
}

// queueUpload puts a message that is sealed and stamped into the line of its node. A client sends one message per transfer.
func (m *machine) queueUpload(now time.Time, d *delivery) {
	stored := append(slices.Clone(d.up.sealed), d.up.stamp...)
	seconds := float64(now.UnixMicro()) / 1e6
	d.up.transfer = lxmf.Transfer{Time: seconds, Stored: [][]byte{stored}}.Append(nil)
	d.resource = lxmf.TransferRepresentation(len(d.up.transfer)) == lxmf.RepresentationResource
	d.stage = StageQueued
	p := d.up.via
	p.line(d).insert(d)
	if p.own != nil && !p.own.up {
		m.telling(now, d, p.own)
	}
	m.refresh(p, d)
	m.advance(now, p)
}

// atNode ends a message that a propagation node has taken. Whether it reaches its recipient is not known. spec: lxmf §5.5
func (m *machine) atNode(now time.Time, d *delivery, rtt time.Duration) {
	m.calm(d.hop())
	m.finish(now, d, Event{Kind: KindPropagated, RTT: rtt})
}

// uploadRefused takes the refusal of a transfer by a node, which repetition does not change: another node is tried if the
// choice is ours.
//
// differs: the reference repeats it until the attempts are used up. spec: lxmf §5.5
func (m *machine) uploadRefused(now time.Time, d *delivery) {
	p, ch := d.up.via, d.channel
	total, limit := int64(len(d.up.transfer)), int64(0)
	if r, ok := m.record(p.addr); ok {
		limit = r.SyncLimit
	}
	m.leave(d)
	d.stage = StageQueued
	m.nodeFailed(now, p, outcome{code: CodePropagationRefused})
	switch {
	case m.nodes.chosen.Node == p.addr || m.nodes.chosen.Node.IsZero():
		code := CodePropagationRefused
		if limit > 0 && total > limit {
			code = CodeTooLargePropagation
		}
		m.finish(now, d, Event{Kind: KindRejected, Code: code, Total: total, Limit: limit})
	case m.attemptFailed(now, d, CodePropagationRefused, ""):
		m.begin(now, d)
	}
	if m.channels[ch.ref] == ch {
		m.fill(now, ch)
	}
}

// stampRefused takes the signal of a node that a stamp is not good enough. It does not say of which message, so packets go to
// nodes one at a time. spec: lxmf §5.5, §11.4
func (m *machine) stampRefused(now time.Time, ref linkRef) {
	ch, ok := m.channels[ref]
	if !ok || !ch.peer.node {
		return
	}
	for _, d := range ch.inflight {
		if !d.resource {
			m.finish(now, d, Event{Kind: KindRejected, Code: CodeStampRefused, Bits: d.up.value})
			return
		}
	}
}
