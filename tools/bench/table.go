package main

import (
	"fmt"
	"io"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// better says in which direction a figure improves.
type better uint8

const (
	more better = iota
	less
)

// figure is a row of the table.
type figure struct {
	key, name string
	unit      string
	better    better
	bar, goal float64 // 0: no goal beyond the bar; a bar below 0: no bar
}

var figures = []figure{
	{"verify", "this machine: Ed25519 verifications, all cores", "/s", more, -1, 0},
	{"start", "start to listening, bare node", "s", less, 0.05, 0},
	{"idle-memory", "idle memory, bare node", "MiB", less, 16, 0},
	{"idle-cpu", "idle CPU, bare node", "% of a core", less, 0.2, 0},
	{"announces", "announces over TCP until in the path table", "/s", more, 10_000, 20_000},
	{"announces-cpu", "… CPU of each", "µs", less, 200, 100},
	{"announces-lost", "… of them lost", "", less, 0, 0},
	{"known-memory", "memory per known destination", "B", less, 2048, 0},
	{"million-memory", "resident memory with 1,000,000 destinations", "MiB", less, 2048, 0},
	{"million-peak", "… its peak, saving included", "MiB", less, 2048, 0},
	{"million-known", "… live heap per destination", "B", less, 2048, 0},
	{"million-lost", "… announces lost", "", less, 0, 0},
	{"million-file", "… on the disk per destination", "B", less, -1, 0},
	{"million-save", "… to save them, closing", "s", less, -1, 0},
	{"million-load", "… to load them, starting", "s", less, -1, 0},
	{"million-loaded", "… peak of memory while loading", "MiB", less, 2048, 0},
	{"links", "link set-up, sequential", "/s", more, 1_600, 2_000},
	{"links-hop", "… one hop", "/s", more, -1, 0},
	{"rtt", "round trip of a small packet, direct", "ms", less, 0.25, 0.15},
	{"rtt-hop", "… one hop", "ms", less, 0.35, 0.25},
	{"relay", "forwarding small packets", "/s", more, 100_000, 250_000},
	{"relay-cpu", "… CPU per packet", "µs", less, 8, 3},
	{"relay-allocs", "… allocations per packet", "", less, 0.05, 0},
	{"relay-lost", "… lost", "", less, 0, 0},
	{"resource-1", "resource of 1 MB, direct", "MB/s", more, 80, 150},
	{"resource-10", "resource of 10 MB, direct", "MB/s", more, 80, 150},
	{"resource-50", "resource of 50 MB, direct", "MB/s", more, 80, 150},
	{"resource-memory", "… memory above idle, either side", "MiB", less, 32, 0},
	{"resource-1-hop", "resource of 1 MB, one hop", "MB/s", more, 60, 100},
	{"resource-10-hop", "resource of 10 MB, one hop", "MB/s", more, 60, 100},
	{"resource-50-hop", "resource of 50 MB, one hop", "MB/s", more, 60, 100},
	{"resource-memory-hop", "… memory above idle, either side", "MiB", less, 32, 0},
	{"direct-1", "LXMF direct, 1 in flight", "/s", more, 1_000, 0},
	{"direct-16", "LXMF direct, 16 in flight", "/s", more, 2_000, 0},
	{"direct-1-durable", "… 1 in flight, durable store", "/s", more, 200, 0},
	{"direct-16-durable", "… 16 in flight, durable store", "/s", more, 1_000, 0},
	{"opportunistic-1", "LXMF opportunistic, 1 in flight", "/s", more, 800, 0},
	{"opportunistic-16", "LXMF opportunistic, 16 in flight", "/s", more, 1_500, 0},
	{"opportunistic-1-durable", "… 1 in flight, durable store", "/s", more, 200, 0},
	{"opportunistic-16-durable", "… 16 in flight, durable store", "/s", more, 1_000, 0},
	{"direct-cpu", "LXMF direct, CPU of both ends a message", "µs", less, -1, 0},
	{"direct-cpu-durable", "… durable store", "µs", less, -1, 0},
	{"opportunistic-cpu", "LXMF opportunistic, CPU of both ends a message", "µs", less, -1, 0},
	{"opportunistic-cpu-durable", "… durable store", "µs", less, -1, 0},
	{"stamp-8", "stamp of cost 8, median", "ms", less, 15, 0},
	{"stamp-12", "stamp of cost 12, median", "ms", less, 16, 0},
	{"stamp-16", "stamp of cost 16, median", "ms", less, 25, 0},
	{"workblock", "… of which the workblock", "ms", less, 9, 0},
	{"attempts", "stamp attempts", "million/s", more, 10, 0},
	{"attempts-cpu", "… CPU of each", "ns", less, 200, 0},
	{"service-start", "cold start to first HTTP 200, empty", "s", less, 0.15, 0},
	{"service-start-filled", "… 50,000 messages stored", "s", less, 0.25, 0},
	{"service-idle", "service memory, idle", "MiB", less, 30, 0},
	{"service-heard", "… after 5,000 heard destinations", "MiB", less, 60, 0},
	{"service-load", "… after an HTTP load test", "MiB", less, 90, 0},
	{"service-cpu", "service idle CPU, one browser", "% of a core", less, 0.2, 0},
	{"service-announces", "announces stored, sustained", "/s", more, 5_000, 0},
	{"service-announces-cpu", "… CPU of each", "µs", less, 400, 0},
	{"accept", "accept an outbound message, p99", "ms", less, 15, 0},
	{"list", "50 of 5,000 conversations", "ms", less, 5, 0},
	{"page", "page of messages", "ms", less, 2, 0},
	{"pages", "pages of messages under load", "/s", more, 2_000, 0},
	{"search", "search, slowest of ten", "ms", less, 20, 0},
	{"size", "static binary", "MB", less, 40, 0},
}

// table collects samples.
type table struct{ ours, ref map[string][]float64 }

func newTable() *table { return &table{make(map[string][]float64), make(map[string][]float64)} }

func (t *table) add(reference bool, key string, v float64) {
	to := t.ours
	if reference {
		to = t.ref
	}
	to[key] = append(to[key], v)
	fmt.Fprintf(os.Stderr, "  %s %s\n", key, number(v))
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	v = slices.Clone(v)
	sort.Float64s(v)
	return v[len(v)/2]
}

// number has three significant digits.
func number(v float64) string {
	switch {
	case v == 0:
		return "0"
	case v >= 100 || v <= -100:
		s := strconv.FormatFloat(v, 'f', 0, 64)
		for i := len(s) - 3; i > 0; i -= 3 {
			s = s[:i] + "," + s[i:]
		}
		return s
	default:
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
}

func (f figure) amount(v float64) string { return strings.TrimSpace(number(v) + " " + f.unit) }

func (f figure) meets(v, limit float64) bool {
	if f.better == more {
		return v >= limit
	}
	return v <= limit
}

func (f figure) budget() string {
	if f.bar < 0 {
		return "–"
	}
	sign := "≥ "
	if f.better == less {
		sign = "≤ "
	}
	out := sign + number(f.bar)
	if f.goal > 0 {
		out += " → " + number(f.goal)
	}
	return strings.TrimSpace(out + " " + f.unit)
}

func (f figure) verdict(v float64) string {
	switch {
	case f.bar < 0:
		return "–"
	case f.goal > 0 && f.meets(v, f.goal):
		return "goal"
	case f.meets(v, f.bar):
		return "bar"
	}
	return "**below**"
}

// ratio is how many times better ours is.
func (f figure) ratio(ours, ref float64) string {
	if f.better == less {
		ours, ref = ref, ours
	}
	if ref <= 0 || ours <= 0 {
		return "–"
	}
	return number(ours/ref) + "×"
}

// print writes the table as Markdown.
func (t *table) print(w io.Writer) {
	fmt.Fprintln(w, "| figure | ours | reference | ratio | budget | verdict |\n|---|---|---|---|---|---|")
	for _, f := range figures {
		ours, ok := t.ours[f.key]
		ref, hasRef := t.ref[f.key]
		if !ok && !hasRef {
			continue
		}
		a, b, ratio, verdict := "failed", "–", "–", "**failed**"
		if ok {
			a, verdict = f.amount(median(ours)), f.verdict(median(ours))
		}
		if hasRef {
			b = f.amount(median(ref))
		}
		if ok && hasRef {
			ratio = f.ratio(median(ours), median(ref))
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s |\n", f.name, a, b, ratio, f.budget(), verdict)
	}
}
