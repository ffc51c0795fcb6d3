package resource

import (
	"crypto/subtle"
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
)

// Kind says what a resource carries.
type Kind uint8

// Kinds of resources. spec: rns-link §8.2
const (
	KindPlain Kind = iota
	KindRequest
	KindResponse
)

// SenderConfig describes an outgoing resource.
type SenderConfig struct {
	Params Params
	// Source holds Size bytes. It is read by jobs, segment by segment; only one job runs at a time.
	Source io.ReaderAt
	Size   int64
	// Metadata is an encoded msgpack value sent ahead of the content, nil for none.
	Metadata []byte
	Kind     Kind
	// RequestID is that of the request, for kinds other than plain.
	RequestID rns.Addr
	// SDU is the part size of the link, Token its key, LinkID its id, LinkRTT its round-trip time.
	SDU     int
	Token   *rns.Token
	LinkID  rns.Addr
	LinkRTT time.Duration
	Rand    io.Reader
	// Compress compresses segments, nil for never.
	Compress Compressor
	// AdvertTimeout is the wait for the first request, 0 for six round-trip times.
	AdvertTimeout time.Duration
}

// Sender is the sending machine of one resource with all its segments. Make it with [NewSender].
//
//	prepare ─→ advertise ─→ transferring ─→ awaiting proof ─→ next segment, or complete
//
// Not safe for concurrent use.
type Sender struct {
	c        SenderConfig
	total    int64 // content with metadata block
	block    int   // size of the metadata block
	segments int

	status    Status
	err       error
	original  rns.Hash
	preparing int // index of the segment a job works on, 0 for none
	cur, next *segment
	spare     [2][]byte // buffers of finished jobs: content, token
	flight    flight
	rate      float64 // measured over the last segment, bit/s
}

// flight is what is specific to the segment in transfer.
type flight struct {
	seen       map[rns.Hash]struct{} // requests already served
	sent       []bool
	sentCount  int
	queued     []bool // by part, mirrors queue
	queue      []int  // parts to emit; updateMark + s stands for segment s of the hash map
	height     int    // lowest part the receiver may still ask for
	rtt        time.Duration
	advertised time.Time
	started    time.Time
	lastSent   time.Time
	retries    int
}

// updateMark is added to the number of a hash map segment in a queue of parts.
const updateMark = 1 << 24

// NewSender prepares a transfer; nothing is read yet. Errors are [ErrEmpty] and [ErrMetadataSize].
func NewSender(c SenderConfig) (*Sender, error) {
	s := &Sender{c: c}
	if c.Metadata != nil {
		if len(c.Metadata) > MaxMetadata {
			return nil, fmt.Errorf("%d bytes: %w", len(c.Metadata), ErrMetadataSize)
		}
		s.block = metadataHeader + len(c.Metadata)
	}
	s.total = c.Size + int64(s.block)
	if s.total <= 0 || c.Size < 0 {
		return nil, ErrEmpty
	}
	s.segments = int((s.total + SegmentSize - 1) / SegmentSize)
	return s, nil
}

// Status is the state of the transfer.
func (s *Sender) Status() Status { return s.status }

// Err says why a transfer failed, nil otherwise.
func (s *Sender) Err() error { return s.err }

// Hash is the original hash, zero before the first segment is prepared.
func (s *Sender) Hash() rns.Hash { return s.original }

// SegmentHash is the hash of the segment in transfer, by which the receiver refers to it.
func (s *Sender) SegmentHash() rns.Hash {
	if s.cur == nil {
		return rns.Hash{}
	}
	return s.cur.hash
}

// Rate is the rate of the last proved segment in bit/s, 0 before. spec: rns-link §8.6
func (s *Sender) Rate() float64 { return s.rate }

// Prepare returns the job for the next segment that should be ready, nil if there is none. Only one job is out at a time.
func (s *Sender) Prepare() (*PrepareJob, error) {
	index := 1
	if s.cur != nil {
		index = s.cur.index + 1
	}
	if s.status.Concluded() || s.preparing != 0 || s.next != nil || index > s.segments {
		return nil, nil
	}
	j := &PrepareJob{index: index, source: s.c.Source, sdu: s.c.SDU, token: s.c.Token, both: s.c.Params.Both}
	from := int64(index-1) * SegmentSize
	to := min(from+SegmentSize, s.total)
	if index == 1 {
		j.metadata, j.block = s.c.Metadata, s.c.Metadata != nil
		j.size = int(to) - s.block
	} else {
		j.offset, j.size = from-int64(s.block), int(to-from)
	}
	if s.c.Size <= s.c.Params.CompressLimit {
		j.compress = s.c.Compress
	}
	for _, b := range [][]byte{j.prefix[:], j.iv[:], j.random[:]} {
		if _, err := io.ReadFull(s.c.Rand, b); err != nil {
			return nil, fmt.Errorf("draw resource salts: %w", err)
		}
	}
	j.content, j.sealed = s.spare[0], s.spare[1]
	s.spare = [2][]byte{}
	s.preparing = index
	return j, nil
}

