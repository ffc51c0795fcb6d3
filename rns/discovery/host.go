package discovery

import (
	"net/netip"
	"strings"
)

// Limits of host names in bytes. spec: rns-core §22.4
const (
	maxHost  = 253
	maxLabel = 63
)

// IsAddress reports whether s is an IP address. A zone has no meaning on
// another machine, so that an address with one is none.
func IsAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}

// IsHostName reports whether s has the form of a host name. spec: rns-core §22.4
func IsHostName(s string) bool {
	s = strings.TrimSuffix(s, ".")
	if s == "" || len(s) > maxHost {
		return false
	}
	labels := strings.Split(s, ".")
	if strings.Trim(labels[len(labels)-1], "0123456789") == "" {
		return false
	}
	for _, l := range labels {
		if !isLabel(l) {
			return false
		}
	}
	return true
}

func isLabel(l string) bool {
	if l == "" || len(l) > maxLabel || l[0] == '-' || l[len(l)-1] == '-' {
		return false
	}
	for i := range len(l) {
		if l[i] != '-' && !isAlphanumeric(l[i]) {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// IsHost reports whether s may stand as the place where an interface is reached.
func IsHost(s string) bool { return IsAddress(s) || IsHostName(s) }

// yggdrasil is an overlay network that has to be there before its addresses mean anything. spec: rns-core §22.6
var yggdrasil = netip.MustParsePrefix("200::/7")

// IsYggdrasil reports whether s is an address of the Yggdrasil overlay, which
// is not connected to unasked. spec: rns-core §22.6
func IsYggdrasil(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && yggdrasil.Contains(a.WithZone(""))
}
