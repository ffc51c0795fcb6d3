package transport

import (
	"time"

	"meshchatx/rns"
)

// VerifyJob is one signature to check: some 53 µs of pure computation that needs nothing of the machine. It may be kept
// and passed on freely. Every job handed out must come back to Machine.Verified, run or abandoned.
type VerifyJob struct {
	// Destination shards jobs: jobs of one destination must be verified, and come back, in the order in which they were
	// handed out. It is the announced destination, the link, the packet that is proved, or the tunnel.
	Destination rns.Addr

	work *verification
}

// Verification is the result of a VerifyJob, for Machine.Verified.
type Verification struct {
	work    *verification
	verdict rns.Verdict
}

// jobKind says what a signature is on.
type jobKind uint8

const (
	jobAnnounce jobKind = iota
	jobTransitLinkProof
	jobLocalLinkProof
	jobReceipt
	jobTunnel
)

// verification is the work of a job. Run only reads it.
type verification struct {
	kind jobKind
	// arrivals are the receptions of an announce while it is checked; Run looks at the first only.
	arrival  arrival
	arrivals []arrival
	key      verifyKey

	reception reception
	fromID    InterfaceID
	proof     linkProof
	packet    rns.Hash
	prover    rns.PublicKey
	tunnel    rns.TunnelSynthesis
}

// verifyKey names an announce under verification: its packet hash, which does not cover the ratchet flag.
type verifyKey struct {
	hash    rns.Hash
	ratchet bool
}

// maxArrivals bounds the receptions of one announce that wait for its check.
const maxArrivals = 16

// Run checks the signature. It may run on any goroutine.
func (j VerifyJob) Run() Verification { return Verification{j.work, j.work.check()} }

// Abandon gives the job back unchecked, for a pool that is full or stopping: the packet is dropped.
func (j VerifyJob) Abandon() Verification { return Verification{j.work, rns.VerdictOverload} }

func (w *verification) check() rns.Verdict {
	switch w.kind {
	case jobAnnounce:
		if !w.arrival.announce.verify(w.arrival.dest) {
			return rns.VerdictBadSignature
		}
	case jobTransitLinkProof, jobLocalLinkProof:
		return w.proof.verify()
	case jobReceipt:
		if err := rns.CheckProof(w.prover, w.packet, w.reception.packet.Data); err != nil {
			return verdictOf(err)
		}
	case jobTunnel:
		if err := w.tunnel.Verify(); err != nil {
			return verdictOf(err)
		}
	}
	return rns.VerdictNone
}

// verify checks the signature of an announce of dest. spec: rns-core §6.5, step 5
func (b packed) verify(dest rns.Addr) bool {
	payload, at := b.payload(), ratchetOffset
	if b.contextFlag() {
		at += rns.RatchetSize
	}
	signed := make([]byte, 0, rns.AddrSize+len(payload))
	signed = append(signed, dest[:]...)
	signed = append(signed, payload[:at]...)
	signed = append(signed, payload[at+rns.SignatureSize:]...)
	return b.public().Verify(signed, payload[at:at+rns.SignatureSize])
}

func (m *Machine) request(dest rns.Addr, w *verification) {
	m.fx.Verify = append(m.fx.Verify, VerifyJob{Destination: dest, work: w})
}

// requestVerification asks for the check of an announce, once for all copies that arrive meanwhile.
func (m *Machine) requestVerification(r *reception) {
	key := verifyKey{r.hash, r.packet.ContextFlag}
	if w := m.verifying[key]; w != nil {
		if len(w.arrivals) >= maxArrivals {
			m.fx.Verdict = rns.VerdictDuplicate
			return
		}
		a := r.arrive()
		a.announce = w.arrival.announce
		w.arrivals = append(w.arrivals, a)
		return
	}
	w := &verification{kind: jobAnnounce, arrival: r.arrive(), key: key}
	w.arrival.announce = packAnnounce(&r.packet)
	m.verifying[key] = w
	m.request(w.arrival.dest, w)
}

// keep copies the reception out of the frame.
func (w *verification) keep(r *reception) {
	raw := append([]byte(nil), r.raw...)
	w.reception, w.fromID = *r, r.from.id()
	w.reception.raw, w.reception.link = raw, nil
	w.reception.packet.Data = raw[len(raw)-len(r.packet.Data):]
}

func (m *Machine) requestLinkProofCheck(r *reception, proof linkProof, kind jobKind) {
	w := &verification{kind: kind, proof: proof}
	w.keep(r)
	m.request(proof.link, w)
}

func (m *Machine) requestReceiptCheck(r *reception, rc *receipt) {
	w := &verification{kind: jobReceipt, packet: rc.hash, prover: rc.prover}
	w.keep(r)
	m.request(r.packet.Dest, w)
}

func (m *Machine) requestTunnelCheck(r *reception, s rns.TunnelSynthesis) {
	w := &verification{kind: jobTunnel, tunnel: s}
	w.keep(r)
	m.request(s.ID().Addr(), w)
}

// Verified takes the result of a VerifyJob. Every job handed out must come back.
func (m *Machine) Verified(now time.Time, v Verification) *Effects {
	fx, t := m.begin(now)
	w := v.work
	if w == nil {
		return fx
	}
	if w.kind == jobAnnounce {
		m.announceVerified(t, w, v.verdict)
		return fx
	}
	fx.Hash = w.reception.hash
	from := m.interfaces[w.fromID]
	switch {
	case v.verdict != rns.VerdictNone:
		fx.Verdict = v.verdict
		return fx
	case from == nil:
		fx.Verdict = rns.VerdictInterfaceGone
		return fx
	}
	r := w.reception
	r.from, r.forwarded = from, false
	switch w.kind {
	case jobTransitLinkProof:
		m.linkProofVerified(t, &r)
	case jobLocalLinkProof:
		m.localProofVerified(&r)
	case jobReceipt:
		m.receiptProved(t, &r)
	case jobTunnel:
		m.attachTunnel(t, w.tunnel, from)
	}
	return fx
}

func (m *Machine) announceVerified(now tick, w *verification, v rns.Verdict) {
	m.fx.Hash = w.arrival.hash
	delete(m.verifying, w.key)
	if v != rns.VerdictNone {
		m.fx.Verdict = v
		return
	}
	m.accept(now, &w.arrival)
	first := m.fx.Verdict
	for i := range w.arrivals {
		m.accept(now, &w.arrivals[i])
	}
	m.fx.Verdict = first
}

func (m *Machine) accept(now tick, a *arrival) {
	if a.from = m.interfaces[a.fromID]; a.from == nil {
		m.fx.Verdict = rns.VerdictInterfaceGone
		return
	}
	m.acceptAnnounce(now, a)
}
