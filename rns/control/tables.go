package control

import (
	"time"

	"meshchatx/rns"
)

// PathEntry is a row of the path table. spec: rns-link §12.6
type PathEntry struct {
	// Hash is the destination.
	Hash rns.Addr
	// Timestamp is the last update or use.
	Timestamp time.Time
	// Via is the next hop, the destination itself if it is a neighbour.
	Via     rns.Addr
	Hops    int
	Expires time.Time
	// Interface is the display string.
	Interface string
}

// RateEntry is the announce history of one destination. spec: rns-link §12.6
type RateEntry struct {
	Hash rns.Addr
	// Last is the last counted announce.
	Last time.Time
	// Violations counts announces that came too soon.
	Violations int
	// BlockedUntil is zero if announces pass.
	BlockedUntil time.Time
	Timestamps   []time.Time
}

// BlackholeEntry is an identity whose announces are refused. spec: rns-core §21.4
type BlackholeEntry struct {
	Identity rns.Addr
	// Source is the transport identity that listed it.
	Source rns.Addr
	// Until is zero for ever.
	Until time.Time
	// Reason is empty if none was given.
	Reason string
}

// AnyHops is the limit of a path table that has no limit.
const AnyHops = -1
