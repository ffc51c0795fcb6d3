package link

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
	"meshchatx/rns/resource"
)

func randomBytes(seed uint64, n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), 3}).Read(b)
	return b
}

// give sends a resource from end 0.
func (w *world) give(data []byte, o ResourceOptions) TransferID {
	w.t.Helper()
	o.Source, o.Size = bytes.NewReader(data), int64(len(data))
	id, fx, err := w.ends[0].link.SendResource(w.now, o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.apply(0, fx)
	return id
}

// concluded returns how a transfer ended at an end.
func (w *world) concluded(end int, id TransferID) (TransferConcluded, bool) {
	for _, c := range eventsOf[TransferConcluded](w.ends[end]) {
		if c.Transfer == id {
			return c, true
		}
	}
	return TransferConcluded{}, false
}

func compress(src []byte) []byte { return bzip2.Compress(nil, src) }

// spec: rns-link §1.2
func TestTransfers(t *testing.T) {
	text := bytes.Repeat([]byte("compressible text "), 100_000)
	tests := map[string]struct {
		mtu  int
		data []byte
		o    ResourceOptions
	}{
		"one byte":            {500, []byte("x"), ResourceOptions{}},
		"metadata only":       {500, nil, ResourceOptions{Metadata: []byte{0xC0}}},
		"one segment":         {500, randomBytes(1, resource.SegmentSize), ResourceOptions{}},
		"one byte more":       {8192, randomBytes(2, resource.SegmentSize+1), ResourceOptions{}},
		"three segments":      {8192, randomBytes(3, 2_500_000), ResourceOptions{Metadata: []byte{0xC3}}},
		"metadata fills":      {524288, randomBytes(4, 900_000), ResourceOptions{Metadata: randomMsgpack(400_000)}},
		"large packets":       {262144, randomBytes(5, 3_000_000), ResourceOptions{}},
		"compressed":          {500, text, ResourceOptions{Compress: compress}},
		"not worth it":        {8192, randomBytes(6, 50_000), ResourceOptions{Compress: compress}},
		"compressed segments": {8192, append(text, randomBytes(7, 100)...), ResourceOptions{Compress: compress}},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := established(t, options{wire: quick, mtu: c.mtu})
			app := newAcceptAll()
			w.ends[1].react = app.react
			id := w.give(c.data, c.o)
			w.run(w.now.Add(time.Hour), func() bool { _, ok := w.concluded(0, id); return ok })
			end, _ := w.concluded(0, id)
			if end.Status != resource.StatusComplete || end.Err != nil || len(app.finished) != 1 {
				t.Fatal(end, app.finished)
			}
			got := app.finished[0]
			if !bytes.Equal(app.data[got], c.data) || !bytes.Equal(app.meta[got], c.o.Metadata) {
				t.Error("content differs")
			}
			if other, ok := w.concluded(1, got); !ok || other.Status != resource.StatusComplete || other.Hash != end.Hash {
				t.Error(other, ok)
			}
			for i, e := range w.ends {
				if s := e.link.Snapshot(); len(s.Transfers) > 0 {
					t.Errorf("end %d keeps %+v", i, s.Transfers)
				}
			}
		})
	}
}

func randomMsgpack(n int) []byte { return bin(n) }

func TestTransfersOfOneLinkTakeTurns(t *testing.T) {
	w := established(t, options{wire: quick, mtu: 1024})
	app := newAcceptAll()
	w.ends[1].react = app.react
	var want [][]byte
	for i := range 10 {
		want = append(want, randomBytes(uint64(i), 30_000))
		w.give(want[i], ResourceOptions{})
		if n := len(w.ends[1].link.Snapshot().Transfers); n > 1 {
			t.Fatal("more than one at a time")
		}
	}
	w.run(w.now.Add(time.Hour), func() bool { return len(app.finished) == 10 })
	for i, id := range app.finished {
		if !bytes.Equal(app.data[id], want[i]) {
			t.Error("order or content differs")
		}
	}
	for range w.ends[0].link.params.MaxOutgoing {
		w.ends[0].link.SendResource(w.now, ResourceOptions{Source: bytes.NewReader([]byte{1}), Size: 1})
	}
	if _, _, err := w.ends[0].link.SendResource(w.now, ResourceOptions{Source: bytes.NewReader([]byte{1}), Size: 1}); !errors.Is(err, ErrBusy) {
		t.Error(err)
	}
}

