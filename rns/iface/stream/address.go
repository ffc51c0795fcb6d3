package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
)

// Family is an address family.
type Family uint8

// The families.
const (
	PreferIPv4 Family = iota
	PreferIPv6
)

// ErrNoAddress means that a host name or a device has no usable address.
var ErrNoAddress = errors.New("no usable address")

// ChooseHost picks one address of a host name: the first of the preferred family, else the first one. Addresses, and
// the empty host, stay as they are. spec: rns-interfaces §3.2, §4
func ChooseHost(ctx context.Context, host string, prefer Family) (string, error) {
	if _, err := netip.ParseAddr(host); err == nil || host == "" {
		return host, nil
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	ip, ok := choose(ips, prefer)
	if !ok {
		return "", fmt.Errorf("%s: %w", host, ErrNoAddress)
	}
	return ip.Unmap().String(), nil
}

// DeviceHost is the address of a system interface to listen on. A link-local address has the interface as scope.
// spec: rns-interfaces §3.2
func DeviceHost(device string, prefer Family) (string, error) {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return "", fmt.Errorf("device %s: %w", device, err)
	}
	addrs, err := dev.Addrs()
	if err != nil {
		return "", fmt.Errorf("device %s: %w", device, err)
	}
	var ips []netip.Addr
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			ip := p.Addr()
			if ip.Is6() && ip.IsLinkLocalUnicast() {
				ip = ip.WithZone(dev.Name)
			}
			ips = append(ips, ip)
		}
	}
	ip, ok := choose(ips, prefer)
	if !ok {
		return "", fmt.Errorf("device %s: %w", device, ErrNoAddress)
	}
	return ip.String(), nil
}

// choose takes the first address of the preferred family, else the first one.
func choose(ips []netip.Addr, prefer Family) (netip.Addr, bool) {
	for _, ip := range ips {
		if ip.Unmap().Is4() == (prefer == PreferIPv4) {
			return ip, true
		}
	}
	if len(ips) == 0 {
		return netip.Addr{}, false
	}
	return ips[0], true
}

// Remote is the address at the other end of a connection, without scope, and its port as text. The address is not
// valid for connections that are not of the Internet.
func Remote(conn net.Conn) (netip.Addr, string) {
	ap, err := netip.ParseAddrPort(conn.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}, "0"
	}
	_, port, _ := net.SplitHostPort(conn.RemoteAddr().String())
	return ap.Addr().Unmap().WithZone(""), port
}
