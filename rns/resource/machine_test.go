package resource

import (
	"bytes"
	"errors"
	"io"
	"math"
	"testing"
	"time"

	"meshchatx/rns"
)

func TestNothingToSendIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		c    SenderConfig
		want error
	}{
		"empty":    {SenderConfig{SDU: 464}, ErrEmpty},
		"negative": {SenderConfig{SDU: 464, Size: -1, Metadata: []byte{0xC0}}, ErrEmpty},
		"metadata": {SenderConfig{SDU: 464, Metadata: make([]byte, MaxMetadata+1)}, ErrMetadataSize},
	} {
		if _, err := NewSender(c.c); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

type brokenSource struct{}

func (brokenSource) ReadAt(p []byte, _ int64) (int, error) { return len(p) / 2, io.ErrUnexpectedEOF }

func TestUnreadableSourceEndsTheTransfer(t *testing.T) {
	s, err := NewSender(SenderConfig{
		Params: DefaultParams(), Source: brokenSource{}, Size: 100, SDU: 464, Token: tokenOf(t, make([]byte, 64)),
		Rand: bytes.NewReader(make([]byte, 100)),
	})
	if err != nil {
		t.Fatal(err)
	}
	job, _ := s.Prepare()
	var out Output
	s.Prepared(job.Run(), &out)
	if s.Status() != StatusFailed || !errors.Is(s.Err(), ErrSource) || !errors.Is(s.Err(), io.ErrUnexpectedEOF) {
		t.Error(s.Status(), s.Err())
	}
	if len(out.Messages) > 0 {
		t.Error("told a peer that knows of nothing")
	}
}

// The random hash is chosen anew until no near map hashes collide: here for a token made of equal parts.
func TestCollidingMapHashes(t *testing.T) {
	s := &segment{token: bytes.Repeat([]byte{7}, 300*16), sdu: 16, parts: 300}
	if s.sumParts(0, s.parts) {
		t.Fatal("equal parts have different map hashes")
	}
	s = &segment{token: bytes.Repeat([]byte{7}, 16*2+1), sdu: 16, parts: 3}
	if s.sumParts(0, s.parts) {
		t.Fatal("collision not noticed")
	}
}

// spec: rns-link §8.3
func TestAdvertisementValidation(t *testing.T) {
	good := Advertisement{
		TransferSize: 1000, DataSize: 900, Parts: 3, Segment: 1, Segments: 1, Flags: FlagEncrypted, MapHashes: make([]byte, 12),
	}
	if err := good.Validate(464); err != nil {
		t.Fatal(err)
	}
	for want, changes := range map[error][]func(a *Advertisement){
		ErrAdvertSize: {
			func(a *Advertisement) { a.TransferSize = MaxTransferSize + 1 },
			func(a *Advertisement) { a.TransferSize = MinTransferSize - 1 },
			func(a *Advertisement) { a.DataSize = -1 },
		},
		ErrAdvertParts:   {func(a *Advertisement) { a.Parts = 2 }, func(a *Advertisement) { a.Parts = 4 }},
		ErrAdvertMap:     {func(a *Advertisement) { a.MapHashes = a.MapHashes[:8] }, func(a *Advertisement) { a.MapHashes = nil }},
		ErrAdvertSegment: {func(a *Advertisement) { a.Segment = 0 }, func(a *Advertisement) { a.Segment = 2 }},
		ErrAdvertFlags: {
			func(a *Advertisement) { a.Flags = 0 },
			func(a *Advertisement) { a.Flags |= FlagSplit },
			func(a *Advertisement) { a.Segments = 2 },
			func(a *Advertisement) { a.Flags |= FlagRequest | FlagResponse },
		},
	} {
		for i, change := range changes {
			a := good
			change(&a)
			if err := a.Validate(464); !errors.Is(err, want) {
				t.Errorf("%v, case %d: %v", want, i, err)
			}
		}
	}
	if _, err := NewIncoming(Advertisement{Segment: 1, Segments: 1, DataSize: SegmentSize + 1}); !errors.Is(err, ErrSize) {
		t.Error("promises more than its segments hold:", err)
	}
}

func TestProofsOfTheSender(t *testing.T) {
	s := testSender(t, 1000)
	good := s.proofPayload()
	wrong, other := bytes.Clone(good), bytes.Clone(good)
	wrong[63] ^= 1
	other[0] ^= 1
	for want, payload := range map[rns.Verdict][]byte{
		rns.VerdictWrongSize: good[:63], rns.VerdictBadProof: wrong, rns.VerdictUnknownResource: other,
	} {
		if got := s.Proof(start, payload); got != want || s.Status() != StatusAdvertised {
			t.Error(got, want)
		}
	}
	if got := s.Proof(start, good); got != rns.VerdictDelivered || s.Status() != StatusComplete {
		t.Error(got)
	}
	if got := s.Proof(start, good); got != rns.VerdictUnknownResource {
		t.Error("proved twice:", got)
	}
}

func TestImpossibleHashMapRequestCancels(t *testing.T) {
	s := testSender(t, 100_000)
	var out Output
	q := PartRequest{Exhausted: true, Hash: s.cur.hash, Last: [4]byte(s.cur.mapHash(10))}
	if got := s.Request(start, rns.Hash{1}, q, &out); got != rns.VerdictOutsideWindow || !errors.Is(s.Err(), ErrSequence) {
		t.Error(got, s.Err())
	}
	if len(out.Messages) != 1 || out.Messages[0].Context != rns.ContextResourceICL {
		t.Error(out.Messages)
	}
}

// A request served while the medium is full waits in the queue, named parts once, and no timer runs.
func TestQueuedPartsSuspendTheTimers(t *testing.T) {
	s := testSender(t, 5000)
	var out Output
	q := PartRequest{Hash: s.cur.hash, Wanted: s.cur.mapHashes[:4*4]}
	s.Request(start, rns.Hash{1}, q, &out)
	s.Request(start.Add(time.Second), rns.Hash{2}, q, &out)
	if got := s.Request(start, rns.Hash{1}, q, &out); got != rns.VerdictDuplicate {
		t.Error(got)
	}
	if s.Pending() == 0 || !s.Deadline().IsZero() {
		t.Error(s.Pending(), s.Deadline())
	}
	late := start.Add(24 * time.Hour)
	n := 0
	for _, ok := s.Next(late); ok; _, ok = s.Next(late) {
		n++
	}
	if n != 4 {
		t.Errorf("%d parts", n)
	}
	if due := s.Deadline(); !due.After(late) {
		t.Error(due)
	}
}

func TestHashMapUpdatesAreChecked(t *testing.T) {
	s := testSender(t, 100_000) // 216 parts
	receiver := func() *Receiver {
		r := NewReceiver(ReceiverConfig{
			Params: DefaultParams(), SDU: 464, LinkRTT: time.Second, Advertisement: s.advertisement(),
		})
		r.waiting = true
		return r
	}
	hashes := func(from, to int) []byte { return s.cur.mapHashes[from*4 : to*4] }
	for name, c := range map[string]struct {
		u    HashMapUpdate
		want rns.Verdict
	}{
		"good":        {HashMapUpdate{Segment: 1, MapHashes: hashes(74, 148)}, rns.VerdictDelivered},
		"repeated":    {HashMapUpdate{Segment: 0, MapHashes: hashes(0, 74)}, rns.VerdictOutsideWindow},
		"ahead":       {HashMapUpdate{Segment: 2, MapHashes: hashes(148, 216)}, rns.VerdictOutsideWindow},
		"short":       {HashMapUpdate{Segment: 1, MapHashes: hashes(74, 147)}, rns.VerdictWrongSize},
		"long":        {HashMapUpdate{Segment: 1, MapHashes: hashes(74, 149)}, rns.VerdictWrongSize},
		"odd":         {HashMapUpdate{Segment: 1, MapHashes: hashes(74, 149)[:74*4+1]}, rns.VerdictWrongSize},
		"empty":       {HashMapUpdate{Segment: 1}, rns.VerdictMalformed},
		"very far":    {HashMapUpdate{Segment: math.MaxInt32, MapHashes: hashes(0, 1)}, rns.VerdictOutsideWindow},
		"not awaited": {HashMapUpdate{Segment: 1, MapHashes: hashes(74, 148)}, rns.VerdictNotReady},
	} {
		r := receiver()
		r.waiting = name != "not awaited"
		var out Output
		if got := r.Update(start, c.u, &out); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
		if (r.Status() == StatusFailed) != (name == "empty") {
			t.Errorf("%s: %v", name, r.Status())
		}
	}
}

// Memory follows what arrives: an advertisement alone costs its map, not its promise.
func TestReceiverSetsMemoryAsideLate(t *testing.T) {
	s := testSender(t, 300_000)
	r := NewReceiver(ReceiverConfig{Params: DefaultParams(), SDU: 464, LinkRTT: time.Second, Advertisement: s.advertisement()})
	var out Output
	r.Start(start, &out)
	if cap(r.buf) != 0 {
		t.Fatal("memory before the first part")
	}
	r.Part(start, s.cur.part(0), 483, &out)
	if cap(r.buf) > trustSize {
		t.Errorf("%d bytes for one part", cap(r.buf))
	}
	if r.Part(start, s.cur.part(0), 483, &out) {
		t.Error("accepted twice")
	}
	if r.Part(start, s.cur.part(70), 483, &out) {
		t.Error("accepted a part that nobody asked for")
	}
}

// spec: rns-link §8.11
func TestProgress(t *testing.T) {
	for _, c := range []struct {
		index, segments, done, parts, sdu int
		want                              float64
	}{
		{1, 1, 5, 10, 464, 0.5},
		{1, 2, 2260, 2260, 464, 0.5},
		{2, 2, 0, 10, 464, 0.5},
		{2, 2, 5, 10, 464, 0.75},
		{2, 2, 10, 10, 464, 1},
	} {
		if got := progress(c.index, c.segments, c.done, c.parts, c.sdu); math.Abs(got-c.want) > 0.01 {
			t.Errorf("%+v: %v", c, got)
		}
	}
}

func TestSegmentsOfOneTransferMustAgree(t *testing.T) {
	s := testSender(t, 2*SegmentSize)
	a := s.advertisement()
	in, err := NewIncoming(a)
	if err != nil {
		t.Fatal(err)
	}
	in.status, in.index = StatusQueued, 2
	next := a
	next.Segment, next.Hash = 2, rns.Hash{9}
	if !in.Awaits(next) {
		t.Fatal("the next segment is not awaited")
	}
	for i, change := range []func(a *Advertisement){
		func(a *Advertisement) { a.Original[0] ^= 1 },
		func(a *Advertisement) { a.Segments++ },
		func(a *Advertisement) { a.DataSize++ },
		func(a *Advertisement) { a.Flags |= FlagMetadata },
		func(a *Advertisement) { a.Segment = 1 },
		func(a *Advertisement) { a.HasRequestID, a.Flags = true, a.Flags|FlagResponse },
	} {
		b := next
		change(&b)
		if in.Awaits(b) {
			t.Errorf("case %d accepted", i)
		}
	}
}
