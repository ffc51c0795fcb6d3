package link

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
)

// talk opens the channel at both ends.
func (w *world) talk() {
	w.t.Helper()
	for _, e := range w.ends {
		if err := e.link.OpenChannel(); err != nil {
			w.t.Fatal(err)
		}
	}
}

// say sends a message as soon as the channel of end 0 is ready.
func (w *world) say(msgType uint16, data []byte) {
	w.t.Helper()
	l := w.ends[0].link
	if !w.run(w.now.Add(time.Hour), func() bool { return l.ChannelReady() || l.State() == Dead }) {
		w.t.Fatal("channel never ready")
	}
	_, fx, err := l.SendMessage(w.now, msgType, data)
	if err != nil && !errors.Is(err, ErrClosed) {
		w.t.Fatal(err)
	}
	w.apply(0, fx)
}

func hear(l *Link) (out []string) {
	for m, ok := l.ReadMessage(); ok; m, ok = l.ReadMessage() {
		out = append(out, string(m.Data))
	}
	return out
}

// Over any wire that lets the link live, messages arrive in order, once each.
func TestPropertyChannelDeliversInOrder(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := options{
			seed: rapid.Uint64Range(0, 1<<16-1).Draw(r, "seed"),
			wire: wire{
				delay:  time.Duration(rapid.IntRange(0, 1000).Draw(r, "delay")) * time.Millisecond,
				jitter: time.Duration(rapid.IntRange(0, 200).Draw(r, "jitter")) * time.Millisecond,
				loss:   float64(rapid.IntRange(0, 25).Draw(r, "loss")) / 100,
				dup:    float64(rapid.IntRange(0, 25).Draw(r, "dup")) / 100,
			},
		}
		w := established(t, o)
		w.talk()
		n := rapid.IntRange(1, 120).Draw(r, "messages")
		var heard []string
		w.ends[1].react = func(_ time.Time, l *Link, e Event) []*Effects {
			if _, ok := e.(ChannelReadable); ok {
				heard = append(heard, hear(l)...)
			}
			return nil
		}
		for i := range n {
			w.say(1, []byte{byte(i)})
		}
		w.settle(30 * time.Minute)
		for i, m := range heard {
			if m != string([]byte{byte(i)}) {
				r.Fatalf("message %d is %q", i, m)
			}
		}
		if w.ends[0].link.State() == Active && len(heard) != n {
			r.Fatalf("%d of %d messages, and the link lives", len(heard), n)
		}
		if delivered := len(eventsOf[MessageDelivered](w.ends[0])); delivered > len(heard) && w.ends[1].link.State() == Active {
			r.Fatalf("%d proved, %d heard", delivered, len(heard))
		}
		if o.wire.loss == 0 && len(heard) != n {
			r.Fatalf("%d of %d messages without loss", len(heard), n)
		}
	})
}

func TestChannelBeforeOpeningIsNotProved(t *testing.T) {
	w := established(t, options{wire: quick})
	if err := w.ends[0].link.OpenChannel(); err != nil {
		t.Fatal(err)
	}
	w.say(1, []byte("early"))
	w.settle(50 * time.Millisecond)
	if len(eventsOf[MessageDelivered](w.ends[0])) > 0 {
		t.Fatal("proved by a closed channel")
	}
	if err := w.ends[1].link.OpenChannel(); err != nil {
		t.Fatal(err)
	}
	w.settle(time.Minute)
	if got := hear(w.ends[1].link); len(got) != 1 || got[0] != "early" {
		t.Error(got)
	}
}

func TestUnprovedChannelEndsTheLink(t *testing.T) {
	w := established(t, options{wire: quick})
	w.talk()
	w.wire.drop = func(from int, p rns.Packet) bool { return from == 1 && p.Type == rns.PacketProof }
	w.say(1, []byte("x"))
	w.settle(time.Minute)
	closed := eventsOf[Closed](w.ends[0])
	if len(closed) != 1 || !errors.Is(closed[0].Cause, ErrChannelFailed) {
		t.Fatal(closed)
	}
	if got := hear(w.ends[1].link); len(got) > 1 {
		t.Error("delivered more than once:", got)
	}
	var sent int
	for _, f := range w.ends[0].frames {
		if f.Context == rns.ContextChannel {
			sent++
		}
	}
	if sent != 5 {
		t.Errorf("%d transmissions", sent)
	}
}

