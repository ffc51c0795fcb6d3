package node

import (
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/rns"
)

// Errors of destinations.
var (
	// ErrRegistered means that a destination with the same hash is registered already.
	ErrRegistered = errors.New("destination is already registered")
	// ErrNotRegistered means that the destination was closed.
	ErrNotRegistered = errors.New("destination is not registered")
	// ErrNeedsIdentity means that the operation needs a destination with an identity.
	ErrNeedsIdentity = errors.New("destination has no identity")
	// ErrAppDataSize means that the application data of an announce does not survive transport. spec: rns-core §6.2
	ErrAppDataSize = errors.New("application data does not fit an announce")
)

// ProofStrategy says which packets of a destination are proved. spec: rns-core §5.4
type ProofStrategy uint8

// The proof strategies. ProveApp leaves it to Packet.Prove.
const (
	ProveNone ProofStrategy = iota
	ProveApp
	ProveAll
)

// LinkPolicy says whether a destination accepts links. The zero value accepts.
type LinkPolicy uint8

// The link policies.
const (
	AcceptLinks LinkPolicy = iota
	RefuseLinks
)

// Ratchets configures forward secrecy of a destination. spec: rns-core §4.2
type Ratchets struct {
	// Storage and Name say where the private ratchets are kept. A nil Storage is that of the node; an empty Name
	// disables ratchets.
	Storage Storage
	Name    string
	// Enforce refuses packets encrypted without a ratchet.
	Enforce rns.RatchetPolicy
	// Interval and Retained replace those of Params when not zero.
	Interval time.Duration
	Retained int
}

// DestinationConfig describes a local destination. A nil Identity makes a PLAIN one.
type DestinationConfig struct {
	// Identity owns the destination.
	Identity *rns.Identity
	// Name is the full dotted name, application and aspects.
	Name string
	// GroupKey makes it a GROUP destination with this symmetric key of 32 or 64 bytes.
	GroupKey []byte
	// Proofs says which packets are proved.
	Proofs ProofStrategy
	// Links says whether links are accepted.
	Links LinkPolicy
	// Ratchets are off unless named.
	Ratchets Ratchets
	// AppData gives the data of announces that bring none, including answers to path requests. It may be nil.
	// spec: rns-core §5.7
	AppData func() []byte
	// OnPacket receives decrypted packets, in order.
	OnPacket func(*Packet)
	// OnLink is called for each established incoming link before anything else of it, and returns its handler.
	OnLink func(*Link) LinkHandler
	// Requests serve the requests of incoming links. More can be added by Destination.Handle.
	Requests []RequestHandler
	// proofHold is how long link proofs wait, for peers that ask to be told of a link only after they have sent its request.
	proofHold time.Duration
	// MaxRequestSize bounds incoming requests in bytes, 0 for the default of the link parameters.
	MaxRequestSize int
}

// Destination is a registered local destination. It is safe for concurrent use.
type Destination struct {
	node   *Node
	conf   DestinationConfig
	addr   rns.Addr
	kind   rns.DestType
	inbox  *serial // decryption and callbacks, in order
	work   *serial // answers to path requests
	group  *rns.Token
	trials trials // belongs to inbox

	mu        sync.Mutex
	requests  map[rns.Addr]RequestHandler
	ratchets  *ratchetRing
	answers   map[string]pathAnswer
	announced time.Time
	lastData  []byte // application data of the last announce
	gone      bool
}

// Addr is the destination hash.
func (d *Destination) Addr() rns.Addr { return d.addr }

// Name is the full dotted name.
func (d *Destination) Name() string { return d.conf.Name }

// Identity is the owner, nil for PLAIN and GROUP destinations without one.
func (d *Destination) Identity() *rns.Identity { return d.conf.Identity }

// Node is where the destination is registered.
func (d *Destination) Node() *Node { return d.node }

// Announced is when the destination was last announced by Announce, the zero time if never.
func (d *Destination) Announced() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.announced
}

// Handle adds or replaces a request handler.
func (d *Destination) Handle(h RequestHandler) {
	d.mu.Lock()
	d.requests[rns.RequestPathHash(h.Path)] = h
	d.mu.Unlock()
	d.serveAnew()
}

// Unhandle removes the request handler of a path.
func (d *Destination) Unhandle(path string) {
	d.mu.Lock()
	delete(d.requests, rns.RequestPathHash(path))
	d.mu.Unlock()
	d.serveAnew()
}

// serveAnew tells the incoming links there are already which requests they take.
func (d *Destination) serveAnew() {
	d.node.post(func(time.Time) {
		for _, l := range d.node.links {
			if l.local == d {
				l.inbox.call(func(time.Time) { l.m.SetServePolicy(d.servePolicy()) })
			}
		}
	})
}

func (d *Destination) handler(path rns.Addr) (RequestHandler, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, ok := d.requests[path]
	return h, ok
}

// AnnounceOptions are the choices for one announce. The zero value announces on all interfaces with the destination's
// application data.
type AnnounceOptions struct {
	// AppData replaces the destination's application data when not nil.
	AppData []byte
	// Interface announces on one interface only, 0 on all.
	Interface InterfaceID
	// Answer, when not nil, announces in path response form, as the answer to a path request with this tag: the same bytes
	// again for the same tag while Params.PathResponseMemory lasts. AppData is then that of the destination.
	Answer []byte
}

// SetProofs changes which packets are proved, from the next one on.
func (d *Destination) SetProofs(s ProofStrategy) {
	d.inbox.do(func() {
		d.mu.Lock() // for snapshots: packets are proved on this goroutine
		d.conf.Proofs = s
		d.mu.Unlock()
	})
}

// Close deregisters the destination at once: nothing more is delivered to it. Its links stay.
func (d *Destination) Close(ctx context.Context) error {
	d.mu.Lock()
	if d.gone {
		d.mu.Unlock()
		return nil
	}
	d.gone = true
	d.mu.Unlock()
	d.inbox.close()
	return d.node.deregister(ctx, d)
}
