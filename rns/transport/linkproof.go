package transport

import "meshchatx/rns"

// Sizes of the data of a link request proof: signature, X25519 key, and perhaps signalling. spec: rns-core §16.3
const (
	linkProofSize           = rns.SignatureSize + rns.KeySize
	linkProofSignallingSize = linkProofSize + signallingSize
)

// linkProof is what is needed to check the proof of a link request.
type linkProof struct {
	data   [linkProofSignallingSize]byte
	size   uint8
	link   rns.Addr
	signer rns.PublicKey
}

// parseLinkProof checks the form of a proof: its size, and a mode that is enabled.
func parseLinkProof(data []byte) (linkProof, rns.Verdict) {
	var l linkProof
	switch len(data) {
	case linkProofSize:
	case linkProofSignallingSize:
		if mode, _ := signalling(data[linkProofSize:]); mode != modeAES256 {
			return l, rns.VerdictBadMode
		}
	default:
		return l, rns.VerdictWrongSize
	}
	l.size = uint8(copy(l.data[:], data))
	return l, rns.VerdictNone
}

// verify checks the signature: over link id, X25519 key of the link, Ed25519 key of the destination, signalling.
// spec: rns-core §16.3
func (l *linkProof) verify() rns.Verdict {
	signing := l.signer.Signing()
	msg := make([]byte, 0, 128)
	msg = append(msg, l.link[:]...)
	msg = append(msg, l.data[rns.SignatureSize:linkProofSize]...)
	msg = append(msg, signing[:]...)
	msg = append(msg, l.data[linkProofSize:l.size]...)
	if !l.signer.Verify(msg, l.data[:rns.SignatureSize]) {
		return rns.VerdictBadProof
	}
	return rns.VerdictNone
}

// receiveLinkProof handles the proof of a link request, in transit or for a link of this node. spec: rns-core §16.3
func (m *Machine) receiveLinkProof(now tick, r *reception) {
	if l := r.link; l != nil && (m.cfg.TransportEnabled || m.linkOfClient(l) || r.from.isLocalClient()) {
		m.transitLinkProof(now, r, l)
		return
	}
	l := m.localLinks[r.packet.Dest]
	switch {
	case l == nil:
		m.refuse(r, rns.VerdictLinkUnknown)
	case l.role != LinkInitiator || l.active:
		m.refuse(r, rns.VerdictLinkState)
	case r.hops == l.expected:
		m.record(r.hash)
		m.deliver(r, DeliverLinkProof)
	case l.rebalanced:
		m.refuse(r, rns.VerdictWrongHops)
	default:
		m.requestLocalProofCheck(r, l)
	}
}

// proofWay makes the refusals of a proof in transit that need no signature check.
func proofWay(l *linkEntry, on InterfaceID, hops uint8) rns.Verdict {
	switch {
	case on != l.next:
		return rns.VerdictWrongInterface
	case hops != l.remaining && l.validated:
		return rns.VerdictWrongHops
	case hops >= maxHops:
		return rns.VerdictHopLimit
	}
	return rns.VerdictNone
}

func (m *Machine) transitLinkProof(now tick, r *reception, l *linkEntry) {
	v := proofWay(l, r.from.id(), r.hops)
	if v != rns.VerdictNone {
		m.fx.Verdict = v
		return
	}
	if l.validated && l.proof == r.hash {
		m.passLinkProof(now, r, l)
		return
	}
	proof, v := parseLinkProof(r.packet.Data)
	k := m.known.get(l.dest)
	switch {
	case v != rns.VerdictNone:
		m.fx.Verdict = v
	case k == nil:
		m.fx.Verdict = rns.VerdictUnknownIdentity
	default:
		proof.link, proof.signer = r.packet.Dest, k.announce.public()
		m.requestLinkProofCheck(r, proof, jobTransitLinkProof)
	}
}

func (m *Machine) requestLocalProofCheck(r *reception, l *localLink) {
	proof, v := parseLinkProof(r.packet.Data)
	if v != rns.VerdictNone {
		m.refuse(r, v)
		return
	}
	if proof.size == linkProofSignallingSize {
		if mode, _ := signalling(proof.data[linkProofSize:]); mode != l.mode {
			m.refuse(r, rns.VerdictBadMode)
			return
		}
	}
	proof.link, proof.signer = r.packet.Dest, l.peer
	m.requestLinkProofCheck(r, proof, jobLocalLinkProof)
}

// passLinkProof validates the link and forwards its proof.
func (m *Machine) passLinkProof(now tick, r *reception, l *linkEntry) {
	if r.hops != l.remaining { // spec: rns-core §16.3, re-balancing
		l.remaining = r.hops
		if p := m.paths.get(l.dest); p != nil {
			p.hops = r.hops
			m.fx.Dirty |= TablePaths
		}
	}
	first := !l.validated
	l.validated, l.proof, l.timestamp = true, r.hash, now
	m.links.touch(r.packet.Dest)
	if first {
		m.links.schedule(r.packet.Dest, now.after(m.p.LinkTimeout)+1)
	}
	r.raw[1] = r.hops
	m.linkDelta(r, l)
	m.transmit(now, m.interfaces[l.received], r.raw, ClassData)
	m.markUsed(now, l.dest)
	r.forwarded = true
	m.fx.Verdict = rns.VerdictForwarded
}

// linkProofVerified decides about a proof in transit whose signature is valid.
func (m *Machine) linkProofVerified(now tick, r *reception) {
	l := m.liveLink(r.packet.Dest)
	if l == nil {
		m.fx.Verdict = rns.VerdictLinkUnknown
		return
	}
	if v := proofWay(l, r.from.id(), r.hops); v != rns.VerdictNone {
		m.fx.Verdict = v
		return
	}
	m.passLinkProof(now, r, l)
}

// localProofVerified re-balances a pending link of this node and hands the proof to it.
func (m *Machine) localProofVerified(r *reception) {
	l := m.localLinks[r.packet.Dest]
	switch {
	case l == nil:
		m.fx.Verdict = rns.VerdictLinkUnknown
	case l.active || l.rebalanced:
		m.fx.Verdict = rns.VerdictLinkState
	default:
		l.expected, l.rebalanced = r.hops, true
		if p := m.paths.get(l.dest); p != nil {
			p.hops = r.hops
			m.fx.Dirty |= TablePaths
		}
		m.record(r.hash)
		m.deliver(r, DeliverLinkProof)
	}
}
