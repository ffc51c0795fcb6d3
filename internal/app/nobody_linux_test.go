package app

import (
	"os"
	"runtime"
	"syscall"
	"testing"
)

// asNobody runs f without the rights of root on files. Only the calling thread changes its rights, so f must not leave its
// goroutine for what it tests.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := syscall.Setfsuid(0); err != nil {
			t.Fatal(err)
		}
	}()
	f()
}
