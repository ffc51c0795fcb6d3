package interop

import (
	"syscall"
	"testing"
	"unsafe"
)

// prefer lets a process run as soon as it can, where that is allowed. The reference loses an answer that arrives while it
// has been stopped in the middle of a send (spec: rns-link §6.1): on a busy machine that happens to a few packets in ten
// thousand whatever the other side does, and says nothing about it.
func prefer(t *testing.T, pid int) {
	t.Helper()
	const roundRobin = 2
	priority := int32(1)
	_, _, e := syscall.RawSyscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(pid), roundRobin, uintptr(unsafe.Pointer(&priority)))
	if e != 0 {
		t.Logf("partner runs like any other program, so a busy machine can lose answers: %v", e)
	}
}
