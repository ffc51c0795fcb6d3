package discovery

import (
	"bytes"
	"cmp"
	"errors"
	"slices"
	"time"

	"meshchatx/rns"
)

// Ages after which a record is worth less. spec: rns-core §22.5
const (
	AvailableFor = 24 * time.Hour
	UnknownFor   = 3 * 24 * time.Hour
	StaleFor     = 7 * 24 * time.Hour
)

// Status says how likely a discovered interface is still there. Its numbers are
// those of the protocol. spec: rns-core §22.5
type Status int

// The statuses.
const (
	StatusStale     Status = 0
	StatusUnknown   Status = 100
	StatusAvailable Status = 1000
)

// String is the status as a word.
func (s Status) String() string {
	switch s {
	case StatusAvailable:
		return "available"
	case StatusUnknown:
		return "unknown"
	}
	return "stale"
}

// Reasons why a record is deleted. spec: rns-core §22.5
var (
	ErrExpired    = errors.New("discovery: not heard for a week")
	ErrSource     = errors.New("discovery: not from a source that is listened to")
	ErrBlackholed = errors.New("discovery: from a blackholed identity")
)

// Sources are the identities whose announcements count; none means all.
type Sources []rns.Addr

// Allow reports whether an identity is listened to.
func (s Sources) Allow(identity rns.Addr) bool { return len(s) == 0 || slices.Contains(s, identity) }

// Filter decides which records are kept.
type Filter struct {
	Sources Sources
	// Blackholed tells whether an identity is refused. It may be nil.
	Blackholed func(identity rns.Addr) bool
}

// Check returns the status of a record, or why it has to go: ErrExpired,
// ErrSource or ErrBlackholed. spec: rns-core §22.5
func (f Filter) Check(r Record, now time.Time) (Status, error) {
	age := now.Sub(r.LastHeard)
	switch {
	case age > StaleFor:
		return StatusStale, ErrExpired
	case !f.Sources.Allow(r.NetworkID):
		return StatusStale, ErrSource
	case f.Blackholed != nil && (f.Blackholed(r.NetworkID) || f.Blackholed(r.TransportID)):
		return StatusStale, ErrBlackholed
	case age > UnknownFor:
		return StatusStale, nil
	case age > AvailableFor:
		return StatusUnknown, nil
	}
	return StatusAvailable, nil
}

// Entry is a record in a list.
type Entry struct {
	Record
	Status Status
}

// Sort orders a list, the best first: by status, then by the value of the
// stamp, then by when it was heard. spec: rns-core §22.5
func Sort(list []Entry) {
	slices.SortFunc(list, func(a, b Entry) int {
		if c := cmp.Or(cmp.Compare(b.Status, a.Status), cmp.Compare(b.Value, a.Value), b.LastHeard.Compare(a.LastHeard)); c != 0 {
			return c
		}
		x, y := a.Hash(), b.Hash() // equals keep their places in every list
		return bytes.Compare(x[:], y[:])
	})
}
