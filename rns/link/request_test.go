package link

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
)

func bin(n int) []byte { return msgpack.AppendBin(nil, bytes.Repeat([]byte{0xA5}, n)) }

// ask makes a request of end 0.
func (w *world) ask(o RequestOptions) RequestID {
	w.t.Helper()
	if o.Path == "" {
		o.Path = "/test"
	}
	id, fx, err := w.ends[0].link.Request(w.now, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(0, fx)
	return id
}

func TestRequestsOfAllSizes(t *testing.T) {
	for _, mtu := range []int{500, 8192} {
		for _, sizes := range [][2]int{{0, 0}, {10, 5000}, {5000, 10}, {20_000, 1_200_000}, {1_200_000, 20_000}} {
			w := established(t, options{wire: quick, mtu: mtu})
			app := newAcceptAll()
			w.ends[1].react = app.react
			response := bin(sizes[1])
			var got RequestReceived
			app.answer = func(q RequestReceived) []byte { got = q; return response }
			id := w.ask(RequestOptions{Data: bin(sizes[0])})
			w.run(w.now.Add(time.Hour), func() bool { return len(eventsOf[ResponseReceived](w.ends[0])) > 0 })
			answers := eventsOf[ResponseReceived](w.ends[0])
			if len(answers) != 1 || answers[0].ID != id || !bytes.Equal(answers[0].Data, response) {
				t.Fatalf("mtu %d sizes %v: %d answers", mtu, sizes, len(answers))
			}
			if got.ID != id || !bytes.Equal(got.Data, bin(sizes[0])) || got.PathHash != rns.RequestPathHash("/test") {
				t.Errorf("sizes %v: request differs", sizes)
			}
			if last := eventsOf[RequestProgress](w.ends[0]); last[len(last)-1].Progress != 1 {
				t.Error("progress does not end at 1")
			}
			if n := len(eventsOf[TransferAdvertised](w.ends[1])) + len(eventsOf[TransferConcluded](w.ends[1])); n > 0 {
				t.Error("request transfers are visible as resources")
			}
		}
	}
}

func TestFileResponse(t *testing.T) {
	w := established(t, options{wire: quick})
	content := bytes.Repeat([]byte("file"), 400_000) // two segments
	meta := msgpack.AppendString(nil, "name")
	app := newAcceptAll()
	w.ends[0].react = app.react
	w.ends[1].react = func(now time.Time, l *Link, e Event) []*Effects {
		if q, ok := e.(RequestReceived); ok {
			if _, _, err := l.RespondResource(now, q.ID, ResourceOptions{Size: 1}); !errors.Is(err, resource.ErrMetadata) {
				t.Error("a file response without metadata:", err)
			}
			_, fx, err := l.RespondResource(now, q.ID, ResourceOptions{
				Source: bytes.NewReader(content), Size: int64(len(content)), Metadata: meta,
			})
			if err != nil {
				t.Error(err)
			}
			return []*Effects{fx}
		}
		return nil
	}
	w.ask(RequestOptions{})
	w.run(w.now.Add(time.Hour), func() bool { return len(eventsOf[ResponseReceived](w.ends[0])) > 0 })
	got := eventsOf[ResponseReceived](w.ends[0])
	if len(got) != 1 || got[0].Data != nil || !bytes.Equal(got[0].Metadata, meta) || !bytes.Equal(app.data[got[0].Transfer], content) {
		t.Fatal(len(got))
	}
	if len(eventsOf[TransferStarted](w.ends[0])) != 1 || len(eventsOf[TransferConcluded](w.ends[0])) != 1 {
		t.Error("transfer not reported")
	}
}

// spec: rns-link §7.3
func TestRequestFailures(t *testing.T) {
	big := bin(100_000)
	tests := map[string]struct {
		o      RequestOptions
		answer func(RequestReceived) []byte
		during func(w *world, id RequestID)
		want   error
	}{
		"no answer": {want: rns.VerdictTimeout},
		"packet response too large": {
			RequestOptions{MaxResponse: 50}, func(RequestReceived) []byte { return bin(60) }, nil, rns.VerdictOverSizeLimit,
		},
		"resource response too large": {
			RequestOptions{MaxResponse: 5000}, func(RequestReceived) []byte { return big }, nil, rns.VerdictOverSizeLimit,
		},
		"request not accepted": {
			RequestOptions{Data: bin(20 << 20)}, nil, nil, rns.VerdictResourceRejected,
		},
		"cancelled": {
			RequestOptions{}, nil,
			func(w *world, id RequestID) {
				fx, err := w.ends[0].link.CancelRequest(w.now, id)
				if err != nil {
					w.t.Error(err)
				}
				w.apply(0, fx)
			},
			rns.VerdictCancelled,
		},
		"cancelled during the response": {
			RequestOptions{}, func(RequestReceived) []byte { return big },
			func(w *world, id RequestID) {
				w.run(w.now.Add(time.Minute), func() bool { return len(eventsOf[RequestProgress](w.ends[0])) > 0 })
				fx, _ := w.ends[0].link.CancelRequest(w.now, id)
				w.apply(0, fx)
			},
			rns.VerdictCancelled,
		},
		"link closed": {
			RequestOptions{}, nil, func(w *world, _ RequestID) { w.apply(0, w.ends[0].link.Close(w.now)) }, ErrClosed,
		},
		"link closed by the peer during the response": {
			RequestOptions{}, func(RequestReceived) []byte { return big },
			func(w *world, _ RequestID) {
				w.run(w.now.Add(time.Minute), func() bool { return len(eventsOf[RequestProgress](w.ends[0])) > 0 })
				w.apply(1, w.ends[1].link.Close(w.now))
			},
			ErrClosed,
		},
		"peer falls silent during the response": {
			RequestOptions{}, func(RequestReceived) []byte { return big },
			func(w *world, _ RequestID) {
				w.run(w.now.Add(time.Minute), func() bool { return len(eventsOf[RequestProgress](w.ends[0])) > 0 })
				w.wire.drop = func(from int, p rns.Packet) bool { return p.Context == rns.ContextResource }
			},
			ErrClosed, // the link notices first
		},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := established(t, options{wire: quick})
			app := newAcceptAll()
			app.answer = c.answer
			w.ends[1].react = app.react
			id := w.ask(c.o)
			if c.during != nil {
				c.during(w, id)
			}
			w.settle(10 * time.Minute)
			failed := eventsOf[RequestFailed](w.ends[0])
			if len(failed) != 1 || failed[0].ID != id || !errors.Is(failed[0].Err, c.want) {
				t.Fatal(failed)
			}
			if n := len(eventsOf[ResponseReceived](w.ends[0])); n > 0 {
				t.Error("failed and answered")
			}
			if s := w.ends[0].link.Snapshot(); len(s.Requests)+len(s.Transfers) > 0 {
				t.Errorf("left behind: %+v", s)
			}
			if s := w.ends[1].link.Snapshot(); len(s.Transfers) > 0 {
				t.Errorf("left behind at the other end: %+v", s.Transfers)
			}
		})
	}
}

