package link

import (
	"crypto/ed25519"
	"fmt"
	"time"

	"meshchatx/rns"
)

// receipts are the packets sent that a proof should come for, and those received that can still be proved.
type receipts struct {
	open     map[rns.Hash]receipt
	order    []rns.Hash // of open, by deadline: timeouts of one link are equal
	provable map[rns.Hash]time.Time
	arrived  []rns.Hash // of provable, oldest first
}

type receipt struct {
	sent, deadline time.Time
}

// receiptTimeout is how long a proof may take. spec: rns-link §5
func (p *Params) receiptTimeout(rtt time.Duration) time.Duration {
	return max(time.Duration(p.TrafficFactor)*rtt, p.TrafficMin) + p.ReceiptGrace
}

func (r *receipts) add(h rns.Hash, now time.Time, timeout time.Duration) {
	if r.open == nil {
		r.open = make(map[rns.Hash]receipt)
	}
	r.open[h] = receipt{sent: now, deadline: now.Add(timeout)}
	r.order = append(r.order, h)
}

func (r *receipts) deadline() time.Time {
	for len(r.order) > 0 {
		if o, ok := r.open[r.order[0]]; ok {
			return o.deadline
		}
		r.order = r.order[1:]
	}
	return time.Time{}
}

// receivedPacket remembers a packet until it is proved. It is false for one that is remembered already. When the table is
// full the oldest is forgotten, so an application that proves nothing costs no memory.
func (r *receipts) receivedPacket(h rns.Hash, now time.Time, limit int) bool {
	if r.provable == nil {
		r.provable = make(map[rns.Hash]time.Time)
	}
	if _, dup := r.provable[h]; dup {
		return false
	}
	for len(r.arrived) >= limit {
		delete(r.provable, r.arrived[0])
		r.arrived = r.arrived[1:]
	}
	r.provable[h] = now
	r.arrived = append(r.arrived, h)
	return true
}

// Prove sends the proof of a packet that came as a [Data] event. Call it when the application has taken responsibility for
// the packet; a packet is proved once. Errors are [ErrUnknown] and [ErrClosed]. spec: rns-link §5
func (l *Link) Prove(now time.Time, hash rns.Hash) (*Effects, error) {
	fx := l.begin()
	if l.state == Dead {
		return fx, ErrClosed
	}
	arrival, ok := l.receipts.provable[hash]
	if !ok {
		return fx, fmt.Errorf("packet %v: %w", hash, ErrUnknown)
	}
	delete(l.receipts.provable, hash)
	for i, h := range l.receipts.arrived {
		if h == hash {
			l.receipts.arrived = append(l.receipts.arrived[:i], l.receipts.arrived[i+1:]...)
			break
		}
	}
	l.answer(now, arrival, func(now time.Time) { l.sendProof(now, hash) })
	return fx, nil
}

// sendProof sends the explicit proof of a packet of the peer: the initiator signs with its ephemeral key, the responder
// with the identity of the destination. spec: rns-link §5
func (l *Link) sendProof(now time.Time, hash rns.Hash) {
	payload := make([]byte, 0, rns.ExplicitProofSize)
	payload = append(payload, hash[:]...)
	switch {
	case l.keys.identity != nil:
		sig := l.keys.identity.Sign(hash[:])
		payload = append(payload, sig[:]...)
	case l.keys.signing != nil:
		payload = append(payload, ed25519.Sign(l.keys.signing, hash[:])...)
	default:
		return
	}
	l.emitRaw(now, rns.PacketProof, rns.ContextNone, payload)
}

// packetProof concludes a receipt, or a channel message. The lookup comes before the signature, which costs more.
func (l *Link) packetProof(now time.Time, data []byte) rns.Verdict {
	if len(data) != rns.ExplicitProofSize {
		return rns.VerdictWrongSize
	}
	hash := rns.Hash(data[:rns.HashSize])
	open, ok := l.receipts.open[hash]
	inChannel := !ok && l.channel != nil && l.channel.awaits(hash)
	if !ok && !inChannel {
		return rns.VerdictNoReceipt
	}
	if !ed25519.Verify(l.keys.peer, hash[:], data[rns.HashSize:]) {
		return rns.VerdictBadSignature
	}
	l.timing.lastProof = now
	if l.state == Stale {
		l.state = Active
	}
	if inChannel {
		l.channelProved(now, hash)
		return rns.VerdictDelivered
	}
	delete(l.receipts.open, hash)
	l.fx.emit(Proved{Hash: hash, RTT: now.Sub(open.sent), Proof: append([]byte(nil), data...)})
	return rns.VerdictDelivered
}

func (l *Link) expireReceipts(now time.Time) {
	r := &l.receipts
	for len(r.order) > 0 {
		h := r.order[0]
		if o, ok := r.open[h]; ok {
			if now.Before(o.deadline) {
				return
			}
			delete(r.open, h)
			l.fx.emit(ReceiptFailed{Hash: h, Err: rns.VerdictTimeout})
		}
		r.order = r.order[1:]
	}
}
