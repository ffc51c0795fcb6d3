package discovery

import (
	"errors"
	"fmt"
	"math"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Name is the full name of the destination whose announces carry interfaces.
// spec: rns-core §22.1
const Name = rns.NameInterfaceDiscover

// Type is the name of a kind of interface, as in configuration files.
type Type string

// The kinds that are published. A TCP client to a radio modem is published as
// KISS. spec: rns-core §22.1
const (
	TypeBackbone  Type = "BackboneInterface"
	TypeTCPServer Type = "TCPServerInterface"
	TypeRNode     Type = "RNodeInterface"
	TypeWeave     Type = "WeaveInterface"
	TypeI2P       Type = "I2PInterface"
	TypeKISS      Type = "KISSInterface"
)

// Valid reports whether t is one of the kinds above.
func (t Type) Valid() bool {
	switch t {
	case TypeBackbone, TypeTCPServer, TypeRNode, TypeWeave, TypeI2P, TypeKISS:
		return true
	}
	return false
}

// Reasons for refusing what an announce says about an interface.
var (
	ErrInfo      = errors.New("discovery: not a description of an interface")
	ErrType      = errors.New("discovery: not a kind of interface that is published")
	ErrField     = errors.New("discovery: a field is missing or of another type")
	ErrHost      = errors.New("discovery: neither an address nor a host name")
	ErrPort      = errors.New("discovery: not a port number")
	ErrPosition  = errors.New("discovery: not a place on Earth")
	ErrPlainText = errors.New("discovery: text with control characters")
)

// Modulation names a modulation by text or by number; the zero value is none.
type Modulation struct {
	Text   string
	Number *int64
}

// Access are the settings of a published access code, either of which may be
// empty.
type Access struct{ NetworkName, Passphrase string }

// Info is what an announce says about an interface. Which of the fields after
// Height count depends on Type; numbers that are nil are not known.
// spec: rns-core §22.2
type Info struct {
	Type        Type
	Transport   bool     // the publisher forwards for others
	TransportID rns.Addr // of the publisher
	Name        string   // as announced, empty for none; see CleanName
	Latitude    *float64 // degrees
	Longitude   *float64
	Height      *float64 // metres

	ReachableOn     string // host, or b32 address of I2P, which may be empty there
	Port            int    // 1 to 65535
	Frequency       *int64 // Hz
	Bandwidth       *int64 // Hz
	SpreadingFactor *int64
	CodingRate      *int64
	Channel         *int64
	Modulation      Modulation

	Access *Access // nil: not published
}

// Keys of the packed form. spec: rns-core §22.2
const (
	keyType        = 0x00
	keyTransport   = 0x01
	keyReachableOn = 0x02
	keyLatitude    = 0x03
	keyLongitude   = 0x04
	keyHeight      = 0x05
	keyPort        = 0x06
	keyNetworkName = 0x07
	keyPassphrase  = 0x08
	keyFrequency   = 0x09
	keyBandwidth   = 0x0A
	keySpreading   = 0x0B
	keyCodingRate  = 0x0C
	keyModulation  = 0x0D
	keyChannel     = 0x0E
	keyTransportID = 0xFE
	keyName        = 0xFF
)

// Append appends the packed form. spec: rns-core §22.2
func (i Info) Append(b []byte) []byte {
	var p []msgpack.Pair
	put := func(key int64, v msgpack.Value) { p = append(p, msgpack.Pair{Key: msgpack.Int(key), Value: v}) }
	put(keyType, msgpack.Str(string(i.Type)))
	put(keyTransport, msgpack.Bool(i.Transport))
	put(keyTransportID, msgpack.Bin(i.TransportID[:]))
	put(keyName, textOrNil(i.Name))
	put(keyLatitude, floatOrNil(i.Latitude))
	put(keyLongitude, floatOrNil(i.Longitude))
	put(keyHeight, floatOrNil(i.Height))
	switch i.Type {
	case TypeBackbone, TypeTCPServer:
		put(keyReachableOn, msgpack.Str(i.ReachableOn))
		put(keyPort, msgpack.Int(int64(i.Port)))
	case TypeI2P:
		if i.ReachableOn != "" {
			put(keyReachableOn, msgpack.Str(i.ReachableOn))
		}
	case TypeRNode:
		put(keyFrequency, intOrNil(i.Frequency))
		put(keyBandwidth, intOrNil(i.Bandwidth))
		put(keySpreading, intOrNil(i.SpreadingFactor))
		put(keyCodingRate, intOrNil(i.CodingRate))
	case TypeWeave:
		put(keyFrequency, intOrNil(i.Frequency))
		put(keyBandwidth, intOrNil(i.Bandwidth))
		put(keyChannel, intOrNil(i.Channel))
		put(keyModulation, i.Modulation.value())
	case TypeKISS:
		put(keyFrequency, intOrNil(i.Frequency))
		put(keyBandwidth, intOrNil(i.Bandwidth))
		put(keyModulation, i.Modulation.value())
	}
	if i.Access != nil {
		put(keyNetworkName, textOrNil(i.Access.NetworkName))
		put(keyPassphrase, textOrNil(i.Access.Passphrase))
	}
	return msgpack.Map(p...).Append(b)
}

// infoLimits bound a description: a flat map that fits an announce.
var infoLimits = msgpack.Limits{Depth: 2, Values: 128}

// ParseInfo reads the packed form. Unknown keys are ignored, and so is what
// follows the map. The errors are those above. spec: rns-core §22.4
func ParseInfo(b []byte) (Info, error) {
	v, _, err := msgpack.Parse(b, infoLimits)
	if err != nil {
		return Info{}, fmt.Errorf("%w: %w", ErrInfo, err)
	}
	m, ok := v.Map()
	if !ok {
		return Info{}, ErrInfo
	}
	r := fields{get: func(key int64, _ string) (msgpack.Value, bool) { return m.Int(key) }}
	i := Info{
		Type: Type(r.text(keyType, "")), Transport: r.flag(keyTransport, ""), Name: r.textOrNil(keyName, ""),
		Latitude: r.float(keyLatitude, ""), Longitude: r.float(keyLongitude, ""), Height: r.float(keyHeight, ""),
	}
	id, _ := r.need(keyTransportID, "").Bytes()
	if len(id) != len(i.TransportID) {
		r.fail(ErrField)
	}
	copy(i.TransportID[:], id)
	i.readKind(&r)
	if r.err != nil {
		return Info{}, r.err
	}
	return i, nil
}

// readKind reads what depends on the type, and checks the whole.
//
// differs: the reference takes any value for ports, radio settings and
// positions that are numbers, and texts with line ends.
func (i *Info) readKind(r *fields) {
	switch i.Type {
	case TypeBackbone, TypeTCPServer:
		i.ReachableOn = r.text(keyReachableOn, nameReachableOn)
		port := r.int(keyPort, namePort)
		if port == nil || *port < 1 || *port > math.MaxUint16 {
			r.fail(ErrPort)
		} else {
			i.Port = int(*port)
		}
	case TypeI2P:
		i.ReachableOn = r.text(keyReachableOn, nameReachableOn)
	case TypeRNode:
		i.Frequency, i.Bandwidth = r.int(keyFrequency, nameFrequency), r.int(keyBandwidth, nameBandwidth)
		i.SpreadingFactor, i.CodingRate = r.int(keySpreading, nameSpreading), r.int(keyCodingRate, nameCodingRate)
	case TypeWeave:
		i.Frequency, i.Bandwidth = r.int(keyFrequency, nameFrequency), r.int(keyBandwidth, nameBandwidth)
		i.Channel, i.Modulation = r.int(keyChannel, nameChannel), r.modulation()
	case TypeKISS:
		i.Frequency, i.Bandwidth, i.Modulation = r.int(keyFrequency, nameFrequency), r.int(keyBandwidth, nameBandwidth), r.modulation()
	default:
		r.fail(ErrType)
	}
	if v, ok := r.get(keyReachableOn, nameReachableOn); ok {
		if host, _ := v.Text(); !IsHost(host) {
			r.fail(ErrHost)
		}
	}
	i.Access = r.access()
	if !i.position() {
		r.fail(ErrPosition)
	}
}

func (i *Info) position() bool {
	return within(i.Latitude, 90) && within(i.Longitude, 180) && within(i.Height, math.MaxFloat64)
}

func within(f *float64, limit float64) bool { return f == nil || *f >= -limit && *f <= limit }

func textOrNil(s string) msgpack.Value {
	if s == "" {
		return msgpack.Nil()
	}
	return msgpack.Str(s)
}

func floatOrNil(f *float64) msgpack.Value {
	if f == nil {
		return msgpack.Nil()
	}
	return msgpack.Float(*f)
}

func intOrNil(n *int64) msgpack.Value {
	if n == nil {
		return msgpack.Nil()
	}
	return msgpack.Int(*n)
}

func (m Modulation) value() msgpack.Value {
	if m.Number != nil {
		return msgpack.Int(*m.Number)
	}
	return textOrNil(m.Text)
}
