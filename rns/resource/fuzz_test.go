package resource

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"meshchatx/rns"
)

func FuzzAdvertisement(f *testing.F) {
	a := Advertisement{
		TransferSize: 64, DataSize: 10, Parts: 1, Segment: 1, Segments: 1, Flags: FlagEncrypted, MapHashes: make([]byte, 4),
	}
	f.Add(a.Append(nil))
	a.HasRequestID, a.Flags = true, FlagEncrypted|FlagRequest
	f.Add(a.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := ParseAdvertisement(b)
		if err != nil {
			return
		}
		again, err := ParseAdvertisement(a.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), a.Append(nil)) {
			t.Fatal(err)
		}
		if a.Validate(464) != nil {
			return
		}
		in, err := NewIncoming(a)
		if err != nil {
			return
		}
		var out Output
		in.Begin(start, ReceiverConfig{Params: DefaultParams(), Advertisement: a, SDU: 464, LinkRTT: time.Second}, &out)
		in.Receiver().Part(start, make([]byte, 464), 483, &out)
		in.Cancel(ErrCancelled, &out)
	})
}

func FuzzPartRequest(f *testing.F) {
	f.Add(PartRequest{Wanted: make([]byte, 8)}.Append(nil))
	f.Add(PartRequest{Exhausted: true}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		q, err := ParsePartRequest(b)
		if err != nil {
			return
		}
		again, err := ParsePartRequest(q.Append(nil))
		if err != nil || !bytes.Equal(again.Append(nil), q.Append(nil)) {
			t.Fatal(err)
		}
		s := testSender(t, 40_000)
		q.Hash = s.cur.hash
		var out Output
		s.Request(start, rns.Hash{1}, q, &out)
		for n := 0; ; n++ {
			if _, ok := s.Next(start); !ok {
				break
			}
			if n > CollisionGuard+1 {
				t.Fatal("a request yields more than its scope")
			}
		}
	})
}

func FuzzHMU(f *testing.F) {
	f.Add(HashMapUpdate{Segment: 1, MapHashes: make([]byte, 4*13)}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		u, err := ParseHashMapUpdate(b)
		if err != nil {
			return
		}
		if again, err := ParseHashMapUpdate(u.Append(nil)); err != nil || again.Segment != u.Segment || !bytes.Equal(again.MapHashes, u.MapHashes) {
			t.Fatal(err)
		}
		r := NewReceiver(ReceiverConfig{
			Params: DefaultParams(), SDU: 464, LinkRTT: time.Second,
			Advertisement: Advertisement{Parts: 87, TransferSize: 87 * 464, MapHashes: make([]byte, 74*4)},
		})
		r.waiting = true
		var out Output
		r.Update(start, u, &out)
		if r.known() > len(r.parts) {
			t.Fatal("hash map overrun")
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte{0, 0, 1, 0xC0, 1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		meta, data, err := splitMetadata(b)
		if err != nil {
			if !errors.Is(err, rns.VerdictMalformed) {
				t.Fatal(err)
			}
			return
		}
		if again := append(appendMetadataBlock(nil, meta), data...); !bytes.Equal(again, b) {
			t.Fatal("round trip")
		}
	})
}

// testSender is a sender of n zero bytes whose first segment is advertised.
func testSender(t testing.TB, n int) *Sender {
	t.Helper()
	s, err := NewSender(SenderConfig{
		Params: DefaultParams(), Source: bytes.NewReader(make([]byte, n)), Size: int64(n), SDU: 464,
		Token: tokenOf(t, make([]byte, 64)), LinkRTT: time.Second, Rand: bytes.NewReader(make([]byte, 1000)),
	})
	if err != nil {
		t.Fatal(err)
	}
	job, err := s.Prepare()
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	s.Prepared(job.Run(), &out)
	s.Advertise(start, &out)
	return s
}
