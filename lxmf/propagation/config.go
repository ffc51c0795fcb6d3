package propagation

import (
	"io"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Settings are what an operator decides. Use DefaultSettings and change fields.
// Limits are in thousands of bytes and may have fractions. spec: lxmf §15
type Settings struct {
	// Name is announced to people, empty for none.
	Name string
	// StorageLimit is the most the store holds, in bytes; 0 for no limit.
	StorageLimit int64
	// TransferLimit is for one message, SyncLimit for one transfer from a peer.
	TransferLimit, SyncLimit float64
	// StampCost is the target, Flexibility how far below it is accepted, PeeringCost what peers have to work for.
	StampCost, Flexibility, PeeringCost int
	// MaxPeeringCost is the most this node works for a peering.
	MaxPeeringCost int
	// AutoPeer makes peers of nodes heard within AutoPeerDepth hops, up to MaxPeers.
	AutoPeer      Choice
	AutoPeerDepth int
	MaxPeers      int
	// StaticPeers are always peers, named by their lxmf.propagation destination. StaticOnly takes messages from no others.
	StaticPeers []rns.Addr
	StaticOnly  Choice
	// Auth serves only recipients whose identity is in Allowed.
	Auth    Choice
	Allowed []rns.Addr
	// Control are the identities that may ask for statistics and command peers, beside the node's own.
	Control []rns.Addr
	// Prioritised are delivery destinations whose messages are kept longest.
	Prioritised []rns.Addr
	// MaxInboundSyncs bounds the transfers of peers in progress, 0 for no bound. Sequential refuses offers while stamps are
	// being checked. Static peers are exempt from both unless StaticWait. spec: lxmf §18
	MaxInboundSyncs int
	Sequential      Choice
	StaticWait      Choice
}

// Choice is a setting that is off, its zero value, or on.
type Choice bool

// The choices.
const (
	No  Choice = false
	Yes Choice = true
)

// minStampCost is the least target a node may ask for. spec: lxmf §15
const minStampCost = 13

// DefaultSettings are those of the reference's daemon. spec: lxmf §15
func DefaultSettings() Settings {
	return Settings{
		StorageLimit: 500_000_000, TransferLimit: 256, SyncLimit: 10_240,
		StampCost: 16, Flexibility: 3, PeeringCost: 18, MaxPeeringCost: 26,
		AutoPeer: Yes, AutoPeerDepth: 4, MaxPeers: 20, MaxInboundSyncs: 3, Sequential: Yes,
	}
}

// corrected applies the floors of §15.
func (s Settings) corrected() Settings {
	s.StampCost = max(s.StampCost, minStampCost)
	s.Flexibility = min(max(s.Flexibility, 0), s.StampCost)
	s.PeeringCost = max(s.PeeringCost, 0)
	s.SyncLimit = max(s.SyncLimit, s.TransferLimit)
	s.MaxPeers = min(max(s.MaxPeers, 0), maxPeers)
	return s
}

// required is the lowest value of stamps that is accepted.
func (s *Settings) required() int { return lxmf.RequiredPropagationCost(s.StampCost, s.Flexibility) }

// Params are the times and bounds of a node. DefaultParams fills them.
type Params struct {
	// Expiry is the life of a stored message. spec: lxmf §9.1
	Expiry time.Duration
	// Tick is the unit of the schedule: peers are looked at every SyncTicks, the store is cleaned every CleanTicks, peers are
	// rotated every RotateTicks. spec: lxmf §9.1
	Tick                               time.Duration
	SyncTicks, CleanTicks, RotateTicks int
	// Throttle is how long a peer is refused that sent a bad stamp, and how long one waits that refused us for that.
	Throttle time.Duration
	// Backoff is added per failed connection, up to MaxBackoff. Unreachable is how long a silent peer is kept.
	Backoff, MaxBackoff, Unreachable time.Duration
	// AnnounceDelay gathers announces wished for in a burst, AnnounceInterval is between two of them, 0 for none.
	AnnounceDelay, AnnounceInterval time.Duration
	// AnnounceAtStart announces the node when it begins to serve.
	AnnounceAtStart Choice
	// IdleLink ends links of others on which nothing happens.
	IdleLink time.Duration
	// PathWait, LinkWait, AnswerWait and TransferWait bound the steps of a synchronisation.
	PathWait, LinkWait, AnswerWait, TransferWait time.Duration
	// SyncsAtOnce bounds our own synchronisations in progress.
	SyncsAtOnce int
	// MaxAnswer bounds one answer to a recipient, in bytes; what does not fit is got by asking again.
	MaxAnswer int
	// MaxMessages bounds the index, MaxProcessed the memory of messages that came before.
	MaxMessages, MaxProcessed int
	// SaveInterval is between two saves of peers and counters, SaveSoon if a peer is new: a program that is killed must know to
	// whom it owes messages.
	SaveInterval, SaveSoon time.Duration
	// Checkers bounds the goroutines that check stamps, Writers those that write files.
	Checkers, Writers int
}

// maxPeers bounds the peers that a setting may ask for.
const maxPeers = 1024

// DefaultParams returns the values of the protocol and of this implementation.
func DefaultParams() Params {
	return Params{
		Expiry: 30 * 24 * time.Hour, Tick: 4 * time.Second, SyncTicks: 6, CleanTicks: 120, RotateTicks: 336,
		Throttle: 180 * time.Second, Backoff: 720 * time.Second, MaxBackoff: 24 * time.Hour, Unreachable: 14 * 24 * time.Hour,
		AnnounceDelay: 20 * time.Second, AnnounceInterval: 6 * time.Hour, AnnounceAtStart: Yes, IdleLink: 180 * time.Second,
		PathWait: 7500 * time.Millisecond, LinkWait: time.Minute, AnswerWait: 2 * time.Minute, TransferWait: 2 * time.Hour,
		SyncsAtOnce: 4, MaxAnswer: 12 << 20, MaxMessages: 1_000_000, MaxProcessed: 250_000,
		SaveInterval: 5 * time.Minute, SaveSoon: 10 * time.Second, Checkers: 2, Writers: 8,
	}
}

// Config is what a node needs. Node, Identity, Files and State must be set.
type Config struct {
	// Node is the running stack.
	Node *node.Node
	// Identity owns the destinations; peers know the node by it.
	Identity *rns.Identity
	// Files keeps the messages.
	Files Files
	// State keeps peers, counters and the memory of messages seen.
	State node.Storage
	// Settings and Params; zero ones take the defaults.
	Settings Settings
	Params   Params
	// Local takes a sealed message for a destination of this program; false means that it is for somebody else. The message
	// counts as delivered when it returns nil. It may be nil, and it may block. spec: lxmf §9.7
	Local func(sealed []byte) (mine bool, err error)
	// OnEvent is told what happens, in order. It must not block. It may be nil.
	OnEvent func(Event)
}

// random is the source of randomness of the stack.
func (c *Config) random() io.Reader { return c.Node.Random() }