// Prepared takes the result of a job. A failed one ends the transfer.
func (s *Sender) Prepared(p Prepared, out *Output) {
	if s.preparing != p.index || s.status.Concluded() {
		return
	}
	s.preparing = 0
	if p.err != nil {
		s.cancel(p.err, out)
		return
	}
	s.next = p.segment
	if s.next.index < s.segments {
		s.spare[0] = p.content
	}
	if s.next.index == 1 {
		s.original = s.next.hash
	}
	if s.status == StatusNone {
		s.status = StatusQueued
	}
}

// Ready reports whether a segment is prepared and nothing of this resource is in transfer, so that [Sender.Advertise] may
// be called.
func (s *Sender) Ready() bool { return s.status == StatusQueued && s.next != nil }

// Advertise announces the prepared segment.
func (s *Sender) Advertise(now time.Time, out *Output) {
	if !s.Ready() {
		return
	}
	if s.cur != nil {
		s.spare[1] = s.cur.token
	}
	s.cur, s.next = s.next, nil
	s.flight = flight{
		seen:       make(map[rns.Hash]struct{}),
		sent:       make([]bool, s.cur.parts),
		queued:     make([]bool, s.cur.parts),
		advertised: now,
		started:    now,
		lastSent:   now,
		rtt:        s.c.LinkRTT,
		retries:    s.c.Params.MaxAdvertisements,
	}
	s.status = StatusAdvertised
	out.send(rns.ContextResourceAdv, s.advertisement().Append(nil))
}

// AdvertisementSize is the length of the longest advertisement of this resource in bytes. It must fit a packet of the link.
func (s *Sender) AdvertisementSize() int {
	a := Advertisement{
		TransferSize: MaxTransferSize, DataSize: s.total, Parts: MaxTransferSize / s.c.SDU, Segment: s.segments,
		Segments: s.segments, HasRequestID: s.c.Kind != KindPlain,
		MapHashes: make([]byte, MapHashSize*min(HashMapSegment, (SegmentSize+2*s.c.SDU)/s.c.SDU)),
	}
	return len(a.Append(nil))
}

func (s *Sender) advertisement() Advertisement {
	a := Advertisement{
		TransferSize: len(s.cur.token), DataSize: s.total, Parts: s.cur.parts, Hash: s.cur.hash, Random: s.cur.random,
		Original: s.original, Segment: s.cur.index, Segments: s.segments, Flags: FlagEncrypted,
		MapHashes: s.cur.mapHashes[:MapHashSize*min(s.cur.parts, HashMapSegment)],
	}
	if s.cur.compressed {
		a.Flags |= FlagCompressed
	}
	if s.segments > 1 {
		a.Flags |= FlagSplit
	}
	if s.block > 0 {
		a.Flags |= FlagMetadata
	}
	switch s.c.Kind {
	case KindRequest:
		a.Flags |= FlagRequest
	case KindResponse:
		a.Flags |= FlagResponse
	}
	if s.c.Kind != KindPlain {
		a.RequestID, a.HasRequestID = s.c.RequestID, true
	}
	return a
}

// Proof handles the payload of a resource proof for the segment in transfer. spec: rns-link §8.7
func (s *Sender) Proof(now time.Time, payload []byte) rns.Verdict {
	switch {
	case len(payload) != ProofSize:
		return rns.VerdictWrongSize
	case s.cur == nil || rns.Hash(payload) != s.cur.hash || s.status < StatusAdvertised || s.status.Concluded():
		return rns.VerdictUnknownResource
	case subtle.ConstantTimeCompare(payload[rns.HashSize:], s.cur.proof[:]) != 1:
		return rns.VerdictBadProof
	}
	if took := now.Sub(s.flight.started); took > 0 {
		s.rate = 8 * float64(len(s.cur.token)) / took.Seconds()
	}
	if s.cur.index == s.segments {
		s.conclude(StatusComplete, nil)
	} else {
		s.status = StatusQueued
	}
	return rns.VerdictDelivered
}

// Rejected handles a rejection by the receiver. spec: rns-link §8.10
func (s *Sender) Rejected() { s.conclude(StatusRejected, ErrRejected) }

// Cancel gives the transfer up and tells the receiver.
func (s *Sender) Cancel(out *Output) { s.cancel(ErrCancelled, out) }

// Abandon ends the transfer without telling anyone, because the link is gone.
func (s *Sender) Abandon(err error) { s.conclude(StatusFailed, err) }

func (s *Sender) cancel(err error, out *Output) {
	if s.status.Concluded() {
		return
	}
	if s.cur != nil {
		out.send(rns.ContextResourceICL, append([]byte(nil), s.cur.hash[:]...))
	}
	s.conclude(StatusFailed, err)
}

// conclude ends the transfer once and drops its buffers.
func (s *Sender) conclude(status Status, err error) {
	if s.status.Concluded() {
		return
	}
	s.status, s.err = status, err
	if s.cur != nil {
		s.cur.token = nil
	}
	s.next, s.spare = nil, [2][]byte{}
	s.flight.queue, s.flight.seen = nil, nil
}

// LastPrepared reports whether every segment is prepared, so that a worker is free for the next resource.
func (s *Sender) LastPrepared() bool {
	return s.cur != nil && s.cur.index == s.segments || s.next != nil && s.next.index == s.segments
}
