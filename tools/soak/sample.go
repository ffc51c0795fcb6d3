package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

const mib = 1 << 20

// sample is what the process used at one moment, and what it had done by then.
type sample struct {
	at         time.Duration
	heap, rss  float64 // MiB; heap is what lives after a collection
	goroutines int
	files      int
	done       counts
}

// counts are the operations finished, and the failed ones among them.
type counts struct{ announces, links, resources, forwarded, messages, failed int64 }

func (s sample) String() string {
	return fmt.Sprintf("| %s | %.1f | %.1f | %d | %d | %d | %d | %d | %d | %d | %d |", s.at.Round(time.Second), s.heap, s.rss,
		s.goroutines, s.files, s.done.announces, s.done.links, s.done.resources, s.done.forwarded, s.done.messages, s.done.failed)
}

func (w *world) sample(begin time.Time) sample {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	return sample{
		at: time.Since(begin), heap: float64(m.HeapAlloc) / mib, rss: resident(), goroutines: runtime.NumGoroutine(),
		files: len(files), done: w.counts(),
	}
}

// resident is the resident memory in MiB, 0 where /proc does not tell.
func resident() float64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte("VmRSS:"))
	var kib float64
	_, _ = fmt.Sscan(string(rest), &kib)
	return kib / 1024
}

// samples are those of one run.
type samples struct {
	begin time.Time
	list  []sample
}

// What may grow in the second half. Tables fill in the first: packet hashes, known destinations, page caches.
const (
	heapGrowth      = 0.05 // of the mean
	rssGrowth       = 0.10
	goroutineGrowth = 0.05
	fileGrowth      = 0.05
	slack           = 4     // MiB, goroutines, files: what one operation more or less makes
	failures        = 0.001 // of all operations
	rows            = 30    // of the table
)

// trend is the growth of a quantity over the second half: the slope of the line through its samples, times their span.
type trend struct {
	name, unit   string
	mean, growth float64
	limit        float64
}

func (s *samples) trend(name, unit string, limit float64, of func(sample) float64) trend {
	half := s.list[len(s.list)/2:]
	var sx, sy, sxx, sxy float64
	n := float64(len(half))
	for _, p := range half {
		x, y := p.at.Minutes(), of(p)
		sx, sy, sxx, sxy = sx+x, sy+y, sxx+x*x, sxy+x*y
	}
	t := trend{name: name, unit: unit, mean: sy / n}
	if d := n*sxx - sx*sx; d > 0 {
		t.growth = (n*sxy - sx*sy) / d * (half[len(half)-1].at - half[0].at).Minutes()
	}
	t.limit = limit*t.mean + slack
	return t
}

// report writes the document and says what is wrong with the run.
func (s *samples) report(out io.Writer, d time.Duration, size scale) error {
	if len(s.list) < 8 {
		return fmt.Errorf("%d samples tell nothing", len(s.list))
	}
	last, hashes := s.list[len(s.list)-1], "1,000,000"
	if size.hashes > 0 {
		hashes = fmt.Sprint(size.hashes, " (and ", size.hashes/4, " ways back, so that both tables are full before half time)")
	}
	fmt.Fprintf(out, "# Soak\n\n`go run ./tools/soak -duration %s`, %s, %s/%s, %d processors, %s. A client, a transport node and a server in one process,\n"+
		"connected by TCP, each with all tables; both ends store their messages durably. All loads run at once:\n"+
		"announces of known destinations, links through the transport node with packets both ways, resources of 1 MB, packets\n"+
		"forwarded between neighbours of the transport node, messages, direct and opportunistic. %d destinations announce themselves\n"+
		"again and again, %s packet hashes are remembered. *Heap* is what lives after a collection.\n\n",
		d, s.begin.Format(time.DateOnly), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version(), size.people, hashes)
	fmt.Fprintln(out, "| time | heap MiB | resident MiB | goroutines | files | announces | links | resources | forwarded | messages | failed |\n"+
		"|---|---|---|---|---|---|---|---|---|---|---|")
	step := max(1, len(s.list)/rows)
	for i := 0; i < len(s.list)-1; i += step {
		fmt.Fprintln(out, s.list[i])
	}
	fmt.Fprintf(out, "%s\n\nThe second half, where everything that fills has filled:\n\n| | mean | growth | allowed | verdict |\n|---|---|---|---|---|\n", last)
	var errs []error
	for _, t := range []trend{
		s.trend("heap", "MiB", heapGrowth, func(p sample) float64 { return p.heap }),
		s.trend("resident memory", "MiB", rssGrowth, func(p sample) float64 { return p.rss }),
		s.trend("goroutines", "", goroutineGrowth, func(p sample) float64 { return float64(p.goroutines) }),
		s.trend("open files", "", fileGrowth, func(p sample) float64 { return float64(p.files) }),
	} {
		verdict := "flat"
		if t.growth > t.limit {
			verdict = "**grows**"
			errs = append(errs, fmt.Errorf("%s grows by %.1f %s in the second half, %.1f are allowed", t.name, t.growth, t.unit, t.limit))
		}
		fmt.Fprintf(out, "| %s | %.1f %s | %+.1f | %.1f | %s |\n", t.name, t.mean, t.unit, t.growth, t.limit, verdict)
	}
	c := last.done
	if all := c.announces + c.links + c.resources + c.forwarded + c.messages; float64(c.failed) > failures*float64(all) {
		errs = append(errs, fmt.Errorf("%d of %d operations failed", c.failed, all))
	}
	for name, n := range map[string]int64{"announce": c.announces, "link": c.links, "resource": c.resources, "packet": c.forwarded, "message": c.messages} {
		if n == 0 {
			errs = append(errs, fmt.Errorf("not one %s got through", name))
		}
	}
	return errors.Join(errs...)
}
