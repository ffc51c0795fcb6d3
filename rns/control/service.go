package control

import (
	"context"
	"time"

	"meshchatx/rns"
)

// Service is the set of calls. A node implements it for its own tables, a Client for those of another program. All methods
// may be called from any goroutine. spec: rns-link §12.6
type Service interface {
	// InterfaceStats returns the state of the interfaces.
	InterfaceStats(ctx context.Context) (Stats, error)
	// PathTable returns the paths of at most maxHops hops, AnyHops for all.
	PathTable(ctx context.Context, maxHops int) ([]PathEntry, error)
	// RateTable returns the announce histories.
	RateTable(ctx context.Context) ([]RateEntry, error)
	// NextHopInterface returns the display string of the interface towards a destination, empty without a path.
	NextHopInterface(ctx context.Context, dest rns.Addr) (string, error)
	// NextHop returns the next hop towards a destination; false without a path.
	NextHop(ctx context.Context, dest rns.Addr) (rns.Addr, bool, error)
	// FirstHopTimeout returns the time allowed for a packet to leave towards a destination.
	FirstHopTimeout(ctx context.Context, dest rns.Addr) (time.Duration, error)
	// LinkCount returns the number of links of others that run through the node.
	LinkCount(ctx context.Context) (int, error)
	// PacketRSSI, PacketSNR and PacketQuality return what a radio measured of a packet; false if nothing.
	PacketRSSI(ctx context.Context, packet rns.Hash) (float64, bool, error)
	PacketSNR(ctx context.Context, packet rns.Hash) (float64, bool, error)
	PacketQuality(ctx context.Context, packet rns.Hash) (float64, bool, error)
	// DropPath forgets a path and reports whether there was one.
	DropPath(ctx context.Context, dest rns.Addr) (bool, error)
	// DropAllVia forgets all paths through a transport node and returns how many.
	DropAllVia(ctx context.Context, via rns.Addr) (int, error)
	// DropAnnounceQueues empties the announce queues of all interfaces.
	DropAnnounceQueues(ctx context.Context) error
	// BlackholedIdentities lists the refused identities.
	BlackholedIdentities(ctx context.Context) ([]BlackholeEntry, error)
	// IsBlackholed tells whether an identity is refused.
	IsBlackholed(ctx context.Context, identity rns.Addr) (bool, error)
	// BlackholeIdentity refuses an identity until a time, zero for ever. It reports false if it was listed already.
	BlackholeIdentity(ctx context.Context, identity rns.Addr, until time.Time, reason string) (bool, error)
	// UnblackholeIdentity accepts an identity again. It reports false if it was not listed.
	UnblackholeIdentity(ctx context.Context, identity rns.Addr) (bool, error)
	// UseDestination, RetainDestination and UnretainDestination say how long a destination is remembered, and report
	// false if it is unknown. spec: rns-core §3.5
	UseDestination(ctx context.Context, dest rns.Addr) (bool, error)
	RetainDestination(ctx context.Context, dest rns.Addr) (bool, error)
	UnretainDestination(ctx context.Context, dest rns.Addr) (bool, error)
	// RetainIdentity remembers all destinations of an identity for ever, and reports false if none is known.
	RetainIdentity(ctx context.Context, identity rns.Addr) (bool, error)
}
