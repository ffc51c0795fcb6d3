package node

import (
	"errors"
	"io"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
)

// Errors of links.
var (
	// ErrLinkClosed means that the link is closed.
	ErrLinkClosed = link.ErrClosed
	// ErrLinkNotReady means that the link is not established yet.
	ErrLinkNotReady = link.ErrNotActive
	// ErrTooLarge means that what was to be sent does not fit.
	ErrTooLarge = link.ErrTooLarge
	// ErrBusy means that a bounded table of the link is full; try again later.
	ErrBusy = link.ErrBusy
	// ErrLinkTimeout means that the link was not established, or went silent.
	ErrLinkTimeout = errors.New("link timed out")
	// ErrInterfaceGone means that the interface the link was attached to was removed.
	ErrInterfaceGone = errors.New("interface of the link is gone")
	// ErrRejected means that the peer rejected or cancelled a resource it was to receive.
	ErrRejected = resource.ErrRejected
)

// LinkState is how far a link is. spec: rns-link §1.1
type LinkState = link.State

// The states of a link.
const (
	LinkPending   = link.Pending
	LinkHandshake = link.Handshake
	LinkActive    = link.Active
	LinkStale     = link.Stale
	LinkClosed    = link.Dead
)

// LinkHandler holds the callbacks of a link. Nil ones are skipped. They run one after the other.
type LinkHandler struct {
	// OnEstablished is called on the initiator when the link is up.
	OnEstablished func(*Link)
	// OnClosed is called once when the link ends, with nil for an ordinary close by either side.
	OnClosed func(*Link, error)
	// OnIdentified is called when the peer proves an identity.
	OnIdentified func(*Link, rns.PublicKey)
	// OnPacket receives data packets.
	OnPacket func(*Link, *LinkPacket)
	// OnResource decides about an incoming resource before any of it arrives; nil or a nil result rejects it.
	OnResource func(*Link, ResourceOffer) *ResourceAcceptance
	// OnMessage receives channel messages, once OpenChannel has been called.
	OnMessage func(*Link, ChannelMessage)
}

// LinkPacket is a data packet that arrived on a link, decrypted.
type LinkPacket struct {
	Data     []byte
	Hash     rns.Hash
	Signal   iface.Signal
	Received time.Time

	prove func() error
}

// Prove sends the proof of delivery. Call it when what the packet carried is safe; the sender repeats what is never
// proved. A second call does nothing.
func (p *LinkPacket) Prove() error {
	if p.prove == nil {
		return nil
	}
	f := p.prove
	p.prove = nil
	return f()
}

// ResourceOffer is what a peer says about a resource before sending it.
type ResourceOffer struct {
	// Hash identifies the whole.
	Hash rns.Hash
	// Size is the size of the data in bytes with metadata, TransferSize what travels in the first segment.
	Size, TransferSize int64
	// Segments and Parts count what will come; Parts is that of the first segment.
	Segments, Parts int
	// HasMetadata and Compressed are flags of the advertisement.
	HasMetadata, Compressed bool
}

// ResourceAcceptance says what to do with an incoming resource.
type ResourceAcceptance struct {
	// Sink receives the data in order, without the metadata. Nil collects it in memory, up to Params.MaxMemoryResource.
	Sink io.Writer
	// Progress is called as parts arrive. It may be nil.
	Progress func(TransferStatus)
	// Conclude is called once at the end. For a complete resource its nil result releases the proof, and an error
	// withholds it and tells the sender that the resource was refused.
	Conclude func(*Link, IncomingResource) error
}

// IncomingResource is a concluded incoming resource.
type IncomingResource struct {
	// Hash identifies the whole.
	Hash rns.Hash
	// Size is the number of data bytes received.
	Size int64
	// Data is the whole data, unless a Sink took it.
	Data []byte
	// Metadata is the sender's metadata; HasMetadata tells a nil value from none.
	Metadata    msgpack.Value
	HasMetadata bool
	// Err is nil for a complete resource, else why it broke off.
	Err error
}

// ResourceOptions are the choices for an outgoing resource. The zero value compresses what is worth it.
type ResourceOptions struct {
	// Metadata travels with the data when HasMetadata is set. spec: rns-link §8.8
	Metadata    msgpack.Value
	HasMetadata bool
	// Compression says whether to compress.
	Compression Compression
	// Timeout replaces the wait for the first answer to the advertisement, 0 keeps it.
	Timeout time.Duration
	// OnProgress is called as the peer takes parts, OnConclude once at the end. They may be nil.
	OnProgress func(TransferStatus)
	OnConclude func(TransferStatus)
}

