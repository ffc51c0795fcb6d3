package msgpack

import (
	"encoding/binary"
	"math"
)

// Limits bound what [Parse] builds. The zero value means [DefaultLimits].
type Limits struct {
	Depth  int // containers inside each other
	Values int // values of all kinds together, about 64 bytes of memory each
}

// DefaultLimits returns the limits for data from peers: 32 levels and one
// million values.
func DefaultLimits() Limits { return Limits{Depth: 32, Values: 1 << 20} }

// smallMap is the number of entries up to which comparing all keys with each
// other is cheaper than hashing them.
const smallMap = 8

// Parse decodes the first value of b and returns it with the bytes after it.
// The value aliases b. spec: lxmf §1
func Parse(b []byte, limits Limits) (v Value, rest []byte, err error) {
	d := NewDecoder(b)
	v, err = d.ReadValue(limits)
	if err != nil {
		return Value{}, nil, err
	}
	return v, d.Rest(), nil
}

// ReadValue consumes one value with everything in it. It aliases the input.
func (d *Decoder) ReadValue(limits Limits) (Value, error) {
	def := DefaultLimits()
	if limits.Depth == 0 {
		limits.Depth = def.Depth
	}
	if limits.Values == 0 {
		limits.Values = def.Values
	}
	at := d.off
	limits.Values-- // the value itself
	v, err := d.tree(limits.Depth, &limits.Values)
	if err != nil {
		d.off = at
		return Value{}, err
	}
	return v, nil
}

func (d *Decoder) tree(depth int, budget *int) (Value, error) {
	it, err := d.next()
	if err != nil {
		return Value{}, err
	}
	v := it.value()
	if it.kind != KindArray && it.kind != KindMap {
		return v, nil
	}
	if depth <= 0 {
		return Value{}, ErrDepth
	}
	n := it.num
	if it.kind == KindMap {
		n *= 2
	}
	// Charged before the elements exist: nested forged counts would otherwise
	// allocate the limit once per level.
	if n > uint64(*budget) {
		return Value{}, ErrTooMany
	}
	*budget -= int(n)
	v.items = make([]Value, n)
	for i := range v.items {
		if v.items[i], err = d.tree(depth-1, budget); err != nil {
			return Value{}, err
		}
	}
	if it.kind == KindMap {
		err = checkKeys(v.items)
	}
	return v, err
}

func (it item) value() Value {
	v := Value{kind: it.kind, ext: it.ext, big: it.big, num: it.num, data: it.data}
	if it.kind == KindArray || it.kind == KindMap {
		v.num = 0
	}
	return v
}

// checkKeys refuses containers as keys, and repeated keys. As in the reference,
// numbers of equal value are one key whatever their type. spec: lxmf §1
func checkKeys(items []Value) error {
	for i := 0; i < len(items); i += 2 {
		switch items[i].kind {
		case KindArray, KindMap, KindExt:
			return ErrKey
		}
	}
	if len(items) <= 2*smallMap {
		for i := 2; i < len(items); i += 2 {
			k := canonicalKey(items[i])
			for j := 0; j < i; j += 2 {
				if canonicalKey(items[j]).Equal(k) {
					return ErrRepeatedKey
				}
			}
		}
		return nil
	}
	seen := make(map[string]struct{}, len(items)/2)
	var buf []byte
	for i := 0; i < len(items); i += 2 {
		k := canonicalKey(items[i])
		buf = AppendBool(append(buf[:0], byte(k.kind)), k.big)
		buf = binary.BigEndian.AppendUint64(buf, k.num)
		buf = append(buf, k.data...)
		if _, repeated := seen[string(buf)]; repeated {
			return ErrRepeatedKey
		}
		seen[string(buf)] = struct{}{}
	}
	return nil
}

// canonicalKey maps booleans and integral floats to the integer they equal.
func canonicalKey(v Value) Value {
	switch v.kind {
	case KindBool:
		return Int(int64(v.num))
	case KindFloat:
		f := math.Float64frombits(v.num)
		if f == math.Trunc(f) && f >= -(1<<63) && f < 1<<63 {
			return Int(int64(f))
		}
	}
	return v
}
