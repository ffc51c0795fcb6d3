package router

import (
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Kind says what happened to an outbound message.
type Kind string

// The kinds of events, in the order a message usually sees them.
const (
	KindQueued        Kind = "queued"         // taken over
	KindStampStart    Kind = "stamp_start"    // work begins: Bits
	KindStampProgress Kind = "stamp_progress" // Bits, Percent, ETA
	KindStampDone     Kind = "stamp_done"     // Bits, Stamp
	KindPathRequest   Kind = "path_request"   // the network is asked for a path: Try
	KindPathFound     Kind = "path_found"     // Hops, Interface
	KindLinkRequest   Kind = "link_request"   // a link is asked for: Hops, Interface
	KindLinkUp        Kind = "link_up"        // RTT
	KindProgress      Kind = "progress"       // Percent, Bytes, Total, Rate, ETA
	KindProofWait     Kind = "proof_wait"     // all of it left over a link
	KindSent          Kind = "sent"           // all of it left as a single packet
	KindFallback      Kind = "fallback"       // goes through a propagation node from now on: Code of the last failure, Via
	KindPropagated    Kind = "propagated"     // final: a propagation node has it: Via, RTT
	KindDelivered     Kind = "delivered"      // final: RTT
	KindAttemptFailed Kind = "attempt_failed" // Code, Detail
	KindRetryAt       Kind = "retry_at"       // RetryAt, Code
	KindWaitingHeard  Kind = "waiting_heard"  // goes when the recipient is heard: Code of the last failure, if any
	KindRetried       Kind = "retried"        // RetryNow began anew
	KindCancelled     Kind = "cancelled"      // final
	KindRejected      Kind = "rejected"       // final: Code, Limit and Total where it is too large
	KindFailed        Kind = "failed"         // final: Code, Detail
)

// Final reports whether nothing follows by itself, except a proof that comes late.
func (k Kind) Final() bool {
	switch k {
	case KindDelivered, KindPropagated, KindCancelled, KindRejected, KindFailed:
		return true
	}
	return false
}

// Event is one step of an outbound message. Which fields are set depends on Kind; zero means not known, except Hops.
type Event struct {
	ID   rns.Hash // of the message
	Peer rns.Addr // its recipient
	At   time.Time
	Kind Kind
	// Attempt is the number of the attempt under way or just failed, from 1.
	Attempt int
	// Method is how the message travels, once that is decided.
	Method lxmf.Method
	Code   Code
	// Detail is technical text, not for translation.
	Detail string
	// Try numbers the path requests for the recipient.
	Try int
	// Hops is -1 when unknown.
	Hops      int
	Interface string
	// Percent is between 0 and 100. Bytes of Total have been transferred at Rate bytes per second; ETA is what is left.
	Percent      int
	Bytes, Total int64
	Rate         int64
	ETA          time.Duration
	RTT          time.Duration
	RetryAt      time.Time
	// Via is the propagation node it goes through, ViaName what that calls itself.
	Via     rns.Addr
	ViaName string
	// Limit is the largest size taken, in bytes, where Total is too large; 0 if it is not known.
	Limit int64
	// Bits is the cost of a stamp, Stamp the stamp itself.
	Bits  int
	Stamp []byte
}
