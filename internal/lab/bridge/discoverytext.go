package bridge

import (
	"encoding/json"
	"errors"

	"meshchatx/rns/msgpack"
)

// coordinate is a number, or text that the suite publishes in the place of one. A node cannot publish that: its coordinates are
// numbers by their type.
type coordinate struct {
	number *float64
	text   *string
}

func (c *coordinate) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &c.number); err == nil {
		return nil
	}
	c.number = nil
	return json.Unmarshal(b, &c.text)
}

// Keys of coordinates in what is published. spec: rns-core §22.2
const (
	keyLatitude  = 0x03
	keyLongitude = 0x04
	keyHeight    = 0x05
)

// spoil puts text where the suite wants it in the place of a coordinate.
func (p offerParams) spoil(packed []byte) ([]byte, error) {
	texts := map[int64]*string{keyLatitude: p.Fields.Latitude.text, keyLongitude: p.Fields.Longitude.text, keyHeight: p.Fields.Height.text}
	v, rest, err := msgpack.Parse(packed, msgpack.DefaultLimits())
	m, ok := v.Map()
	if err != nil || !ok || len(rest) > 0 {
		return nil, errors.Join(err, errParam)
	}
	pairs := make([]msgpack.Pair, 0, m.Len())
	for i := range m.Len() {
		pair := m.At(i)
		if key, ok := pair.Key.Int(); ok && texts[key] != nil {
			pair.Value = msgpack.Str(*texts[key])
		}
		pairs = append(pairs, pair)
	}
	return msgpack.Map(pairs...).Append(nil), nil
}
