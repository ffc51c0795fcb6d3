//go:build unix

package auto

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// open opens the sockets of a device. spec: rns-interfaces §5.4
func (hostSystem) open(d device, group netip.Addr, discovery, data int) (*sockets, error) {
	zoned := d.addr.WithZone(d.name)
	s := new(sockets)
	var err error
	s.multicast, err = listen(netip.AddrPortFrom(group.WithZone(d.name), uint16(discovery)), func(fd int) error {
		mreq := &syscall.IPv6Mreq{Multiaddr: group.As16(), Interface: uint32(d.index)}
		return errors.Join(reuse(fd), multicastFrom(fd, d.index),
			syscall.SetsockoptIPv6Mreq(fd, syscall.IPPROTO_IPV6, syscall.IPV6_JOIN_GROUP, mreq))
	})
	if err == nil {
		s.unicast, err = listen(netip.AddrPortFrom(zoned, uint16(discovery+1)), func(fd int) error {
			return errors.Join(reuse(fd), multicastFrom(fd, d.index))
		})
	}
	if err == nil {
		s.data, err = listen(netip.AddrPortFrom(zoned, uint16(data)), func(int) error { return nil })
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// listen opens a UDP socket with options set before it is bound.
func listen(at netip.AddrPort, options func(fd int) error) (net.PacketConn, error) {
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var oerr error
		err := c.Control(func(fd uintptr) { oerr = options(int(fd)) })
		return errors.Join(err, oerr)
	}}
	return lc.ListenPacket(context.Background(), "udp6", at.String())
}

// reuse lets several programs share the discovery ports.
func reuse(fd int) error {
	return errors.Join(
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1),
		syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, reusePort, 1),
	)
}

// multicastFrom makes multicast leave by one device.
func multicastFrom(fd, index int) error {
	return syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_IF, index)
}
