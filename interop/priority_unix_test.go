//go:build unix

package interop

import (
	"syscall"
	"testing"
)

// prefer gives a process the processor before others, where that is allowed. The reference loses an answer that arrives
// while it has been stopped in the middle of a send (spec: rns-link §6.1): on a busy machine that happens to one packet in a
// few thousand whatever the other side does, and says nothing about it.
func prefer(t *testing.T, pid int) {
	t.Helper()
	const before = -15
	if err := syscall.Setpriority(syscall.PRIO_PROCESS, pid, before); err != nil {
		t.Logf("partner runs at ordinary priority, so a busy machine can lose answers: %v", err)
	}
}