func TestUnreadMessagesHoldThePeer(t *testing.T) {
	w := established(t, options{wire: quick, params: func(_ int, p *Params) { p.Channel.MaxUnread = 3 }})
	w.talk()
	for i := range 3 {
		w.say(1, []byte{byte(i)})
	}
	w.settle(time.Second)
	w.say(1, []byte{3})
	w.settle(100 * time.Millisecond)
	if n := len(eventsOf[MessageDelivered](w.ends[0])); n != 3 {
		t.Fatalf("%d proved", n)
	}
	if got := hear(w.ends[1].link); len(got) != 3 {
		t.Fatal(got)
	}
	w.settle(10 * time.Second)
	if got := hear(w.ends[1].link); len(got) != 1 {
		t.Error(got)
	}
}

func TestUndecodableMessageTakesItsTurn(t *testing.T) {
	c := NewChannel(DefaultChannelParams(), 431, time.Second)
	cut := Envelope{Type: 1, Sequence: 0, Data: []byte("hello")}.Append(nil)
	if v := c.Receive(cut[:8]); v != rns.VerdictMalformed {
		t.Error(v)
	}
	if v := c.Receive([]byte{1, 2, 3}); v != rns.VerdictTooShort {
		t.Error(v)
	}
	c.Receive(Envelope{Type: 1, Sequence: 1, Data: []byte("next")}.Append(nil))
	if m, ok := c.Read(); !ok || string(m.Data) != "next" {
		t.Error("stalled")
	}
}

// TestChannelEchoIsNotTheirs: what a broadcast medium brings back is neither a message of the peer nor proved, also when it
// was repeated, and the message of the peer with the same number still comes. spec: rns-core §11.4, rns-link §9.4
func TestChannelEchoIsNotTheirs(t *testing.T) {
	w := established(t, options{wire: quick})
	w.talk()
	a, b := w.ends[0].link, w.ends[1].link
	seq, fx, err := a.SendMessage(w.now, 1, []byte("ours"))
	if err != nil || len(fx.Send) != 1 {
		t.Fatal(err)
	}
	first := slices.Clone(fx.Send[0].Raw)
	w.now = latest(w.now, a.channelDeadline())
	a.begin()
	a.expireChannel(w.now)
	if len(a.fx.Send) != 1 {
		t.Fatal("not repeated")
	}
	second := slices.Clone(a.fx.Send[0].Raw)
	for _, raw := range [][]byte{first, second} {
		if fx := a.Receive(w.now, raw, parse(t, raw), a.iface); fx.Verdict != rns.VerdictDuplicate || len(fx.Send)+len(fx.Events) != 0 {
			t.Errorf("%v, %d answers, %d events", fx.Verdict, len(fx.Send), len(fx.Events))
		}
	}
	theirs, fx, err := b.SendMessage(w.now, 1, []byte("theirs"))
	if err != nil || theirs != seq {
		t.Fatal(theirs, seq, err)
	}
	raw := slices.Clone(fx.Send[0].Raw)
	if fx := a.Receive(w.now, raw, parse(t, raw), a.iface); fx.Verdict != rns.VerdictDelivered {
		t.Error(fx.Verdict)
	}
	if m, ok := a.ReadMessage(); !ok || string(m.Data) != "theirs" {
		t.Errorf("%q", m.Data)
	}
}

// TestOwnPacketsAreBounded: the latest are known, a window of them at least.
func TestOwnPacketsAreBounded(t *testing.T) {
	var o ownPackets
	if o.has(rns.Hash{}) {
		t.Error("knows what was never sent")
	}
	const n = 200
	for i := range n {
		o.add(rns.Hash{byte(i)})
	}
	if !o.has(rns.Hash{n - 1}) || !o.has(rns.Hash{byte(n - len(o.hashes))}) || o.has(rns.Hash{byte(n - len(o.hashes) - 1)}) {
		t.Error("not the latest")
	}
	if len(o.hashes) < DefaultChannelParams().FastMax {
		t.Error("less than a window")
	}
}

