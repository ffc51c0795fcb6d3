package transport

import "time"

// Params holds every time, rate and count of the machine. DefaultParams fills it from the protocol's constants; tests
// and special networks may change fields before New. A zero field of a Params handed to New means zero.
type Params struct {
	// PathExpiry, AccessPointPathExpiry and RoamingPathExpiry are the lives of paths by the mode of their interface.
	// spec: rns-core §14.6, §18
	PathExpiry, AccessPointPathExpiry, RoamingPathExpiry time.Duration
	// MaxRandomBlobs is the number of announce emissions remembered per path. spec: rns-core §14.6
	MaxRandomBlobs int

	// RebroadcastWindow bounds the random wait before the first rebroadcast; it is also added to RetryGrace.
	RebroadcastWindow time.Duration
	// RetryGrace is the wait between two rebroadcasts of an announce. spec: rns-core §14.8
	RetryGrace time.Duration
	// RebroadcastRetries is the number of transmissions after the first.
	RebroadcastRetries int
	// LocalRebroadcastsMax is the number of neighbours' rebroadcasts that makes our second superfluous.
	LocalRebroadcastsMax int
	// AnnounceRound is the shortest interval between two rounds of rebroadcasts; those due within it leave together,
	// in order of increasing hops.
	AnnounceRound time.Duration

	// ReverseTimeout is the life of a reverse entry, LinkTimeout the idle life of a link in transit. spec: rns-core §18
	ReverseTimeout, LinkTimeout time.Duration
	// PerHopTimeout is the unit of receipt and link proof timeouts. spec: rns-core §8.2, §16.1
	PerHopTimeout time.Duration

	// PathRequestTimeout is the life of a recursive request, PathRequestGate that of a record of our own request.
	PathRequestTimeout, PathRequestGate time.Duration
	// PathRequestGrace is waited before answering from the path table, PathRequestRoamingGrace more on ROAMING.
	PathRequestGrace, PathRequestRoamingGrace time.Duration
	// PathRequestInterval is the least time between automatic requests for one destination, PathRequestSpacing
	// between any two of them, MaxQueuedPathRequests how many may wait. spec: rns-core §16.6
	PathRequestInterval, PathRequestSpacing time.Duration
	MaxQueuedPathRequests                   int

	// AnnounceCap is the default share of bandwidth for announces. spec: rns-core §10.5
	AnnounceCap float64
	// MaxQueuedAnnounces and QueuedAnnounceLife bound the announce queue of an interface.
	MaxQueuedAnnounces int
	QueuedAnnounceLife time.Duration

	// Ingress holds the default thresholds of ingress and egress control. spec: rns-core §10.4
	Ingress IngressParams
	// InterfaceRound is how often limits are evaluated and held announces released while there is something to do.
	InterfaceRound time.Duration

	// TunnelTimeout is the life of a tunnel, TunnelPathTimeout that of a path stored in it. spec: rns-core §17
	TunnelTimeout, TunnelPathTimeout time.Duration

	// KnownLinger is the life of pathless destinations never used, KnownUnused of those once used;
	// KnownRound is how often they are looked at. spec: rns-core §3.7
	KnownLinger, KnownUnused, KnownRound time.Duration
	// RatchetExpiry is the life of a received ratchet. spec: rns-core §4.5
	RatchetExpiry time.Duration
	// MaxRateTimestamps is the number of announce times kept per rate record.
	MaxRateTimestamps int
	// MaxSignals is the number of remembered signal measurements. spec: rns-core §13
	MaxSignals int
	// MaxReceipts is the number of outstanding receipts. spec: rns-core §8.2
	MaxReceipts int

	// Limits bounds the tables.
	Limits Limits
}

// IngressParams holds the thresholds of ingress and egress control. spec: rns-core §10.4
type IngressParams struct {
	// NewInterface is the age below which the thresholds for new interfaces hold.
	NewInterface time.Duration
	// AnnounceNew and AnnounceOld are the announce thresholds in Hz.
	AnnounceNew, AnnounceOld float64
	// RequestNew and RequestOld are the path request thresholds in Hz.
	RequestNew, RequestOld float64
	// BurstHold is the least duration of a burst, BurstPenalty what passes before held announces are released.
	BurstHold, BurstPenalty time.Duration
	// HeldRelease is the interval between two releases.
	HeldRelease time.Duration
	// MaxHeld is the number of held announces per interface.
	MaxHeld int
	// EgressRequests is the limit of outgoing recursive requests in Hz.
	EgressRequests float64
}

