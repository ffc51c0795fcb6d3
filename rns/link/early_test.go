package link

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// instant is a wire without delay: whatever comes later than at once was held back.
var instant = wire{}

// unmarkedPeer makes one end one that nobody recognises.
func unmarkedPeer(which int) func(int, *Params) {
	return func(end int, p *Params) {
		if end == which {
			p.Marks = MarksOff
		}
	}
}

// firstAnswers runs every exchange that has an early answer and returns how long each took to leave end 1.
func firstAnswers(t *testing.T, w *world) map[string]time.Duration {
	t.Helper()
	a, b := w.ends[0], w.ends[1]
	app := newAcceptAll()
	app.answer = func(RequestReceived) []byte { return msgpack.AppendBool(nil, true) }
	b.react = app.react
	out := make(map[string]time.Duration)
	measure := func(name string, c rns.Context, ptype byte, do func() *Effects) {
		from, sent := len(b.frames), w.now
		w.apply(0, do())
		found := func() bool {
			for _, f := range b.frames[from:] {
				if f.Context == c && f.Raw[0]&3 == ptype {
					return true
				}
			}
			return false
		}
		if !w.run(w.now.Add(time.Minute), found) {
			t.Fatalf("%s: no answer", name)
		}
		out[name] = w.now.Sub(sent)
		w.settle(30 * time.Second)
	}
	measure("proof of a packet", rns.ContextNone, 3, func() *Effects {
		_, fx, _ := a.link.Send(w.now, []byte("x"))
		return fx
	})
	measure("response", rns.ContextResponse, 0, func() *Effects {
		_, fx, _ := a.link.Request(w.now, RequestOptions{Path: "/"})
		return fx
	})
	measure("first part request", rns.ContextResourceReq, 0, func() *Effects {
		_, fx, _ := a.link.SendResource(w.now, ResourceOptions{Source: bytes.NewReader([]byte("resource")), Size: 8})
		return fx
	})
	app.answer = func(RequestReceived) []byte { return msgpack.AppendBin(nil, make([]byte, 2000)) }
	measure("advertisement of a response", rns.ContextResourceAdv, 0, func() *Effects {
		_, fx, _ := a.link.Request(w.now, RequestOptions{Path: "/"})
		return fx
	})
	if a.link.OpenChannel() != nil || b.link.OpenChannel() != nil {
		t.Fatal("no channel")
	}
	measure("proof of a message", rns.ContextNone, 3, func() *Effects {
		_, fx, _ := a.link.SendMessage(w.now, 1, []byte("x"))
		return fx
	})
	return out
}

func TestAnswersToAnUnknownPeerWait(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(0)})
	for name, took := range firstAnswers(t, w) {
		if took < 2*time.Millisecond || took > 5*time.Millisecond {
			t.Errorf("%s after %v", name, took)
		}
	}
	if w.ends[1].link.PeerCopes() {
		t.Error("learned from an unmarked peer")
	}
}

func TestAnswersToAMarkedPeerAreImmediate(t *testing.T) {
	w := established(t, options{wire: instant})
	for name, took := range firstAnswers(t, w) {
		if took != 0 {
			t.Errorf("%s after %v", name, took)
		}
	}
}

func TestAnswersWhenTheApplicationKnowsThePeer(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(0)})
	w.ends[1].link.SetPeerCopes()
	for name, took := range firstAnswers(t, w) {
		if took != 0 {
			t.Errorf("%s after %v", name, took)
		}
	}
}

// The first packet of the responder carries its mark, so the initiator never waits either.
func TestInitiatorLearnsFromTheFirstPacket(t *testing.T) {
	w := established(t, options{wire: instant})
	if w.ends[0].link.PeerCopes() {
		t.Fatal("the initiator knows without having received a token")
	}
	w.ends[0].react = newAcceptAll().react
	_, fx, err := w.ends[1].link.Send(w.now, []byte("hi"))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(1, fx)
	sent := w.now
	w.run(w.now.Add(time.Second), func() bool { return len(eventsOf[Proved](w.ends[1])) == 1 })
	if !w.ends[0].link.PeerCopes() || w.now != sent {
		t.Error("not learned, or learned late")
	}
}

