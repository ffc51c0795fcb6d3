package auto

import (
	"net"
	"net/netip"
	"runtime"
)

// device is a system interface with its link-local address.
type device struct {
	name  string
	index int
	addr  netip.Addr // without scope
}

// sockets are those of one adopted device. Reads of a closed socket fail.
type sockets struct {
	multicast net.PacketConn // receives announcements to the group; nil where one socket does both
	unicast   net.PacketConn // receives reverse announcements, sends all announcements
	data      net.PacketConn
}

func (s *sockets) close() {
	for _, c := range []net.PacketConn{s.multicast, s.unicast, s.data} {
		if c != nil {
			_ = c.Close()
		}
	}
}

// system is the part of the operating system that the driver needs; tests put a simulated link in its place.
type system interface {
	devices() ([]device, error)
	open(d device, group netip.Addr, discovery, data int) (*sockets, error)
}

// hostSystem is the real one.
type hostSystem struct{}

// devices lists the interfaces that are up, can multicast and have a link-local address; with several the last one counts.
// spec: rns-interfaces §5.3
func (hostSystem) devices() ([]device, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var found []device
	for _, i := range all {
		if i.Flags&net.FlagUp == 0 || i.Flags&net.FlagMulticast == 0 {
			continue
		}
		addrs, err := i.Addrs()
		if err != nil {
			continue // it has just gone
		}
		d := device{name: i.Name, index: i.Index}
		for _, a := range addrs {
			p, err := netip.ParsePrefix(a.String())
			if err == nil && p.Addr().Is6() && !p.Addr().Is4In6() && p.Addr().IsLinkLocalUnicast() {
				d.addr = descope(p.Addr())
			}
		}
		if d.addr.IsValid() {
			found = append(found, d)
		}
	}
	return found, nil
}

// goos is the operating system, for the rules of which interfaces are left out.
const goos = runtime.GOOS
