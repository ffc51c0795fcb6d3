package local

import (
	"net"
	"syscall"
)

// QuickAck makes the kernel acknowledge what comes next at once. A partner that writes twice in a row with Nagle's
// algorithm on, as the control client of the reference does, otherwise waits 40 ms for the second.
func QuickAck(conn net.Conn) {
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) { // without it everything works, only slower
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	})
}
