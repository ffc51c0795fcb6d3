package link

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

var quick = wire{delay: 10 * time.Millisecond}

// spec: rns-link §3.2
func TestLinkStaysAliveWhileIdle(t *testing.T) {
	w := established(t, options{wire: quick})
	w.settle(time.Hour)
	a, b := w.ends[0].link.Snapshot(), w.ends[1].link.Snapshot()
	if a.State != Active || b.State != Active {
		t.Fatal(a.State, b.State)
	}
	asked := int(time.Hour / a.Keepalive)
	if n := len(w.ends[0].frames); n < asked-1 || n > asked+2 {
		t.Errorf("%d keepalives in an hour, interval %v", n, a.Keepalive)
	}
}

// spec: rns-link §1.1, §3.2
func TestSilentPeerIsClosed(t *testing.T) {
	for silent := range 2 {
		w := established(t, options{wire: quick})
		w.wire.drop = func(from int, _ rns.Packet) bool { return from == silent }
		w.run(w.now.Add(time.Hour), func() bool { return w.ends[1-silent].link.State() == Dead })
		s := w.ends[1-silent].link.Snapshot()
		idle := s.StaleTime + 4*s.RTT + 5*time.Second
		if s.Reason != ReasonTimeout || w.now.Sub(s.LastInbound) > idle+s.Keepalive {
			t.Errorf("silent %d: %v after %v", silent, s.Reason, w.now.Sub(s.LastInbound))
		}
		w.settle(time.Second)
		if silent == 1 { // the initiator's close reaches the responder
			if got := w.ends[1].link.Snapshot(); got.State != Dead || got.Reason != ReasonInitiatorClosed {
				t.Error(got.State, got.Reason)
			}
		}
	}
}

// One lost answer in two ends no link, though with jitter the next question comes earlier than it was asked.
// spec: rns-link §3.1
func TestLostKeepalivesInTurn(t *testing.T) {
	w := established(t, options{wire: wire{delay: 5 * time.Millisecond, jitter: 40 * time.Millisecond}})
	n := 0
	w.wire.drop = func(from int, p rns.Packet) bool {
		if from != 1 || p.Context != rns.ContextKeepalive {
			return false
		}
		n++
		return n%2 == 1
	}
	w.settle(time.Hour)
	if a, b := w.ends[0].link.State(), w.ends[1].link.State(); a != Active || b != Active {
		t.Error(a, b)
	}
}

// spec: rns-link §3.2
func TestStaleLinkRecovers(t *testing.T) {
	w := established(t, options{wire: quick})
	cut := true
	w.wire.drop = func(int, rns.Packet) bool { return cut }
	w.run(w.now.Add(time.Hour), func() bool { return w.ends[1].link.State() == Stale })
	cut = false
	_, fx, err := w.ends[0].link.Send(w.now, []byte("still here"))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(0, fx)
	w.settle(time.Second)
	if s := w.ends[1].link.State(); s != Active {
		t.Error(s)
	}
}

// spec: rns-link §2.7
func TestHandshakeTimesOut(t *testing.T) {
	w := newWorld(t, options{wire: wire{delay: time.Millisecond}})
	w.wire.drop = func(from int, _ rns.Packet) bool { return true }
	w.settle(2 * time.Hour)
	for i, e := range w.ends {
		closed := eventsOf[Closed](e)
		if len(closed) != 1 || closed[0].Reason != ReasonTimeout || len(e.events) != 1 {
			t.Errorf("end %d: %v", i, e.events)
		}
	}
	if len(w.ends[0].frames) != 0 {
		t.Error("a pending link said goodbye")
	}
}