// A receiver that needs a moment after its proof gets it before the next advertisement: three milliseconds, as it holds each of
// its own two answers.
func TestAdvertisementKeepsDistanceFromTheProofBefore(t *testing.T) {
	for unmarked, want := range map[int]time.Duration{1: 9 * time.Millisecond, 9: 0} {
		w := established(t, options{wire: instant, params: unmarkedPeer(unmarked)})
		w.ends[1].react = newAcceptAll().react
		w.ends[0].link.early.copes = unmarked == 9
		began := w.now
		w.give([]byte("first"), ResourceOptions{})
		id := w.give([]byte("second"), ResourceOptions{})
		w.run(w.now.Add(time.Minute), func() bool { _, ok := w.concluded(0, id); return ok })
		if took := w.now.Sub(began); took != want {
			t.Errorf("unmarked %d: %v", unmarked, took)
		}
	}
}

func TestMarkIsNotTransferable(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(1)})
	a := w.ends[0].link
	_, fx, err := a.Send(w.now, []byte("reflected"))
	if err != nil {
		t.Fatal(err)
	}
	raw := fx.Send[0].Raw
	if fx := a.Receive(w.now, raw, parse(t, raw), a.iface); fx.Verdict != rns.VerdictDelivered {
		t.Fatal(fx.Verdict)
	}
	if a.PeerCopes() {
		t.Error("our own mark counted as the peer's")
	}
}

// Losing the packets with marks costs speed, never answers; and a peer is not watched forever.
func TestMarksEnd(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(0)})
	a, b := w.ends[0].link, w.ends[1].link
	for range 3 * watchedPackets {
		_, fx, err := a.Send(w.now, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(0, fx)
		w.settle(0)
	}
	if b.early.watched != watchedPackets || a.early.marked != 0 || b.early.copes {
		t.Error(b.early.watched, a.early.marked, b.early.copes)
	}
}

func TestHeldAnswersLeaveBeforeTheLinkCloses(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(0)})
	w.ends[1].react = newAcceptAll().react
	_, fx, err := w.ends[0].link.Send(w.now, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(0, fx)
	w.settle(0)
	w.apply(1, w.ends[1].link.Close(w.now))
	w.settle(time.Second)
	if len(eventsOf[Proved](w.ends[0])) != 1 {
		t.Error("the proof was lost")
	}
}

// 100,000 IVs of an unmarked peer: the expected number of false recognitions is 4e-10.
func TestRandomIVsAreNotMarks(t *testing.T) {
	w := established(t, options{wire: instant})
	e := &w.ends[0].link.early
	src := &ones{}
	var iv [16]byte
	for i := range 100_000 {
		_, _ = src.Read(iv[:])
		iv[0], iv[1], iv[2] = byte(i), byte(i>>8), byte(i>>16)
		e.watched = 0
		if e.watch(Initiator, iv[:]); e.copes {
			t.Fatal("recognised")
		}
	}
}

// A message of ours never overtakes a proof that is held back, spec: rns-link §9.4.
func TestMessagesStayBehindHeldProofs(t *testing.T) {
	w := established(t, options{wire: instant, params: unmarkedPeer(0)})
	a, b := w.ends[0], w.ends[1]
	if a.link.OpenChannel() != nil || b.link.OpenChannel() != nil {
		t.Fatal("no channel")
	}
	answered := false
	b.react = func(now time.Time, l *Link, e Event) []*Effects {
		if _, ok := e.(ChannelReadable); !ok || answered {
			return nil
		}
		answered = true
		_, fx, err := l.SendMessage(now, 1, []byte("answer"))
		if err != nil {
			t.Error(err)
		}
		return []*Effects{fx}
	}
	from := len(b.frames)
	_, fx, err := a.link.SendMessage(w.now, 1, []byte("question"))
	if err != nil {
		t.Fatal(err)
	}
	w.apply(0, fx)
	w.settle(time.Second)
	var order []string
	for _, f := range b.frames[from:] {
		switch {
		case f.Context == rns.ContextNone && f.Raw[0]&3 == byte(rns.PacketProof):
			order = append(order, "proof")
		case f.Context == rns.ContextChannel:
			order = append(order, "message")
		}
	}
	if len(order) < 2 || order[0] != "proof" || order[1] != "message" {
		t.Errorf("sent %v, want the proof first", order)
	}
}
