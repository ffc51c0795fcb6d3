package resource

import (
	"errors"
	"time"

	"meshchatx/rns"
)

// Incoming follows one incoming resource over all its segments, in order, each once. spec: rns-link §8.7
//
//	accept ─→ transferring ─→ assembling ─→ the owner stores the data ─→ proof ─→ next advertisement, or complete
//
// Not safe for concurrent use.
type Incoming struct {
	first    Advertisement
	status   Status
	err      error
	receiver *Receiver // of the current segment, nil between segments
	last     rns.Hash  // of the segment before
	index    int       // of the current segment, or of the one awaited
	got      int64     // content bytes of finished segments
	transfer int64     // encrypted bytes of the segments seen
	proof    []byte    // payload for the segment that waits to be stored
}

// Segment is the content of one segment.
type Segment struct {
	Index    int
	Data     []byte
	Metadata []byte // of segment 1, nil if the resource has none
	Final    bool
}

// NewIncoming begins a transfer with the advertisement of its first segment. The caller has validated it; the error is
// [ErrSize] if it is not segment 1 or promises a size that its segments cannot have.
func NewIncoming(a Advertisement) (*Incoming, error) {
	if a.Segment != 1 || a.Original != a.Hash {
		return nil, ErrSize
	}
	if a.DataSize <= 0 || a.DataSize > int64(a.Segments)*SegmentSize {
		return nil, ErrSize
	}
	return &Incoming{first: a, status: StatusAdvertised, index: 1, transfer: int64(a.TransferSize)}, nil
}

// Advertisement is that of the first segment.
func (in *Incoming) Advertisement() Advertisement { return in.first }

// Status is the state of the transfer.
func (in *Incoming) Status() Status { return in.status }

// Err says why the transfer failed.
func (in *Incoming) Err() error { return in.err }

// Receiver is the receiver of the current segment, nil between segments.
func (in *Incoming) Receiver() *Receiver { return in.receiver }

// TransferSize is the encrypted size of the segments announced so far, in bytes.
func (in *Incoming) TransferSize() int64 { return in.transfer }

// Awaits reports whether a is the advertisement of the next segment.
func (in *Incoming) Awaits(a Advertisement) bool {
	return in.status == StatusQueued && a.Segment == in.index && a.continues(in.first)
}

// Accept notes that the reception of a segment is decided, and that [Incoming.Begin] follows.
func (in *Incoming) Accept() { in.status = StatusTransferring }

// Begin starts the reception of the segment announced by c.Advertisement.
func (in *Incoming) Begin(now time.Time, c ReceiverConfig, out *Output) {
	if in.index > 1 {
		in.transfer += int64(c.Advertisement.TransferSize)
	}
	in.receiver = NewReceiver(c)
	in.receiver.Start(now, out)
}

// Assembling notes that all parts are there.
func (in *Incoming) Assembling() { in.status = StatusAssembling }

// Assembled takes the result of the job. On success it returns the data to store, after which the owner calls
// [Incoming.Stored].
func (in *Incoming) Assembled(a Assembled) (Segment, error) {
	if in.status != StatusAssembling || in.receiver == nil || a.hash != in.receiver.Hash() {
		return Segment{}, rns.VerdictUnknownResource
	}
	if a.err != nil {
		return Segment{}, in.Fail(a.err)
	}
	s := Segment{Index: in.index, Data: a.content, Final: in.index == in.first.Segments}
	in.got += int64(len(a.content))
	if in.got > in.first.DataSize || s.Final && in.got != in.first.DataSize {
		return Segment{}, in.Fail(ErrSize)
	}
	if in.index == 1 && in.first.Flags.Has(FlagMetadata) {
		var err error
		if s.Metadata, s.Data, err = splitMetadata(a.content); err != nil {
			return Segment{}, in.Fail(err)
		}
	}
	in.proof = append(append(make([]byte, 0, ProofSize), a.hash[:]...), a.proof[:]...)
	return s, nil
}

// Stored releases the proof of the segment whose data the owner has stored.
func (in *Incoming) Stored(out *Output) {
	if in.proof == nil || in.status != StatusAssembling {
		return
	}
	out.send(rns.ContextResourcePRF, in.proof)
	in.last = in.receiver.Hash()
	in.proof, in.receiver = nil, nil
	if in.index == in.first.Segments {
		in.status = StatusComplete
		return
	}
	in.index++
	in.status = StatusQueued
}

// Cancel gives the transfer up and tells the sender.
func (in *Incoming) Cancel(err error, out *Output) {
	if in.status.Concluded() {
		return
	}
	h := in.segmentHash()
	out.send(rns.ContextResourceRCL, h[:])
	_ = in.Fail(err)
}

// segmentHash is the hash by which the sender knows the current segment, or the last one between segments.
func (in *Incoming) segmentHash() rns.Hash {
	switch {
	case in.receiver != nil:
		return in.receiver.Hash()
	case !in.last.IsZero():
		return in.last
	default:
		return in.first.Hash
	}
}

// Refers reports whether a message of the sender that names h is about this transfer.
func (in *Incoming) Refers(h rns.Hash) bool { return in.segmentHash() == h }

// Fail ends the transfer without telling anyone, and returns err.
func (in *Incoming) Fail(err error) error {
	if in.status.Concluded() {
		return in.err
	}
	in.status, in.err = StatusFailed, err
	if errors.Is(err, rns.VerdictCorrupt) || errors.Is(err, rns.VerdictDecompression) {
		in.status = StatusCorrupt
	}
	in.receiver, in.proof = nil, nil
	return err
}

// WaitsForStore reports whether [Incoming.Stored] is awaited.
func (in *Incoming) WaitsForStore() bool { return in.proof != nil }
