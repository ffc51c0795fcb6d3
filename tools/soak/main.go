// Command soak runs three nodes at full load for a long time and fails if memory, goroutines or open files grow: announces, links,
// resources, forwarding and messages with a durable store, all at once, from a client through a transport node to a server. It
// prints a table of samples and the slopes of the second half, and writes them into a file, such as docs/soak.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	duration := flag.Duration("duration", 30*time.Minute, "how long the load lasts")
	every := flag.Duration("every", 0, "time between two samples; a sixtieth of the duration, at most 30s, if 0")
	report := flag.String("report", "", "file for the report, besides standard output")
	people := flag.Int("people", 5_000, "destinations that announce themselves again and again")
	heap := flag.String("heap", "", "directory for profiles of the heap at half time and at the end, to compare where something grows")
	flag.Parse()
	size := scale{people: *people}
	if *duration < fullScale {
		size = scale{people: min(*people, 500), hashes: 200_000}
	}
	if *every == 0 {
		*every = min(max(*duration/60, time.Second), 30*time.Second)
	}
	dir, err := os.MkdirTemp("", "meshchatx-soak-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := newWorld(ctx, dir, size)
	if err != nil {
		return err
	}
	w.heap = *heap
	samples, err := w.endure(ctx, *duration, *every)
	if err = errors.Join(err, w.close()); err != nil {
		return err
	}
	var text strings.Builder
	verdict := samples.report(&text, *duration, size)
	fmt.Print(text.String())
	if *report != "" {
		verdict = errors.Join(verdict, os.WriteFile(*report, []byte(text.String()), 0o644)) //nolint:gosec // a document
	}
	return verdict
}

// fullScale is the duration from which tables of production size fill in the first half.
const fullScale = 25 * time.Minute

// scale is the size of what fills during a run.
type scale struct {
	people int // who announce themselves again and again
	hashes int // packet hashes remembered, 0 for the production value
}

// profile writes what the heap holds.
func (w *world) profile() error {
	w.profiled++
	f, err := os.Create(filepath.Join(w.heap, fmt.Sprintf("heap-%d.pprof", w.profiled)))
	if err != nil {
		return err
	}
	return errors.Join(pprof.WriteHeapProfile(f), f.Close())
}

// endure runs the loads until the time is over and samples meanwhile.
func (w *world) endure(ctx context.Context, d, every time.Duration) (*samples, error) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	w.start(ctx)
	s := &samples{begin: time.Now()}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			one := w.sample(s.begin)
			s.list = append(s.list, one)
			if w.heap != "" && one.at >= d*time.Duration(w.profiled+1)/2-every {
				if err := w.profile(); err != nil {
					return s, err
				}
			}
			fmt.Fprintln(os.Stderr, one)
		case <-ctx.Done():
			w.loads.Wait()
			if !errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return s, context.Cause(ctx)
			}
			return s, nil
		}
	}
}
