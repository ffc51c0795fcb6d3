package router

import (
	"runtime"
	"time"
)

// Params are the times and limits of a router. DefaultParams fills them.
type Params struct {
	// MaxAttempts is how often a message is tried before it fails. spec: lxmf §9.1
	MaxAttempts int
	// RetryWait is the time from one attempt to the next, PathWait how long an asked path is waited for, PathDrop the pause
	// between dropping a path and asking for another. spec: lxmf §9.1, §9.3
	RetryWait, PathWait, PathDrop time.Duration
	// RetryPause is the least pause after something broke off.
	RetryPause time.Duration
	// OfflineWait is how often a message says that there is still no interface. Such waiting does not count as an attempt,
	// and ends as soon as an interface is up.
	OfflineWait time.Duration
	// SendAhead is how far ahead single packets may fill a medium; more of them wait in the router.
	SendAhead time.Duration
	// PacketProof is how long the proof of an opportunistic packet is accepted.
	PacketProof time.Duration
	// EarlyProof is how long after its arrival the proof of an opportunistic packet leaves at the earliest, unless its sender
	// is known to cope: the reference begins to wait for a proof only after the packet has left, and loses those that come
	// at once. spec: rns-link §6.1
	EarlyProof time.Duration
	// LinkResends is how often a packet is repeated on the same link when no proof comes, before the link is given up.
	LinkResends int
	// LinkIdle closes links we opened and nobody uses. spec: lxmf §9.4
	LinkIdle time.Duration
	// Window is how many packets may await their proof at most, on one link or loose towards one recipient.
	Window int
	// MaxDialing bounds the links being opened at once, PathSpacing is the least time between two path requests: many
	// messages for many silent peers must not flood the network.
	MaxDialing  int
	PathSpacing time.Duration
	// LateProof is how long the proof of a message is listened for after we gave up.
	LateProof time.Duration
	// ProgressEvery is the least time between two progress events of one message.
	ProgressEvery time.Duration

	// BackoffAfter is after how many failed attempts in a row, over all messages, a destination is tried less and less often:
	// the pause doubles up to MaxBackoff. MaxDialsPerHour bounds the links opened to one destination within an hour whatever
	// asks for them, MaxNodeDialsPerHour those to one propagation node.
	BackoffAfter                         int
	MaxBackoff                           time.Duration
	MaxDialsPerHour, MaxNodeDialsPerHour int

	// NodePathWait is how long a path to a propagation node is waited for. spec: lxmf §9.1
	NodePathWait time.Duration
	// Choice are the rules of choosing a propagation node, MaxNodes bounds those remembered.
	Choice   ChoiceParams
	MaxNodes int
	// NodeLook is how often the choice is looked at. A link that only shows that the chosen node works is opened when it has not
	// worked for NodeCheck, and not more than one such link to any node per NodeCheckPause.
	NodeLook, NodeCheck, NodeCheckPause time.Duration
	// NodeNote is how often an announce of a node that tells nothing new is noted.
	NodeNote time.Duration
	// SyncNodes is how many nodes one fetch tries, if the choice is ours. MaxSyncRounds bounds the answers taken in one fetch,
	// MaxList is the largest list of ids taken, in bytes. MinSyncInterval is the least time between fetches that happen by
	// themselves.
	SyncNodes, MaxSyncRounds int
	// MaxAsk bounds the messages asked for in one answer, and those that turn out to be unreadable: each costs many attempts to
	// decrypt it.
	MaxAsk, MaxUnreadable int
	MaxList               int64
	MinSyncInterval       time.Duration
	// MaxKeptSealed is the largest sealed message that is remembered across restarts, in bytes.
	MaxKeptSealed int64

	// MaxStampCost is the most work done for a stamp, in bits: a hostile announce could ask for any amount.
	MaxStampCost int
	// StampWorkers is the number of goroutines that search, 0 for one per processor.
	StampWorkers int
	// MaxStampCosts bounds the remembered costs.
	MaxStampCosts int

	// MaxQueued bounds the inputs that wait for the router, Mailbox those from announces alone.
	MaxQueued, Mailbox int
	// Receivers is the number of goroutines that check and store incoming messages, StampChecks how many of them may check
	// stamps at once.
	Receivers, StampChecks int
	// MaxBacklog bounds the incoming messages waiting to be checked, MaxSourceBacklog those of one source.
	MaxBacklog, MaxSourceBacklog int
	// StoreBatch is how many messages of one source a BatchInbox is given at once. StoreDelay is how long checking them may
	// take before those that are checked are stored.
	StoreBatch int
	StoreDelay time.Duration
	// StampQuota is how many stamps of one source are checked per StampPeriod.
	StampQuota  int
	StampPeriod time.Duration
	// Flood is the answer to floods of strangers.
	Flood FloodParams
	// SpoolSize is the size from which an incoming message goes to a file while it arrives, in bytes. MaxSpool bounds all that is
	// arriving at once; MaxUnpacked bounds the messages taken from files into memory at once, though one is always taken,
	// and the small ones that arrive in memory; further small ones go to files.
	SpoolSize, MaxSpool, MaxUnpacked int64
	// MaxTransfers bounds the messages that arrive at once: each has a piece of up to a few megabytes under way.
	MaxTransfers int
	// SaveDelay is how long costs and received ids wait to be saved together.
	SaveDelay time.Duration
	// ExpireEvery is the time between two passes over what is remembered.
	ExpireEvery time.Duration
}

