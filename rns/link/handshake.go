package link

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ed25519"
	"errors"
	"fmt"
	"io"
	"time"

	"meshchatx/rns"
)

// InitiatorConfig describes a link to open.
type InitiatorConfig struct {
	// Params are the timings and limits, usually [DefaultParams].
	Params Params
	// Rand is the source of keys and IVs.
	Rand io.Reader
	// Keys were drawn in advance for this link alone; nil draws them now.
	Keys *OwnKeys
	// Destination is the address, Identity the known key of the destination. spec: rns-link §2.8
	Destination rns.Addr
	Identity    rns.PublicKey
	// Hops is the hop count of the path, [UnknownHops] without one.
	Hops uint8
	// MTU is the size to ask for: that of the interface towards the destination, or 500. spec: rns-link §2.1
	MTU int
	// FirstHop is the time allowed for the first hop, 0 for Params.FirstHop. spec: rns-link §2.7
	FirstHop time.Duration
	// Serve says what requests of the peer are accepted, normally none.
	Serve ServePolicy
}

// ResponderConfig describes the destination that accepts a link.
type ResponderConfig struct {
	// Params are the timings and limits, usually [DefaultParams].
	Params Params
	// Rand is the source of keys and IVs.
	Rand io.Reader
	// Keys were drawn in advance for this link alone; nil draws them now.
	Keys *OwnKeys
	// Identity owns the destination.
	Identity *rns.Identity
	// Interface is where the request arrived, and Hops how far it had come, counted after the increment on reception.
	Interface InterfaceID
	Hops      uint8
	// Serve says what requests of the peer are accepted.
	Serve ServePolicy
}

// NewInitiator makes the initiating end of a link and the link request packet, in form HEADER_1, which the caller sends
// along the path to the destination at once: now is when the round-trip time starts to run.
func NewInitiator(now time.Time, c InitiatorConfig) (*Link, rns.Packet, error) {
	if c.MTU < MinMTU || c.MTU > MaxMTU {
		return nil, rns.Packet{}, fmt.Errorf("mtu %d: %w", c.MTU, rns.VerdictBadSignalling)
	}
	own, err := c.Keys.or(c.Rand, Initiator)
	if err != nil {
		return nil, rns.Packet{}, err
	}
	payload := append(own.exchange.PublicKey().Bytes(), own.signing.Public().(ed25519.PublicKey)...)
	payload = AppendSignalling(payload, Signalling{Mode: ModeAES256CBC, MTU: c.MTU})
	p := rns.Packet{Type: rns.PacketLinkRequest, Dest: c.Destination, Data: payload}
	id, err := p.LinkID()
	if err != nil {
		return nil, rns.Packet{}, err
	}
	peer := c.Identity.Signing()
	l := newLink(c.Params, c.Rand, c.Serve)
	l.id, l.role, l.destination = id, Initiator, c.Destination
	l.hops, l.mtu, l.requested = c.Hops, MinMTU, c.MTU
	l.cost = p.Size()
	l.keys = keys{exchange: own.exchange, signing: own.signing, peer: peer[:]}
	l.remote = c.Identity
	first := c.FirstHop
	if first == 0 {
		first = c.Params.FirstHop
	}
	l.timing.created = now
	l.timing.establishBy = first + c.Params.EstablishmentPerHop*time.Duration(max(1, c.Hops))
	l.timing.deadline = now.Add(l.timing.establishBy)
	return l, p, nil
}

// Accept makes the responding end for a link request that arrived at an existing SINGLE destination which accepts links.
// The MTU in the request must already be limited to what the interface carries (rns-core §16.4). Effects contain the link
// proof. It costs a key generation, an agreement and a signature, about 120 µs; it may run on any goroutine. The caller
// drops a request whose link id it already has. Errors are verdicts. spec: rns-link §2.3
func Accept(now time.Time, c ResponderConfig, p rns.Packet) (*Link, *Effects, error) {
	if p.Type != rns.PacketLinkRequest {
		return nil, nil, rns.VerdictWrongType
	}
	if len(p.Data) != RequestSize && len(p.Data) != RequestSize+SignallingSize {
		return nil, nil, rns.VerdictWrongSize
	}
	sig := Signalling{Mode: ModeAES256CBC, MTU: MinMTU}
	if len(p.Data) > RequestSize {
		sig = ParseSignalling([SignallingSize]byte(p.Data[RequestSize:]))
		if sig.MTU == 0 { // the reference reads it as "not said"
			sig.MTU = MinMTU
		}
	}
	if sig.Mode != ModeAES256CBC {
		return nil, nil, rns.VerdictBadMode
	}
	if sig.MTU < MinMTU {
		return nil, nil, rns.VerdictBadSignalling
	}
	id, err := p.LinkID()
	if err != nil {
		return nil, nil, err
	}
	own, err := c.Keys.or(c.Rand, Responder)
	if err != nil {
		return nil, nil, err
	}
	l := newLink(c.Params, c.Rand, c.Serve)
	l.id, l.role, l.destination = id, Responder, p.Dest
	l.hops, l.mtu, l.requested = c.Hops, sig.MTU, sig.MTU
	l.iface, l.attached = c.Interface, true
	l.keys = keys{exchange: own.exchange, identity: c.Identity, peer: bytes.Clone(p.Data[32:64])}
	if err := l.derive(p.Data[:32]); err != nil {
		return nil, nil, err
	}
	l.state = Handshake
	l.timing.created, l.timing.lastIn = now, now
	l.timing.establishBy = l.params.EstablishmentPerHop*time.Duration(max(1, c.Hops)) + l.params.KeepaliveMax
	l.timing.deadline = now.Add(l.timing.establishBy)
	fx := l.begin()
	proof := l.buildLinkProof(own.exchange.PublicKey().Bytes(), sig)
	l.emitRaw(now, rns.PacketProof, rns.ContextLRProof, proof)
	l.cost = p.Size() + headerSize + len(proof)
	return l, fx, nil
}

