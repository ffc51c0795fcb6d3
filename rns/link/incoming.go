package link

import (
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// incoming is a resource the peer sends.
type incoming struct {
	id      TransferID
	kind    resource.Kind
	request RequestID // of a request or response
	// collect keeps the content here: requests and wrapped responses are unpacked as a whole.
	collect  bool
	content  []byte
	metadata []byte // of a file response
	machine  *resource.Incoming
	arrival  time.Time // of the latest advertisement
	decided  bool
	deadline time.Time // of the application's decision or storage, or of the next segment; zero while parts flow
	progress float64
}

// Decision is what the application does with a received segment.
type Decision uint8

// Decisions.
const (
	// Stored releases the proof: the application is responsible for the data from now on.
	Stored Decision = iota
	// Refused cancels the transfer; no proof leaves.
	Refused
)

func (l *Link) incoming(id TransferID) (*incoming, bool) {
	for _, in := range l.transfer.in {
		if in.id == id {
			return in, true
		}
	}
	return nil, false
}

// advertised handles a resource advertisement. spec: rns-link §8.3
func (l *Link) advertised(now time.Time, r received) rns.Verdict {
	a, err := resource.ParseAdvertisement(r.plaintext)
	if err != nil || a.Validate(resource.SDU(l.mtu)) != nil {
		return rns.VerdictBadAdvertisement
	}
	for _, in := range l.transfer.in {
		if v, known := l.readvertised(now, in, a); known {
			return v
		}
	}
	if l.transfer.proved(a.Hash) {
		return rns.VerdictDuplicate
	}
	m, err := resource.NewIncoming(a)
	if err != nil {
		return rns.VerdictBadAdvertisement
	}
	if len(l.transfer.in) >= l.params.MaxIncoming {
		return rns.VerdictOverload
	}
	in := &incoming{machine: m, arrival: now}
	switch {
	case a.IsRequest():
		return l.requestAdvertised(now, in, a)
	case a.IsResponse():
		return l.responseAdvertised(now, in, a)
	}
	in.deadline = now.Add(l.params.DecisionTimeout)
	l.addIncoming(in)
	l.fx.emit(TransferAdvertised{Transfer: in.id, Advertisement: a})
	return rns.VerdictDelivered
}

// readvertised handles advertisements that belong to a known transfer: its next segment, or a repetition, which means that
// the sender saw no request yet.
func (l *Link) readvertised(now time.Time, in *incoming, a resource.Advertisement) (rns.Verdict, bool) {
	if in.machine.Awaits(a) {
		in.arrival, in.deadline = now, time.Time{}
		l.beginSegment(now, in, a)
		return rns.VerdictDelivered, true
	}
	rx := in.machine.Receiver()
	switch {
	case rx != nil && rx.Hash() == a.Hash:
		l.answer(now, now, func(now time.Time) {
			rx.Repeat(now, &l.transfer.output)
			l.flushTransfer(now, in.id)
		})
		return rns.VerdictAlreadyHeld, true
	case in.machine.Advertisement().Hash == a.Hash:
		return rns.VerdictAlreadyHeld, true
	}
	return 0, false
}

func (l *Link) addIncoming(in *incoming) {
	l.transfer.last++
	in.id = l.transfer.last
	l.transfer.in = append(l.transfer.in, in)
}

// requestAdvertised accepts or rejects a request that is too long for a packet. spec: rns-link §7.3
func (l *Link) requestAdvertised(now time.Time, in *incoming, a resource.Advertisement) rns.Verdict {
	if l.serving.policy.Mode == ServeNothing {
		return rns.VerdictFeatureOff
	}
	if a.DataSize > l.maxRequest() {
		l.rejectAdvertisement(now, a)
		return rns.VerdictOverSizeLimit
	}
	in.kind, in.request, in.collect = resource.KindRequest, a.RequestID, true
	l.addIncoming(in)
	l.accept(now, in)
	return rns.VerdictDelivered
}

// responseAdvertised accepts the response to a pending request. spec: rns-link §7.4
func (l *Link) responseAdvertised(now time.Time, in *incoming, a resource.Advertisement) rns.Verdict {
	q, ok := l.requests.find(a.RequestID)
	if !ok || q.in != 0 {
		return rns.VerdictUnknownRequest
	}
	if a.DataSize > q.max {
		l.rejectAdvertisement(now, a)
		l.failRequest(now, q, rns.VerdictOverSizeLimit)
		return rns.VerdictOverSizeLimit
	}
	in.kind, in.request, in.collect = resource.KindResponse, a.RequestID, !a.Flags.Has(resource.FlagMetadata)
	l.addIncoming(in)
	if q.status == RequestSentStatus && !q.deadline.IsZero() {
		q.started = now // a packet request: the response time is that of the transfer
	}
	q.status, q.in, q.deadline = RequestReceiving, in.id, time.Time{}
	if !in.collect {
		l.fx.emit(TransferStarted{Transfer: in.id, Request: q.id, Advertisement: a})
	}
	l.accept(now, in)
	return rns.VerdictDelivered
}

// rejectAdvertisement refuses a resource that no transfer was made for.
func (l *Link) rejectAdvertisement(now time.Time, a resource.Advertisement) {
	l.answer(now, now, func(now time.Time) { _ = l.emit(now, rns.ContextResourceRCL, a.Hash[:]) })
}

// AcceptResource begins an advertised transfer. [SegmentReceived] events follow. The error is [ErrUnknown].
func (l *Link) AcceptResource(now time.Time, id TransferID) (*Effects, error) {
	fx := l.begin()
	in, err := l.undecided(id)
	if err != nil {
		return fx, err
	}
	l.accept(now, in)
	return fx, nil
}

// RejectResource refuses an advertised transfer and tells the sender. The error is [ErrUnknown].
func (l *Link) RejectResource(now time.Time, id TransferID) (*Effects, error) {
	fx := l.begin()
	in, err := l.undecided(id)
	if err != nil {
		return fx, err
	}
	h := in.machine.Advertisement().Hash
	l.answer(now, in.arrival, func(now time.Time) { _ = l.emit(now, rns.ContextResourceRCL, h[:]) })
	l.dropIncoming(now, in, rns.VerdictResourceRejected)
	return fx, nil
}

// IgnoreResource leaves an advertised transfer unanswered; the sender repeats it and gives up. The error is [ErrUnknown].
func (l *Link) IgnoreResource(now time.Time, id TransferID) (*Effects, error) {
	fx := l.begin()
	in, err := l.undecided(id)
	if err != nil {
		return fx, err
	}
	l.dropIncoming(now, in, rns.VerdictFeatureOff)
	return fx, nil
}

func (l *Link) undecided(id TransferID) (*incoming, error) {
	in, ok := l.incoming(id)
	if !ok || in.decided {
		return nil, fmt.Errorf("transfer %d: %w", id, ErrUnknown)
	}
	return in, nil
}

func (l *Link) accept(now time.Time, in *incoming) {
	in.decided, in.deadline = true, time.Time{}
	l.beginSegment(now, in, in.machine.Advertisement())
}

// beginSegment sends the first request for a segment, when the sender is ready for it.
func (l *Link) beginSegment(now time.Time, in *incoming, a resource.Advertisement) {
	in.machine.Accept()
	l.answer(now, in.arrival, func(now time.Time) {
		if in.machine.Status().Concluded() {
			return
		}
		in.machine.Begin(now, resource.ReceiverConfig{
			Params: l.params.Resource, Advertisement: a, SDU: resource.SDU(l.mtu), Token: l.keys.token,
			LinkRTT: l.timing.rtt, EstablishmentCost: l.cost, Window: l.transfer.window, Rate: l.transfer.rate,
		}, &l.transfer.output)
		l.flushTransfer(now, in.id)
	})
}

// resourcePart offers a part to the transfers of the link: parts do not say which one they belong to. spec: rns-link §8.6
func (l *Link) resourcePart(now time.Time, rawLen int, data []byte) rns.Verdict {
	for _, in := range l.transfer.in {
		if rx := in.machine.Receiver(); rx != nil && rx.Part(now, data, rawLen, &l.transfer.output) {
			l.touch(now, len(data), asData)
			l.afterReceiver(now, in)
			return rns.VerdictDelivered
		}
	}
	return rns.VerdictWrongMapHash
}

// receiving finds the transfer whose current segment has this hash.
func (l *Link) receiving(h rns.Hash) (*incoming, bool) {
	for _, in := range l.transfer.in {
		if in.machine.Refers(h) {
			return in, true
		}
	}
	return nil, false
}

// hashMapUpdate handles more of a hash map. spec: rns-link §8.5
func (l *Link) hashMapUpdate(now time.Time, r received) rns.Verdict {
	u, err := resource.ParseHashMapUpdate(r.plaintext)
	if err != nil {
		return verdictOf(err)
	}
	in, ok := l.receiving(u.Hash)
	if !ok || in.machine.Receiver() == nil {
		return rns.VerdictUnknownResource
	}
	v := in.machine.Receiver().Update(now, u, &l.transfer.output)
	l.afterReceiver(now, in)
	return v
}

// cancelledBySender handles the sender giving up. spec: rns-link §8.10
func (l *Link) cancelledBySender(now time.Time, r received) rns.Verdict {
	if len(r.plaintext) < rns.HashSize {
		return rns.VerdictTooShort
	}
	in, ok := l.receiving(rns.Hash(r.plaintext))
	if !ok {
		return rns.VerdictUnknownResource
	}
	l.dropIncoming(now, in, resource.ErrCancelledByPeer)
	return rns.VerdictDelivered
}

// afterReceiver follows every call of a receiver.
func (l *Link) afterReceiver(now time.Time, in *incoming) {
	rx := in.machine.Receiver()
	if rx == nil {
		return
	}
	l.timing.rate = rx.Rate()
	if rx.Status() == resource.StatusAssembling && in.machine.Status() == resource.StatusTransferring {
		in.machine.Assembling()
		l.transfer.window, l.transfer.rate = rx.Window(), rx.Rate()
		if took := rx.Elapsed(now); took > 0 {
			l.timing.rate = 8 * float64(in.machine.TransferSize()) / took.Seconds()
		}
	}
	l.flushTransfer(now, in.id)
	if rx.Status() == resource.StatusFailed {
		l.cancelIncoming(now, in, rx.Err())
		return
	}
	p := in.machine.Progress()
	if p == in.progress {
		return
	}
	in.progress = p
	switch in.kind {
	case resource.KindResponse:
		a := in.machine.Advertisement()
		l.fx.emit(RequestProgress{
			ID: in.request, Response: true, Progress: p, Size: a.DataSize, TransferSize: in.machine.TransferSize(),
		})
	case resource.KindPlain:
		l.fx.emit(TransferProgress{Transfer: in.id, Progress: p})
	}
}

func (l *Link) expireIncoming(now time.Time, in *incoming) {
	if in.machine.Status().Concluded() {
		return // ended by something that expired before it
	}
	if !in.deadline.IsZero() && !now.Before(in.deadline) {
		if in.decided {
			l.cancelIncoming(now, in, resource.ErrTimeout)
		} else {
			l.dropIncoming(now, in, resource.ErrTimeout)
		}
		return
	}
	if rx := in.machine.Receiver(); rx != nil {
		rx.Expire(now, &l.transfer.output)
		l.afterReceiver(now, in)
	}
}

// cancelIncoming ends a transfer and tells the sender.
func (l *Link) cancelIncoming(now time.Time, in *incoming, err error) {
	in.machine.Cancel(err, &l.transfer.output)
	l.flushTransfer(now, in.id)
	l.dropIncoming(now, in, err)
}

// dropIncoming ends a transfer: reports it, fails the request it answered, forgets it.
func (l *Link) dropIncoming(now time.Time, in *incoming, err error) {
	_ = in.machine.Fail(err)
	l.forgetIncoming(in)
	l.reportConcluded(in)
	if in.kind == resource.KindResponse {
		if q, ok := l.requests.find(in.request); ok && q.in == in.id {
			l.failRequest(now, q, err)
		}
	}
}

func (l *Link) forgetIncoming(in *incoming) {
	for i, other := range l.transfer.in {
		if other == in {
			l.transfer.in = append(l.transfer.in[:i:i], l.transfer.in[i+1:]...)
			return
		}
	}
}

// reportConcluded tells the application about the end of a transfer it knows of.
func (l *Link) reportConcluded(in *incoming) {
	if in.collect {
		return
	}
	l.fx.emit(TransferConcluded{
		Transfer: in.id, Status: in.machine.Status(), Err: in.machine.Err(), Hash: in.machine.Advertisement().Original,
	})
}
