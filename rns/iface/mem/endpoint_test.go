package mem

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
)

// collector is a host that keeps what it receives.
type collector struct {
	mu     sync.Mutex
	frames [][]byte
	at     []time.Time
}

func (c *collector) Up()                                   {}
func (c *collector) Note(error)                            {}
func (c *collector) Spawn(iface.Interface) <-chan struct{} { return nil }
func (c *collector) Receive(fs []iface.Frame) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range fs {
		c.frames = append(c.frames, bytes.Clone(f.Data))
		c.at = append(c.at, time.Now())
	}
}

func (c *collector) all() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.frames
}

// serve runs an endpoint until the test ends.
func serve(t *testing.T, e *Endpoint, h iface.Host) {
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = e.Serve(ctx, h)
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	synctest.Wait()
}

func TestPairKeepsOrderUnderJitter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair("a", "b", Conditions{Delay: 50 * time.Millisecond, Jitter: 40 * time.Millisecond, Seed: 3})
		var got collector
		serve(t, a, &collector{})
		serve(t, b, &got)
		for i := range 100 {
			if err := a.Send(fmt.Appendf(nil, "%03d", i)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(49 * time.Millisecond)
		synctest.Wait()
		if n := len(got.all()); n != 0 {
			t.Fatalf("%d frames arrived before the delay", n)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		for i, f := range got.all() {
			if string(f) != fmt.Sprintf("%03d", i) {
				t.Fatalf("frame %d is %s", i, f)
			}
		}
		if n := len(got.all()); n != 100 {
			t.Fatalf("%d frames arrived", n)
		}
	})
}

func TestConditions(t *testing.T) {
	run := func(t *testing.T, c Conditions) (arrived int, inOrder bool) {
		synctest.Test(t, func(t *testing.T) {
			a, b := Pair("a", "b", c)
			var got collector
			serve(t, a, &collector{})
			serve(t, b, &got)
			for i := range 1000 {
				if err := a.Send(fmt.Appendf(nil, "%04d", i)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Millisecond)
			}
			time.Sleep(time.Second)
			synctest.Wait()
			frames := got.all()
			arrived, inOrder = len(frames), true
			for i := 1; i < len(frames); i++ {
				if bytes.Compare(frames[i-1], frames[i]) > 0 {
					inOrder = false
				}
			}
		})
		return arrived, inOrder
	}
	for _, c := range []struct {
		name     string
		cond     Conditions
		min, max int
		ordered  bool
	}{
		{"perfect", Conditions{}, 1000, 1000, true},
		{"loss", Conditions{Loss: 0.1, Seed: 1}, 850, 950, true},
		{"duplicate", Conditions{Duplicate: 0.1, Seed: 1}, 1050, 1150, true},
		{"reorder", Conditions{Reorder: 0.1, Seed: 1}, 1000, 1000, false},
		{"drop all", Conditions{Mutate: func(_, _ *Endpoint, _ []byte) []byte { return nil }}, 0, 0, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			n, ordered := run(t, c.cond)
			if n < c.min || n > c.max || ordered != c.ordered {
				t.Errorf("%d frames arrived, in order %v", n, ordered)
			}
			if again, _ := run(t, c.cond); again != n {
				t.Errorf("the same seed gave %d, then %d", n, again)
			}
		})
	}
}

func TestBandwidthBlocksTheSender(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := Pair("a", "b", Conditions{Bandwidth: 8000})
		serve(t, a, &collector{})
		serve(t, b, &collector{})
		start := time.Now()
		for range 10 {
			if err := a.Send(make([]byte, 100)); err != nil {
				t.Fatal(err)
			}
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("1000 bytes at 1000 byte/s took %v", d)
		}
	})
}

func TestHubReachesAllOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub(Conditions{})
		var got [3]collector
		var ends [3]*Endpoint
		for i := range ends {
			ends[i] = h.Attach(fmt.Sprint(i))
			serve(t, ends[i], &got[i])
		}
		if err := ends[1].Send([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		for i, want := range []int{1, 0, 1} {
			if n := len(got[i].all()); n != want {
				t.Errorf("endpoint %d received %d frames, want %d", i, n, want)
			}
		}
	})
}

func TestBreakAndRepair(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := New("a")
		cause := errors.New("cable pulled")
		result := make(chan error, 1)
		go func() { result <- e.Serve(t.Context(), &collector{}) }()
		synctest.Wait()
		e.Break(cause)
		if err := <-result; !errors.Is(err, cause) {
			t.Fatalf("Serve returned %v", err)
		}
		if err := e.Send([]byte("x")); !errors.Is(err, iface.ErrOffline) {
			t.Fatalf("Send returned %v", err)
		}
		e.Repair()
		var got collector
		serve(t, e, &got)
		e.Inject([]byte("frame"))
		if len(got.all()) != 1 {
			t.Fatal("injected frame did not arrive")
		}
		if err := e.Send([]byte("out")); err != nil {
			t.Fatal(err)
		}
		if s := e.Drain(); len(s) != 1 || string(s[0].Data) != "out" {
			t.Fatalf("drained %v", s)
		}
	})
}