// spec: rns-link §7.3
func TestRequestsAreNotServedWithoutHandlers(t *testing.T) {
	w := established(t, options{wire: quick})
	w.ends[1].link.SetServePolicy(ServePolicy{})
	w.ask(RequestOptions{})
	w.ask(RequestOptions{Data: bin(3000)})
	w.settle(time.Hour)
	if len(eventsOf[RequestReceived](w.ends[1])) > 0 || len(eventsOf[RequestFailed](w.ends[0])) != 2 {
		t.Error(w.ends[1].events)
	}
}

// spec: rns-link §7.3
func TestRequestsAboveTheLimitOfTheServer(t *testing.T) {
	w := established(t, options{wire: quick})
	w.ends[1].link.SetServePolicy(ServePolicy{Mode: ServeRequests, MaxSize: 100})
	w.ask(RequestOptions{Data: bin(150)})
	w.ask(RequestOptions{Data: bin(3000)})
	w.settle(time.Hour)
	failed := eventsOf[RequestFailed](w.ends[0])
	if len(eventsOf[RequestReceived](w.ends[1])) > 0 || len(failed) != 2 {
		t.Fatal(failed)
	}
	if !errors.Is(failed[0].Err, rns.VerdictResourceRejected) || !errors.Is(failed[1].Err, rns.VerdictTimeout) {
		t.Error(failed)
	}
}

