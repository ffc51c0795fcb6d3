//go:build !linux

package stream

import (
	"net"
	"runtime"
)

// Tune sends without delay and sets what the reference sets outside Linux: the idle time on macOS.
// spec: rns-interfaces §3.1
func Tune(conn net.Conn, t Timeouts) {
	k := t.keepalive()
	c, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	_ = c.SetNoDelay(true)
	if runtime.GOOS == "darwin" {
		_ = c.SetKeepAliveConfig(net.KeepAliveConfig{Enable: true, Idle: k.idle, Interval: -1, Count: -1})
		return
	}
	_ = c.SetKeepAlive(false)
}