// Limits bounds what others can make the machine remember. When a table is full, the entry that is cheapest to learn
// again makes room. spec: rns-core §24.1
type Limits struct {
	// Paths, Known, Reverse, Links, Rates, Requests and Tunnels bound the tables of these names, in entries.
	Paths, Known, Reverse, Links, Rates, Requests, Tunnels int
	// PendingAnnounces bounds the announces waiting to be rebroadcast.
	PendingAnnounces int
	// PacketHashes is the number of packet hashes remembered, in two generations.
	PacketHashes int
	// RequestTags is the number of path request tags remembered.
	RequestTags int
	// Blackholed bounds the list of blackholed identities.
	Blackholed int
}

// Specification values. spec: rns-core §1.2, §10.4
const (
	pathExpiry            = 7 * 24 * time.Hour
	accessPointPathExpiry = 24 * time.Hour
	roamingPathExpiry     = 6 * time.Hour
	maxHops               = 128
	maxHeldHops           = 127
	maxPacketHashes       = 1_000_000
	maxRequestTags        = 32_000
	maxReceipts           = 1024
	maxQueuedAnnounces    = 16_384
	frequencySamples      = 48
	frequencySpan         = 10 * time.Second
	egressMinSamples      = 6
)

// Implementation values: the bounds of tables which the protocol leaves open.
const (
	defaultPaths            = 1_000_000
	defaultReverse          = 500_000
	defaultLinks            = 100_000
	defaultRequests         = 32_000
	defaultTunnels          = 4_096
	defaultPendingAnnounces = 250_000
	defaultBlackholed       = 100_000
)

// DefaultParams returns the values of the protocol.
func DefaultParams() Params {
	return Params{
		PathExpiry: pathExpiry, AccessPointPathExpiry: accessPointPathExpiry, RoamingPathExpiry: roamingPathExpiry,
		MaxRandomBlobs:    64,
		RebroadcastWindow: 500 * time.Millisecond, RetryGrace: 5 * time.Second, RebroadcastRetries: 1,
		LocalRebroadcastsMax: 2, AnnounceRound: 100 * time.Millisecond,
		ReverseTimeout: 480 * time.Second, LinkTimeout: 900 * time.Second, PerHopTimeout: 6 * time.Second,
		PathRequestTimeout: 15 * time.Second, PathRequestGate: 120 * time.Second,
		PathRequestGrace: 400 * time.Millisecond, PathRequestRoamingGrace: 1500 * time.Millisecond,
		PathRequestInterval: 20 * time.Second, PathRequestSpacing: 500 * time.Millisecond, MaxQueuedPathRequests: 32,
		AnnounceCap: 0.02, MaxQueuedAnnounces: maxQueuedAnnounces, QueuedAnnounceLife: 24 * time.Hour,
		Ingress: IngressParams{
			NewInterface: 2 * time.Hour, AnnounceNew: 3, AnnounceOld: 10, RequestNew: 3, RequestOld: 8,
			BurstHold: 15 * time.Second, BurstPenalty: 15 * time.Second, HeldRelease: 5 * time.Second,
			MaxHeld: 256, EgressRequests: 5,
		},
		InterfaceRound: 5 * time.Second,
		TunnelTimeout:  8 * time.Hour, TunnelPathTimeout: 8 * time.Hour,
		KnownLinger: 360 * time.Second, KnownUnused: 756_000 * time.Second, KnownRound: 300 * time.Second,
		RatchetExpiry: 30 * 24 * time.Hour, MaxRateTimestamps: 16, MaxSignals: 512, MaxReceipts: maxReceipts,
		Limits: Limits{
			Paths: defaultPaths, Known: defaultPaths, Reverse: defaultReverse, Links: defaultLinks,
			Rates: defaultPaths, Requests: defaultRequests, Tunnels: defaultTunnels,
			PendingAnnounces: defaultPendingAnnounces, PacketHashes: maxPacketHashes, RequestTags: maxRequestTags,
			Blackholed: defaultBlackholed,
		},
	}
}