func TestMalformedRequestsAndResponses(t *testing.T) {
	w := established(t, options{wire: quick})
	good := PackRequest(1, rns.RequestPathHash("/"), nil)
	short := msgpack.AppendFloat64(msgpack.AppendArrayHeader(nil, 1), 1)
	tests := []struct {
		c     rns.Context
		plain []byte
		want  rns.Verdict
	}{
		{rns.ContextRequest, nil, rns.VerdictMalformed},
		{rns.ContextRequest, short, rns.VerdictMalformed},
		{rns.ContextRequest, good[:len(good)-3], rns.VerdictMalformed},
		{rns.ContextRequest, append([]byte{0x94}, append(bytes.Clone(good[1:]), 0xC0)...), rns.VerdictDelivered},
		{rns.ContextResponse, PackResponse(RequestID{1}, nil), rns.VerdictUnknownRequest},
		{rns.ContextResponse, []byte{0xC0}, rns.VerdictMalformed},
		{rns.ContextResourceAdv, []byte{0x80}, rns.VerdictBadAdvertisement},
		{rns.ContextResourceReq, []byte{0}, rns.VerdictTooShort},
		{rns.ContextResourceReq, make([]byte, 33), rns.VerdictUnknownResource},
		{rns.ContextResourceHMU, make([]byte, 31), rns.VerdictTooShort},
		{rns.ContextResourceICL, make([]byte, 31), rns.VerdictTooShort},
		{rns.ContextResourceRCL, make([]byte, 32), rns.VerdictUnknownResource},
		{rns.ContextChannel, nil, rns.VerdictFeatureOff},
		{rns.ContextLinkIdentify, make([]byte, 127), rns.VerdictWrongSize},
		{rns.ContextLinkIdentify, bytes.Repeat([]byte{7}, 128), rns.VerdictBadSignature},
		{rns.ContextLinkClose, make([]byte, 15), rns.VerdictMalformed},
	}
	for i, c := range tests {
		fx, err := w.ends[0].link.SendContext(w.now, c.c, c.plain)
		if err != nil {
			t.Fatal(err)
		}
		raw := fx.Send[0].Raw
		fx = w.ends[1].link.Receive(w.now, raw, parse(t, raw), 1)
		if fx.Verdict != c.want || w.ends[1].link.State() != Active {
			t.Errorf("%d: %v, want %v", i, fx.Verdict, c.want)
		}
	}
}

// A late response finds no request; the resource that carries one is ignored.
func TestResponseAfterFailureIsDropped(t *testing.T) {
	w := established(t, options{wire: quick})
	var late RequestReceived
	w.ends[1].react = func(_ time.Time, _ *Link, e Event) []*Effects {
		if q, ok := e.(RequestReceived); ok {
			late = q
		}
		return nil
	}
	for _, size := range []int{5, 5000} {
		w.ask(RequestOptions{})
		w.settle(time.Minute)
		fx, err := w.ends[1].link.Respond(w.now, late.ID, bin(size), nil)
		if err != nil {
			t.Fatal(err)
		}
		w.apply(1, fx)
		w.settle(time.Minute)
	}
	if len(eventsOf[ResponseReceived](w.ends[0])) > 0 || len(eventsOf[RequestFailed](w.ends[0])) != 2 {
		t.Error("answered after failure")
	}
	if _, err := w.ends[1].link.Respond(w.now, late.ID, nil, nil); !errors.Is(err, ErrUnknown) {
		t.Error("answered twice:", err)
	}
}
