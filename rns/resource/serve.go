package resource

import (
	"encoding/binary"
	"time"

	"meshchatx/rns"
)

// maxWanted bounds the parts of one request that are looked at: more than the scope cannot be served.
const maxWanted = CollisionGuard

// maxRequestsPerPart bounds the requests remembered per segment: an honest receiver makes fewer than one per part.
const maxRequestsPerPart = 4

// Request handles a part request for the segment in transfer. packet is the hash of the request packet: the same request is
// served once. Parts are queued; [Sender.Next] emits them. spec: rns-link §8.4
func (s *Sender) Request(now time.Time, packet rns.Hash, r PartRequest, out *Output) rns.Verdict {
	f := &s.flight
	if s.cur == nil || r.Hash != s.cur.hash || s.status < StatusAdvertised || s.status.Concluded() {
		return rns.VerdictUnknownResource
	}
	if _, dup := f.seen[packet]; dup {
		return rns.VerdictDuplicate
	}
	if len(f.seen) > maxRequestsPerPart*s.cur.parts+maxWanted {
		return rns.VerdictOverload
	}
	f.seen[packet] = struct{}{}
	if s.status == StatusAdvertised {
		f.rtt = now.Sub(f.advertised)
		f.lastSent = now
		s.status = StatusTransferring
	}
	f.retries = s.c.Params.MaxRetries
	s.queueParts(r.Wanted)
	if r.Exhausted && !s.queueUpdate(r.Last) {
		s.cancel(ErrSequence, out)
		return rns.VerdictOutsideWindow
	}
	s.checkAllSent(now)
	return rns.VerdictDelivered
}

// scope are the parts a request can refer to. Map hashes repeat only outside of it.
func (s *Sender) scope() (from, to int) {
	return s.flight.height, min(s.flight.height+CollisionGuard, s.cur.parts)
}

// queueParts queues the wanted parts in part order. Requests name them in that order, which makes one pass enough; the
// odd request that does not is matched by going round.
func (s *Sender) queueParts(wanted []byte) {
	wanted = wanted[:min(len(wanted), maxWanted*MapHashSize)]
	from, to := s.scope()
	var marked [CollisionGuard]bool
	at := from
	for ; len(wanted) > 0; wanted = wanted[MapHashSize:] {
		key := binary.BigEndian.Uint32(wanted)
		for range to - from {
			i := at
			if at++; at == to {
				at = from
			}
			if binary.BigEndian.Uint32(s.cur.mapHash(i)) == key {
				marked[i-from] = true
				break
			}
		}
	}
	for i, m := range marked[:to-from] {
		if part := from + i; m && !s.flight.queued[part] {
			s.flight.queued[part] = true
			s.flight.queue = append(s.flight.queue, part)
		}
	}
}

// queueUpdate moves the scope and queues the hash map segment after the part with the given map hash. It is false if the
// receiver asks for something that cannot be.
func (s *Sender) queueUpdate(last [MapHashSize]byte) bool {
	from, to := s.scope()
	p := -1
	for i := from; i < to; i++ {
		if [MapHashSize]byte(s.cur.mapHash(i)) == last {
			p = i + 1
			break
		}
	}
	if p <= 0 || p%HashMapSegment != 0 || p >= s.cur.parts {
		return false
	}
	s.flight.height = max(p-1-s.c.Params.WindowMaxFast, 0)
	mark := updateMark + p/HashMapSegment
	for _, q := range s.flight.queue {
		if q == mark {
			return true
		}
	}
	s.flight.queue = append(s.flight.queue, mark)
	return true
}

// Pending is the number of bytes waiting in [Sender.Next], about.
func (s *Sender) Pending() int {
	if s.status.Concluded() || s.cur == nil {
		return 0
	}
	return len(s.flight.queue) * (s.cur.sdu + packetOverhead)
}

