package transport

import (
	"time"

	"meshchatx/rns"
)

// receipt is a sent packet that awaits its proof. spec: rns-core §8.2
type receipt struct {
	hash   rns.Hash
	prover rns.PublicKey
	sent   tick
}

// wantsReceipt tells whether packets of this kind can have receipts here; links keep their own. spec: rns-core §8.2
func wantsReceipt(p *rns.Packet) bool {
	c := p.Context
	return p.Type == rns.PacketData && p.DestType != rns.DestPlain && p.DestType != rns.DestLink &&
		c < rns.ContextKeepalive && (c < rns.ContextResource || c > rns.ContextResourceRCL)
}

// ReceiptTimeout is the default life of the receipt of a packet to a destination. spec: rns-core §8.2
func (m *Machine) ReceiptTimeout(dest rns.Addr) time.Duration {
	return m.FirstHopTimeout(dest) + time.Duration(m.HopsTo(dest))*m.p.PerHopTimeout
}

func (m *Machine) addReceipt(now tick, p *rns.Packet, o OutPacket) {
	if m.receipts.len() >= m.p.MaxReceipts {
		if oldest, r, ok := m.receipts.first(); ok {
			m.event(ReceiptFailed{Hash: r.hash, Reason: ReceiptCulled})
			m.receipts.delete(oldest)
		}
	}
	wait := o.Timeout
	if wait <= 0 {
		wait = m.ReceiptTimeout(p.Dest)
	}
	key := m.fx.Hash.Addr()
	*m.receipts.put(key) = receipt{hash: m.fx.Hash, prover: *o.Prover, sent: now}
	m.receipts.schedule(key, now.after(wait))
}

// ForgetReceipt ends the wait for a proof, without an event. It reports whether there was one.
func (m *Machine) ForgetReceipt(packet rns.Hash) bool { return m.receipts.delete(packet.Addr()) }

func (m *Machine) expireReceipts(now tick) {
	for {
		key, r, ok := m.receipts.due(now)
		if !ok {
			return
		}
		m.event(ReceiptFailed{Hash: r.hash, Reason: ReceiptTimeout})
		m.receipts.delete(key)
	}
}

// receiveProof handles all proofs. spec: rns-core §16.5
func (m *Machine) receiveProof(now tick, r *reception) {
	p := &r.packet
	switch {
	case p.Context == rns.ContextLRProof:
		m.receiveLinkProof(now, r)
		return
	case p.DestType == rns.DestLink:
		m.receiveOnLink(r)
		return
	}
	rc := m.receipts.get(p.Dest)
	m.returnProof(now, r)
	switch {
	case rc == nil:
		// differs: the reference tries the signature of an implicit proof on every receipt; a proof names its packet in
		// the destination field, so one look is enough.
		m.refuse(r, rns.VerdictNoReceipt)
	case len(p.Data) != rns.ImplicitProofSize && len(p.Data) != rns.ExplicitProofSize:
		m.refuse(r, rns.VerdictWrongSize)
	case len(p.Data) == rns.ExplicitProofSize && rns.Hash(p.Data) != rc.hash:
		m.refuse(r, rns.VerdictWrongHash)
	default:
		m.requestReceiptCheck(r, rc)
	}
}

// receiptProved ends a receipt whose proof is valid.
func (m *Machine) receiptProved(now tick, r *reception) {
	rc := m.receipts.get(r.packet.Dest)
	if rc == nil {
		m.fx.Verdict = rns.VerdictNoReceipt
		return
	}
	m.event(PacketProved{
		Hash: rc.hash, Sent: m.clock.wall(rc.sent), RoundTrip: time.Duration(now - rc.sent),
		Proof: r.packet.Data, Signal: r.signal,
	})
	m.receipts.delete(r.packet.Dest)
	m.fx.Verdict = rns.VerdictDelivered
}
