package node

import (
	"errors"
	"io"
	"time"

	"meshchatx/rns/link"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
)

// transfer is what the node keeps of a resource on a link, in either direction.
type transfer struct {
	// Outgoing.
	out      *Transfer
	progress func(TransferStatus)
	source   io.ReaderAt // of a file response, to close

	// Incoming. What follows belongs to the link's callbacks, except request.
	in       *ResourceAcceptance
	request  *RequestReceipt
	content  IncomingResource
	limit    int64
	failed   error
	finished bool // Conclude was called

	status TransferStatus
	last   time.Time // of the rate
	done   int64
}

// transferHappened follows the transfers of the link. It runs on the link's goroutine.
func (l *Link) transferHappened(now time.Time, e link.Event) {
	switch e := e.(type) {
	case link.TransferAdvertised:
		l.offered(now, e)
	case link.TransferStarted:
		if r, ok := l.requests[e.Request]; ok {
			l.transfers[e.Transfer] = &transfer{request: r, limit: e.Advertisement.DataSize}
		}
	case link.SegmentReceived:
		l.segment(e)
	case link.TransferProgress:
		l.progressed(now, e)
	case link.TransferConcluded:
		l.transferConcluded(now, e)
	}
}

// offered asks the application about an incoming resource.
func (l *Link) offered(now time.Time, e link.TransferAdvertised) {
	a := e.Advertisement
	offer := ResourceOffer{
		Hash: a.Original, Size: a.DataSize, TransferSize: int64(a.TransferSize), Segments: a.Segments, Parts: a.Parts,
		HasMetadata: a.Flags.Has(resource.FlagMetadata), Compressed: a.Flags.Has(resource.FlagCompressed),
	}
	l.calls.do(func() {
		var accepted *ResourceAcceptance
		if f := l.handler.OnResource; f != nil {
			accepted = f(l, offer)
		}
		if accepted != nil && accepted.Sink == nil && offer.Size > l.node.cfg.Params.MaxMemoryResource {
			accepted = nil
		}
		l.inbox.call(func(now time.Time) { l.decide(now, e.Transfer, offer, accepted) })
	})
}

// decide carries out the application's decision.
func (l *Link) decide(now time.Time, id link.TransferID, offer ResourceOffer, accepted *ResourceAcceptance) {
	if accepted == nil {
		if fx, err := l.m.RejectResource(now, id); err == nil {
			l.apply(now, fx)
		}
		return
	}
	t := &transfer{in: accepted, limit: offer.Size, status: TransferStatus{Hash: offer.Hash, Size: offer.Size, Started: now}}
	t.content.Hash = offer.Hash
	l.transfers[id] = t
	fx, err := l.m.AcceptResource(now, id)
	if err != nil { // the peer cancelled, or the link closed, while the application decided
		l.transferConcluded(now, link.TransferConcluded{Transfer: id, Status: resource.StatusFailed, Err: err})
		return
	}
	l.apply(now, fx)
}

// segment gives a piece of a resource to its sink, and the whole to the application at the end. The proof of the piece
// leaves when that has gone well. spec: rns-link §8.7
func (l *Link) segment(e link.SegmentReceived) {
	t, ok := l.transfers[e.Transfer]
	if !ok {
		return
	}
	l.calls.do(func() {
		d := link.Stored
		if t.store(l, e) != nil {
			d = link.Refused
		}
		l.inbox.call(func(now time.Time) {
			if fx, err := l.m.ConcludeSegment(now, e.Transfer, d); err == nil {
				l.apply(now, fx)
			}
		})
	})
}

// store keeps a piece. It runs on the link's callbacks.
func (t *transfer) store(l *Link, e link.SegmentReceived) error {
	if t.failed != nil {
		return t.failed
	}
	if t.request != nil {
		t.failed = t.storeFile(e)
		return t.failed
	}
	if e.Metadata != nil {
		v, _, err := msgpack.Parse(e.Metadata, valueLimits())
		if err != nil {
			t.failed = metadataError(err)
			return t.failed
		}
		t.content.Metadata, t.content.HasMetadata = v, true
	}
	t.content.Size += int64(len(e.Data))
	if t.in.Sink != nil {
		if _, err := t.in.Sink.Write(e.Data); err != nil {
			t.failed = err
			return err
		}
	} else {
		t.content.Data = append(t.content.Data, e.Data...)
	}
	if !e.Final {
		return nil
	}
	t.finished = true
	if t.in.Conclude != nil {
		t.failed = t.in.Conclude(l, t.content)
	}
	return t.failed
}

// storeFile keeps a piece of a file response.
func (t *transfer) storeFile(e link.SegmentReceived) error {
	if sink := t.request.options.Sink; sink != nil {
		_, err := sink.Write(e.Data)
		return err
	}
	t.request.file = append(t.request.file, e.Data...)
	return nil
}

// progressed reports how far a transfer is.
func (l *Link) progressed(now time.Time, e link.TransferProgress) {
	t, ok := l.transfers[e.Transfer]
	if !ok {
		return
	}
	report := t.progress
	if t.in != nil {
		report = t.in.Progress
	}
	if t.out != nil {
		t.out.update(func(s *TransferStatus) { t.advance(now, s, e.Progress) })
		t.status = t.out.get()
	} else {
		t.advance(now, &t.status, e.Progress)
	}
	if report != nil {
		s := t.status
		l.calls.do(func() { report(s) })
	}
}

// rateSpan is the shortest time over which a rate is measured.
const rateSpan = 500 * time.Millisecond

// advance updates progress and rate.
func (t *transfer) advance(now time.Time, s *TransferStatus, progress float64) {
	s.Progress = progress
	if t.last.IsZero() {
		t.last, t.done = now, s.Done()
		return
	}
	if span := now.Sub(t.last); span >= rateSpan {
		rate := float64(s.Done()-t.done) / span.Seconds()
		if s.Rate > 0 {
			rate = (s.Rate + rate) / 2
		}
		s.Rate, t.last, t.done = rate, now, s.Done()
	}
}

// transferConcluded ends a transfer.
func (l *Link) transferConcluded(now time.Time, e link.TransferConcluded) {
	t, ok := l.transfers[e.Transfer]
	if !ok {
		return
	}
	delete(l.transfers, e.Transfer)
	if t.source != nil {
		closeSource(t.source)
	}
	if t.out != nil {
		t.out.conclude(func(s *TransferStatus) {
			s.State, s.Concluded, s.Err, s.Hash = TransferFailed, now, e.Err, e.Hash
			if e.Status == resource.StatusComplete {
				s.State, s.Progress, s.Err = TransferComplete, 1, nil
			} else if s.Err == nil {
				s.Err = errTransfer
			}
		})
		return
	}
	if t.in == nil {
		return
	}
	l.calls.do(func() {
		if t.finished || e.Status == resource.StatusComplete {
			return
		}
		t.finished = true
		t.content.Err = errors.Join(e.Err, t.failed)
		if t.content.Err == nil {
			t.content.Err = errTransfer
		}
		if t.in.Conclude != nil {
			_ = t.in.Conclude(l, t.content)
		}
	})
}

// errTransfer is the end of a transfer without a better reason.
var errTransfer = errors.New("transfer failed")
