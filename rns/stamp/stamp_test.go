package stamp_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"sync/atomic"
	"testing"

	"meshchatx/rns/stamp"
	"meshchatx/spec/vectortest"

	"pgregory.net/rapid"
)

// Workblocks and stamps of every use.
// spec: lxmf §6.1, §6.2
func TestVectorStamps(t *testing.T) {
	type vector struct {
		Material vectortest.Hex `json:"material"`
		Rounds   int            `json:"rounds"`
		Cost     int            `json:"cost"`
		Len      int            `json:"workblock_len"`
		Sum      vectortest.Hex `json:"workblock_sha256"`
		First    vectortest.Hex `json:"workblock_first64"`
		Last     vectortest.Hex `json:"workblock_last64"`
		Stamp    vectortest.Hex `json:"stamp"`
		Value    int            `json:"value"`
		Valid    bool           `json:"valid"`
		Above    bool           `json:"valid_at_value_plus_one"`

		Index   int            `json:"index"` // vectors of one round
		Segment vectortest.Hex `json:"segment"`
	}
	vectortest.Each(t, "lxmf.json", "stamps", func(t *testing.T, v vector) {
		if v.Segment != nil {
			block := stamp.Workblock(v.Material, v.Index+1, 2)
			if got := block[len(block)-256:]; !bytes.Equal(got, v.Segment) {
				t.Errorf("round %d gives %x, want %x", v.Index, got, v.Segment)
			}
			return
		}
		checkBlock(t, v.Material, v.Rounds, v.Sum)
		block := stamp.Workblock(v.Material, v.Rounds, 1)
		if len(block) != v.Len || !bytes.HasPrefix(block, v.First) || !bytes.HasSuffix(block, v.Last) {
			t.Errorf("workblock of %d bytes is not as expected", len(block))
		}
		w := stamp.NewWork(v.Material, v.Rounds, 2)
		if got := w.Value(v.Stamp); got != v.Value {
			t.Errorf("value %d, want %d", got, v.Value)
		}
		if got := w.Valid(v.Stamp, v.Cost); got != v.Valid {
			t.Errorf("valid for %d: %v, want %v", v.Cost, got, v.Valid)
		}
		if got := w.Valid(v.Stamp, v.Value+1); got != v.Above {
			t.Errorf("valid for one more than its value: %v, want %v", got, v.Above)
		}
	})
}

// Stamps of interface discovery.
// spec: rns-core §2.9, §22.3
func TestVectorDiscoveryStamps(t *testing.T) {
	type vector struct {
		Infohash vectortest.Hex `json:"infohash"`
		Rounds   int            `json:"expand_rounds"`
		Sum      vectortest.Hex `json:"workblock_sha256"`
		Stamp    vectortest.Hex `json:"stamp"`
		Value    int            `json:"value"`
		Valid    bool           `json:"valid_for_16"`
	}
	vectortest.Each(t, "rns-core.json", "discovery_stamps", func(t *testing.T, v vector) {
		checkBlock(t, v.Infohash, v.Rounds, v.Sum)
		w := stamp.NewWork(v.Infohash, stamp.DiscoveryRounds, 1)
		if got := w.Value(v.Stamp); got != v.Value {
			t.Errorf("value %d, want %d", got, v.Value)
		}
		if got := w.Valid(v.Stamp, 16); got != v.Valid {
			t.Errorf("valid for 16: %v, want %v", got, v.Valid)
		}
	})
}

func checkBlock(t *testing.T, material []byte, rounds int, sum []byte) {
	t.Helper()
	for workers := range 4 {
		if got := sha256.Sum256(stamp.Workblock(material, rounds, workers)); !bytes.Equal(got[:], sum) {
			t.Errorf("%d workers: workblock hashes to %x, want %x", workers, got, sum)
		}
	}
}

func TestValid(t *testing.T) {
	w := stamp.NewWork([]byte("material"), stamp.PeeringRounds, 1)
	s := make([]byte, stamp.Size)
	value := w.Value(s)
	for cost := -1; cost <= 300; cost++ {
		if got, want := w.Valid(s, cost), cost <= value; got != want {
			t.Errorf("value %d, cost %d: %v", value, cost, got)
		}
	}
	for _, n := range []int{0, 16, 31, 33, 64} {
		if w.Valid(make([]byte, n), 0) {
			t.Errorf("a stamp of %d bytes is valid", n)
		}
	}
}

// The first valid candidate is found whatever the number of workers, it is
// valid, and none before it is.
// spec: lxmf §6.2, §6.6
func TestSearch(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cost := rapid.IntRange(0, 14).Draw(t, "cost")
		start := rapid.Uint64Max(1<<40).Draw(t, "start")
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		w := stamp.NewWork(seed, stamp.PeeringRounds, 1)
		var first stamp.Found
		for workers := 1; workers <= 4; workers++ {
			var attempts atomic.Uint64
			found, err := w.Search(context.Background(), cost, stamp.Options{
				Workers: workers, Rand: bytes.NewReader(seed), Start: start, Attempts: &attempts,
			})
			if err != nil {
				t.Fatal(err)
			}
			if !w.Valid(found.Stamp[:], cost) || w.Value(found.Stamp[:]) != found.Value {
				t.Fatalf("%x is not valid for %d", found.Stamp, cost)
			}
			if workers == 1 {
				first = found
			}
			if found != first {
				t.Fatalf("%d workers found %x, one found %x", workers, found.Stamp, first.Stamp)
			}
			if attempts.Load() == 0 {
				t.Fatal("no attempts were counted")
			}
		}
	})
}

func TestSearchEndsWithContext(t *testing.T) {
	w := stamp.NewWork([]byte("material"), stamp.PeeringRounds, 1)
	reason := errors.New("cancelled by a person")
	ctx, cancel := context.WithCancelCause(context.Background())
	var attempts atomic.Uint64
	done := make(chan error)
	go func() {
		_, err := w.Search(ctx, 200, stamp.Options{Workers: 2, Attempts: &attempts})
		done <- err
	}()
	for attempts.Load() == 0 {
		select {
		case err := <-done:
			t.Fatalf("ended by itself: %v", err)
		default:
		}
	}
	cancel(reason)
	if err := <-done; !errors.Is(err, reason) {
		t.Errorf("got %v, want %v", err, reason)
	}
}

func TestSearchRefuses(t *testing.T) {
	w := stamp.NewWork([]byte("material"), 1, 1)
	if _, err := w.Search(context.Background(), stamp.MaxCost+1, stamp.Options{}); !errors.Is(err, stamp.ErrCost) {
		t.Errorf("cost 257: %v", err)
	}
	if _, err := w.Search(context.Background(), 1, stamp.Options{Rand: bytes.NewReader(nil)}); err == nil {
		t.Error("found a stamp without randomness")
	}
}

func BenchmarkWork(b *testing.B) {
	for _, workers := range []int{1, 2} {
		b.Run(string(rune('0'+workers))+" workers", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				stamp.NewWork(make([]byte, 32), stamp.MessageRounds, workers)
			}
		})
	}
}

func BenchmarkSearch(b *testing.B) {
	w := stamp.NewWork(make([]byte, 32), stamp.MessageRounds, 2)
	for _, workers := range []int{1, 2} {
		b.Run(string(rune('0'+workers))+" workers", func(b *testing.B) {
			var attempts atomic.Uint64
			for b.Loop() {
				if _, err := w.Search(context.Background(), 16, stamp.Options{Workers: workers, Attempts: &attempts}); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(attempts.Load())/b.Elapsed().Seconds(), "attempts/s")
		})
	}
}
