package propagation

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// SyncState is how far a synchronisation with a peer is. spec: lxmf §12.1
type SyncState uint8

// The states, numbered as in statistics.
const (
	SyncIdle SyncState = iota
	SyncLinkEstablishing
	SyncLinkReady
	SyncRequestSent
	SyncResponseReceived
	SyncTransferring
)

// String returns the state in words.
func (s SyncState) String() string {
	return [...]string{"idle", "link establishing", "link ready", "request sent", "response received", "transferring"}[min(s, SyncTransferring)]
}

// peer is another node with which messages are exchanged. Its embedded record is what is stored; the ids in it are used only
// while loading and saving.
type peer struct {
	lxmf.Peer
	identity rns.Addr // zero while its keys are unknown
	static   bool
	hops     int

	state     SyncState
	next      time.Time // no attempt before
	backoff   time.Duration
	searching bool // for a peering key

	handled, unhandled bitset
	offer              []int32 // slots of the offer that was made
}

// ready tells what a synchronisation still lacks.
type lack uint8

const (
	lackNothing lack = iota
	lackCosts
	lackKey
	lackKeys // those of the peer's identity
)

func (p *peer) lacks() lack {
	switch {
	case p.identity.IsZero():
		return lackKeys
	case p.StampCost == nil || p.Flexibility == nil || p.PeeringCost == nil:
		return lackCosts
	case p.Key == nil || p.Key.Value < *p.PeeringCost:
		return lackKey
	}
	return lackNothing
}

// configure takes over what the peer announced. spec: lxmf §12.2
func (p *peer) configure(now time.Time, info lxmf.PropagationInfo, hops int) bool {
	if p.Timebase >= info.Timebase && p.LastHeard > 0 {
		return false
	}
	transfer, sync := info.TransferLimit, info.SyncLimit
	cost, flexibility, peering := info.StampCost, info.Flexibility, info.PeeringCost
	p.Timebase, p.Alive, p.LastHeard, p.hops = info.Timebase, true, seconds(now), hops
	p.Metadata = info.Metadata
	p.TransferLimit, p.SyncLimit = &transfer, &sync
	p.StampCost, p.Flexibility, p.PeeringCost = &cost, &flexibility, &peering
	p.next, p.backoff = time.Time{}, 0
	return true
}

// name is what the peer calls itself, empty if nothing.
func (p *peer) name() string {
	m, ok := p.Metadata.Map()
	if !ok {
		return ""
	}
	v, ok := m.Int(lxmf.NodeMetaName)
	if !ok {
		return ""
	}
	b, _ := v.Bytes()
	return string(b)
}

// acceptance is the share of offered messages that the peer took.
func (p *peer) acceptance() float64 {
	if p.Offered == 0 {
		return 0
	}
	return float64(p.Outgoing) / float64(p.Offered)
}

// setKey notes a peering key that was found.
func (p *peer) setKey(s stamp.Stamp, value int) {
	p.searching = false
	p.Key = &lxmf.PeeringKey{Stamp: s, Value: value}
}

// assign queues a message for the peer, unless it has it.
func (p *peer) assign(slot int32) {
	if !p.handled.has(slot) {
		p.unhandled.add(slot)
	}
}

// done notes that the peer has a message, or will not get it.
func (p *peer) done(slot int32) {
	p.unhandled.remove(slot)
	p.handled.add(slot)
}

// forget is called when a message has gone.
func (p *peer) forget(slot int32) {
	p.unhandled.remove(slot)
	p.handled.remove(slot)
}
