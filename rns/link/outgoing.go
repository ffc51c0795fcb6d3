package link

import (
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// ResourceOptions describe content to send.
type ResourceOptions struct {
	// Source holds Size bytes. Jobs read it segment by segment, so it must stay readable until the transfer is concluded.
	Source io.ReaderAt
	Size   int64
	// Metadata is an encoded msgpack value, nil for none.
	Metadata []byte
	// Compress compresses segments, nil for never.
	Compress resource.Compressor
	// AdvertTimeout is the wait for the peer to accept, 0 for six round-trip times.
	AdvertTimeout time.Duration
}

// outgoing is a resource this side sends. Only the first in the queue is advertised or in transfer. spec: rns-link §8.8
type outgoing struct {
	id       TransferID
	kind     resource.Kind
	request  RequestID
	arrival  time.Time // of the request that a response answers
	reported bool      // the application knows the transfer by its id
	sender   *resource.Sender
	held     bool // waits for the peer to be ready
	progress float64
}

// SendResource sends content of any size. Transfers of one link wait for each other. [TransferConcluded] follows. Errors are
// [ErrClosed], [ErrNotActive], [ErrBusy], resource.ErrEmpty and resource.ErrMetadataSize.
func (l *Link) SendResource(now time.Time, o ResourceOptions) (TransferID, *Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return 0, fx, err
	}
	id, err := l.startOutgoing(now, outgoing{kind: resource.KindPlain, reported: true}, o)
	return id, fx, err
}

func (l *Link) startOutgoing(now time.Time, out outgoing, o ResourceOptions) (TransferID, error) {
	if len(l.transfer.out) >= l.params.MaxOutgoing {
		return 0, ErrBusy
	}
	s, err := resource.NewSender(resource.SenderConfig{
		Params: l.params.Resource, Source: o.Source, Size: o.Size, Metadata: o.Metadata, Kind: out.kind,
		RequestID: out.request, SDU: resource.SDU(l.mtu), Token: l.keys.token, LinkID: l.id, LinkRTT: l.timing.rtt,
		Rand: l.rand, Compress: o.Compress, AdvertTimeout: o.AdvertTimeout,
	})
	if err != nil {
		return 0, err
	}
	if s.AdvertisementSize() > l.MDU() {
		return 0, ErrTooLarge
	}
	l.transfer.last++
	out.id, out.sender = l.transfer.last, s
	l.transfer.out = append(l.transfer.out, &out)
	l.pumpOutgoing(now)
	return out.id, nil
}

// pumpOutgoing moves the queue on: it prepares what will be needed next and advertises what is ready and first.
//
// The reference proves a segment before it takes it off its list, and while it does so it can overlook the first part of the
// next one, which then comes a timeout later. Advertisements therefore keep the distance of early answers from the proof
// before them, too.
func (l *Link) pumpOutgoing(now time.Time) {
	for len(l.transfer.out) > 0 && l.state != Dead {
		first := l.transfer.out[0]
		if first.sender.Status().Concluded() {
			l.transfer.out = l.transfer.out[1:]
			l.concludeOutgoing(now, first)
			continue
		}
		if !l.prepare(first) {
			continue
		}
		if len(l.transfer.out) > 1 && first.sender.LastPrepared() && !l.prepare(l.transfer.out[1]) {
			continue
		}
		if first.sender.Ready() && !first.held {
			first.held = true
			l.answer(now, latest(first.arrival, l.transfer.proofAt), func(now time.Time) {
				first.held = false
				first.sender.Advertise(now, &l.transfer.output)
				l.flushTransfer(now, first.id)
				l.prepare(first)
			})
		}
		return
	}
}

// prepare starts the job for the next segment of a transfer. It is false if the transfer failed.
func (l *Link) prepare(o *outgoing) bool {
	job, err := o.sender.Prepare()
	if err != nil {
		o.sender.Abandon(err)
		return false
	}
	if job != nil {
		l.fx.Jobs = append(l.fx.Jobs, Job{transfer: o.id, prepare: job})
	}
	return true
}

// concludeOutgoing reports the end of a transfer, which has left the queue.
func (l *Link) concludeOutgoing(now time.Time, o *outgoing) {
	s := o.sender
	if rate := s.Rate(); rate > 0 {
		l.timing.rate = rate
	}
	if o.reported {
		l.fx.emit(TransferConcluded{Transfer: o.id, Status: s.Status(), Err: s.Err(), Hash: s.Hash()})
	}
	if o.kind != resource.KindRequest {
		return
	}
	if s.Status() == resource.StatusComplete {
		l.requestDelivered(now, o.request)
	} else if q, ok := l.requests.find(o.request); ok {
		l.failRequest(now, q, s.Err())
	}
}

