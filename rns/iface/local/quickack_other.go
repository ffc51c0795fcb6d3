//go:build !linux

package local

import "net"

// QuickAck does nothing: only Linux can be told to acknowledge at once.
func QuickAck(net.Conn) {}
