package ax25

import (
	"errors"
	"fmt"
	"strings"

	"meshchatx/rns/iface/kiss"
)

// Address is the name of a station. spec: rns-interfaces §11
type Address struct {
	// Callsign is 3 to 6 ASCII characters, SSID 0 to 15.
	Callsign string
	SSID     int
}

// Destination is the address all packets are sent to.
var Destination = Address{Callsign: "APZRNS"}

// HeaderSize is the length in bytes of what stands before each packet.
const HeaderSize = 16

// Values of the header. spec: rns-interfaces §11
const (
	callsignSize = 6
	minCallsign  = 3
	maxSSID      = 15
	padding      = 0x20 // unshifted, as all stations of the network send it
	ssidBase     = 0x60
	lastAddress  = 0x01
	controlUI    = 0x03
	noLayer3     = 0xf0
)

// Errors of addresses and headers.
var (
	ErrCallsign = errors.New("call sign is not 3 to 6 ASCII characters")
	ErrSSID     = errors.New("SSID is not between 0 and 15")
	ErrHeader   = errors.New("not an AX.25 header of a packet")
)

// NewAddress checks and upper-cases an address.
func NewAddress(callsign string, ssid int) (Address, error) {
	call := strings.ToUpper(strings.TrimSpace(callsign))
	if len(call) < minCallsign || len(call) > callsignSize {
		return Address{}, fmt.Errorf("%w: %q", ErrCallsign, callsign)
	}
	for _, c := range []byte(call) {
		if c <= ' ' || c > '~' {
			return Address{}, fmt.Errorf("%w: %q", ErrCallsign, callsign)
		}
	}
	if ssid < 0 || ssid > maxSSID {
		return Address{}, fmt.Errorf("%w: %d", ErrSSID, ssid)
	}
	return Address{Callsign: call, SSID: ssid}, nil
}

// String is the address as operators write it.
func (a Address) String() string { return fmt.Sprintf("%s-%d", a.Callsign, a.SSID) }

// Header is what stands before each packet. spec: rns-interfaces §11
type Header struct{ Destination, Source Address }

// Append appends the 16 bytes of the header.
func (h Header) Append(dst []byte) []byte {
	dst = h.Destination.append(dst, 0)
	dst = h.Source.append(dst, lastAddress)
	return append(dst, controlUI, noLayer3)
}

func (a Address) append(dst []byte, flag byte) []byte {
	for i := range callsignSize {
		c := byte(padding)
		if i < len(a.Callsign) {
			c = a.Callsign[i] << 1
		}
		dst = append(dst, c)
	}
	return append(dst, ssidBase|byte(a.SSID)<<1|flag)
}

// ParseHeader reads the header of a frame, for monitors: the driver itself does not look at it. It accepts both paddings
// in use. The error Is ErrHeader.
func ParseHeader(b []byte) (Header, error) {
	if len(b) < HeaderSize || b[14] != controlUI || b[15] != noLayer3 || b[6]&lastAddress != 0 || b[13]&lastAddress == 0 {
		return Header{}, ErrHeader
	}
	to, err := parseAddress(b[:7])
	if err != nil {
		return Header{}, err
	}
	from, err := parseAddress(b[7:14])
	return Header{Destination: to, Source: from}, err
}

func parseAddress(b []byte) (Address, error) {
	var call []byte
	for _, c := range b[:callsignSize] {
		if c == padding || c == ' '<<1 {
			break
		}
		call = append(call, c>>1)
	}
	a, err := NewAddress(string(call), int(b[callsignSize]>>1)&maxSSID)
	if err != nil {
		return Address{}, fmt.Errorf("%w: %w", ErrHeader, err)
	}
	return a, nil
}

// Config describes an AX25KISSInterface. Modem.Name, Modem.Settings.Port, Callsign and SSID are required. There is no
// beacon: every frame carries the call sign.
type Config struct {
	Modem    kiss.Config
	Callsign string
	SSID     int
}

// New returns an interface. It does not open the device before it is served.
func New(c Config) (*kiss.Interface, error) {
	source, err := NewAddress(c.Callsign, c.SSID)
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Modem.Name, err)
	}
	m := c.Modem
	m.Type, m.Header = "AX25KISSInterface", Header{Destination: Destination, Source: source}.Append(nil)
	m.BeaconInterval, m.Callsign = 0, ""
	return kiss.New(m)
}