// spec: rns-link §8.10
func TestTransferEnds(t *testing.T) {
	data := randomBytes(9, 200_000)
	underWay := func(w *world) {
		w.run(w.now.Add(time.Minute), func() bool { return len(eventsOf[TransferProgress](w.ends[1])) > 3 })
	}
	tests := map[string]struct {
		react  func(now time.Time, l *Link, e Event) []*Effects
		during func(w *world, id TransferID)
		sender error
	}{
		"rejected": {
			react: func(now time.Time, l *Link, e Event) []*Effects {
				if a, ok := e.(TransferAdvertised); ok {
					fx, _ := l.RejectResource(now, a.Transfer)
					return []*Effects{fx}
				}
				return nil
			}, sender: rns.VerdictResourceRejected,
		},
		"ignored": {
			react: func(now time.Time, l *Link, e Event) []*Effects {
				if a, ok := e.(TransferAdvertised); ok {
					fx, _ := l.IgnoreResource(now, a.Transfer)
					return []*Effects{fx}
				}
				return nil
			}, sender: resource.ErrNoAnswer,
		},
		"undecided": {react: nil, sender: resource.ErrNoAnswer},
		"cancelled by the sender": {
			react: newAcceptAll().react, sender: rns.VerdictCancelled,
			during: func(w *world, id TransferID) {
				underWay(w)
				fx, err := w.ends[0].link.CancelResource(w.now, id)
				if err != nil {
					w.t.Error(err)
				}
				w.apply(0, fx)
			},
		},
		"cancelled by the receiver": {
			react: newAcceptAll().react, sender: rns.VerdictResourceRejected,
			during: func(w *world, _ TransferID) {
				underWay(w)
				fx, err := w.ends[1].link.CancelResource(w.now, w.ends[1].link.Snapshot().Transfers[0].ID)
				if err != nil {
					w.t.Error(err)
				}
				w.apply(1, fx)
			},
		},
		"storage refuses": {
			react: func(now time.Time, l *Link, e Event) []*Effects {
				if s, ok := e.(SegmentReceived); ok {
					fx, _ := l.ConcludeSegment(now, s.Transfer, Refused)
					return []*Effects{fx}
				}
				return newAcceptAll().react(now, l, e)
			}, sender: rns.VerdictResourceRejected,
		},
		"storage says nothing": {
			react: func(now time.Time, l *Link, e Event) []*Effects {
				if _, ok := e.(SegmentReceived); ok {
					return nil
				}
				return newAcceptAll().react(now, l, e)
			}, sender: rns.VerdictResourceRejected,
		},
		"receiver falls silent": {
			react: newAcceptAll().react, sender: ErrClosed, // the link notices first
			during: func(w *world, _ TransferID) {
				underWay(w)
				w.wire.drop = func(_ int, p rns.Packet) bool { return p.Context != rns.ContextKeepalive }
			},
		},
		"link closes": {
			react: newAcceptAll().react, sender: ErrClosed,
			during: func(w *world, _ TransferID) { underWay(w); w.apply(1, w.ends[1].link.Close(w.now)) },
		},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			w := established(t, options{wire: quick})
			w.ends[1].react = c.react
			id := w.give(data, ResourceOptions{})
			if c.during != nil {
				c.during(w, id)
			}
			w.settle(20 * time.Minute)
			end, ok := w.concluded(0, id)
			if !ok || !errors.Is(end.Err, c.sender) || !end.Status.Concluded() || end.Status == resource.StatusComplete {
				t.Fatalf("sender: %+v", end)
			}
			for _, f := range w.ends[1].frames {
				if f.Context == rns.ContextResourcePRF {
					t.Error("proved")
				}
			}
			for i, e := range w.ends {
				announced := len(eventsOf[TransferAdvertised](e))
				if i == 0 {
					announced = 1
				}
				if n := len(eventsOf[TransferConcluded](e)); n != announced {
					t.Errorf("end %d: %d conclusions of %d transfers", i, n, announced)
				}
				if s := e.link.Snapshot(); len(s.Transfers) > 0 {
					t.Errorf("end %d keeps %+v", i, s.Transfers)
				}
			}
		})
	}
}

