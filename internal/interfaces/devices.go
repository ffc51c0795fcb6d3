package interfaces

import "net"

// Device is a network card of this machine.
type Device struct {
	Name      string
	Addresses []string
	LinkLocal bool // has an IPv6 link-local address
	Multicast bool
}

// Devices lists the network cards that are up, without the loopback.
func Devices() ([]Device, error) {
	cards, err := net.Interfaces()
	if err != nil {
		return nil, err
	}
	var out []Device
	for _, c := range cards {
		if c.Flags&net.FlagUp == 0 || c.Flags&net.FlagLoopback != 0 {
			continue
		}
		d := Device{Name: c.Name, Multicast: c.Flags&net.FlagMulticast != 0}
		addrs, err := c.Addrs()
		if err != nil {
			continue // the card went away while we looked
		}
		for _, a := range addrs {
			ipnet, ok := a.(*net.IPNet)
			if !ok {
				continue
			}
			d.Addresses = append(d.Addresses, ipnet.IP.String())
			d.LinkLocal = d.LinkLocal || ipnet.IP.To4() == nil && ipnet.IP.IsLinkLocalUnicast()
		}
		out = append(out, d)
	}
	return out, nil
}
