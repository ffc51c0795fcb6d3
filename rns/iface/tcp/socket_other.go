//go:build !linux

package tcp

import (
	"net"
	"runtime"
)

// setSocketOptions sets what the reference sets outside Linux: the idle time on macOS. spec: rns-interfaces §3.1
func setSocketOptions(conn net.Conn, k keepalive) {
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