func TestProofFollowsStorage(t *testing.T) {
	w := established(t, options{wire: quick})
	data := randomBytes(1, 5000)
	var got SegmentReceived
	w.ends[1].react = func(now time.Time, l *Link, e Event) []*Effects {
		if s, ok := e.(SegmentReceived); ok {
			got = s
			return nil
		}
		return newAcceptAll().react(now, l, e)
	}
	id := w.give(data, ResourceOptions{})
	w.settle(5 * time.Second)
	if !bytes.Equal(got.Data, data) || !got.Final {
		t.Fatal("nothing received")
	}
	if _, done := w.concluded(0, id); done {
		t.Fatal("concluded before it was stored")
	}
	fx, err := w.ends[1].link.ConcludeSegment(w.now, got.Transfer, Stored)
	if err != nil {
		t.Fatal(err)
	}
	w.apply(1, fx)
	w.settle(time.Second)
	if end, _ := w.concluded(0, id); end.Status != resource.StatusComplete {
		t.Error(end)
	}
}

func TestLostProofIsSentAgain(t *testing.T) {
	w := established(t, options{wire: quick})
	app := newAcceptAll()
	w.ends[1].react = app.react
	lost := 0
	w.wire.drop = func(_ int, p rns.Packet) bool {
		if p.Context == rns.ContextResourcePRF && lost < 2 {
			lost++
			return true
		}
		return false
	}
	id := w.give(randomBytes(1, 2_000_000), ResourceOptions{})
	w.run(w.now.Add(time.Hour), func() bool { _, ok := w.concluded(0, id); return ok })
	if end, _ := w.concluded(0, id); end.Status != resource.StatusComplete || len(app.finished) != 1 {
		t.Error(end, app.finished)
	}
}

func TestCorruptContentIsNotProved(t *testing.T) {
	w := established(t, options{wire: quick})
	app := newAcceptAll()
	w.ends[1].react = app.react
	s := w.ends[0].link
	_, fx, err := s.SendResource(w.now, ResourceOptions{Source: bytes.NewReader(make([]byte, 900)), Size: 900})
	if err != nil {
		t.Fatal(err)
	}
	// A sender with a wrong hash in its advertisement: the map hashes fit, the content does not.
	fx = s.JobDone(w.now, fx.Jobs[0].Run())
	plain, _ := s.keys.token.Decrypt(nil, parse(t, fx.Send[0].Raw).Data)
	a, _ := resource.ParseAdvertisement(plain)
	a.Hash[0] ^= 1
	a.Original = a.Hash
	fx, _ = s.SendContext(w.now, rns.ContextResourceAdv, a.Append(nil))
	w.apply(0, fx)
	w.settle(20 * time.Millisecond)
	q := resource.PartRequest{Hash: a.Hash, Wanted: a.MapHashes}
	q.Hash[0] ^= 1
	fx, _ = w.ends[1].link.SendContext(w.now, rns.ContextResourceReq, q.Append(nil))
	w.apply(1, fx)
	w.settle(time.Minute)
	end := eventsOf[TransferConcluded](w.ends[1])
	if len(end) != 1 || end[0].Status != resource.StatusCorrupt || !errors.Is(end[0].Err, rns.VerdictCorrupt) {
		t.Fatal(end)
	}
	if w.ends[1].link.State() != Active || len(app.finished) > 0 {
		t.Error("closed or delivered")
	}
}

func TestDecompressionBombClosesTheLink(t *testing.T) {
	w := established(t, options{wire: quick})
	w.ends[1].react = newAcceptAll().react
	bomb := bzip2.Compress(nil, make([]byte, 8<<20))
	w.give(make([]byte, resource.SegmentSize), ResourceOptions{Compress: func([]byte) []byte { return bomb }})
	w.settle(time.Minute)
	end := eventsOf[TransferConcluded](w.ends[1])
	if len(end) != 1 || !errors.Is(end[0].Err, rns.VerdictDecompression) || w.ends[1].link.State() != Dead {
		t.Fatal(end, w.ends[1].link.State())
	}
}

