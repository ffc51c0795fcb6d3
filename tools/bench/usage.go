package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// usage reads what a process uses from /proc; elsewhere everything is zero.
type usage struct{ dir string }

func usageOf(pid int) *usage { return &usage{fmt.Sprintf("/proc/%d", pid)} }

const mib = 1 << 20

// memory is the resident memory in bytes; peak is its greatest so far.
func (u *usage) memory() float64 { return u.status("VmRSS:") }
func (u *usage) peak() float64   { return u.status("VmHWM:") }

func (u *usage) status(field string) float64 {
	b, err := os.ReadFile(u.dir + "/status")
	if err != nil {
		return 0
	}
	_, rest, _ := bytes.Cut(b, []byte(field))
	var kib float64
	_, _ = fmt.Sscan(string(rest), &kib)
	return kib * 1024
}

// resetPeak makes the present memory the peak.
func (u *usage) resetPeak() { _ = os.WriteFile(u.dir+"/clear_refs", []byte("5"), 0o200) }

// cpu is the processor time so far, to the nanosecond.
func (u *usage) cpu() time.Duration {
	var sum time.Duration
	tasks, _ := filepath.Glob(u.dir + "/task/*/schedstat")
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue
		}
		var ns int64
		_, _ = fmt.Sscan(string(b), &ns)
		sum += time.Duration(ns)
	}
	return sum
}