// Next takes the next part or hash map update off the queue; ok is false if there is none. The timers of the transfer count
// from here, not from the request, so that a slow medium does not look like a silent peer.
func (s *Sender) Next(now time.Time) (m Message, ok bool) {
	f := &s.flight
	if len(f.queue) == 0 || s.status.Concluded() {
		return Message{}, false
	}
	item := f.queue[0]
	f.queue = f.queue[1:]
	f.lastSent = now
	if item >= updateMark {
		u := HashMapUpdate{Hash: s.cur.hash, Segment: item - updateMark}
		from := u.Segment * HashMapSegment
		to := min(from+HashMapSegment, s.cur.parts)
		u.MapHashes = s.cur.mapHashes[from*MapHashSize : to*MapHashSize]
		s.checkAllSent(now)
		return Message{Context: rns.ContextResourceHMU, Body: u.Append(nil)}, true
	}
	f.queued[item] = false
	if !f.sent[item] {
		f.sent[item] = true
		f.sentCount++
	}
	s.checkAllSent(now)
	return Message{Context: rns.ContextResource, Body: s.cur.part(item)}, true
}

// checkAllSent begins, or begins anew, the wait for the proof.
func (s *Sender) checkAllSent(now time.Time) {
	if s.status.Concluded() || s.flight.sentCount < s.cur.parts || len(s.flight.queue) > 0 {
		return
	}
	s.status = StatusAwaitingProof
	s.flight.retries = s.c.Params.ProofRetries
	s.flight.lastSent = now
}

// Deadline is when [Sender.Expire] has something to do, zero for never. While parts wait for the medium no timer runs: the
// link itself notices a dead peer. spec: rns-link §8.9
func (s *Sender) Deadline() time.Time {
	f, p := &s.flight, &s.c.Params
	if len(f.queue) > 0 {
		return time.Time{}
	}
	switch s.status {
	case StatusAdvertised:
		wait := s.c.AdvertTimeout
		if wait == 0 {
			wait = scale(s.c.LinkRTT, p.AdvertTimeoutFactor)
		}
		return f.advertised.Add(wait + p.ProcessingGrace)
	case StatusTransferring:
		n := p.MaxRetries
		delays := p.PerRetryDelay * time.Duration(n*(n+1)/2)
		return f.lastSent.Add(scale(f.rtt, p.PartTimeoutSender*float64(n)) + p.SenderGrace + delays)
	case StatusAwaitingProof:
		return f.lastSent.Add(scale(f.rtt, p.ProofTimeoutFactor) + p.SenderGrace)
	default:
		return time.Time{}
	}
}

func scale(d time.Duration, by float64) time.Duration { return time.Duration(float64(d) * by) }

// Expire repeats an advertisement, asks for a missing proof, or gives up. spec: rns-link §8.9
func (s *Sender) Expire(now time.Time, out *Output) {
	due := s.Deadline()
	if due.IsZero() || now.Before(due) {
		return
	}
	f := &s.flight
	switch {
	case s.status == StatusTransferring:
		s.cancel(ErrStalled, out)
	case f.retries == 0 && s.status == StatusAdvertised:
		s.cancel(ErrNoAnswer, out)
	case f.retries == 0:
		s.cancel(ErrNoProof, out)
	case s.status == StatusAdvertised:
		f.retries--
		f.advertised = now
		out.send(rns.ContextResourceAdv, s.advertisement().Append(nil))
	default:
		f.retries--
		f.lastSent = now
		h := ProofPacketHash(s.c.LinkID, s.proofPayload())
		out.send(rns.ContextCacheRequest, h[:])
	}
}

func (s *Sender) proofPayload() []byte {
	return append(append(make([]byte, 0, ProofSize), s.cur.hash[:]...), s.cur.proof[:]...)
}

// ProofPacketHash is the packet hash of the proof packet with this payload, by which a sender asks for it again.
// spec: rns-link §8.7
func ProofPacketHash(link rns.Addr, payload []byte) rns.Hash {
	return rns.Packet{
		DestType: rns.DestLink, Type: rns.PacketProof, Dest: link, Context: rns.ContextResourcePRF, Data: payload,
	}.Hash()
}