// rawPair returns an initiator that waits, and the proof of its responder.
func rawPair(t *testing.T, mtu int) (a, b *Link, proof []byte) {
	t.Helper()
	owner, err := rns.NewIdentity(zeros{})
	if err != nil {
		t.Fatal(err)
	}
	a, request, err := NewInitiator(start, InitiatorConfig{
		Params: DefaultParams(), Rand: zeros{}, Identity: owner.Public(), Hops: 1, MTU: mtu,
	})
	if err != nil {
		t.Fatal(err)
	}
	b, fx, err := Accept(start, ResponderConfig{Params: DefaultParams(), Rand: &ones{}, Identity: owner, Interface: 1}, request)
	if err != nil {
		t.Fatal(err)
	}
	return a, b, fx.Send[0].Raw
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type ones struct{ n byte }

func (o *ones) Read(p []byte) (int, error) {
	for i := range p {
		o.n++
		p[i] = o.n
	}
	return len(p), nil
}

// spec: rns-link §2.5
func TestBadProofDoesNotEndTheAttempt(t *testing.T) {
	a, _, proof := rawPair(t, 1000)
	change := func(i int, x byte) []byte {
		b := bytes.Clone(proof)
		b[i] ^= x
		return b
	}
	bad := map[string]struct {
		raw  []byte
		want rns.Verdict
	}{
		"signature":  {change(19, 1), rns.VerdictBadProof},
		"key":        {change(19+64, 1), rns.VerdictBadProof},
		"mtu":        {change(len(proof)-1, 1), rns.VerdictBadProof},
		"mode":       {change(len(proof)-3, 0x40), rns.VerdictBadMode},
		"short":      {proof[:19+95], rns.VerdictWrongSize},
		"long":       {append(bytes.Clone(proof), 0), rns.VerdictWrongSize},
		"no payload": {proof[:19], rns.VerdictWrongSize},
	}
	for name, c := range bad {
		fx := a.Receive(start.Add(time.Second), c.raw, parse(t, c.raw), 1)
		if fx.Verdict != c.want || a.State() != Pending || len(fx.Send)+len(fx.Events) > 0 {
			t.Errorf("%s: %v, %v", name, fx.Verdict, a.State())
		}
	}
	fx := a.Receive(start.Add(time.Second), proof, parse(t, proof), 1)
	if fx.Verdict != rns.VerdictDelivered || a.State() != Active || a.MTU() != 1000 {
		t.Fatal(fx.Verdict, a.State(), a.MTU())
	}
	if fx = a.Receive(start.Add(2*time.Second), proof, parse(t, proof), 1); fx.Verdict != rns.VerdictLinkState || len(fx.Send) > 0 {
		t.Error("a repeated proof had an effect")
	}
}

// spec: rns-link §2.5
func TestConfirmedMTUAboveTheRequestedIsRefused(t *testing.T) {
	a, b, _ := rawPair(t, 1000)
	b.begin()
	own, err := DrawKeys(&ones{}, Responder)
	if err != nil {
		t.Fatal(err)
	}
	payload := b.buildLinkProof(own.exchange.PublicKey().Bytes(), Signalling{Mode: ModeAES256CBC, MTU: 2000})
	b.emitRaw(start, rns.PacketProof, rns.ContextLRProof, payload)
	raw := b.fx.Send[0].Raw
	if fx := a.Receive(start, raw, parse(t, raw), 1); fx.Verdict != rns.VerdictBadSignalling || a.State() != Pending {
		t.Error(fx.Verdict, a.State())
	}
}

// spec: rns-link §2.3
func TestAcceptRefusesBadRequests(t *testing.T) {
	owner, _ := rns.NewIdentity(zeros{})
	keys := bytes.Repeat([]byte{9}, RequestSize)
	for name, c := range map[string]struct {
		data []byte
		want rns.Verdict
	}{
		"63 bytes":       {keys[:63], rns.VerdictWrongSize},
		"65 bytes":       {append(bytes.Clone(keys), 1), rns.VerdictWrongSize},
		"68 bytes":       {append(bytes.Clone(keys), 0x20, 1, 0xf4, 0), rns.VerdictWrongSize},
		"mtu 499":        {AppendSignalling(bytes.Clone(keys), Signalling{ModeAES256CBC, 499}), rns.VerdictBadSignalling},
		"mode 0":         {AppendSignalling(bytes.Clone(keys), Signalling{ModeAES128CBC, 500}), rns.VerdictBadMode},
		"all-zero point": {make([]byte, 64), rns.VerdictBadKey},
	} {
		_, _, err := Accept(start, ResponderConfig{Params: DefaultParams(), Rand: &ones{}, Identity: owner},
			rns.Packet{Type: rns.PacketLinkRequest, Data: c.data})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// spec: rns-link §2.6
func TestRTTPacketActivatesOnce(t *testing.T) {
	a, b, proof := rawPair(t, 500)
	fx := a.Receive(start.Add(20*time.Millisecond), proof, parse(t, proof), 1)
	raw := fx.Send[0].Raw
	fx = b.Receive(start.Add(40*time.Millisecond), raw, parse(t, raw), 1)
	if len(fx.Events) != 1 || b.RTT() != 40*time.Millisecond {
		t.Fatal(fx.Events, b.RTT())
	}
	fx = b.Receive(start.Add(time.Second), raw, parse(t, raw), 1)
	if len(fx.Events) != 0 || fx.Verdict != rns.VerdictLinkState || b.RTT() != 40*time.Millisecond {
		t.Error(fx.Events, fx.Verdict)
	}
}

// The packet that completes the handshake is never repeated; a link must not be half dead for its loss.
// spec: rns-link §2.6
func TestLostOrOvertakenRTTPacket(t *testing.T) {
	w := newWorld(t, options{wire: quick})
	var rtt []byte
	w.wire.drop = func(from int, p rns.Packet) bool {
		if p.Context == rns.ContextLRRTT {
			rtt = p.Append(nil)
			return true
		}
		return false
	}
	app := newAcceptAll()
	app.answer = func(RequestReceived) []byte { return bin(3) }
	w.ends[1].react = app.react
	w.run(w.now.Add(time.Minute), func() bool { return w.ends[0].link.State() == Active })
	w.settle(2 * time.Second)
	b := w.ends[1].link
	if b.State() != Handshake {
		t.Fatal(b.State())
	}
	w.ask(RequestOptions{})
	w.settle(time.Second)
	if b.State() != Active || len(eventsOf[ResponseReceived](w.ends[0])) != 1 || len(eventsOf[Established](w.ends[1])) != 1 {
		t.Fatal(b.State(), w.ends[0].events, w.ends[1].events)
	}
	if b.RTT() < 2*time.Second {
		t.Error("estimate too short:", b.RTT())
	}
	for range 2 {
		w.apply(1, b.Receive(w.now, rtt, parse(t, rtt), 1))
	}
	if b.RTT() != 20*time.Millisecond || len(eventsOf[Established](w.ends[1])) != 1 {
		t.Error("not corrected by the packet itself:", b.RTT())
	}
}

// spec: rns-link §2.6
func TestMalformedRTTClosesTheLink(t *testing.T) {
	for name, plain := range map[string][]byte{
		"empty":    nil,
		"text":     msgpack.AppendString(nil, "0.1"),
		"negative": msgpack.AppendFloat64(nil, -1),
		"nan":      msgpack.AppendFloat64(nil, math.NaN()),
		"infinite": msgpack.AppendFloat64(nil, math.Inf(1)),
		"huge":     msgpack.AppendFloat64(nil, 1e300),
	} {
		a, b, proof := rawPair(t, 500)
		a.Receive(start, proof, parse(t, proof), 1)
		fx, err := a.SendContext(start, rns.ContextLRRTT, plain)
		if err != nil {
			t.Fatal(err)
		}
		raw := fx.Send[0].Raw
		fx = b.Receive(start, raw, parse(t, raw), 1)
		if b.State() != Dead || fx.Verdict != rns.VerdictMalformed {
			t.Errorf("%s: %v %v", name, b.State(), fx.Verdict)
		}
	}
}

// spec: rns-link §1.3, §3.4
func TestForeignAndForgedPacketsHaveNoEffect(t *testing.T) {
	w := established(t, options{wire: quick})
	a, b := w.ends[0].link, w.ends[1].link
	_, fx, err := a.Send(w.now, []byte("hello"))
	if err != nil {
		t.Fatal(err)
	}
	raw := bytes.Clone(fx.Send[0].Raw)
	before := b.Snapshot()
	other := bytes.Clone(raw)
	other[5] ^= 1
	forged := bytes.Clone(raw)
	forged[len(forged)-1] ^= 1
	unknown := bytes.Clone(raw)
	unknown[18] = 0x0D
	alive := bytes.Clone(raw[:20])
	alive[18], alive[19] = byte(rns.ContextKeepalive), keepaliveAnswer // nothing for a responder
	part := bytes.Clone(raw)
	part[18] = byte(rns.ContextResource)
	later := w.now.Add(time.Minute)
	for name, c := range map[string]struct {
		raw   []byte
		iface InterfaceID
		want  rns.Verdict
	}{
		"other link":      {other, 1, rns.VerdictLinkUnknown},
		"wrong interface": {raw, 2, rns.VerdictWrongInterface},
		"forged":          {forged, 1, rns.VerdictUndecryptable},
		"unknown context": {unknown, 1, rns.VerdictFeatureOff},
		"keepalive":       {alive, 1, rns.VerdictLinkRole},
		"stray part":      {part, 1, rns.VerdictWrongMapHash},
	} {
		fx := b.Receive(later, c.raw, parse(t, c.raw), c.iface)
		after := b.Snapshot()
		if fx.Verdict != c.want || len(fx.Send)+len(fx.Events) > 0 || after.LastInbound != before.LastInbound || after.Counters != before.Counters {
			t.Errorf("%s: %v, events %v", name, fx.Verdict, fx.Events)
		}
	}
	if fx := b.Receive(later, raw, parse(t, raw), 1); fx.Verdict != rns.VerdictDelivered {
		t.Error(fx.Verdict)
	}
}

func TestCloseReachesThePeerAndErasesKeys(t *testing.T) {
	for closer, reason := range []CloseReason{ReasonInitiatorClosed, ReasonDestinationClosed} {
		w := established(t, options{wire: quick})
		own, peer := w.ends[closer], w.ends[1-closer]
		derived := own.link.keys.derived
		if _, fx, err := peer.link.Send(w.now, []byte("unproved")); err != nil {
			t.Fatal(err)
		} else {
			w.apply(1-closer, fx)
		}
		w.apply(closer, own.link.Close(w.now))
		w.apply(closer, own.link.Close(w.now))
		w.settle(time.Second)
		for _, e := range w.ends {
			s := e.link.Snapshot()
			closed := eventsOf[Closed](e)
			if s.State != Dead || s.Reason != reason || len(closed) != 1 || s.HasDerivedKey || s.HasSigningKey {
				t.Errorf("closer %d: %+v", closer, s)
			}
			if _, last := e.events[len(e.events)-1].(Closed); !last {
				t.Error("Closed is not the last event")
			}
			if !e.link.Deadline().IsZero() {
				t.Error("a closed link has a deadline")
			}
		}
		if !bytes.Equal(derived, make([]byte, KeySize)) {
			t.Error("key not erased")
		}
		if len(eventsOf[ReceiptFailed](peer)) != 1 {
			t.Error("open receipt not failed")
		}
		_, _, err := own.link.Send(w.now, nil)
		if !errors.Is(err, net.ErrClosed) || !errors.Is(err, rns.VerdictLinkClosed) {
			t.Error(err)
		}
	}
}

func TestCloseNeedsTheLinkID(t *testing.T) {
	w := established(t, options{wire: quick})
	fx, err := w.ends[0].link.SendContext(w.now, rns.ContextLinkClose, make([]byte, 16))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(0, fx)
	w.settle(time.Second)
	if w.ends[1].link.State() != Active {
		t.Error("closed by a wrong id")
	}
}

// spec: rns-link §2.8
func TestProofIsADecision(t *testing.T) {
	w := established(t, options{wire: quick})
	a, b := w.ends[0], w.ends[1]
	send := func(text string) rns.Hash {
		h, fx, err := a.link.Send(w.now, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		w.apply(0, fx)
		return h
	}
	kept, lost := send("kept"), send("lost")
	w.settle(20 * time.Millisecond)
	got := eventsOf[Data](b)
	if len(got) != 2 || string(got[0].Plaintext) != "kept" || got[0].Hash != kept || got[1].Hash != lost {
		t.Fatal(got)
	}
	if len(b.frames) > 1 { // the link proof is the first
		t.Error("proved without being asked to")
	}
	w.settle(500 * time.Millisecond) // the commit takes its time
	fx, err := b.link.Prove(w.now, kept)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(1, fx)
	if _, err := b.link.Prove(w.now, kept); !errors.Is(err, ErrUnknown) {
		t.Error("proved twice")
	}
	w.settle(10 * time.Second)
	proved, failed := eventsOf[Proved](a), eventsOf[ReceiptFailed](a)
	if len(proved) != 1 || proved[0].Hash != kept || len(failed) != 1 || failed[0].Hash != lost || !errors.Is(failed[0].Err, rns.VerdictTimeout) {
		t.Error(proved, failed)
	}
}

func TestProofsOfWrongKindsAreIgnored(t *testing.T) {
	w := established(t, options{wire: quick})
	a, b := w.ends[0].link, w.ends[1].link
	h, _, err := a.Send(w.now, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	a.begin()
	a.sendProof(w.now, h) // signed by ourselves: a reflection
	own := a.fx.Send[0].Raw
	b.begin()
	b.emitRaw(w.now, rns.PacketProof, rns.ContextNone, make([]byte, 64)) // implicit
	short := b.fx.Send[0].Raw
	for want, raw := range map[rns.Verdict][]byte{rns.VerdictBadSignature: own, rns.VerdictWrongSize: short} {
		if fx := a.Receive(w.now, raw, parse(t, raw), a.iface); fx.Verdict != want {
			t.Error(fx.Verdict, want)
		}
	}
}

func TestFirstIdentificationWins(t *testing.T) {
	w := established(t, options{wire: quick})
	first, _ := rns.NewIdentity(&ones{})
	second, _ := rns.NewIdentity(zeros{})
	for _, id := range []*rns.Identity{first, first, second} {
		fx, err := w.ends[0].link.Identify(w.now, id)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(0, fx)
		w.settle(time.Second)
	}
	key, ok := w.ends[1].link.RemoteIdentity()
	if !ok || key != first.Public() || len(eventsOf[Identified](w.ends[1])) != 1 {
		t.Error(key, ok)
	}
	if _, err := w.ends[1].link.Identify(w.now, first); !errors.Is(err, rns.VerdictLinkRole) {
		t.Error("the responder identified itself:", err)
	}
}

func TestPacketsOverTheMDUAreRefused(t *testing.T) {
	w := established(t, options{wire: quick})
	l := w.ends[0].link
	if _, fx, err := l.Send(w.now, make([]byte, l.MDU())); err != nil || len(fx.Send[0].Raw) > l.MTU() {
		t.Error(err)
	}
	if _, fx, err := l.Send(w.now, make([]byte, l.MDU()+1)); !errors.Is(err, ErrTooLarge) || len(fx.Send) > 0 {
		t.Error(err)
	}
}

func TestTablesAreBounded(t *testing.T) {
	w := established(t, options{wire: quick})
	l := w.ends[0].link
	for i := range l.params.MaxReceipts + 1 {
		if _, _, err := l.Send(w.now, nil); (err != nil) != (i == l.params.MaxReceipts) {
			t.Fatal(i, err)
		}
	}
	for i := range l.params.MaxRequests + 1 {
		if _, _, err := l.Request(w.now, RequestOptions{Path: "/"}); (err != nil) != (i == l.params.MaxRequests) {
			t.Fatal(i, err)
		}
	}
	b := w.ends[1].link
	for i := range 3 * b.params.MaxUnproved {
		b.receipts.receivedPacket(rns.FullHash([]byte{byte(i), byte(i >> 8)}), w.now, b.params.MaxUnproved)
	}
	if n := b.Snapshot().Unproved; n != b.params.MaxUnproved {
		t.Error(n)
	}
	for i := range 2 * b.params.MaxRequests {
		b.serve(w.now, RequestID{byte(i)}, PackRequest(0, rns.Addr{}, nil))
	}
	if n := b.Snapshot().Serving; n != b.params.MaxRequests {
		t.Error(n)
	}
	w.settle(b.params.RequestMemory + time.Minute)
	if n := w.ends[1].link.Snapshot().Serving; n != 0 {
		t.Error("requests never answered are kept:", n)
	}
}

func TestRandomnessFailureIsReported(t *testing.T) {
	w := established(t, options{wire: quick})
	l := w.ends[0].link
	l.rand = io.LimitReader(zeros{}, 0)
	if _, _, err := l.Send(w.now, nil); err == nil {
		t.Error("sent without randomness")
	}
}