// spec: rns-link §8.3
func TestIncomingTransfersAreBounded(t *testing.T) {
	w := established(t, options{wire: quick})
	l := w.ends[1].link
	for i := range 2 * l.params.MaxIncoming {
		h := rns.FullHash([]byte{byte(i)})
		a := resource.Advertisement{
			TransferSize: 64, DataSize: 10, Parts: 1, Hash: h, Original: h, Segment: 1, Segments: 1,
			Flags: resource.FlagEncrypted, MapHashes: make([]byte, 4),
		}
		fx, err := w.ends[0].link.SendContext(w.now, rns.ContextResourceAdv, a.Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		raw := fx.Send[0].Raw
		fx = l.Receive(w.now, raw, parse(t, raw), 1)
		if want := i < l.params.MaxIncoming; (fx.Verdict == rns.VerdictDelivered) != want {
			t.Fatal(i, fx.Verdict)
		}
	}
	w.settle(l.params.DecisionTimeout + time.Second)
	if n := len(l.Snapshot().Transfers); n != 0 {
		t.Error("undecided transfers kept:", n)
	}
}

// A window on a slow medium waits for it: parts leave at the rate of the medium and nobody times out.
func TestSlowMediumIsNotOverrun(t *testing.T) {
	w := established(t, options{wire: wire{delay: 500 * time.Millisecond}})
	w.wire.rate = 125 // 1 kbit/s
	app := newAcceptAll()
	w.ends[1].react = app.react
	data := randomBytes(4, 6000)
	id := w.give(data, ResourceOptions{})
	began := w.now
	w.run(w.now.Add(time.Hour), func() bool { _, ok := w.concluded(0, id); return ok })
	end, _ := w.concluded(0, id)
	if end.Status != resource.StatusComplete || !bytes.Equal(app.data[app.finished[0]], data) {
		t.Fatal(end)
	}
	var parts int
	for _, f := range w.ends[0].frames {
		if f.Context == rns.ContextResource {
			parts++
		}
	}
	t.Logf("%d parts sent for 13 in %v", parts, w.now.Sub(began))
	if parts > 26 {
		t.Errorf("%d parts sent for 13", parts)
	}
}

// Every transfer over a bad wire completes or fails with a named reason, at both ends, without double delivery.
func TestPropertyTransfersEnd(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		o := options{
			seed: rapid.Uint64Range(0, 1<<16-1).Draw(r, "seed"),
			mtu:  rapid.SampledFrom([]int{500, 1024, 8192, 262144}).Draw(r, "mtu"),
			wire: wire{
				delay:  time.Duration(rapid.IntRange(0, 300).Draw(r, "delay")) * time.Millisecond,
				jitter: time.Duration(rapid.IntRange(0, 100).Draw(r, "jitter")) * time.Millisecond,
				loss:   float64(rapid.IntRange(0, 20).Draw(r, "loss")) / 100,
				dup:    float64(rapid.IntRange(0, 20).Draw(r, "dup")) / 100,
			},
		}
		w := established(t, o)
		app := newAcceptAll()
		w.ends[1].react = app.react
		sent := map[string]bool{}
		var ids []TransferID
		for i := range rapid.IntRange(1, 3).Draw(r, "transfers") {
			n := rapid.IntRange(1, 150_000).Draw(r, "size")
			if rapid.IntRange(0, 9).Draw(r, "large") == 0 {
				n += resource.SegmentSize
			}
			data := randomBytes(o.seed+uint64(i)*77, n)
			sent[string(data)] = true
			ids = append(ids, w.give(data, ResourceOptions{}))
		}
		w.run(w.now.Add(6*time.Hour), func() bool { return len(eventsOf[TransferConcluded](w.ends[0])) == len(ids) })
		w.settle(2 * time.Hour)
		complete := 0
		for _, id := range ids {
			end, ok := w.concluded(0, id)
			if !ok {
				r.Fatalf("transfer %d never ended", id)
			}
			if end.Status == resource.StatusComplete {
				complete++
			} else if end.Err == nil {
				r.Fatalf("failed without reason: %+v", end)
			}
		}
		for _, id := range app.finished {
			if !sent[string(app.data[id])] {
				r.Fatal("delivered something else, or twice")
			}
			delete(sent, string(app.data[id]))
		}
		if complete > len(app.finished) {
			r.Fatalf("%d proved, %d delivered", complete, len(app.finished))
		}
		// Lost keepalives may end the link first, and a proof is asked for a few times only; with the link alive, next to no loss
		// must not end a transfer.
		if o.wire.loss <= 0.01 && complete != len(ids) && w.ends[0].link.State() == Active {
			for _, id := range ids {
				end, _ := w.concluded(0, id)
				r.Logf("%d: %v %v", id, end.Status, end.Err)
			}
			r.Fatal("not complete with hardly any loss")
		}
		for _, e := range w.ends {
			if s := e.link.Snapshot(); len(s.Transfers) > 0 {
				r.Fatalf("left behind: %+v", s.Transfers)
			}
		}
	})
}
