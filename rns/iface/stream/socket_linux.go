package stream

import (
	"net"
	"syscall"
)

// tcpUserTimeout is TCP_USER_TIMEOUT, which the standard library does not name.
const tcpUserTimeout = 18

// Tune sends without delay and makes the kernel find dead peers within the chosen times. Failures leave the kernel's
// defaults. spec: rns-interfaces §3.1
func Tune(conn net.Conn, t Timeouts) {
	k := t.keepalive()
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	_ = c.SetNoDelay(true)
	_ = c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: k.idle, Interval: k.interval, Count: k.count})
	raw, err := c.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, int(k.user.Milliseconds()))
	})
}
