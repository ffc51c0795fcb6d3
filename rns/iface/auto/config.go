package auto

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Scope is how far discovery reaches. spec: rns-interfaces §5.1
type Scope uint8

// The scopes. The zero value is link.
const (
	ScopeLink Scope = iota
	ScopeAdmin
	ScopeSite
	ScopeOrganisation
	ScopeGlobal
)

// ParseScope reads the word of a configuration.
func ParseScope(s string) (Scope, error) {
	words := []string{"link", "admin", "site", "organisation", "global"}
	if i := slices.Index(words, strings.ToLower(s)); i >= 0 {
		return Scope(i), nil
	}
	return 0, fmt.Errorf("%w: discovery_scope %q", errSetting, s)
}

// AddressType says whether the multicast address is a well-known one. spec: rns-interfaces §5.1
type AddressType uint8

// The address types. The zero value is temporary.
const (
	Temporary AddressType = iota
	Permanent
)

// ParseAddressType reads the word of a configuration.
func ParseAddressType(s string) (AddressType, error) {
	switch strings.ToLower(s) {
	case "temporary":
		return Temporary, nil
	case "permanent":
		return Permanent, nil
	}
	return 0, fmt.Errorf("%w: multicast_address_type %q", errSetting, s)
}

// errSetting means that a word of the configuration is not known.
var errSetting = errors.New("unknown value")

// Config describes an AutoInterface. Only Name is required. spec: rns-interfaces §5.1
type Config struct {
	Name string
	// GroupID separates networks on one link, "reticulum" if empty.
	GroupID     string
	Scope       Scope
	AddressType AddressType
	// DiscoveryPort and DataPort are UDP ports, 0 for the defaults.
	DiscoveryPort, DataPort int
	// Devices limits to these system interfaces, IgnoredDevices excludes some.
	Devices, IgnoredDevices []string
	// Params replaces the times of the protocol when not nil.
	Params *Params
}

// Params are the times and limits of an AutoInterface. spec: rns-interfaces §5.5–§5.8
type Params struct {
	// Announce is the interval of multicast announcements, Reverse that of unicast ones to known peers.
	Announce, Reverse time.Duration
	// Jobs is the interval of housekeeping.
	Jobs time.Duration
	// PeerTimeout is the silence after which a peer is removed.
	PeerTimeout time.Duration
	// EchoTimeout is the silence of the own announcements after which the carrier counts as lost.
	EchoTimeout time.Duration
	// StartWait passes before anything received is looked at.
	StartWait time.Duration
	// Duplicates is the number of remembered datagrams, DuplicateTime how long they count.
	Duplicates    int
	DuplicateTime time.Duration
	// MaxPeers bounds the number of peers.
	MaxPeers int
}

// DefaultParams returns the values of the protocol.
func DefaultParams() Params {
	return Params{
		Announce: 1600 * time.Millisecond, Reverse: 5200 * time.Millisecond, Jobs: 4 * time.Second,
		PeerTimeout: 22 * time.Second, EchoTimeout: 6500 * time.Millisecond, StartWait: 1920 * time.Millisecond,
		Duplicates: 48, DuplicateTime: 750 * time.Millisecond, MaxPeers: 1024,
	}
}

// Values of AutoInterfaces. spec: rns-interfaces §1.2, §5.1
const (
	defaultGroup         = "reticulum"
	defaultDiscoveryPort = 29716
	defaultDataPort      = 42671
	hardwareMTU          = 1196
	bitrateGuess         = 10_000_000
	accessCodeSize       = 16
	tokenSize            = sha256.Size
)

// withDefaults fills what is not set.
func (c Config) withDefaults() (Config, Params, error) {
	if c.GroupID == "" {
		c.GroupID = defaultGroup
	}
	if c.DiscoveryPort == 0 {
		c.DiscoveryPort = defaultDiscoveryPort
	}
	if c.DataPort == 0 {
		c.DataPort = defaultDataPort
	}
	if c.DiscoveryPort < 1 || c.DiscoveryPort > 65534 || c.DataPort < 1 || c.DataPort > 65535 {
		return c, Params{}, fmt.Errorf("interface %s: %w: port", c.Name, errSetting)
	}
	p := DefaultParams()
	if c.Params != nil {
		p = *c.Params
	}
	return c, p, nil
}

// MulticastAddress is the group address of a group id. spec: rns-interfaces §5.2
func MulticastAddress(group string, t AddressType, s Scope) netip.Addr {
	g := sha256.Sum256([]byte(group))
	var b [16]byte
	b[0] = 0xff
	b[1] = [...]byte{0x10, 0x00}[t&1] | [...]byte{0x2, 0x4, 0x5, 0x8, 0xe}[min(s, ScopeGlobal)]
	copy(b[4:], g[2:14])
	return netip.AddrFrom16(b)
}

// Token proves, weakly, that the sender at a link-local address belongs to a group. spec: rns-interfaces §5.5
func Token(group string, addr netip.Addr) [tokenSize]byte {
	return sha256.Sum256([]byte(group + addr.WithZone("").String()))
}

// descope removes the scope of a link-local address: what follows "%", and an id embedded in the second group.
// spec: rns-interfaces §5.3
func descope(a netip.Addr) netip.Addr {
	a = a.WithZone("")
	if a.Is6() && a.IsLinkLocalUnicast() {
		b := a.As16()
		b[2], b[3] = 0, 0
		return netip.AddrFrom16(b)
	}
	return a
}

// wanted tells whether a system interface is to be used, by its name. spec: rns-interfaces §5.3
func (c *Config) wanted(name, goos string) bool {
	if slices.Contains(c.IgnoredDevices, name) || name == "lo0" {
		return false
	}
	listed := slices.Contains(c.Devices, name)
	if len(c.Devices) > 0 {
		return listed
	}
	switch goos {
	case "darwin":
		return !slices.Contains([]string{"awdl0", "llw0", "lo0", "en5"}, name)
	case "android":
		return !slices.Contains([]string{"dummy0", "lo", "tun0"}, name) && !strings.HasPrefix(name, "rmnet")
	}
	return true
}
