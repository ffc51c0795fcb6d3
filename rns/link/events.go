package link

import (
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// Event is something the application should know. The concrete types are the exported structs of this file, always by
// value. Byte slices in events belong to the receiver of the event.
type Event interface{ event() }

// Established says that the link became active. It happens at most once.
type Established struct {
	// RTT is the measured round-trip time.
	RTT time.Duration
}

// Closed says that the link ended. It is the last event of a link and happens exactly once.
type Closed struct {
	Reason CloseReason
	// Cause says more than Reason where there is more to say, such as [ErrChannelFailed]; nil otherwise.
	Cause error
}

// Data is a received packet of context NONE. Call [Link.Prove] with its Hash when, and only when, the application has
// taken responsibility for it.
type Data struct {
	Plaintext []byte
	Hash      rns.Hash
}

// Proved says that the peer proved a packet sent with [Link.Send].
type Proved struct {
	Hash rns.Hash
	RTT  time.Duration
	// Proof is the payload of the proof packet: packet hash and signature.
	Proof []byte
}

// ReceiptFailed says that no proof of a packet sent with [Link.Send] arrived in time, or the link closed.
type ReceiptFailed struct {
	Hash rns.Hash
	Err  error // rns.VerdictTimeout or [ErrClosed]
}

// Identified says that the initiator identified itself. The caller closes the link if the identity is blackholed.
// spec: rns-link §3.5
type Identified struct {
	Identity rns.PublicKey
}

// RequestReceived is a request of the peer. Answer with [Link.Respond], [Link.RespondResource] or [Link.Decline]; who is
// not allowed, or asks for an unknown path, gets no answer. spec: rns-link §7.3
type RequestReceived struct {
	ID       RequestID
	PathHash rns.Addr
	// Timestamp is the requester's clock in seconds since 1970; it must not be trusted.
	Timestamp float64
	// Data is one encoded msgpack value.
	Data []byte
	// Size is the length of the packed request in bytes.
	Size int
}

// RequestSent says that a request was delivered to the peer: its resource was proved. Packet requests do not have it.
type RequestSent struct{ ID RequestID }

// RequestProgress reports the transfer of a request or of its response.
type RequestProgress struct {
	ID RequestID
	// Response is false while the request itself is under way.
	Response bool
	// Progress runs from 0 to 1.
	Progress float64
	// Size is the size of the response in bytes, TransferSize the encrypted size of the segments seen so far.
	Size, TransferSize int64
}

// ResponseReceived concludes a request. Exactly one of ResponseReceived and RequestFailed happens per request.
type ResponseReceived struct {
	ID RequestID
	// Data is one encoded msgpack value. It is nil for a file response, whose content came as SegmentReceived events of
	// Transfer.
	Data []byte
	// Transfer is the transfer that carried a file response, otherwise 0.
	Transfer TransferID
	// Metadata is the encoded msgpack metadata of a file response, otherwise nil.
	Metadata []byte
	// Size is the size of the response in bytes, TransferSize what it took on the link.
	Size, TransferSize int64
	// Elapsed is the response time. spec: rns-link §7.4
	Elapsed time.Duration
}

// RequestFailed concludes a request that got no usable response.
type RequestFailed struct {
	ID  RequestID
	Err error
}

// TransferAdvertised announces an incoming resource. Decide with [Link.AcceptResource], [Link.RejectResource] or
// [Link.IgnoreResource]; an undecided one is ignored after Params.DecisionTimeout.
type TransferAdvertised struct {
	Transfer TransferID
	// Advertisement is that of the first segment. Advertisement.DataSize is the size of the whole.
	Advertisement resource.Advertisement
}

// TransferStarted says that a file response to a request begins; nothing needs to be decided.
type TransferStarted struct {
	Transfer      TransferID
	Request       RequestID
	Advertisement resource.Advertisement
}

// SegmentReceived hands over the next piece of an incoming resource, in order. Call [Link.ConcludeSegment] when the data
// is stored, for the last one when the whole is durable: the proof leaves then. spec: rns-link §8.7
type SegmentReceived struct {
	Transfer TransferID
	// Segment counts from 1 to Segments.
	Segment, Segments int
	Data              []byte
	// Metadata is the encoded msgpack metadata, present on segment 1 of a resource that has any.
	Metadata []byte
	// Final marks the last segment.
	Final bool
}

// TransferProgress reports how far a transfer is, at most once per call of a method.
type TransferProgress struct {
	Transfer TransferID
	// Progress runs from 0 to 1 over all segments.
	Progress float64
}

// TransferConcluded ends a transfer, in either direction, exactly once per transfer that was announced or sent.
type TransferConcluded struct {
	Transfer TransferID
	// Status is Complete, Failed, Corrupt or Rejected.
	Status resource.Status
	// Err says why, nil for Complete.
	Err error
	// Hash is the original hash o of the resource. It is zero if the transfer ended before it was known.
	Hash rns.Hash
}

// ChannelReadable says that [Link.ReadMessage] has something to return. It comes once: read until there is nothing left.
type ChannelReadable struct{}

// ChannelReady says that the channel accepts another message after it had refused or filled up.
type ChannelReady struct{}

// MessageDelivered says that the peer proved the channel message with this sequence number.
type MessageDelivered struct{ Sequence uint16 }

func (Established) event()        {}
func (Closed) event()             {}
func (Data) event()               {}
func (Proved) event()             {}
func (ReceiptFailed) event()      {}
func (Identified) event()         {}
func (RequestReceived) event()    {}
func (RequestSent) event()        {}
func (RequestProgress) event()    {}
func (ResponseReceived) event()   {}
func (RequestFailed) event()      {}
func (TransferAdvertised) event() {}
func (TransferStarted) event()    {}
func (SegmentReceived) event()    {}
func (TransferProgress) event()   {}
func (TransferConcluded) event()  {}
func (ChannelReadable) event()    {}
func (ChannelReady) event()       {}
func (MessageDelivered) event()   {}
