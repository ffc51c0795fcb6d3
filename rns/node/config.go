package node

import (
	"runtime"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// Config is what a configuration file says about a node. Use DefaultConfig and change fields.
type Config struct {
	// Transport makes the node forward for others.
	Transport Switch
	// StaticIdentity uses the persistent transport identity on the network even without Transport. spec: rns-core §11.1
	StaticIdentity Switch
	// HopsDelta disguises local traffic as coming from further away. spec: rns-core §11.2
	HopsDelta Switch
	// ImplicitProofs sends proofs without the packet hash. spec: rns-core §8.1
	ImplicitProofs Switch
	// LinkMTUDiscovery lets links use more than 500 bytes where the path carries it. spec: rns-link §2.1
	LinkMTUDiscovery Switch
	// Shared says whether programs of this machine share their interfaces. The zero value stands alone.
	Shared Shared
	// Blackhole lists identities whose announces are refused.
	Blackhole []transport.Blackhole
	// Management is what the node offers to others about itself.
	Management Management
	// Params are times and limits.
	Params Params
}

// Management is what a node offers and takes beyond forwarding. The zero value is nothing. spec: rns-core §21
type Management struct {
	// Remote answers status and path queries of the identities in Allowed, over links. spec: rns-core §21.1
	Remote  Switch
	Allowed []rns.Addr
	// Probes proves every packet to the probe destination, if the node forwards for others. spec: rns-core §21.2
	Probes Switch
	// NetworkIdentity is the file of the identity of the network this node belongs to, made if it is missing; empty for
	// none. spec: rns-core §21.3
	NetworkIdentity string
	// PublishBlackhole serves the whole list of refused identities, reasons included, to everybody. spec: rns-core §21.4
	PublishBlackhole Switch
	// BlackholeSources are the transport identities whose lists are taken over, every BlackholeInterval.
	BlackholeSources  []rns.Addr
	BlackholeInterval time.Duration
}

// Switch is a setting that is on or off.
type Switch bool

// The positions of a Switch.
const (
	Off Switch = false
	On  Switch = true
)

// DefaultConfig is a node that does not forward for others. spec: rns-core §23.5
func DefaultConfig() Config {
	return Config{ImplicitProofs: On, LinkMTUDiscovery: On, Params: DefaultParams()}
}

// Params are the times and limits of a node. DefaultParams fills them; a zero value is not valid.
type Params struct {
	// Transport and Link are those of the machines.
	Transport transport.Params
	Link      link.Params

	// Reconnect is the wait before an interface is opened again. spec: rns-interfaces §1.5
	Reconnect time.Duration
	// QueueBytes bounds what waits for an interface, in bytes; QueueAirtime bounds it in time at the interface's
	// bitrate. The smaller bound holds, but QueueFrames frames of 500 bytes always fit.
	QueueBytes   int
	QueueAirtime time.Duration
	QueueFrames  int
	// QueueTotal bounds what waits for all interfaces together, in bytes; QueueFrames frames fit each of them even then.
	QueueTotal int64
	// Verifiers is the number of goroutines that check signatures; VerifyBacklog is how many checks one interface may
	// have outstanding before its reader waits, an eighth of it a peer of a listener. MaxVerifying bounds the checks of all:
	// announces beyond it are dropped.
	Verifiers                   int
	VerifyBacklog, MaxVerifying int
	// CallbackBacklog is the number of callbacks that may wait on one destination or subscriber.
	CallbackBacklog int
	// LinkInbox bounds what waits for one link, in bytes. A quarter of it may wait for the application, and eight times as
	// much on all links together.
	LinkInbox int
	// MaxLinks bounds the links of peers, MaxPendingLinks those not yet established.
	MaxLinks, MaxPendingLinks int
	// LinkKeys is how many keys for links are drawn in advance, for each role; 0 for none.
	LinkKeys int

	// AwaitPath is how long a path is waited for by default. spec: rns-core §15.2
	AwaitPath time.Duration
	// PathResponseMemory is how long an answer to a path request is repeated byte for byte. spec: rns-core §6.4
	PathResponseMemory time.Duration
	// RatchetInterval is the least time between two rotations, RetainedRatchets the number of kept keys.
	// spec: rns-core §4.2
	RatchetInterval  time.Duration
	RetainedRatchets int

	// SaveInterval is the time between two saves of the tables. spec: rns-core §19.1
	SaveInterval time.Duration
	// SavePortion is how many entries are copied in one turn of the loop when tables are saved.
	SavePortion int
	// SaveDelay is the wait after a change before known destinations are saved.
	SaveDelay time.Duration
	// ManagementFirst is when the management destinations are announced first, ManagementInterval how often then.
	// spec: rns-core §21
	ManagementFirst, ManagementInterval time.Duration
	// ManagementHold is how long the proof of a link to a management destination waits: the programs of the reference name
	// their callback after they have sent the link request, and wait for ever if the link is up by then.
	ManagementHold time.Duration
	// BlackholeFirst is when lists of blackhole sources are asked for first, BlackholeRound how often the node looks which are
	// due. spec: rns-core §21.4
	BlackholeFirst, BlackholeRound time.Duration
	// EarlyProof is how long after its arrival the proof of a single packet or of a link request leaves at the earliest, unless
	// its sender is known to take it sooner. spec: rns-link §6.1
	EarlyProof time.Duration
	// CloseGrace is how long Close waits for the last packets of links to leave. spec: rns-core §23.3
	CloseGrace time.Duration
	// MaxMemoryResource bounds an incoming resource without a sink, in bytes.
	MaxMemoryResource int64
}

// DefaultParams returns the values of the protocol and of this implementation.
func DefaultParams() Params {
	return Params{
		Transport: transport.DefaultParams(), Link: link.DefaultParams(),
		Reconnect:  5 * time.Second,
		QueueBytes: 4 << 20, QueueAirtime: 15 * time.Second, QueueFrames: 8, QueueTotal: 128 << 20,
		Verifiers: runtime.GOMAXPROCS(0), VerifyBacklog: 4096, MaxVerifying: 32_768,
		CallbackBacklog: 4096, LinkInbox: 8 << 20, MaxLinks: 16_384, MaxPendingLinks: 1_024, LinkKeys: 2,
		AwaitPath: 15 * time.Second, PathResponseMemory: 30 * time.Second,
		RatchetInterval: 30 * time.Minute, RetainedRatchets: 512,
		SaveInterval: 12 * time.Hour, SavePortion: 512, SaveDelay: 5 * time.Minute, CloseGrace: 150 * time.Millisecond,
		ManagementFirst: 15 * time.Second, ManagementInterval: 2 * time.Hour, ManagementHold: 20 * time.Millisecond,
		BlackholeFirst: 20 * time.Second, BlackholeRound: time.Minute, EarlyProof: 3 * time.Millisecond,
		MaxMemoryResource: 16 << 20,
	}
}

// proofForm is the form of proofs this node sends.
func (c *Config) proofForm() rns.ProofForm {
	if c.ImplicitProofs {
		return rns.ProofImplicit
	}
	return rns.ProofExplicit
}
