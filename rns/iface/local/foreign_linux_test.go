package local_test

import (
	"net"
	"runtime"
	"syscall"
	"testing"

	"meshchatx/rns/iface/local"
)

// listenAs binds an endpoint as another user: the kernel notes who listens.
func listenAs(t *testing.T, e local.Endpoint, uid int) (net.Listener, error) {
	t.Helper()
	type result struct {
		l   net.Listener
		err error
	}
	done := make(chan result)
	go func() {
		// The thread that has another user is never used again: it ends with the goroutine that holds it.
		runtime.LockOSThread()
		if _, _, errno := syscall.RawSyscall(syscall.SYS_SETRESUID, ^uintptr(0), uintptr(uid), ^uintptr(0)); errno != 0 {
			done <- result{err: errno}
			return
		}
		l, err := local.Listen(t.Context(), e.Packets())
		done <- result{l, err}
	}()
	r := <-done
	return r.l, r.err
}