func newLink(p Params, rand io.Reader, serve ServePolicy) *Link {
	l := &Link{params: p, rand: rand}
	l.serving.policy = serve
	return l
}

// derive agrees on the link key. spec: rns-link §2.4
func (l *Link) derive(peer []byte) error {
	public, err := ecdh.X25519().NewPublicKey(peer)
	if err != nil {
		return rns.VerdictBadKey
	}
	shared, err := l.keys.exchange.ECDH(public) // refuses an all-zero result
	if err != nil {
		return rns.VerdictBadKey
	}
	derived, err := rns.HKDF(KeySize, shared, l.id[:], nil)
	clear(shared)
	if err != nil {
		return rns.VerdictBadKey
	}
	token, err := rns.NewToken(derived)
	if err != nil {
		return rns.VerdictBadKey
	}
	l.keys.derived, l.keys.token, l.keys.exchange = derived, token, nil
	l.early.init(l)
	return nil
}

// linkProofMessage is what the destination's identity signs. Its order is not that of the payload. spec: rns-link §2.5
func linkProofMessage(id rns.Addr, exchange, signing, signalling []byte) []byte {
	m := make([]byte, 0, len(id)+64+SignallingSize)
	m = append(m, id[:]...)
	m = append(m, exchange...)
	m = append(m, signing...)
	return append(m, signalling...)
}

func (l *Link) buildLinkProof(exchange []byte, s Signalling) []byte {
	signing := l.keys.identity.Public().Signing()
	signalling := AppendSignalling(nil, s)
	sig := l.keys.identity.Sign(linkProofMessage(l.id, exchange, signing[:], signalling))
	return append(append(sig[:], exchange...), signalling...)
}

// CheckLinkProof verifies the payload of a link request proof for the link with this id against the key of the
// destination, and returns what the responder confirmed. Transport nodes use it before forwarding. Errors are verdicts.
// spec: rns-link §2.5, rns-core §16.3
func CheckLinkProof(id rns.Addr, destination rns.PublicKey, payload []byte) (Signalling, error) {
	s := Signalling{Mode: ModeAES256CBC, MTU: MinMTU}
	switch len(payload) {
	case ProofSize:
	case ProofSize + SignallingSize:
		s = ParseSignalling([SignallingSize]byte(payload[ProofSize:]))
	default:
		return Signalling{}, rns.VerdictWrongSize
	}
	if s.Mode != ModeAES256CBC {
		return Signalling{}, rns.VerdictBadMode
	}
	signing := destination.Signing()
	if !destination.Verify(linkProofMessage(id, payload[64:96], signing[:], payload[ProofSize:]), payload[:64]) {
		return Signalling{}, rns.VerdictBadProof
	}
	return s, nil
}

// linkProof handles the proof of the request. Whatever is wrong with it leaves the link waiting: others who see the
// request must not be able to end it.
//
// differs: the reference derives keys before it verifies, and is stuck after a bad proof. spec: rns-link §2.5
func (l *Link) linkProof(now time.Time, raw []byte, p rns.Packet, iface InterfaceID) rns.Verdict {
	if l.role != Initiator || l.state != Pending {
		return rns.VerdictLinkState
	}
	s, err := CheckLinkProof(l.id, l.remote, p.Data)
	if err != nil {
		return verdictOf(err)
	}
	if s.MTU == 0 {
		s.MTU = MinMTU
	}
	// differs: the reference accepts a larger MTU than it asked for. spec: rns-link §2.5
	if s.MTU > l.requested || s.MTU < MinMTU {
		return rns.VerdictBadSignalling
	}
	if err := l.derive(p.Data[64:96]); err != nil {
		return verdictOf(err)
	}
	l.mtu = s.MTU
	l.iface, l.attached = iface, true
	l.identified = true
	l.cost += len(raw)
	l.timing.lastProof, l.timing.lastIn = now, now
	l.activate(now, now.Sub(l.timing.created))
	l.sendRTT(now)
	return rns.VerdictDelivered
}

// activate starts the life of the link with the measured round-trip time.
func (l *Link) activate(now time.Time, rtt time.Duration) {
	l.state = Active
	l.timing.activated = now
	l.setRTT(rtt)
	l.fx.emit(Established{RTT: rtt})
}

// setRTT sets what follows from the round-trip time.
func (l *Link) setRTT(rtt time.Duration) {
	t := &l.timing
	t.rtt, t.keepalive = rtt, l.params.Keepalive(rtt)
	t.stale = time.Duration(l.params.StaleFactor) * t.keepalive
}

// verdictOf extracts the verdict from an error of this package or rns.
func verdictOf(err error) rns.Verdict {
	var v rns.Verdict
	if errors.As(err, &v) {
		return v
	}
	return rns.VerdictMalformed
}
