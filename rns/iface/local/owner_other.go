//go:build !linux

package local

import "net"

// checkOwner lets every socket pass: none here tells whose it is.
func checkOwner(net.Conn) error { return nil }
