package link

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/rns"
)

// FuzzLinkReceive feeds arbitrary frames, raw and encrypted with the right key, to both ends with everything going on.
// spec: rns-link §1.3, §3.4
func FuzzLinkReceive(f *testing.F) {
	for _, c := range []rns.Context{
		rns.ContextNone, rns.ContextResource, rns.ContextResourceAdv, rns.ContextResourceReq, rns.ContextResourceHMU,
		rns.ContextResourcePRF, rns.ContextResourceICL, rns.ContextResourceRCL, rns.ContextCacheRequest,
		rns.ContextRequest, rns.ContextResponse, rns.ContextChannel, rns.ContextKeepalive, rns.ContextLinkIdentify,
		rns.ContextLinkClose, rns.ContextLRRTT, rns.ContextLRProof,
	} {
		f.Add(uint8(c), uint8(0), []byte{0x93, 0xC0, 0xC0, 0xC0}, uint16(10))
		f.Add(uint8(c), uint8(1), bytes.Repeat([]byte{0x81}, 40), uint16(1))
	}
	f.Fuzz(func(t *testing.T, context, mode uint8, payload []byte, wait uint16) {
		w := established(t, options{wire: quick})
		app := newAcceptAll()
		app.answer = func(RequestReceived) []byte { return bin(10) }
		w.ends[1].react, w.ends[0].react = app.react, newAcceptAll().react
		w.talk()
		w.give(randomBytes(1, 3000), ResourceOptions{})
		w.ask(RequestOptions{})
		w.settle(15 * time.Millisecond)
		for end := range w.ends {
			from, to := w.ends[1-end].link, w.ends[end].link
			raw := append(from.header(nil, flagsData|mode&3, rns.Context(context)), payload...)
			if mode&4 != 0 {
				fr, err := from.encrypt(rns.Context(context), payload)
				if err != nil {
					return
				}
				raw = fr.Raw
			}
			w.apply(end, to.Receive(w.now, raw, parse(t, raw), to.iface))
		}
		w.settle(time.Duration(wait) * time.Second)
		for _, e := range w.ends {
			s := e.link.Snapshot()
			if len(s.Transfers) > e.link.params.MaxIncoming+e.link.params.MaxOutgoing || s.Serving > e.link.params.MaxRequests {
				t.Fatalf("tables grew: %+v", s)
			}
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(PackRequest(1.5, rns.Addr{1}, bin(5)))
	f.Add([]byte{0x93})
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRequest(b)
		if err != nil {
			return
		}
		again, err := ParseRequest(PackRequest(r.Timestamp, r.PathHash, r.Data))
		if err != nil || again.PathHash != r.PathHash || !bytes.Equal(again.Data, r.Data) {
			t.Fatal(err)
		}
	})
}

func FuzzResponse(f *testing.F) {
	f.Add(PackResponse(RequestID{1}, bin(5)))
	f.Add([]byte{0x92, 0xC4, 0x10})
	f.Fuzz(func(t *testing.T, b []byte) {
		id, data, err := ParseResponse(b)
		if err != nil {
			return
		}
		if id2, data2, err := ParseResponse(PackResponse(id, data)); err != nil || id2 != id || !bytes.Equal(data, data2) {
			t.Fatal(err)
		}
	})
}

func FuzzEnvelope(f *testing.F) {
	f.Add(Envelope{Type: 1, Sequence: 2, Data: []byte("x")}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := ParseEnvelope(b)
		if err == nil {
			if n := len(e.Append(nil)); !bytes.Equal(e.Append(nil), b[:n]) {
				t.Fatal("round trip")
			}
		}
		c := NewChannel(DefaultChannelParams(), 431, time.Second)
		c.Receive(b)
		if s := c.Snapshot(); s.Buffered+s.Unread > 1 {
			t.Fatal("more than one message")
		}
	})
}

func FuzzStreamData(f *testing.F) {
	f.Add(StreamData{ID: 1, Flag: StreamEOF, Data: []byte("x")}.Append(nil))
	f.Add(StreamData{ID: 1, Flag: StreamCompressed, Data: compress([]byte("xxxxxxxxxxxxxxx"))}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseStreamData(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Append(nil), b) {
			t.Fatal("round trip")
		}
		r := StreamReader{ID: s.ID, Decompress: func(src []byte, limit int) ([]byte, error) {
			return DefaultParams().Resource.Decompress(src, limit)
		}}
		r.Accept(Message{Type: StreamDataType, Data: b})
		if r.Buffered() > max(StreamInput, len(b)) {
			t.Fatal("too much")
		}
	})
}

func FuzzLinkProof(f *testing.F) {
	f.Add(bytes.Repeat([]byte{1}, 96))
	f.Add(bytes.Repeat([]byte{1}, 99))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, err := CheckLinkProof(rns.Addr{}, rns.PublicKey{9}, b); err == nil {
			t.Fatal("accepted")
		}
		_, _, _ = Accept(start, ResponderConfig{Params: DefaultParams(), Rand: zeros{}, Identity: mustIdentity()},
			rns.Packet{Type: rns.PacketLinkRequest, Data: b})
	})
}

func mustIdentity() *rns.Identity {
	id, err := rns.NewIdentity(zeros{})
	if err != nil {
		panic(err)
	}
	return id
}
