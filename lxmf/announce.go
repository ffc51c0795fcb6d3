package lxmf

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"meshchatx/rns/msgpack"
)

// Reasons for refusing the data of an announce.
var (
	ErrDeliveryInfo    = errors.New("lxmf: malformed delivery announce")
	ErrPropagationInfo = errors.New("lxmf: not a usable propagation announce")
)

// Support says whether a peer can do something.
type Support uint8

// The answers. The zero value means that the peer has not told.
const (
	SupportUnknown Support = iota
	SupportNo
	SupportYes
)

// capabilityCompression is the number by which peers tell that they accept
// compressed resources. spec: lxmf §8.1
const capabilityCompression = 0x00

// DeliveryInfo is the application data of a delivery announce. The zero value is
// that of an announce without any. spec: lxmf §8.1
type DeliveryInfo struct {
	Name  string // to be shown; cleaned of control characters
	Named bool   // false if there is no name, or no readable one
	// StampCost is what the peer asks for, 0 for nothing. It can be more than
	// anybody would want to pay: compare with AcceptableStampCost.
	StampCost   int
	Compression Support
}

// AcceptsCompressed reports whether resources for the peer may be compressed.
func (d DeliveryInfo) AcceptsCompressed() bool { return d.Compression != SupportNo }

// ParseDeliveryInfo reads the data of a delivery announce, in the current form
// and in older ones. The error means that a list was damaged; the result then is
// that of no data.
func ParseDeliveryInfo(data []byte) (DeliveryInfo, error) {
	switch {
	case len(data) == 0:
		return DeliveryInfo{}, nil
	case data[0]&0xf0 != 0x90 && data[0] != 0xdc:
		// The first form was the name alone. No name begins with the bytes
		// of a list: they are not UTF-8.
		d := DeliveryInfo{Compression: SupportYes}
		d.setName(data)
		return d, nil
	}
	v, _, err := msgpack.Parse(data, msgpack.Limits{Depth: 8, Values: 256})
	if err != nil {
		return DeliveryInfo{}, errors.Join(ErrDeliveryInfo, err)
	}
	list, ok := v.Array()
	if !ok {
		return DeliveryInfo{}, ErrDeliveryInfo
	}
	d := DeliveryInfo{Compression: SupportYes}
	if len(list) > 0 {
		if name, ok := list[0].Bytes(); ok {
			d.setName(name)
		}
	}
	if len(list) > 1 {
		if cost, ok := list[1].Int(); ok && cost >= 1 && cost <= MaxStampCost {
			d.StampCost = int(cost)
		}
	}
	if len(list) > 2 {
		d.setCapabilities(list[2])
	}
	return d, nil
}

func (d *DeliveryInfo) setName(name []byte) {
	if utf8.Valid(name) {
		d.Name, d.Named = cleanName(string(name)), true
	}
}

func cleanName(name string) string {
	return clip(strings.TrimSpace(printable(name)), MaxName)
}

func (d *DeliveryInfo) setCapabilities(v msgpack.Value) {
	list, ok := v.Array()
	if !ok {
		return
	}
	d.Compression = SupportNo
	for _, c := range list {
		if n, ok := c.Int(); ok && n == capabilityCompression {
			d.Compression = SupportYes
		}
	}
}

// Append appends the data for an announce. A cost that cannot be announced, below
// 1 or above MaxStampCost, is left out. Unless compression is not supported, it
// is announced. spec: lxmf §8.1
func (d DeliveryInfo) Append(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, 3)
	if d.Named {
		b = msgpack.AppendBin(b, []byte(d.Name))
	} else {
		b = msgpack.AppendNil(b)
	}
	if d.StampCost >= 1 && d.StampCost <= MaxStampCost {
		b = msgpack.AppendInt(b, int64(d.StampCost))
	} else {
		b = msgpack.AppendNil(b)
	}
	if d.Compression == SupportNo {
		return msgpack.AppendArrayHeader(b, 0)
	}
	return msgpack.AppendInt(msgpack.AppendArrayHeader(b, 1), capabilityCompression)
}

// Keys of the metadata of propagation nodes. spec: lxmf §8.2
const (
	NodeMetaVersion      = 0x00
	NodeMetaName         = 0x01
	NodeMetaSyncStratum  = 0x02
	NodeMetaSyncThrottle = 0x03
	NodeMetaAuthBand     = 0x04
	NodeMetaPressure     = 0x05
	NodeMetaCustom       = 0xff
)

// PropagationInfo is the application data of the announce of a propagation node.
// spec: lxmf §8.2
type PropagationInfo struct {
	Timebase      int64   // the node's clock, seconds since 1970
	Active        bool    // serves clients and peers
	TransferLimit float64 // thousands of bytes per message
	SyncLimit     float64 // thousands of bytes per transfer from a peer
	StampCost     int     // target
	Flexibility   int     // how far below the target is accepted
	PeeringCost   int
	Name          string // to be shown
	Named         bool
	// Metadata has what else the node tells; the name is not taken from here
	// when appending.
	Metadata msgpack.Value
}

