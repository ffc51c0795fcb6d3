package resource

import (
	"bytes"
	"math"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

type transferVector struct {
	Seed             string         `json:"data_seed"`
	Len              int            `json:"data_len"`
	MTU              int            `json:"mtu"`
	SecondsPerPacket float64        `json:"seconds_per_packet"`
	LinkRTT          float64        `json:"link_rtt"`
	Cost             int            `json:"establishment_cost"`
	Key              vectortest.Hex `json:"derived_key"`
	LinkID           vectortest.Hex `json:"link_id"`
	Prefix           vectortest.Hex `json:"stream_prefix"`
	IV               vectortest.Hex `json:"iv"`
	Random           vectortest.Hex `json:"random_hash"`
	Hash             vectortest.Hex `json:"hash"`
	Advertisement    vectortest.Hex `json:"advertisement"`
	Rounds           []struct {
		Request   vectortest.Hex `json:"request"`
		Window    int            `json:"window"`
		WindowMin int            `json:"window_min"`
		WindowMax int            `json:"window_max"`
	} `json:"rounds"`
	Updates     []vectortest.Hex `json:"hashmap_updates"`
	Proof       vectortest.Hex   `json:"proof_payload"`
	ProofRaw    vectortest.Hex   `json:"proof_raw"`
	FinalWindow int              `json:"final_window"`
	FinalEIFR   float64          `json:"final_eifr"`

	Role         string         `json:"role"`
	Events       []retryEvent   `json:"events"`
	Result       string         `json:"result"`
	FinishedAt   float64        `json:"finished_at"`
	Normative    bool           `json:"normative"`
	TimeoutGiven *float64       `json:"timeout_given"`
	Expected     vectortest.Hex `json:"expected_proof"`
}

type retryEvent struct {
	At        float64        `json:"at"`
	Event     string         `json:"event"`
	Number    int            `json:"number"`
	Index     int            `json:"index"`
	Lost      bool           `json:"lost"`
	Accepted  *bool          `json:"accepted"`
	Plaintext vectortest.Hex `json:"plaintext"`
	Deadline  *float64       `json:"deadline"`
	Window    int            `json:"window"`
	WindowMin int            `json:"window_min"`
	WindowMax int            `json:"window_max"`
	Retries   int            `json:"retries_left"`
	Received  int            `json:"received"`
	Out       int            `json:"outstanding"`
	Waiting   bool           `json:"waiting_for_hmu"`
	First     int            `json:"first"`
	Sent      []int          `json:"parts_sent"`
	RTT       float64        `json:"resource_rtt"`
	Status    int            `json:"status"`
	Same      bool           `json:"repeats_first"`
}

func (v transferVector) sender(t *testing.T) *Sender {
	t.Helper()
	c := SenderConfig{
		Params: DefaultParams(), Source: bytes.NewReader(vectortest.Payload(v.Seed, v.Len)), Size: int64(v.Len),
		SDU: SDU(v.MTU), Token: tokenOf(t, make([]byte, 64)), LinkRTT: seconds(v.LinkRTT),
		Rand: bytes.NewReader(make([]byte, 24)),
	}
	if v.Key != nil {
		c.Token, c.LinkID = tokenOf(t, v.Key), rns.Addr(v.LinkID)
		c.Rand = bytes.NewReader(append(append(append([]byte(nil), v.Prefix...), v.IV...), v.Random...))
	}
	if v.TimeoutGiven != nil {
		c.AdvertTimeout = seconds(*v.TimeoutGiven)
	}
	return prepared(t, c)
}

func (v transferVector) receiver(t *testing.T) *Incoming {
	t.Helper()
	a, err := ParseAdvertisement(v.Advertisement)
	if err != nil {
		t.Fatal(err)
	}
	in, err := NewIncoming(a)
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func (v transferVector) receiverConfig(t *testing.T, in *Incoming) ReceiverConfig {
	return ReceiverConfig{
		Params: DefaultParams(), Advertisement: in.first, SDU: SDU(v.MTU), Token: tokenOf(t, v.Key),
		LinkRTT: seconds(v.LinkRTT), EstablishmentCost: max(v.Cost, 204),
	}
}

// TestVectorResourceTransfer runs whole transfers with a clock that advances with every packet.
func TestVectorResourceTransfer(t *testing.T) {
	vectortest.Each(t, vectors, "resource_transfer", func(t *testing.T, v transferVector) {
		s, in := v.sender(t), v.receiver(t)
		if got := s.advertisement().Append(nil); !bytes.Equal(got, v.Advertisement) {
			t.Fatal("advertisement differs")
		}
		now := start
		tick := func() { now = now.Add(seconds(v.SecondsPerPacket)) }
		tick()
		var toSender, toReceiver Output
		in.Accept()
		in.Begin(now, v.receiverConfig(t, in), &toSender)
		updates := v.Updates
		for i := 0; toSender.Assemble == nil; i++ {
			r := in.Receiver()
			got := [3]int{r.window.size, r.window.min, r.window.max}
			want := v.Rounds[i]
			if !bytes.Equal(toSender.Messages[0].Body, want.Request) || got != [3]int{want.Window, want.WindowMin, want.WindowMax} {
				t.Fatalf("round %d: window %v, want %+v; request %x", i, got, want, toSender.Messages[0].Body)
			}
			q, err := ParsePartRequest(toSender.Messages[0].Body)
			if err != nil {
				t.Fatal(err)
			}
			toSender.Reset()
			tick()
			if got := s.Request(now, rns.FullHash([]byte{byte(i), byte(i >> 8)}), q, &toReceiver); got != rns.VerdictDelivered {
				t.Fatal(got)
			}
			for m, ok := s.Next(now); ok; m, ok = s.Next(now) {
				tick()
				if m.Context == rns.ContextResource {
					if !r.Part(now, m.Body, 19+len(m.Body), &toSender) {
						t.Fatal("part refused")
					}
					continue
				}
				if !bytes.Equal(m.Body, updates[0]) {
					t.Fatal("hash map update differs")
				}
				updates = updates[1:]
				u, _ := ParseHashMapUpdate(m.Body)
				if got := r.Update(now, u, &toSender); got != rns.VerdictDelivered {
					t.Fatal(got)
				}
			}
		}
		if in.Receiver().Window() != v.FinalWindow {
			t.Errorf("window %d, want %d", in.Receiver().Window(), v.FinalWindow)
		}
		if eifr := in.Receiver().Rate(); math.Abs(eifr/v.FinalEIFR-1) > 1e-3 {
			t.Errorf("rate %v, want %v", eifr, v.FinalEIFR)
		}
		in.Assembling()
		seg, err := in.Assembled(toSender.Assemble.Run())
		if err != nil || !bytes.Equal(seg.Data, vectortest.Payload(v.Seed, v.Len)) {
			t.Fatal(err)
		}
		toSender.Reset()
		in.Stored(&toSender)
		if !bytes.Equal(toSender.Messages[0].Body, v.Proof) {
			t.Fatal("proof differs")
		}
		if got := s.Proof(now, toSender.Messages[0].Body); got != rns.VerdictDelivered || s.Status() != StatusComplete {
			t.Fatal(got, s.Status())
		}
	})
}

func TestVectorResourceRetry(t *testing.T) {
	vectortest.Each(t, vectors, "resource_retry", func(t *testing.T, v transferVector) {
		if v.Role == "sender" {
			v.runSender(t)
		} else {
			v.runReceiver(t)
		}
	})
}

func near(a time.Time, b float64) bool { return a.Sub(at(b)).Abs() <= 5*time.Millisecond }

// runReceiver feeds the parts and updates of the vector, and compares requests and the state after each event. Where the
// reference ignores a part by its defect the comparison ends, and the rest only has to complete.
func (v transferVector) runReceiver(t *testing.T) {
	seg, in := v.sender(t).cur, v.receiver(t)
	var out Output
	in.Accept()
	in.Begin(start, v.receiverConfig(t, in), &out)
	r := in.Receiver()
	strict := true
	for i, e := range v.Events {
		if strict && e.Deadline != nil {
			if due := r.Deadline(); !near(due, *e.Deadline) {
				t.Fatalf("event %d: deadline %v, want %v", i, due.Sub(start), *e.Deadline)
			}
			r.Expire(at(e.At), &out)
		}
		if e.Lost && e.Event != "request" {
			continue
		}
		switch e.Event {
		case "request":
			if strict && (len(out.Messages) == 0 || !bytes.Equal(out.Messages[0].Body, e.Plaintext)) {
				t.Fatalf("event %d: request differs: %v", i, out.Messages)
			}
			out.Reset()
		case "part":
			got := r.Part(at(e.At), seg.part(e.Index), 19+len(seg.part(e.Index)), &out)
			if got != *e.Accepted {
				if v.Normative {
					t.Fatalf("event %d: part %d accepted %v", i, e.Index, got)
				}
				strict = false
			} else if !got && !v.Normative {
				strict = false // the reference renews its timer for duplicates
			}
		case "hmu":
			u := HashMapUpdate{Hash: seg.hash, Segment: r.known() / HashMapSegment}
			from := r.known()
			u.MapHashes = seg.mapHashes[from*MapHashSize : min(from+HashMapSegment, seg.parts)*MapHashSize]
			got := r.Update(at(e.At), u, &out)
			if (got == rns.VerdictDelivered) != *e.Accepted {
				t.Fatalf("event %d: update %v", i, got)
			}
		case "cancel":
			if r.Status() != StatusFailed {
				t.Fatalf("event %d: not failed", i)
			}
			return
		}
		// A request that completes a round is a separate event of the vector with the state after it.
		if strict && (e.Event == "request" || len(out.Messages) == 0) && r.Status() == StatusTransferring {
			type state struct {
				W, Min, Max, Retries, Received, Out int
				Waiting                             bool
			}
			got := state{r.window.size, r.window.min, r.window.max, r.retries, r.received, r.outstanding, r.waiting}
			want := state{e.Window, e.WindowMin, e.WindowMax, e.Retries, e.Received, e.Out, e.Waiting}
			if got != want && e.Event != "hmu" {
				t.Fatalf("event %d %s at %v: state %+v, want %+v", i, e.Event, e.At, got, want)
			}
		}
	}
	if (v.Result == "complete") != (r.Status() == StatusAssembling) && strict {
		t.Errorf("result %v, want %v", r.Status(), v.Result)
	}
}

// runSender plays the requests and the proof of the vector against the timers of the sender.
func (v transferVector) runSender(t *testing.T) {
	s := v.sender(t)
	first := s.advertisement().Append(nil)
	var out Output
	n := 0
	for i, e := range v.Events {
		now := at(e.At)
		if e.Deadline != nil {
			if due := s.Deadline(); !near(due, *e.Deadline) {
				t.Fatalf("event %d: deadline %v, want %v", i, due.Sub(start), *e.Deadline)
			}
			s.Expire(now, &out)
		}
		switch e.Event {
		case "advertisement":
			if i > 0 && (len(out.Messages) != 1 || bytes.Equal(out.Messages[0].Body, first) != e.Same) {
				t.Fatalf("event %d: no equal advertisement", i)
			}
		case "request":
			q := PartRequest{Hash: s.cur.hash}
			for k := e.First; k < e.First+e.Number; k++ {
				q.Wanted = append(q.Wanted, s.cur.mapHash(k)...)
			}
			n++
			if got := s.Request(now, rns.FullHash([]byte{byte(n)}), q, &out); got != rns.VerdictDelivered {
				t.Fatal(got)
			}
			for _, k := range e.Sent {
				m, ok := s.Next(now)
				if !ok || !bytes.Equal(m.Body, s.cur.part(k)) {
					t.Fatalf("event %d: part %d not sent", i, k)
				}
			}
			if _, more := s.Next(now); more {
				t.Fatalf("event %d: more parts sent", i)
			}
			if math.Abs(s.flight.rtt.Seconds()-e.RTT) > 0.005 {
				t.Fatalf("event %d: rtt %v, want %v", i, s.flight.rtt, e.RTT)
			}
		case "cache request":
			h := ProofPacketHash(s.c.LinkID, s.proofPayload())
			if len(out.Messages) != 1 || out.Messages[0].Context != rns.ContextCacheRequest || !bytes.Equal(out.Messages[0].Body, h[:]) {
				t.Fatalf("event %d: no cache request", i)
			}
		case "cancel":
			if len(out.Messages) != 1 || out.Messages[0].Context != rns.ContextResourceICL {
				t.Fatalf("event %d: no cancel", i)
			}
		case "proof":
			if got := s.Proof(now, s.proofPayload()); got != rns.VerdictDelivered {
				t.Fatal(got)
			}
		}
		if int(s.Status()) != e.Status {
			t.Fatalf("event %d: status %v, want %d", i, s.Status(), e.Status)
		}
		if !s.Status().Concluded() && s.flight.retries != e.Retries {
			t.Fatalf("event %d %s: retries %d, want %d", i, e.Event, s.flight.retries, e.Retries)
		}
		out.Reset()
	}
	if (v.Result == "complete") != (s.Status() == StatusComplete) {
		t.Errorf("result %v, want %v", s.Status(), v.Result)
	}
}
