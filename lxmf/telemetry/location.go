package telemetry

import (
	"encoding/binary"
	"math"
	"time"

	"meshchatx/rns/msgpack"
)

// Position is a reading of the location. spec: telemetry §3
type Position struct {
	Latitude, Longitude float64 // degrees, north and east positive
	Altitude            float64 // metres as the receiver gives them, normally above the WGS84 ellipsoid
	Speed               float64 // km/h
	Bearing             float64 // degrees clockwise from true north; may be negative
	Accuracy            float64 // metres, horizontal; at most 655.35
	At                  time.Time
}

// location has its numbers as byte strings of fixed length.
type location struct{}

// places are the parts in their order: name, length, decimals and whether there is a
// sign.
var places = []struct {
	name   string
	size   int
	scale  float64
	digits int
	signed bool
}{
	{"latitude", 4, 1e6, 6, true}, {"longitude", 4, 1e6, 6, true}, {"altitude", 4, 1e2, 2, true},
	{"speed", 4, 1e2, 2, false}, {"bearing", 4, 1e2, 2, true}, {"accuracy", 2, 1e2, 2, false},
}

const lastUpdate = "last_update"

func (location) open(v msgpack.Value) (msgpack.Value, bool) {
	a, ok := v.Array()
	if !ok || len(a) < len(places)+1 || !number(a[len(places)]) {
		return v, false
	}
	pairs := make([]msgpack.Pair, 0, len(places)+1)
	for i, p := range places {
		b, ok := a[i].Bytes()
		if !ok || len(b) != p.size {
			return v, false
		}
		var n float64
		switch {
		case p.size == 2:
			n = float64(binary.BigEndian.Uint16(b))
		case p.signed:
			n = float64(int32(binary.BigEndian.Uint32(b)))
		default:
			n = float64(binary.BigEndian.Uint32(b))
		}
		n /= p.scale
		if i == 0 && math.Abs(n) > 90 || i == 1 && math.Abs(n) > 180 {
			return v, false
		}
		pairs = append(pairs, pair(p.name, msgpack.Float(n)))
	}
	return msgpack.Map(append(pairs, pair(lastUpdate, a[len(places)]))...), true
}

// pack writes the numbers as the reference does: rounded, multiplied, and cut.
//
// differs: an accuracy that does not fit becomes the largest that does; the reference loses the whole reading.
func (location) pack(v msgpack.Value) (msgpack.Value, bool) {
	m, ok := v.Map()
	if !ok {
		return v, false
	}
	items := make([]msgpack.Value, 0, len(places)+1)
	for i, p := range places {
		part, ok := m.Text(p.name)
		if !ok || !number(part) {
			return v, false
		}
		f, _ := part.Number()
		if i == 0 && math.Abs(f) > 90 || i == 1 && math.Abs(f) > 180 {
			return v, false
		}
		n := math.Trunc(rounded(f, p.digits) * p.scale)
		switch {
		case p.size == 2 && n >= 0:
			items = append(items, msgpack.Bin(binary.BigEndian.AppendUint16(nil, uint16(min(n, math.MaxUint16)))))
		case p.signed && n >= math.MinInt32 && n <= math.MaxInt32:
			items = append(items, msgpack.Bin(binary.BigEndian.AppendUint32(nil, uint32(int32(n)))))
		case !p.signed && p.size == 4 && n >= 0 && n <= math.MaxUint32:
			items = append(items, msgpack.Bin(binary.BigEndian.AppendUint32(nil, uint32(n))))
		default:
			return v, false
		}
	}
	at, ok := m.Text(lastUpdate)
	return msgpack.Array(append(items, at)...), ok && number(at)
}

// Value returns the position with the names of its parts, for [Build].
func (p Position) Value() msgpack.Value {
	f := msgpack.Float
	return msgpack.Map(
		pair("latitude", f(p.Latitude)), pair("longitude", f(p.Longitude)), pair("altitude", f(p.Altitude)),
		pair("speed", f(p.Speed)), pair("bearing", f(p.Bearing)), pair("accuracy", f(p.Accuracy)),
		pair(lastUpdate, msgpack.Int(p.At.Unix())),
	)
}

func positionOf(v msgpack.Value) (p Position, ok bool) {
	m, ok := v.Map()
	if !ok {
		return Position{}, false
	}
	var at float64
	for name, to := range map[string]*float64{
		"latitude": &p.Latitude, "longitude": &p.Longitude, "altitude": &p.Altitude, "speed": &p.Speed,
		"bearing": &p.Bearing, "accuracy": &p.Accuracy, lastUpdate: &at,
	} {
		part, _ := m.Text(name)
		if *to, ok = part.Number(); !ok {
			return Position{}, false
		}
	}
	p.At = timeOf(at)
	return p, true
}

// maxSeconds keeps times within what can be computed with.
const maxSeconds = 1 << 40

// timeOf is the zero time for what is none.
func timeOf(seconds float64) time.Time {
	if math.IsNaN(seconds) || seconds <= 0 || seconds > maxSeconds {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	return time.Unix(int64(whole), int64(fraction*1e9)).UTC()
}
