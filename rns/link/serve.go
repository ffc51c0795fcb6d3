package link

import (
	"bytes"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// ServeMode says whether requests of the peer are taken at all.
type ServeMode uint8

// Modes.
const (
	// ServeNothing ignores requests: the destination has no handlers.
	ServeNothing ServeMode = iota
	// ServeRequests reports requests as events.
	ServeRequests
)

// ServePolicy says which requests of the peer become events. Who may ask for what is decided by the receiver of the events.
type ServePolicy struct {
	Mode ServeMode
	// MaxSize bounds packed requests in bytes, 0 for Params.MaxRequestSize.
	MaxSize int64
}

// serving are the requests of the peer that wait for an answer.
type serving struct {
	policy ServePolicy
	open   map[RequestID]time.Time // arrival
	order  []RequestID
}

// SetServePolicy replaces the policy, for handlers registered after the link was made.
func (l *Link) SetServePolicy(p ServePolicy) { l.serving.policy = p }

func (l *Link) maxRequest() int64 {
	if n := l.serving.policy.MaxSize; n > 0 {
		return n
	}
	return l.params.MaxRequestSize
}

// requestReceived handles a request packet. Nothing that is wrong with it is answered. spec: rns-link §7.3
func (l *Link) requestReceived(now time.Time, r received) rns.Verdict {
	if l.serving.policy.Mode == ServeNothing {
		return rns.VerdictFeatureOff
	}
	if int64(len(r.plaintext)) > l.maxRequest() {
		return rns.VerdictOverSizeLimit
	}
	return l.serve(now, r.hash().Addr(), r.plaintext)
}

// serve unpacks a request and hands it to the application.
func (l *Link) serve(now time.Time, id RequestID, packed []byte) rns.Verdict {
	q, err := ParseRequest(packed)
	if err != nil {
		return rns.VerdictMalformed
	}
	s := &l.serving
	if _, dup := s.open[id]; dup {
		return rns.VerdictDuplicate
	}
	if len(s.open) >= l.params.MaxRequests {
		return rns.VerdictOverload
	}
	if s.open == nil {
		s.open = make(map[RequestID]time.Time)
	}
	s.open[id] = now
	s.order = append(s.order, id)
	l.fx.emit(RequestReceived{ID: id, PathHash: q.PathHash, Timestamp: q.Timestamp, Data: q.Data, Size: len(packed)})
	return rns.VerdictDelivered
}

// take removes a request that is being answered.
func (s *serving) take(id RequestID) (arrival time.Time, ok bool) {
	arrival, ok = s.open[id]
	delete(s.open, id)
	return arrival, ok
}

func (s *serving) deadline(memory time.Duration) time.Time {
	for len(s.order) > 0 {
		if arrival, ok := s.open[s.order[0]]; ok {
			return arrival.Add(memory)
		}
		s.order = s.order[1:]
	}
	return time.Time{}
}

// expire forgets requests that the application never answered.
func (s *serving) expire(now time.Time, memory time.Duration) {
	for due := s.deadline(memory); !due.IsZero() && !now.Before(due); due = s.deadline(memory) {
		delete(s.open, s.order[0])
	}
}

// Respond answers a request with one encoded msgpack value, as a packet if it fits one, otherwise as a resource. compress may
// be nil. Errors are [ErrUnknown], [ErrClosed], [ErrBusy]. spec: rns-link §7.2
func (l *Link) Respond(now time.Time, id RequestID, response []byte, compress resource.Compressor) (*Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return fx, err
	}
	arrival, ok := l.serving.take(id)
	if !ok {
		return fx, fmt.Errorf("request %v: %w", id, ErrUnknown)
	}
	packed := PackResponse(id, response)
	if len(packed) > l.MDU() {
		_, err := l.startOutgoing(now, outgoing{kind: resource.KindResponse, request: id, arrival: arrival}, ResourceOptions{
			Source: bytes.NewReader(packed), Size: int64(len(packed)), Compress: compress,
		})
		return fx, err
	}
	l.answer(now, arrival, func(now time.Time) { _ = l.emit(now, rns.ContextResponse, packed) })
	return fx, nil
}

// RespondResource answers a request with the raw content of o, a file response. It must have metadata: that is how the
// requester recognises it. The transfer reports like any other. Errors are those of [Link.Respond] and
// [resource.ErrMetadata]. spec: rns-link §7.2
func (l *Link) RespondResource(now time.Time, id RequestID, o ResourceOptions) (TransferID, *Effects, error) {
	fx := l.begin()
	if err := l.usable(); err != nil {
		return 0, fx, err
	}
	if o.Metadata == nil {
		return 0, fx, resource.ErrMetadata
	}
	arrival, ok := l.serving.take(id)
	if !ok {
		return 0, fx, fmt.Errorf("request %v: %w", id, ErrUnknown)
	}
	t, err := l.startOutgoing(now, outgoing{kind: resource.KindResponse, request: id, arrival: arrival, reported: true}, o)
	return t, fx, err
}

// Decline forgets a request without answering it; the requester times out. spec: rns-link §7.3
func (l *Link) Decline(id RequestID) { l.serving.take(id) }