// afterSender follows every call of a sender.
func (l *Link) afterSender(now time.Time, o *outgoing) {
	l.flushTransfer(now, o.id)
	if p := o.sender.Progress(); p != o.progress && !o.sender.Status().Concluded() {
		o.progress = p
		if o.reported {
			l.fx.emit(TransferProgress{Transfer: o.id, Progress: p})
		} else if o.kind == resource.KindRequest {
			l.fx.emit(RequestProgress{ID: o.request, Progress: p})
		}
	}
	l.pumpOutgoing(now)
}

// sending finds the outgoing transfer whose current segment has this hash.
func (l *Link) sending(h rns.Hash) (*outgoing, bool) {
	if len(l.transfer.out) > 0 && l.transfer.out[0].sender.SegmentHash() == h {
		return l.transfer.out[0], true
	}
	return nil, false
}

// partsRequested handles a part request. spec: rns-link §8.4
func (l *Link) partsRequested(now time.Time, r received) rns.Verdict {
	q, err := resource.ParsePartRequest(r.plaintext)
	if err != nil {
		return verdictOf(err)
	}
	o, ok := l.sending(q.Hash)
	if !ok {
		return rns.VerdictUnknownResource
	}
	v := o.sender.Request(now, r.hash(), q, &l.transfer.output)
	l.afterSender(now, o)
	return v
}

// rejectedByReceiver handles a rejection or cancellation by the receiver. spec: rns-link §8.10
func (l *Link) rejectedByReceiver(now time.Time, r received) rns.Verdict {
	if len(r.plaintext) < rns.HashSize {
		return rns.VerdictTooShort
	}
	o, ok := l.sending(rns.Hash(r.plaintext))
	if !ok {
		return rns.VerdictUnknownResource
	}
	o.sender.Rejected()
	l.afterSender(now, o)
	return rns.VerdictDelivered
}

// resourceProof handles the proof of a segment. Only who has the content can make it, so it counts as a sign of life.
func (l *Link) resourceProof(now time.Time, data []byte) rns.Verdict {
	if len(data) != resource.ProofSize {
		return rns.VerdictWrongSize
	}
	o, ok := l.sending(rns.Hash(data))
	if !ok {
		return rns.VerdictUnknownResource
	}
	v := o.sender.Proof(now, data)
	if v == rns.VerdictDelivered {
		l.transfer.proofAt = now
		l.touch(now, len(data), asData)
		l.afterSender(now, o)
	}
	return v
}

// Pending is the number of bytes of resource parts that wait for [Link.Writable].
func (l *Link) Pending() int {
	if len(l.transfer.out) == 0 {
		return 0
	}
	return l.transfer.out[0].sender.Pending()
}

// Writable emits waiting resource parts, at least one and not many more bytes than budget: what the interface has room for.
// The timers of the transfer count from here, so a slow medium is never mistaken for a silent peer. A budget of 0 or less
// emits nothing.
func (l *Link) Writable(now time.Time, budget int) *Effects {
	fx := l.begin()
	if len(l.transfer.out) == 0 || l.state == Dead {
		return fx
	}
	o := l.transfer.out[0]
	for budget > 0 {
		m, ok := o.sender.Next(now)
		if !ok {
			break
		}
		budget -= headerSize + len(m.Body)
		l.emitMessage(now, m)
	}
	l.afterSender(now, o)
	return fx
}

// CancelResource gives a transfer up, in either direction, and tells the peer. The error is [ErrUnknown].
func (l *Link) CancelResource(now time.Time, id TransferID) (*Effects, error) {
	fx := l.begin()
	if in, ok := l.incoming(id); ok {
		l.cancelIncoming(now, in, resource.ErrCancelled)
		return fx, nil
	}
	for _, o := range l.transfer.out {
		if o.id == id {
			l.cancelOutgoing(now, o)
			return fx, nil
		}
	}
	return fx, fmt.Errorf("transfer %d: %w", id, ErrUnknown)
}

func (l *Link) cancelOutgoing(now time.Time, o *outgoing) {
	o.sender.Cancel(&l.transfer.output)
	l.flushTransfer(now, o.id)
	l.dropOutgoing(now, o)
}

// dropOutgoing takes a concluded transfer out of the queue, wherever it is.
func (l *Link) dropOutgoing(now time.Time, o *outgoing) {
	for i, other := range l.transfer.out {
		if other == o {
			l.transfer.out = append(l.transfer.out[:i:i], l.transfer.out[i+1:]...)
			l.concludeOutgoing(now, o)
			break
		}
	}
	l.pumpOutgoing(now)
}

// cancelOutgoingFor cancels the resource that carries a request.
func (l *Link) cancelOutgoingFor(now time.Time, id RequestID) {
	for _, o := range l.transfer.out {
		if o.kind == resource.KindRequest && o.request == id && !o.sender.Status().Concluded() {
			l.cancelOutgoing(now, o)
			return
		}
	}
}