// Compression says whether a resource is compressed.
type Compression uint8

// The choices. CompressAuto samples the data first.
const (
	CompressAuto Compression = iota
	CompressNever
)

// TransferState is how far a transfer is.
type TransferState uint8

// The states of a transfer.
const (
	TransferRunning TransferState = iota
	TransferComplete
	TransferFailed
)

// String returns the state as a word.
func (s TransferState) String() string {
	return [...]string{"running", "complete", "failed"}[min(s, TransferFailed)]
}

// TransferStatus is a copy of a transfer's progress.
type TransferStatus struct {
	State TransferState
	// Hash identifies the whole, zero while unknown.
	Hash rns.Hash
	// Size is the number of bytes of the whole, Progress how much of it has been transferred, from 0 to 1.
	Size     int64
	Progress float64
	// Rate is in byte/s over the last seconds, 0 if unknown.
	Rate float64
	// Started and Concluded are times.
	Started, Concluded time.Time
	// Err is why the transfer failed.
	Err error
}

// Done is the number of bytes transferred.
func (s TransferStatus) Done() int64 { return int64(s.Progress * float64(s.Size)) }

// RequestPolicy says who may use a request handler. spec: rns-link §7.3
type RequestPolicy uint8

// The request policies.
const (
	AllowNone RequestPolicy = iota
	AllowAll
	AllowList
)

// RequestHandler serves one path of a destination.
type RequestHandler struct {
	// Path is the path as text.
	Path string
	// Policy says who may ask; AllowList names identities by hash.
	Policy RequestPolicy
	Allow  []rns.Addr
	// Allowed replaces Allow when not nil, for lists that change.
	Allowed func(identity rns.Addr) bool
	// Serve answers. No Response and no error means no answer.
	Serve func(*Request) (*Response, error)
}

// Request is a request that arrived on a link.
type Request struct {
	Link *Link
	Path string
	ID   rns.Addr
	// Data is what the peer sent along.
	Data msgpack.Value
	// Identity is whom the peer identified as; HasIdentity tells whether it did.
	Identity    rns.PublicKey
	HasIdentity bool
	// At is the requester's clock: not to be trusted.
	At time.Time
}

// Response answers a request: a value, or a file with metadata.
type Response struct {
	Value msgpack.Value
	// File makes it a file response of Size bytes with Metadata. A File that is an io.Closer is closed at the end.
	File     io.ReaderAt
	Size     int64
	Metadata msgpack.Value
	// Compression says whether a resource response is compressed.
	Compression Compression
}

// RequestOptions are the choices for a request. The zero value uses the defaults.
type RequestOptions struct {
	// Timeout replaces the default wait. spec: rns-link §7.1
	Timeout time.Duration
	// MaxResponseSize refuses larger responses, 0 takes the link's default.
	MaxResponseSize int64
	// Sink receives the content of a file response; nil collects it in memory.
	Sink io.Writer
	// OnProgress and OnConclude follow the request. They may be nil.
	OnProgress func(RequestStatus)
	OnConclude func(RequestStatus)
}

// RequestState is how far a request is. spec: rns-link §7.4
type RequestState uint8

// The states of a request.
const (
	RequestSent RequestState = iota
	RequestDelivered
	RequestReceiving
	RequestReady
	RequestFailed
)

// String returns the state as a word.
func (s RequestState) String() string {
	return [...]string{"sent", "delivered", "receiving", "ready", "failed"}[min(s, RequestFailed)]
}

// RequestStatus is a copy of a request's progress.
type RequestStatus struct {
	State RequestState
	ID    rns.Addr
	// Progress of the response is between 0 and 1.
	Progress float64
	// Response is the answer when ready: a value, or for a file response its metadata.
	Response msgpack.Value
	// IsFile tells a file response; File is its content unless a sink took it.
	IsFile bool
	File   []byte
	// Size is the size of the response, TransferSize what travelled.
	Size, TransferSize int64
	// Sent and Concluded are times.
	Sent, Concluded time.Time
	// Err is why the request failed.
	Err error
}

// ChannelMessage is a message of a channel. spec: rns-link §9
type ChannelMessage struct {
	Type uint16
	Data []byte
}
