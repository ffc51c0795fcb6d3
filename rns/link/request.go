package link

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
)

// RequestOptions describe a request to the peer.
type RequestOptions struct {
	// Path is opaque text, by convention beginning with "/".
	Path string
	// Data is one encoded msgpack value, nil for a msgpack nil.
	Data []byte
	// Timeout is how long to wait for the response to begin, 0 for [Params.RequestTimeout].
	Timeout time.Duration
	// MaxResponse bounds the size of the response in bytes, 0 for Params.MaxResponseSize.
	MaxResponse int64
	// Compress compresses a request that goes as a resource, nil for never.
	Compress resource.Compressor
}

// RequestStatus is the state of a request at the requester. spec: rns-link §7.4
type RequestStatus uint8

// States of a request.
const (
	RequestFailedStatus RequestStatus = iota
	RequestSentStatus
	RequestDelivered
	RequestReceiving
	RequestReady
)

// requests are those this side made and waits for.
type requests struct {
	pending []*pendingRequest // in order of sending
}

type pendingRequest struct {
	id       RequestID
	status   RequestStatus
	started  time.Time
	deadline time.Time // zero while a transfer of the request or the response is under way
	timeout  time.Duration
	max      int64
	in       TransferID
}

// PackRequest packs a request. data is one encoded msgpack value, nil for a msgpack nil. spec: rns-link §7.1
func PackRequest(timestamp float64, path rns.Addr, data []byte) []byte {
	b := make([]byte, 0, 1+9+2+pathHashSize+1+len(data))
	b = msgpack.AppendArrayHeader(b, 3)
	b = msgpack.AppendFloat64(b, timestamp)
	b = msgpack.AppendBin(b, path[:])
	return appendValue(b, data)
}

// PackResponse packs a response. data is one encoded msgpack value, nil for a msgpack nil. spec: rns-link §7.2
func PackResponse(id RequestID, data []byte) []byte {
	b := make([]byte, 0, 1+2+requestIDSize+1+len(data))
	b = msgpack.AppendArrayHeader(b, 2)
	b = msgpack.AppendBin(b, id[:])
	return appendValue(b, data)
}

func appendValue(b, value []byte) []byte {
	if value == nil {
		return msgpack.AppendNil(b)
	}
	return append(b, value...)
}

// ParsedRequest is an unpacked request. Data aliases the input.
type ParsedRequest struct {
	Timestamp float64
	PathHash  rns.Addr
	Data      []byte
}

// ParseRequest unpacks a request. Extra elements are ignored. The error is [rns.VerdictMalformed].
func ParseRequest(b []byte) (ParsedRequest, error) {
	var r ParsedRequest
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	if err != nil || n < 3 {
		return r, rns.VerdictMalformed
	}
	if r.Timestamp, err = d.ReadNumber(); err != nil {
		return r, rns.VerdictMalformed
	}
	path, err := d.ReadBin()
	if err != nil || len(path) != pathHashSize {
		return r, rns.VerdictMalformed
	}
	r.PathHash = rns.Addr(path)
	if r.Data, err = readValue(&d); err != nil {
		return ParsedRequest{}, rns.VerdictMalformed
	}
	return r, nil
}

// ParseResponse unpacks a response; data aliases the input. Extra elements are ignored. The error is
// [rns.VerdictMalformed].
func ParseResponse(b []byte) (id RequestID, data []byte, err error) {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	if err != nil || n < 2 {
		return RequestID{}, nil, rns.VerdictMalformed
	}
	raw, err := d.ReadBin()
	if err != nil || len(raw) != requestIDSize {
		return RequestID{}, nil, rns.VerdictMalformed
	}
	if data, err = readValue(&d); err != nil {
		return RequestID{}, nil, rns.VerdictMalformed
	}
	return RequestID(raw), data, nil
}

// readValue returns the encoding of the next value.
func readValue(d *msgpack.Decoder) ([]byte, error) {
	rest := d.Rest()
	from := d.Offset()
	if err := d.Skip(); err != nil {
		return nil, err
	}
	n := d.Offset() - from
	return rest[:n:n], nil
}

// RequestTimeout is the default wait for a response. spec: rns-link §7.1
func (p *Params) RequestTimeout(rtt time.Duration) time.Duration {
	return time.Duration(p.TrafficFactor)*rtt + p.RequestGrace
}

// responseSize is the size of a response packet for the purpose of limits. spec: rns-link §7.4
func responseSize(data []byte) int64 { return int64(len(data)) - 2 }

// Request asks the peer for the answer of a handler. It goes as a packet if it fits one, otherwise as a resource. One of
// [ResponseReceived] and [RequestFailed] follows. Errors are [ErrClosed], [ErrNotActive], [ErrBusy]. spec: rns-link §7.1
func (l *Link) Request(now time.Time, o RequestOptions) (RequestID, *Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return RequestID{}, fx, err
	}
	if len(l.requests.pending) >= l.params.MaxRequests {
		return RequestID{}, fx, ErrBusy
	}
	q := &pendingRequest{status: RequestSentStatus, started: now, timeout: o.Timeout, max: o.MaxResponse}
	if q.timeout == 0 {
		q.timeout = l.params.RequestTimeout(l.timing.rtt)
	}
	if q.max == 0 {
		q.max = l.params.MaxResponseSize
	}
	packed := PackRequest(float64(now.UnixNano())/1e9, rns.RequestPathHash(o.Path), o.Data)
	if len(packed) > l.MDU() {
		return l.requestAsResource(now, q, packed, o.Compress)
	}
	f, err := l.encrypt(rns.ContextRequest, packed)
	if err != nil {
		return RequestID{}, fx, err
	}
	q.id, q.deadline = f.Hash.Addr(), now.Add(q.timeout)
	l.requests.add(q)
	l.emitFrame(now, f)
	return q.id, fx, nil
}

