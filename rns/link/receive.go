package link

import (
	"math"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// maxRTT bounds the round-trip time a peer may claim; anything longer cannot have completed a handshake.
const maxRTT = 24 * time.Hour

// Receive handles a packet addressed to the link that passed the filters of transport. raw is the packet as received and p
// the same taken apart; neither is kept. Effects.Verdict says what became of it; [rns.VerdictWrongInterface] means that the
// caller should forget the packet's hash, so that the copy on the right interface still passes. spec: rns-link §3.4
func (l *Link) Receive(now time.Time, raw []byte, p rns.Packet, iface InterfaceID) *Effects {
	fx := l.begin()
	fx.Verdict = l.receive(now, raw, p, iface)
	return fx
}

func (l *Link) receive(now time.Time, raw []byte, p rns.Packet, iface InterfaceID) rns.Verdict {
	switch {
	case l.state == Dead:
		return rns.VerdictLinkClosed
	case p.Dest != l.id || p.DestType != rns.DestLink || p.HeaderType != rns.HeaderType1:
		return rns.VerdictLinkUnknown
	case p.Type == rns.PacketProof && p.Context == rns.ContextLRProof:
		return l.linkProof(now, raw, p, iface)
	case l.state == Pending:
		return rns.VerdictLinkState
	case !l.attached || iface != l.iface:
		return rns.VerdictWrongInterface
	case p.Type == rns.PacketProof:
		return l.proofPacket(now, p)
	case p.Type == rns.PacketData:
		return l.dataPacket(now, raw, p)
	default:
		return rns.VerdictWrongType
	}
}

func (l *Link) proofPacket(now time.Time, p rns.Packet) rns.Verdict {
	switch p.Context {
	case rns.ContextNone:
		return l.packetProof(now, p.Data)
	case rns.ContextResourcePRF:
		return l.resourceProof(now, p.Data)
	default:
		return rns.VerdictBadFlags
	}
}

// dataPacket dispatches by context. What is not encrypted first: it cannot be authenticated here and counts only where
// something expects it. spec: rns-link §1.3
func (l *Link) dataPacket(now time.Time, raw []byte, p rns.Packet) rns.Verdict {
	switch p.Context {
	case rns.ContextKeepalive:
		return l.keepalivePacket(now, p.Data)
	case rns.ContextResource:
		return l.resourcePart(now, len(raw), p.Data)
	case rns.ContextCacheRequest:
		return l.cacheRequest(now, p.Data)
	}
	handle, ok := l.handler(p.Context)
	if !ok {
		return rns.VerdictFeatureOff
	}
	if l.keys.token == nil {
		return rns.VerdictLinkClosed
	}
	// differs: the reference refreshes its activity before authentication. spec: rns-link §3.4
	plaintext, err := l.keys.token.Decrypt(nil, p.Data)
	if err != nil {
		return rns.VerdictUndecryptable
	}
	l.early.watch(l.role, p.Data)
	l.touch(now, len(p.Data), asData)
	if l.role == Responder && l.state == Handshake && p.Context != rns.ContextLRRTT && p.Context != rns.ContextLinkClose {
		l.activateWithoutRTT(now)
	}
	return handle(now, received{raw: raw, plaintext: plaintext})
}

// activateWithoutRTT activates a responder whose round-trip packet was lost or overtaken: another packet that only the
// initiator can have made has come. The round-trip time is then estimated from above; too long is slow, too short breaks
// transfers. A round-trip packet that still comes corrects it.
//
// differs: in the reference such a link delivers data but answers nothing until it times out. spec: rns-link §2.6
func (l *Link) activateWithoutRTT(now time.Time) {
	longest := 2 * l.params.EstablishmentPerHop * time.Duration(max(1, l.hops))
	l.activate(now, min(now.Sub(l.timing.created), longest))
	l.timing.estimated = true
}

// received is an authenticated packet.
type received struct {
	raw       []byte
	plaintext []byte // owned by the handler
}

func (r received) hash() rns.Hash { return rns.PacketHash(r.raw) }

// handler finds the method for an encrypted context. Unknown contexts are ignored. spec: rns-link §3.4
func (l *Link) handler(c rns.Context) (func(time.Time, received) rns.Verdict, bool) {
	switch c {
	case rns.ContextNone:
		return l.dataReceived, true
	case rns.ContextResourceAdv:
		return l.advertised, true
	case rns.ContextResourceReq:
		return l.partsRequested, true
	case rns.ContextResourceHMU:
		return l.hashMapUpdate, true
	case rns.ContextResourceICL:
		return l.cancelledBySender, true
	case rns.ContextResourceRCL:
		return l.rejectedByReceiver, true
	case rns.ContextRequest:
		return l.requestReceived, true
	case rns.ContextResponse:
		return l.responseReceived, true
	case rns.ContextChannel:
		return l.channelReceived, true
	case rns.ContextLinkIdentify:
		return l.identifyReceived, true
	case rns.ContextLinkClose:
		return l.closeReceived, true
	case rns.ContextLRRTT:
		return l.rttReceived, true
	}
	return nil, false
}

// traffic says whether a packet counts as data of the link.
type traffic uint8

const (
	asData traffic = iota
	asKeepalive
)

// touch notes an accepted packet. A stale link recovers. spec: rns-link §3.1, §3.2
func (l *Link) touch(now time.Time, payload int, kind traffic) {
	l.timing.lastIn = now
	if kind == asData {
		l.timing.lastData = now
	}
	if l.state == Stale {
		l.state = Active
	}
	l.stats.RxPackets++
	l.stats.RxBytes += uint64(payload)
}

// rttReceived activates the responder, once.
//
// differs: the reference activates again for every repetition. spec: rns-link §2.6
func (l *Link) rttReceived(now time.Time, r received) rns.Verdict {
	if l.role != Responder || l.state != Handshake && !l.timing.estimated {
		return rns.VerdictLinkState
	}
	d := msgpack.NewDecoder(r.plaintext)
	v, err := d.ReadNumber()
	if err != nil || math.IsNaN(v) || v < 0 || v > maxRTT.Seconds() {
		l.end(now, ReasonDestinationClosed, rns.VerdictMalformed, sayClose)
		return rns.VerdictMalformed
	}
	rtt := time.Duration(v * float64(time.Second))
	if l.timing.estimated {
		l.timing.estimated = false
		l.setRTT(rtt)
		return rns.VerdictDelivered
	}
	l.activate(now, max(now.Sub(l.timing.created), rtt))
	return rns.VerdictDelivered
}

// sendRTT completes the handshake of the initiator. spec: rns-link §2.6
func (l *Link) sendRTT(now time.Time) {
	plaintext := msgpack.AppendFloat64(nil, l.timing.rtt.Seconds())
	if err := l.emit(now, rns.ContextLRRTT, plaintext); err != nil {
		l.end(now, ReasonInitiatorClosed, err, sayNothing)
	}
}

// dataReceived hands over application data and remembers that it can be proved.
func (l *Link) dataReceived(now time.Time, r received) rns.Verdict {
	hash := r.hash()
	if !l.receipts.receivedPacket(hash, now, l.params.MaxUnproved) {
		return rns.VerdictDuplicate
	}
	l.fx.emit(Data{Plaintext: r.plaintext, Hash: hash})
	return rns.VerdictDelivered
}

// closeReceived ends the link if the packet names it. spec: rns-link §3.3
func (l *Link) closeReceived(now time.Time, r received) rns.Verdict {
	if string(r.plaintext) != string(l.id[:]) {
		return rns.VerdictMalformed
	}
	reason := ReasonInitiatorClosed
	if l.role == Initiator {
		reason = ReasonDestinationClosed
	}
	l.end(now, reason, nil, sayNothing)
	return rns.VerdictDelivered
}
