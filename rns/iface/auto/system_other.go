//go:build !unix

package auto

import (
	"net"
	"net/netip"
	"strconv"
)

// open opens the sockets of a device. The multicast socket is bound to the wildcard address. spec: rns-interfaces §5.4
func (hostSystem) open(d device, group netip.Addr, discovery, data int) (*sockets, error) {
	dev, err := net.InterfaceByIndex(d.index)
	if err != nil {
		return nil, err
	}
	s := new(sockets)
	m, err := net.ListenMulticastUDP("udp6", dev, &net.UDPAddr{IP: group.AsSlice(), Port: discovery, Zone: d.name})
	if err != nil {
		return nil, err
	}
	s.multicast = m
	zoned := d.addr.WithZone(strconv.Itoa(d.index))
	if s.unicast, err = net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(zoned, uint16(discovery+1)))); err == nil {
		s.data, err = net.ListenUDP("udp6", net.UDPAddrFromAddrPort(netip.AddrPortFrom(zoned, uint16(data))))
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}