// DefaultParams returns the values of the protocol and of this implementation.
func DefaultParams() Params {
	return Params{
		MaxAttempts: 5, RetryWait: 10 * time.Second, PathWait: 7 * time.Second, PathDrop: 500 * time.Millisecond,
		RetryPause: time.Second, OfflineWait: 5 * time.Minute, SendAhead: 4 * time.Second, PacketProof: time.Minute,
		EarlyProof:  3 * time.Millisecond,
		LinkResends: 2, LinkIdle: 600 * time.Second, Window: 32,
		MaxDialing: 32, PathSpacing: 50 * time.Millisecond, LateProof: 2 * time.Minute,
		ProgressEvery: 250 * time.Millisecond,
		BackoffAfter:  5, MaxBackoff: 10 * time.Minute, MaxDialsPerHour: 60, MaxNodeDialsPerHour: 30,
		NodePathWait: 10 * time.Second, Choice: DefaultChoiceParams(), MaxNodes: 256,
		NodeLook: 10 * time.Minute, NodeCheck: 24 * time.Hour, NodeCheckPause: 10 * time.Minute, NodeNote: 30 * time.Minute,
		SyncNodes: 3, MaxSyncRounds: 50, MaxAsk: 1_024, MaxUnreadable: 64, MaxList: 4 << 20, MinSyncInterval: time.Minute, MaxKeptSealed: 64 << 10,
		MaxStampCost: 26, MaxStampCosts: 65_536,
		MaxQueued: 100_000, Mailbox: 4_096,
		Receivers: 4, StampChecks: 2, MaxBacklog: 1_024, MaxSourceBacklog: 128,
		StoreBatch: 64, StoreDelay: 5 * time.Millisecond,
		StampQuota: 32, StampPeriod: 10 * time.Second,
		Flood:     DefaultFloodParams(),
		SpoolSize: 1 << 20, MaxSpool: 2 << 30, MaxUnpacked: 32 << 20, MaxTransfers: 128,
		SaveDelay: 2 * time.Second, ExpireEvery: time.Hour,
	}
}

// stampWorkers is how many goroutines search a stamp.
func (p *Params) stampWorkers() int {
	if p.StampWorkers > 0 {
		return p.StampWorkers
	}
	return runtime.GOMAXPROCS(0)
}
