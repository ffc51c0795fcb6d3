package link

import (
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// Snapshot is a copy of the state of a link for people and tests.
type Snapshot struct {
	ID          rns.Addr
	Role        Role
	State       State
	Reason      CloseReason
	Cause       error
	Destination rns.Addr
	Interface   InterfaceID
	Attached    bool
	Hops        uint8
	MTU, MDU    int
	Mode        Mode
	RTT         time.Duration
	Keepalive   time.Duration
	StaleTime   time.Duration
	// EstablishmentTimeout is the time the handshake may take, EstablishmentCost the bytes it took.
	EstablishmentTimeout time.Duration
	EstablishmentCost    int
	Created, Activated   time.Time
	LastInbound          time.Time
	LastOutbound         time.Time
	LastData             time.Time
	LastProof            time.Time
	LastKeepalive        time.Time
	ExpectedRate         float64 // bit/s
	Counters             Counters
	Remote               rns.PublicKey
	Identified           bool
	// The keys that are held; never the keys themselves.
	HasExchangeKey, HasSigningKey, HasDerivedKey bool
	PeerCopes                                    bool

	Receipts, Unproved, Held int
	Requests                 []RequestSnapshot
	Serving                  int
	Transfers                []TransferSnapshot
	Channel                  *ChannelSnapshot
}

// RequestSnapshot is a copy of the state of a request of this side.
type RequestSnapshot struct {
	ID       RequestID
	Status   RequestStatus
	Started  time.Time
	Deadline time.Time
	Timeout  time.Duration
	Max      int64
}

// TransferSnapshot is a copy of the state of a transfer.
type TransferSnapshot struct {
	ID       TransferID
	Incoming bool
	Kind     resource.Kind
	Resource resource.Snapshot
}

// ChannelSnapshot is a copy of the state of a channel.
type ChannelSnapshot struct {
	Window, WindowMin, WindowMax, Flexibility int
	FastRounds, MediumRounds                  int
	NextTx, NextRx                            uint16
	MDU                                       int
	Ring                                      []RingEntry
	Buffered, Unread                          int
	Ready                                     bool
}

// RingEntry is a message in flight.
type RingEntry struct {
	Sequence uint16
	Tries    int
	Timeout  time.Duration
	Packet   rns.Hash
}

// Snapshot copies the state of the link.
func (l *Link) Snapshot() Snapshot {
	t := &l.timing
	s := Snapshot{
		ID: l.id, Role: l.role, State: l.state, Reason: l.reason, Cause: l.cause, Destination: l.destination,
		Interface: l.iface, Attached: l.attached, Hops: l.hops, MTU: l.mtu, MDU: l.MDU(), Mode: ModeAES256CBC,
		RTT: t.rtt, Keepalive: t.keepalive, StaleTime: t.stale, EstablishmentTimeout: t.establishBy,
		EstablishmentCost: l.cost, Created: t.created, Activated: t.activated, LastInbound: t.lastIn,
		LastOutbound: t.lastOut, LastData: t.lastData, LastProof: t.lastProof, LastKeepalive: t.lastPing,
		ExpectedRate: t.rate, Counters: l.stats, Remote: l.remote, Identified: l.identified,
		HasExchangeKey: l.keys.exchange != nil, HasSigningKey: l.keys.signing != nil || l.keys.identity != nil,
		HasDerivedKey: l.keys.token != nil, PeerCopes: l.early.copes, Receipts: len(l.receipts.open),
		Unproved: len(l.receipts.provable), Held: len(l.early.held), Serving: len(l.serving.open),
	}
	for _, q := range l.requests.pending {
		s.Requests = append(s.Requests, RequestSnapshot{
			ID: q.id, Status: q.status, Started: q.started, Deadline: q.deadline, Timeout: q.timeout, Max: q.max,
		})
	}
	for _, o := range l.transfer.out {
		s.Transfers = append(s.Transfers, TransferSnapshot{ID: o.id, Kind: o.kind, Resource: o.sender.Snapshot()})
	}
	for _, in := range l.transfer.in {
		s.Transfers = append(s.Transfers, TransferSnapshot{
			ID: in.id, Incoming: true, Kind: in.kind, Resource: in.machine.Snapshot(),
		})
	}
	if l.channel != nil {
		c := l.channel.Snapshot()
		s.Channel = &c
	}
	return s
}

// Snapshot copies the state of the channel.
func (c *Channel) Snapshot() ChannelSnapshot {
	s := ChannelSnapshot{
		Window: c.window.size, WindowMin: c.window.min, WindowMax: c.window.max, Flexibility: c.window.flexibility,
		FastRounds: c.window.fast, MediumRounds: c.window.medium, NextTx: c.nextTx, NextRx: c.nextRx, MDU: c.mdu,
		Buffered: len(c.buffered), Unread: len(c.unread), Ready: c.Ready(),
	}
	for _, f := range c.ring {
		s.Ring = append(s.Ring, RingEntry{Sequence: f.sequence, Tries: f.tries, Timeout: f.timeout, Packet: f.packet})
	}
	return s
}
