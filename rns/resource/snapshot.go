package resource

import (
	"time"

	"meshchatx/rns"
)

// Snapshot is a copy of the state of a transfer for people and tests. Fields that do not apply to the direction are zero.
type Snapshot struct {
	Status         Status
	Hash           rns.Hash // of the current segment
	Original       rns.Hash
	Random         [RandomSize]byte
	Proof          rns.Hash // expected by a sender
	Parts          int      // of the current segment
	Done           int      // parts sent at least once, or received
	Segment        int
	Segments       int
	Size           int64 // of the whole, metadata block included
	TransferSize   int   // of the current segment
	Compressed     bool
	HasMetadata    bool
	Window         int
	WindowMin      int
	WindowMax      int
	FastRounds     int
	VerySlowRounds int
	Outstanding    int
	Consecutive    int // parts received without a gap
	MapHashes      int // known
	UpdatesAsked   int // of the hash map
	UpdatesTaken   int
	Waiting        bool
	Retries        int // left
	RTT            time.Duration
	Rate           float64 // bit/s
	Queued         int     // parts waiting for the medium
	Progress       float64
	MaxContent     int
	Err            error
}

// Snapshot copies the state of a sender.
func (s *Sender) Snapshot() Snapshot {
	n := Snapshot{
		Status: s.status, Original: s.original, Segments: s.segments, Size: s.total, HasMetadata: s.block > 0,
		Retries: s.flight.retries, RTT: s.flight.rtt, Rate: s.rate, Queued: len(s.flight.queue), Progress: s.Progress(),
		MaxContent: s.c.Params.MaxContent, Err: s.err,
	}
	if s.cur != nil {
		n.Hash, n.Random, n.Proof, n.Parts = s.cur.hash, s.cur.random, s.cur.proof, s.cur.parts
		n.Segment, n.TransferSize, n.Compressed = s.cur.index, len(s.cur.token), s.cur.compressed
		n.Done, n.MapHashes = s.flight.sentCount, s.cur.parts
	}
	return n
}

// Snapshot copies the state of the reception of one segment.
func (r *Receiver) Snapshot() Snapshot {
	a := &r.c.Advertisement
	return Snapshot{
		Status: r.status, Hash: a.Hash, Original: a.Original, Random: a.Random, Parts: a.Parts, Done: r.received,
		Segment: a.Segment, Segments: a.Segments, Size: a.DataSize, TransferSize: a.TransferSize,
		Compressed: a.Flags.Has(FlagCompressed), HasMetadata: a.Flags.Has(FlagMetadata), Window: r.window.size,
		WindowMin: r.window.min, WindowMax: r.window.max, FastRounds: r.window.fast, VerySlowRounds: r.window.slow,
		Outstanding: r.outstanding, Consecutive: r.next, MapHashes: r.known(),
		UpdatesAsked: r.asked, UpdatesTaken: r.taken, Waiting: r.waiting, Retries: r.retries,
		RTT: r.rtt, Rate: r.rate, MaxContent: r.c.Params.MaxContent,
	}
}

// Snapshot copies the state of an incoming transfer.
func (in *Incoming) Snapshot() Snapshot {
	n := Snapshot{
		Hash: in.first.Hash, Original: in.first.Original, Random: in.first.Random, Segments: in.first.Segments,
		Size: in.first.DataSize, HasMetadata: in.first.Flags.Has(FlagMetadata),
	}
	if in.receiver != nil {
		n = in.receiver.Snapshot()
	}
	n.Status, n.Segment = in.status, in.index
	n.Progress, n.Err = in.Progress(), in.err
	return n
}
