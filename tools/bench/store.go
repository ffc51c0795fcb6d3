package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strconv"
)

// random is the system's randomness.
type random struct{}

// Read never fails.
func (random) Read(p []byte) (int, error) { return rand.Read(p) }

var benchLine = regexp.MustCompile(`(?m)^BenchmarkLarge/(\S+?)(?:-\d+)?\s+\d+\s+([\d.]+) ns/op(?:.*?([\d.]+) pages/s)?`)

// store runs the benchmark of the message store, which waits for what people wait for.
func (s *session) store() error {
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", "BenchmarkLarge", "-benchtime", "300ms", "-timeout", "60m", "./internal/store")
	cmd.Env = append(os.Environ(), "MESHCHATX_BENCH_MESSAGES="+strconv.Itoa(s.config.messages))
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w: %s", err, out.Bytes())
	}
	slowest := 0.0
	for _, m := range benchLine.FindAllSubmatch(out.Bytes(), -1) {
		ns, err := strconv.ParseFloat(string(m[2]), 64)
		if err != nil {
			return err
		}
		name, ms := string(m[1]), ns/1e6
		switch {
		case name == "50_of_5,000_conversations":
			s.record("list", ms)
		case name == "page_in_the_middle_of_a_long_one":
			s.record("page", ms)
		case name == "pages_by_4_readers":
			rate, _ := strconv.ParseFloat(string(m[3]), 64)
			s.record("pages", rate)
		case len(name) > 7 && name[:7] == "search_":
			slowest = max(slowest, ms)
		}
	}
	s.record("search", slowest)
	return nil
}

func (s *session) size() error {
	f, err := os.Stat(s.program)
	if err == nil {
		s.record("size", float64(f.Size())/1e6)
	}
	return err
}
