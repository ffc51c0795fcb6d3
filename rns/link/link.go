package link

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"meshchatx/rns"
)

// Role says which end of the link this is.
type Role uint8

// Roles.
const (
	Initiator Role = iota
	Responder
)

// String is the name of the role.
func (r Role) String() string {
	if r == Initiator {
		return "initiator"
	}
	return "responder"
}

// State is the state of a link. spec: rns-link §1.1
type State uint8

// States of a link.
const (
	Pending State = iota
	Handshake
	Active
	Stale
	Dead
)

var stateNames = [...]string{"pending", "handshake", "active", "stale", "closed"}

// String is the name of the state.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// CloseReason says why a link ended. spec: rns-link §1.1
type CloseReason uint8

// Reasons for the end of a link.
const (
	ReasonNone CloseReason = iota
	ReasonTimeout
	ReasonInitiatorClosed
	ReasonDestinationClosed
)

var reasonNames = [...]string{"none", "timeout", "closed by initiator", "closed by destination"}

// String says the reason in words.
func (r CloseReason) String() string {
	if int(r) < len(reasonNames) {
		return reasonNames[r]
	}
	return fmt.Sprintf("CloseReason(%d)", uint8(r))
}

// InterfaceID names an interface of the node. The link only compares it.
type InterfaceID uint64

// RequestID names a request on its link: the truncated hash of the request packet, or of the packed request where it went
// as a resource. spec: rns-link §7.1
type RequestID = rns.Addr

// TransferID names a resource transfer on its link, in either direction. It is local; 0 is none.
type TransferID uint64

// Errors of calls. Those of received packets are verdicts in [Effects].
var (
	// ErrClosed means that the link is closed. It Is net.ErrClosed and rns.VerdictLinkClosed.
	ErrClosed error = closedError{}
	// ErrNotActive means that the link is not established yet.
	ErrNotActive = fmt.Errorf("link not active: %w", rns.VerdictLinkState)
	// ErrRole means that only the other end may do this.
	ErrRole = fmt.Errorf("link operation: %w", rns.VerdictLinkRole)
	// ErrTooLarge means that data does not fit a packet of this link, or a limit.
	ErrTooLarge = fmt.Errorf("link data: %w", rns.VerdictTooLong)
	// ErrBusy means that a bounded table of the link is full; try again later.
	ErrBusy = fmt.Errorf("link tables full: %w", rns.VerdictOverload)
	// ErrUnknown means that the link knows no such packet, request or transfer, or not any more.
	ErrUnknown = errors.New("unknown to this link")
	// ErrChannelFailed means that a channel message was not proved after its last retransmission.
	ErrChannelFailed = fmt.Errorf("channel message not proved: %w", rns.VerdictRetriesExhausted)
)

type closedError struct{}

func (closedError) Error() string { return "link closed" }
func (closedError) Is(err error) bool {
	return err == net.ErrClosed || err == rns.VerdictLinkClosed
}

// Link is one end of a link. Make it with [NewInitiator] or [Accept]; the zero value is not usable. One goroutine owns it.
// spec: rns-link §2
type Link struct {
	params Params
	rand   io.Reader

	id          rns.Addr
	role        Role
	state       State
	destination rns.Addr
	iface       InterfaceID
	attached    bool
	mtu         int
	requested   int // MTU signalled in the request
	hops        uint8
	cost        int // establishment cost in bytes

	keys   keys
	timing timing
	stats  Counters
	reason CloseReason
	cause  error

	identified bool
	remote     rns.PublicKey

	early    early
	receipts receipts
	requests requests
	serving  serving
	transfer transfers
	channel  *Channel
	streams  streams

	fx Effects
}

// keys holds the secrets of a link; they are dropped when it closes. spec: rns-link §3.3
type keys struct {
	exchange *ecdh.PrivateKey   // own ephemeral X25519, until keys are derived
	signing  ed25519.PrivateKey // initiator: ephemeral key for packet proofs
	identity *rns.Identity      // responder: identity of the destination
	peer     ed25519.PublicKey  // verifies the peer's packet proofs
	derived  []byte
	token    *rns.Token
}

func (k *keys) erase() {
	clear(k.derived)
	clear(k.signing)
	*k = keys{peer: k.peer}
}

// timing holds the clock readings of a link. spec: rns-link §3.1
type timing struct {
	created     time.Time // request sent, or received
	deadline    time.Time // of the establishment
	activated   time.Time
	rtt         time.Duration
	estimated   bool // the round-trip time is only an upper bound
	keepalive   time.Duration
	stale       time.Duration
	lastIn      time.Time
	lastOut     time.Time
	lastData    time.Time
	lastProof   time.Time
	lastPing    time.Time
	staleSince  time.Time
	establishBy time.Duration
	rate        float64 // expected in-flight rate, bit/s, 0 if unknown
}

// Counters count the packets of a link that were accepted or sent, with their payload bytes. spec: rns-link §3.4
type Counters struct {
	RxPackets, RxBytes, TxPackets, TxBytes uint64
}

// ID is the link id, the address of its packets. It is public.
func (l *Link) ID() rns.Addr { return l.id }

// Role says which end this is.
func (l *Link) Role() Role { return l.role }

// State is the state of the link.
func (l *Link) State() State { return l.state }

// Destination is the address the link was opened to.
func (l *Link) Destination() rns.Addr { return l.destination }

// Interface is the interface the link is attached to; ok is false for an initiator before the link proof arrived.
func (l *Link) Interface() (id InterfaceID, ok bool) { return l.iface, l.attached }

// MTU is the confirmed size limit of packets of this link in bytes.
func (l *Link) MTU() int { return l.mtu }

// MDU is the largest plaintext of one packet in bytes. spec: rns-link §4.1
func (l *Link) MDU() int { return MDU(l.mtu) }

// RTT is the round-trip time of the link, 0 before activation.
func (l *Link) RTT() time.Duration { return l.timing.rtt }

// ExpectedHops is the number of hops to the other end, UnknownHops if not known.
func (l *Link) ExpectedHops() uint8 { return l.hops }

// SetExpectedHops corrects the hop count after the link proof was found to have taken another path. spec: rns-core §16.3
func (l *Link) SetExpectedHops(hops uint8) { l.hops = hops }

// RemoteIdentity is the identity of the peer: for the initiator that of the destination, for the responder what the peer
// identified as. ok is false if the peer has not identified itself.
func (l *Link) RemoteIdentity() (key rns.PublicKey, ok bool) { return l.remote, l.identified }

// begin prepares the effects of a call.
func (l *Link) begin() *Effects {
	l.fx.reset()
	return &l.fx
}

// usable returns the error for calls that need an active link.
func (l *Link) usable() error {
	switch l.state {
	case Active, Stale:
		return nil
	case Dead:
		return ErrClosed
	default:
		return ErrNotActive
	}
}
