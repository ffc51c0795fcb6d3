package link

import (
	"errors"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// transfers are the resources of a link, in both directions.
type transfers struct {
	last   TransferID
	out    []*outgoing // in order of sending
	in     []*incoming // in order of arrival
	window int         // of the last assembled incoming resource. spec: rns-link §8.3
	rate   float64     // expected in-flight rate of the same, bit/s
	proofs []sentProof // oldest first
	// proofAt is when the latest proof for a segment of ours arrived.
	proofAt time.Time
	output  resource.Output
}

// sentProof can be sent again when its receiver did not get it. spec: rns-link §8.7
type sentProof struct {
	packet  rns.Hash
	payload []byte
}

// JobDone takes the result of a job. Results for transfers that ended meanwhile are ignored.
func (l *Link) JobDone(now time.Time, r JobResult) *Effects {
	fx := l.begin()
	if l.state == Dead {
		return fx
	}
	switch {
	case r.prepared != nil:
		for _, o := range l.transfer.out {
			if o.id == r.transfer {
				o.sender.Prepared(*r.prepared, &l.transfer.output)
				l.flushTransfer(now, o.id)
				l.pumpOutgoing(now)
				break
			}
		}
	case r.assembled != nil:
		if in, ok := l.incoming(r.transfer); ok {
			l.assembled(now, in, *r.assembled)
		}
	}
	return fx
}

// flushTransfer carries out what a machine of a transfer wants done.
func (l *Link) flushTransfer(now time.Time, id TransferID) {
	out := &l.transfer.output
	for _, m := range out.Messages {
		l.emitMessage(now, m)
	}
	if out.Assemble != nil {
		l.fx.Jobs = append(l.fx.Jobs, Job{transfer: id, assemble: out.Assemble})
	}
	out.Reset()
}

// emitMessage sends a message of a transfer. spec: rns-link §1.3
func (l *Link) emitMessage(now time.Time, m resource.Message) {
	switch m.Context {
	case rns.ContextResource, rns.ContextCacheRequest:
		l.emitRaw(now, rns.PacketData, m.Context, m.Body)
	case rns.ContextResourcePRF:
		l.rememberProof(m.Body)
		l.emitRaw(now, rns.PacketProof, m.Context, m.Body)
	default:
		// Only a broken random source fails here, and the peer's repetition is the remedy.
		_ = l.emit(now, m.Context, m.Body)
	}
}

func (l *Link) rememberProof(payload []byte) {
	p := sentProof{packet: resource.ProofPacketHash(l.id, payload), payload: payload}
	l.transfer.proofs = append(l.transfer.proofs, p)
	if n := len(l.transfer.proofs) - l.params.MaxProofs; n > 0 {
		l.transfer.proofs = l.transfer.proofs[n:]
	}
}

// proved reports whether the segment with this hash was received and proved.
func (t *transfers) proved(h rns.Hash) bool {
	for _, p := range t.proofs {
		if rns.Hash(p.payload) == h {
			return true
		}
	}
	return false
}

// cacheRequest sends a proof again. spec: rns-link §8.7
func (l *Link) cacheRequest(now time.Time, data []byte) rns.Verdict {
	if len(data) != rns.HashSize {
		return rns.VerdictWrongSize
	}
	for _, p := range l.transfer.proofs {
		if p.packet == rns.Hash(data) {
			l.touch(now, len(data), asData)
			l.emitRaw(now, rns.PacketProof, rns.ContextResourcePRF, p.payload)
			return rns.VerdictAnswered
		}
	}
	return rns.VerdictUnknownResource
}

func (t *transfers) deadline() time.Time {
	var m time.Time
	if len(t.out) > 0 {
		m = t.out[0].sender.Deadline()
	}
	for _, in := range t.in {
		m = earliest(m, in.deadline)
		if r := in.machine.Receiver(); r != nil {
			m = earliest(m, r.Deadline())
		}
	}
	return m
}

func (l *Link) expireTransfers(now time.Time) {
	if len(l.transfer.out) > 0 {
		o := l.transfer.out[0]
		o.sender.Expire(now, &l.transfer.output)
		l.afterSender(now, o)
	}
	for _, in := range append([]*incoming(nil), l.transfer.in...) {
		l.expireIncoming(now, in)
	}
}

// endTransfers fails everything unfinished when the link closes. No packets are needed. spec: rns-link §8.10
func (l *Link) endTransfers() {
	t := &l.transfer
	for _, o := range t.out {
		o.sender.Abandon(ErrClosed)
		if o.reported {
			l.fx.emit(TransferConcluded{Transfer: o.id, Status: o.sender.Status(), Err: o.sender.Err(), Hash: o.sender.Hash()})
		}
	}
	for _, in := range t.in {
		_ = in.machine.Fail(ErrClosed)
		l.reportConcluded(in)
	}
	l.transfer = transfers{last: t.last}
}

// isBomb reports whether assembling failed in a way that no honest sender causes. spec: rns-link §8.7
func isBomb(err error) bool { return errors.Is(err, rns.VerdictDecompression) }
