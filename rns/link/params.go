package link

import (
	"time"

	"meshchatx/rns/resource"
)

// Specification constants of links.
const (
	// RequestSize is the payload size in bytes of a link request without signalling. spec: rns-link §2.1
	RequestSize = 64
	// SignallingSize is the size in bytes of the mode and MTU field. spec: rns-link §2.1
	SignallingSize = 3
	// ProofSize is the payload size in bytes of a link request proof without signalling. spec: rns-link §2.5
	ProofSize = 96
	// MaxMTU is the largest MTU the 21 bits of the signalling can say, in bytes. spec: rns-link §1.1
	MaxMTU = 0x1FFFFF
	// MinMTU is the smallest MTU accepted in a link request, in bytes. spec: rns-link §2.1
	MinMTU = 500
	// UnknownHops is the hop count assumed for a destination without a known path. spec: rns-link §2.5
	UnknownHops = 128
	// KeySize is the size in bytes of the derived link key. spec: rns-link §2.4
	KeySize = 64

	headerSize    = 19 // HEADER_1, the only form on an established link. spec: rns-link §1.3
	identifySize  = 128
	pathHashSize  = 16
	requestIDSize = 16
)

// Params are the timings and limits of one link. Start from [DefaultParams]; the zero value is not usable. Compressed-time
// tests replace single fields.
type Params struct {
	// EstablishmentPerHop is the time allowed per hop for the handshake. spec: rns-link §1.1
	EstablishmentPerHop time.Duration
	// FirstHop is the time allowed for the first hop where the bitrate is unknown. spec: rns-link §2.7
	FirstHop time.Duration
	// KeepaliveMax and KeepaliveMin bound the keepalive interval. spec: rns-link §3.1
	KeepaliveMax, KeepaliveMin time.Duration
	// KeepaliveMaxRTT is the round-trip time at which the interval reaches its maximum. spec: rns-link §3.1
	KeepaliveMaxRTT time.Duration
	// StaleFactor times the keepalive interval is the silence after which a link is stale. spec: rns-link §3.1
	StaleFactor int
	// StaleGrace and StaleRTTFactor give the time a stale link may still recover. spec: rns-link §3.2
	StaleGrace     time.Duration
	StaleRTTFactor int

	// TrafficFactor times the round-trip time is the receipt timeout, at least TrafficMin. spec: rns-link §5
	TrafficFactor int
	TrafficMin    time.Duration
	// ReceiptGrace is added to receipt timeouts. The reference looks for expired receipts once per second, and proofs wait
	// for the peer's store; without the grace fast links would report deliveries as failures.
	ReceiptGrace time.Duration

	// RequestGrace is added to six round-trip times for the default request timeout. spec: rns-link §7.1
	RequestGrace time.Duration

	// EarlyAnswer is how long the first answer to a packet is held back towards a peer not known to cope with fast answers,
	// counted from the arrival of what it answers. spec: rns-link §6.1
	EarlyAnswer time.Duration
	// Marks says whether this end tells the peer, invisibly to others, that it copes with fast answers.
	Marks MarkMode

	// MaxReceipts bounds outstanding receipts, MaxUnproved the received packets that can still be proved.
	MaxReceipts, MaxUnproved int
	// MaxRequests bounds pending requests, in each direction.
	MaxRequests int
	// MaxRequestSize and MaxResponseSize bound packed requests and responses in bytes unless the caller says otherwise.
	MaxRequestSize, MaxResponseSize int64
	// RequestMemory is how long an unanswered incoming request is remembered.
	RequestMemory time.Duration
	// MaxIncoming bounds incoming transfers that are announced, in progress or waiting; MaxOutgoing the queued ones.
	MaxIncoming, MaxOutgoing int
	// MaxProofs is how many sent resource proofs are kept for replay.
	MaxProofs int
	// DecisionTimeout is how long an advertised transfer waits for the application to accept or reject it.
	DecisionTimeout time.Duration
	// ConcludeTimeout is how long a received segment waits for the application to store it. It must stay well under the ten
	// seconds after which a sender asks again. spec: rns-link §8.7
	ConcludeTimeout time.Duration
	// SegmentWait is how long a split transfer waits for the advertisement of its next segment.
	SegmentWait time.Duration

	// Resource and Channel are the parameters of the machines above the link.
	Resource resource.Params
	Channel  ChannelParams
}

// MarkMode says whether a link marks its first encrypted packets. See [Link.PeerCopes].
type MarkMode uint8

const (
	// MarksOn marks and recognises marks.
	MarksOn MarkMode = iota
	// MarksOff neither marks nor recognises, for byte-exact comparisons with vectors.
	MarksOff
)

// DefaultParams returns the values of the specification, and this project's limits.
func DefaultParams() Params {
	return Params{
		EstablishmentPerHop: 6 * time.Second,
		FirstHop:            6 * time.Second,
		KeepaliveMax:        360 * time.Second,
		KeepaliveMin:        5 * time.Second,
		KeepaliveMaxRTT:     1750 * time.Millisecond,
		StaleFactor:         2,
		StaleGrace:          5 * time.Second,
		StaleRTTFactor:      4,
		TrafficFactor:       6,
		TrafficMin:          5 * time.Millisecond,
		ReceiptGrace:        time.Second,
		RequestGrace:        11250 * time.Millisecond,
		EarlyAnswer:         3 * time.Millisecond,
		MaxReceipts:         1024,
		MaxUnproved:         1024,
		MaxRequests:         64,
		MaxRequestSize:      16 << 20,
		MaxResponseSize:     16 << 20,
		RequestMemory:       10 * time.Minute,
		MaxIncoming:         8,
		MaxOutgoing:         64,
		MaxProofs:           16,
		DecisionTimeout:     30 * time.Second,
		ConcludeTimeout:     8 * time.Second,
		SegmentWait:         2 * time.Minute,
		Resource:            resource.DefaultParams(),
		Channel:             DefaultChannelParams(),
	}
}