func (l *Link) requestAsResource(now time.Time, q *pendingRequest, packed []byte, c resource.Compressor) (RequestID, *Effects, error) {
	q.id = rns.TruncatedHash(packed)
	if _, dup := l.requests.find(q.id); dup {
		return RequestID{}, &l.fx, ErrBusy
	}
	_, err := l.startOutgoing(now, outgoing{kind: resource.KindRequest, request: q.id}, ResourceOptions{
		Source: bytes.NewReader(packed), Size: int64(len(packed)), Compress: c, AdvertTimeout: q.timeout,
	})
	if err != nil {
		return RequestID{}, &l.fx, err
	}
	l.requests.add(q)
	return q.id, &l.fx, nil
}

func (r *requests) add(q *pendingRequest) { r.pending = append(r.pending, q) }

func (r *requests) find(id RequestID) (*pendingRequest, bool) {
	for _, q := range r.pending {
		if q.id == id {
			return q, true
		}
	}
	return nil, false
}

func (r *requests) remove(q *pendingRequest) {
	r.pending = slices.DeleteFunc(r.pending, func(p *pendingRequest) bool { return p == q })
}

// CancelRequest gives a request up: its [RequestFailed] follows at once, a response that still comes is refused. The error
// is [ErrUnknown].
func (l *Link) CancelRequest(now time.Time, id RequestID) (*Effects, error) {
	fx := l.begin()
	q, ok := l.requests.find(id)
	if !ok {
		return fx, fmt.Errorf("request %v: %w", id, ErrUnknown)
	}
	l.failRequest(now, q, rns.VerdictCancelled)
	return fx, nil
}

// requestDelivered notes that the resource of a request was proved; the response timer starts. spec: rns-link §7.1
func (l *Link) requestDelivered(now time.Time, id RequestID) {
	q, ok := l.requests.find(id)
	if !ok || q.status != RequestSentStatus {
		return
	}
	q.status, q.started, q.deadline = RequestDelivered, now, now.Add(q.timeout)
	l.fx.emit(RequestSent{ID: id})
}

// responseReceived handles a response packet. spec: rns-link §7.2
func (l *Link) responseReceived(now time.Time, r received) rns.Verdict {
	id, data, err := ParseResponse(r.plaintext)
	if err != nil {
		return rns.VerdictMalformed
	}
	q, ok := l.requests.find(id)
	if !ok {
		return rns.VerdictUnknownRequest
	}
	size := responseSize(data)
	if size > q.max {
		l.failRequest(now, q, rns.VerdictOverSizeLimit)
		return rns.VerdictOverSizeLimit
	}
	size = max(0, size)
	l.finishRequest(now, q, ResponseReceived{Data: data, Size: size, TransferSize: size})
	return rns.VerdictDelivered
}

// finishRequest concludes a request with its response.
func (l *Link) finishRequest(now time.Time, q *pendingRequest, e ResponseReceived) {
	l.requests.remove(q)
	q.status = RequestReady
	e.ID, e.Elapsed = q.id, now.Sub(q.started)
	l.fx.emit(RequestProgress{ID: q.id, Response: true, Progress: 1, Size: e.Size, TransferSize: e.TransferSize})
	l.fx.emit(e)
}

// failRequest concludes a request without response, in whatever state it is, and refuses what is still coming.
//
// differs: the reference reports failures only in one of the states. spec: rns-link §7.4
func (l *Link) failRequest(now time.Time, q *pendingRequest, err error) {
	l.requests.remove(q)
	q.status = RequestFailedStatus
	l.fx.emit(RequestFailed{ID: q.id, Err: err})
	if in, ok := l.incoming(q.in); ok {
		l.cancelIncoming(now, in, err)
	}
	l.cancelOutgoingFor(now, q.id)
}

func (r *requests) deadline() time.Time {
	var m time.Time
	for _, q := range r.pending {
		m = earliest(m, q.deadline)
	}
	return m
}

func (l *Link) expireRequests(now time.Time) {
	for _, q := range slices.Clone(l.requests.pending) {
		if !q.deadline.IsZero() && !now.Before(q.deadline) {
			l.failRequest(now, q, rns.VerdictTimeout)
		}
	}
}

// endRequests fails what is left when the link closes.
func (l *Link) endRequests() {
	for _, q := range l.requests.pending {
		q.status = RequestFailedStatus
		l.fx.emit(RequestFailed{ID: q.id, Err: ErrClosed})
	}
	l.requests, l.serving.open, l.serving.order = requests{}, nil, nil
}