// RequiredCost returns the lowest value of stamps that the node accepts.
func (p PropagationInfo) RequiredCost() int {
	return RequiredPropagationCost(p.StampCost, p.Flexibility)
}

// ParsePropagationInfo reads the data of the announce of a propagation node. An
// announce with other data is to be ignored; [ErrPropagationInfo] says why.
func ParsePropagationInfo(data []byte) (PropagationInfo, error) {
	fail := func(what string) (PropagationInfo, error) {
		return PropagationInfo{}, errors.Join(ErrPropagationInfo, errors.New(what))
	}
	v, _, err := msgpack.Parse(data, msgpack.Limits{Depth: 8, Values: 1024})
	if err != nil {
		return PropagationInfo{}, errors.Join(ErrPropagationInfo, err)
	}
	list, ok := v.Array()
	if !ok || len(list) < 7 {
		return fail("fewer than seven elements")
	}
	costs, ok := list[5].Array()
	if !ok || len(costs) < 3 {
		return fail("fewer than three costs")
	}
	metadata, ok := list[6].Map()
	if !ok {
		return fail("metadata are not a map")
	}
	var numbers [6]float64
	for i, v := range []msgpack.Value{list[1], list[3], list[4], costs[0], costs[1], costs[2]} {
		if numbers[i], ok = numeric(v); !ok {
			return fail("not a number where one is expected")
		}
	}
	active, ok := truth(list[2])
	if !ok {
		return fail("state is neither true nor false")
	}
	p := PropagationInfo{
		Timebase: int64(clamp(numbers[0], maxSeconds)), Active: active,
		TransferLimit: clamp(numbers[1], math.MaxInt32), SyncLimit: clamp(numbers[2], math.MaxInt32),
		StampCost: cost(numbers[3]), Flexibility: cost(numbers[4]), PeeringCost: cost(numbers[5]),
		Metadata: list[6],
	}
	if name, ok := metadata.Int(NodeMetaName); ok {
		if b, ok := name.Bytes(); ok && utf8.Valid(b) {
			p.Name, p.Named = cleanName(string(b)), true
		}
	}
	return p, nil
}

// numeric reads what the reference can convert to an integer: finite numbers,
// booleans and decimal text. spec: lxmf §8.2
func numeric(v msgpack.Value) (float64, bool) {
	if b, ok := v.Bool(); ok {
		if b {
			return 1, true
		}
		return 0, true
	}
	if s, ok := v.Text(); ok {
		n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
		return float64(n), err == nil
	}
	f, ok := v.Number()
	return f, ok && !math.IsNaN(f) && !math.IsInf(f, 0)
}

// truth reads a boolean, which may be written as a number.
func truth(v msgpack.Value) (value, ok bool) {
	if b, ok := v.Bool(); ok {
		return b, true
	}
	f, ok := v.Number()
	return f == 1, ok && (f == 0 || f == 1)
}

func clamp(f, most float64) float64 { return min(max(f, 0), most) }

// cost bounds what a stranger asks for; a digest has 256 bits.
func cost(f float64) int { return int(clamp(f, 256)) }

// Append appends the data for an announce. Limits without a fraction are written
// as integers. spec: lxmf §8.2
func (p PropagationInfo) Append(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, 7)
	b = msgpack.AppendBool(b, false) // legacy support
	b = msgpack.AppendInt(b, p.Timebase)
	b = msgpack.AppendBool(b, p.Active)
	b = appendNumber(b, p.TransferLimit)
	b = appendNumber(b, p.SyncLimit)
	b = msgpack.AppendArrayHeader(b, 3)
	b = msgpack.AppendInt(b, int64(p.StampCost))
	b = msgpack.AppendInt(b, int64(p.Flexibility))
	b = msgpack.AppendInt(b, int64(p.PeeringCost))
	return p.appendMetadata(b)
}

func (p PropagationInfo) appendMetadata(b []byte) []byte {
	var pairs []msgpack.Pair
	placed := false
	name := msgpack.Pair{Key: msgpack.Int(NodeMetaName), Value: msgpack.Bin([]byte(p.Name))}
	given, _ := p.Metadata.Map()
	for k, v := range given.All() {
		if !k.Equal(name.Key) {
			pairs = append(pairs, msgpack.Pair{Key: k, Value: v})
		} else if p.Named {
			pairs, placed = append(pairs, name), true
		}
	}
	if p.Named && !placed {
		pairs = append(pairs, name)
	}
	return msgpack.Map(pairs...).Append(b)
}

// appendNumber writes a number without fraction as an integer, others as floats.
func appendNumber(b []byte, f float64) []byte {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return msgpack.AppendInt(b, int64(f))
	}
	return msgpack.AppendFloat64(b, f)
}