func BenchmarkOwnPacketsMiss(b *testing.B) {
	var o ownPackets
	for i := range len(o.hashes) {
		o.add(rns.FullHash([]byte{byte(i)}))
	}
	other := rns.FullHash(nil)
	for b.Loop() {
		if o.has(other) {
			b.Fatal("found")
		}
	}
}

func TestRefusedTransmissionGivesTheSequenceBack(t *testing.T) {
	c := NewChannel(DefaultChannelParams(), 431, time.Second)
	o := &fakeOutlet{fail: io.ErrClosedPipe}
	if _, err := c.Send(start, o, 1, nil); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatal(err)
	}
	o.fail = nil
	if seq, err := c.Send(start, o, 1, nil); seq != 0 || err != nil {
		t.Error(seq, err)
	}
	if _, err := c.Send(start, o, 1, make([]byte, c.MDU()+1)); !errors.Is(err, ErrTooLarge) {
		t.Error(err)
	}
	c.Send(start, o, 1, nil)
	if _, err := c.Send(start, o, 1, nil); !errors.Is(err, rns.VerdictWindowFull) {
		t.Error(err)
	}
}

// A stream arrives whole and ends, also when its end must wait for the window.
func TestStreams(t *testing.T) {
	for _, mtu := range []int{500, 8192} {
		w := established(t, options{mtu: mtu, wire: wire{delay: 20 * time.Millisecond, loss: 0.05}})
		w.talk()
		data := append(bytes.Repeat([]byte("stream "), 2000), randomBytes(1, 20_000)...)
		r := StreamReader{ID: 7, Decompress: bzip2.Decompress}
		var got []byte
		ended := false
		w.ends[1].react = func(_ time.Time, l *Link, e Event) []*Effects {
			if _, ok := e.(ChannelReadable); !ok {
				return nil
			}
			for m, ok := l.ReadMessage(); ok; m, ok = l.ReadMessage() {
				if !r.Accept(m) {
					t.Error("message refused")
				}
			}
			for buf := make([]byte, 1000); ; {
				n, err := r.Read(buf)
				got = append(got, buf[:n]...)
				if ended = ended || errors.Is(err, io.EOF); n == 0 {
					return nil
				}
			}
		}
		rest := data
		for len(rest) > 0 {
			n, fx, err := w.ends[0].link.WriteStream(w.now, 7, rest, compress)
			w.apply(0, fx)
			rest = rest[n:]
			if errors.Is(err, ErrNotReady) {
				if !w.run(w.now.Add(time.Hour), w.ends[0].link.ChannelReady) {
					t.Fatal("never ready again")
				}
			} else if err != nil {
				t.Fatal(err)
			}
		}
		fx, err := w.ends[0].link.CloseStream(w.now, 7)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(0, fx)
		w.settle(time.Minute)
		if !bytes.Equal(got, data) || !ended {
			t.Errorf("mtu %d: %d of %d bytes, ended %v", mtu, len(got), len(data), ended)
		}
	}
}

func TestChannelReadyIsReportedAfterRefusal(t *testing.T) {
	w := established(t, options{wire: quick})
	w.talk()
	for {
		_, fx, err := w.ends[0].link.SendMessage(w.now, 1, nil)
		w.apply(0, fx)
		if err != nil {
			break
		}
	}
	w.settle(time.Second)
	if len(eventsOf[ChannelReady](w.ends[0])) == 0 {
		t.Error("the writer would wait forever")
	}
}

func TestStreamReaderRefusesBombs(t *testing.T) {
	r := StreamReader{ID: 1, Decompress: bzip2.Decompress}
	bomb := StreamData{ID: 1, Flag: StreamCompressed, Data: compress(make([]byte, StreamInput+1))}
	if !r.Accept(Message{Type: StreamDataType, Data: bomb.Append(nil)}) {
		t.Fatal("not ours")
	}
	if _, err := r.Read(make([]byte, 10)); !errors.Is(err, rns.VerdictDecompression) {
		t.Error(err)
	}
	if r.Accept(Message{Type: StreamDataType, Data: StreamData{ID: 2}.Append(nil)}) || r.Accept(Message{Type: 5}) {
		t.Error("took another stream")
	}
}
