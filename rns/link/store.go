package link

import (
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// assembled takes the content of a segment. What the application stores is handed over and proved later; requests and
// wrapped responses are collected here. spec: rns-link §8.7
func (l *Link) assembled(now time.Time, in *incoming, a resource.Assembled) {
	s, err := in.machine.Assembled(a)
	if err != nil {
		l.assemblyFailed(now, in, err)
		return
	}
	if !in.collect {
		in.deadline = now.Add(l.params.ConcludeTimeout)
		if s.Metadata != nil {
			in.metadata = s.Metadata
		}
		l.fx.emit(SegmentReceived{
			Transfer: in.id, Segment: s.Index, Segments: in.machine.Advertisement().Segments, Data: s.Data,
			Metadata: s.Metadata, Final: s.Final,
		})
		return
	}
	if s.Final && in.content == nil {
		in.content = s.Data
	} else {
		in.content = append(slices.Grow(in.content, len(s.Data)), s.Data...)
	}
	l.stored(now, in)
}

func (l *Link) assemblyFailed(now time.Time, in *incoming, err error) {
	if isBomb(err) {
		h := in.machine.Advertisement().Hash
		_ = l.emit(now, rns.ContextResourceRCL, h[:])
	}
	l.dropIncoming(now, in, err)
	if isBomb(err) {
		l.endOurs(now, err)
	}
}

// ConcludeSegment answers a [SegmentReceived] event: Stored releases the proof, Refused cancels the transfer. Without an
// answer within Params.ConcludeTimeout the transfer is cancelled. The error is [ErrUnknown]. spec: rns-link §8.7
func (l *Link) ConcludeSegment(now time.Time, id TransferID, d Decision) (*Effects, error) {
	fx := l.begin()
	in, ok := l.incoming(id)
	if !ok || !in.machine.WaitsForStore() {
		return fx, fmt.Errorf("transfer %d: %w", id, ErrUnknown)
	}
	if d == Refused {
		l.cancelIncoming(now, in, resource.ErrCancelled)
		return fx, nil
	}
	l.stored(now, in)
	return fx, nil
}

// stored sends the proof of a segment and, after the last, concludes the transfer.
func (l *Link) stored(now time.Time, in *incoming) {
	in.machine.Stored(&l.transfer.output)
	l.flushTransfer(now, in.id)
	if in.machine.Status() != resource.StatusComplete {
		in.deadline = now.Add(l.params.SegmentWait)
		return
	}
	l.forgetIncoming(in)
	l.reportConcluded(in)
	switch in.kind {
	case resource.KindRequest:
		// The id is that of what was received, not what was promised. spec: rns-link §7.3
		if rns.TruncatedHash(in.content) == in.request {
			_ = l.serve(now, in.request, in.content) // a resource has no packet whose verdict anybody waits for
		}
	case resource.KindResponse:
		l.responseComplete(now, in)
	}
}

// responseComplete concludes the request that a resource answered. spec: rns-link §7.2
func (l *Link) responseComplete(now time.Time, in *incoming) {
	q, ok := l.requests.find(in.request)
	if !ok || q.in != in.id {
		return
	}
	a := in.machine.Advertisement()
	e := ResponseReceived{Size: a.DataSize, TransferSize: in.machine.TransferSize()}
	if !in.collect {
		e.Transfer, e.Metadata = in.id, in.metadata
		l.finishRequest(now, q, e)
		return
	}
	id, data, err := ParseResponse(in.content)
	switch {
	case err != nil:
		l.failRequest(now, q, rns.VerdictMalformed)
	case id != in.request:
		l.failRequest(now, q, rns.VerdictHashMismatch)
	default:
		e.Data = data
		l.finishRequest(now, q, e)
	}
}
