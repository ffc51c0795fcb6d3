package router

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Fallback says what may be tried when the way that was asked for does not work. spec: lxmf §9.3
type Fallback uint8

// The choices. The zero value takes that of the identity, Config.Fallback.
const (
	FallbackDefault Fallback = iota
	// FallbackNode: opportunistic may become direct, and when the attempts are used up the message goes through the
	// propagation node, if one is in use.
	FallbackNode
	// FallbackDirect: opportunistic may become direct, and nothing goes through a node.
	FallbackDirect
	// FallbackNever: the method that was asked for and no other. What it cannot carry is rejected, with the limit.
	FallbackNever
)

// String returns the choice as a word.
func (f Fallback) String() string {
	return [...]string{"default", "node", "direct", "never"}[min(f, FallbackNever)]
}

// Oversize says what becomes of a message that is larger than the propagation node announces to carry.
type Oversize uint8

// The choices. The zero value refuses, so that a person can choose.
const (
	OversizeRefuse Oversize = iota
	// OversizeTry sends it all the same: nodes take it as long as it fits their limit of transfers, but offer it only to peers
	// that admit it. spec: lxmf §5.5
	OversizeTry
)

// fallBack lets a message whose attempts are used up begin again through the propagation node. It reports whether it does.
func (m *machine) fallBack(now time.Time, d *delivery, code Code) bool {
	if d.fallback != FallbackNode || d.want == lxmf.MethodPropagated || d.waitHeard || m.nodes.chosen.Node.IsZero() {
		return false
	}
	m.unqueue(now, d)
	d.want, d.attempts, d.asked, d.rediscovered, d.offline, d.retryAt = lxmf.MethodPropagated, 0, false, false, false, time.Time{}
	via := m.nodes.chosen.Node
	m.tell(now, d, Event{Kind: KindFallback, Code: code, Via: via, ViaName: m.nodes.name(via)})
	m.begin(now, d)
	return true
}

// unfit rejects a message that its forced method cannot carry. It reports whether it did.
func (m *machine) unfit(now time.Time, d *delivery) bool {
	if d.fallback != FallbackNever || d.want != lxmf.MethodOpportunistic {
		return false
	}
	limit := int64(lxmf.EncryptedPacketBudget)
	if w := m.ways.way(d.peer.addr); w.path && w.hops > 1 {
		limit = rns.EncryptedMDU
	}
	size := int64(len(d.packed) - rns.AddrSize)
	m.finish(now, d, Event{
		Kind: KindRejected, Code: CodeTooLargeDirect, Total: size, Limit: limit, Detail: "does not fit a single packet",
	})
	return true
}
