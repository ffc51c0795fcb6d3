package msgpack

import (
	"bytes"
	"fmt"
	"iter"
	"math"
	"strconv"
)

// Kind says what a value is. The zero Kind is nil.
type Kind uint8

// The kinds of values.
const (
	KindNil Kind = iota
	KindBool
	KindInt // signed and unsigned integers of any encoded width
	KindFloat
	KindBin
	KindString
	KindArray
	KindMap
	KindExt
)

// String names the kind.
func (k Kind) String() string {
	names := [...]string{"nil", "bool", "int", "float", "bin", "str", "array", "map", "ext"}
	if int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// Value is one decoded value, with all it contains. The zero Value is nil.
// Values may be copied; copies share their content, which must not be changed.
type Value struct {
	kind  Kind
	ext   int8    // type of an extension
	big   bool    // an integer above the int64 range
	num   uint64  // bits of bool, integer and float
	data  []byte  // bin, str, ext
	items []Value // array elements; of a map, keys and values in turn
}

// Pair is one entry of a map.
type Pair struct{ Key, Value Value }

// Nil returns the nil value.
func Nil() Value { return Value{} }

// Bool returns a boolean value.
func Bool(v bool) Value {
	if v {
		return Value{kind: KindBool, num: 1}
	}
	return Value{kind: KindBool}
}

// Int returns an integer value.
func Int(v int64) Value { return Value{kind: KindInt, num: uint64(v)} }

// Uint returns an integer value.
func Uint(v uint64) Value { return Value{kind: KindInt, num: v, big: v > math.MaxInt64} }

// Float returns a floating point value.
func Float(v float64) Value { return Value{kind: KindFloat, num: math.Float64bits(v)} }

// Bin returns a byte string value that aliases v. Nil is the empty byte string.
func Bin(v []byte) Value { return Value{kind: KindBin, data: v} }

// Str returns a text value.
func Str(v string) Value { return Value{kind: KindString, data: []byte(v)} }

// Array returns an array that aliases items.
func Array(items ...Value) Value { return Value{kind: KindArray, items: items} }

// Map returns a map with the entries in the given order. The caller sees to it
// that keys are scalars and not repeated.
func Map(pairs ...Pair) Value {
	items := make([]Value, 0, 2*len(pairs))
	for _, p := range pairs {
		items = append(items, p.Key, p.Value)
	}
	return Value{kind: KindMap, items: items}
}

// Kind returns what v is.
func (v Value) Kind() Kind { return v.kind }

// IsNil reports whether v is nil.
func (v Value) IsNil() bool { return v.kind == KindNil }

// Bool returns a boolean; false if v is none.
func (v Value) Bool() (b, ok bool) { return v.num != 0 && v.kind == KindBool, v.kind == KindBool }

// Int returns an integer that fits an int64.
func (v Value) Int() (int64, bool) {
	if v.kind != KindInt || v.big {
		return 0, false
	}
	return int64(v.num), true
}

// Uint returns an integer that is not negative.
func (v Value) Uint() (uint64, bool) {
	if v.kind != KindInt || (!v.big && int64(v.num) < 0) {
		return 0, false
	}
	return v.num, true
}

// Float returns a floating point number; integers are not converted, see
// [Value.Number].
func (v Value) Float() (float64, bool) {
	if v.kind != KindFloat {
		return 0, false
	}
	return math.Float64frombits(v.num), true
}

// Number returns a float or an integer as a float.
func (v Value) Number() (float64, bool) {
	switch {
	case v.kind == KindFloat:
		return math.Float64frombits(v.num), true
	case v.kind != KindInt:
		return 0, false
	case v.big:
		return float64(v.num), true
	}
	return float64(int64(v.num)), true
}

// Bytes returns a byte string; it aliases the value.
func (v Value) Bytes() ([]byte, bool) { return v.dataOf(KindBin) }

// Text returns a text.
func (v Value) Text() (string, bool) { b, ok := v.dataOf(KindString); return string(b), ok }

// BytesOrText returns the bytes of a byte string or of a text, for fields that
// senders encode either way. The result aliases the value.
func (v Value) BytesOrText() ([]byte, bool) {
	if v.kind == KindString {
		return v.data, true
	}
	return v.dataOf(KindBin)
}

func (v Value) dataOf(k Kind) ([]byte, bool) {
	if v.kind != k {
		return nil, false
	}
	return v.data, true
}

// Ext returns type and data of an extension value.
func (v Value) Ext() (kind int8, data []byte, ok bool) {
	return v.ext, v.data, v.kind == KindExt
}

// Array returns the elements of an array; they alias the value.
func (v Value) Array() ([]Value, bool) {
	if v.kind != KindArray {
		return nil, false
	}
	return v.items, true
}

// Map returns the entries of a map; they alias the value.
func (v Value) Map() (Pairs, bool) {
	if v.kind != KindMap {
		return Pairs{}, false
	}
	return Pairs{v.items}, true
}

// Pairs are the entries of a map in order. The zero value has none.
type Pairs struct{ items []Value }

// Len returns the number of entries.
func (p Pairs) Len() int { return len(p.items) / 2 }

// At returns entry i, which must be below Len.
func (p Pairs) At(i int) Pair { return Pair{p.items[2*i], p.items[2*i+1]} }

// All iterates over the entries in order.
func (p Pairs) All() iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		for i := 0; i+1 < len(p.items); i += 2 {
			if !yield(p.items[i], p.items[i+1]) {
				return
			}
		}
	}
}

// Get returns the value of a key, compared by kind and content.
func (p Pairs) Get(key Value) (Value, bool) {
	for k, v := range p.All() {
		if k.Equal(key) {
			return v, true
		}
	}
	return Value{}, false
}

// Int returns the value of an integer key.
func (p Pairs) Int(key int64) (Value, bool) { return p.Get(Int(key)) }

// Text returns the value of a text key.
func (p Pairs) Text(key string) (Value, bool) {
	for k, v := range p.All() {
		if k.kind == KindString && string(k.data) == key {
			return v, true
		}
	}
	return Value{}, false
}

// Bytes returns the value of a byte string key.
func (p Pairs) Bytes(key []byte) (Value, bool) { return p.Get(Bin(key)) }

// Equal reports whether two values have the same kind and content, and so the
// same encoding. The order of map entries counts; NaN equals itself.
func (v Value) Equal(w Value) bool {
	if v.kind != w.kind || v.num != w.num || v.big != w.big || v.ext != w.ext ||
		!bytes.Equal(v.data, w.data) || len(v.items) != len(w.items) {
		return false
	}
	for i := range v.items {
		if !v.items[i].Equal(w.items[i]) {
			return false
		}
	}
	return true
}

// Append appends the canonical encoding of v. spec: lxmf §1
func (v Value) Append(b []byte) []byte {
	switch v.kind {
	case KindBool:
		return AppendBool(b, v.num != 0)
	case KindInt:
		if v.big {
			return AppendUint(b, v.num)
		}
		return AppendInt(b, int64(v.num))
	case KindFloat:
		return AppendFloat64(b, math.Float64frombits(v.num))
	case KindBin:
		return AppendBin(b, v.data)
	case KindString:
		return append(appendStringHeader(b, len(v.data)), v.data...)
	case KindArray:
		b = AppendArrayHeader(b, len(v.items))
	case KindMap:
		b = AppendMapHeader(b, len(v.items)/2)
	case KindExt:
		return AppendExt(b, v.ext, v.data)
	default:
		return AppendNil(b)
	}
	for _, item := range v.items {
		b = item.Append(b)
	}
	return b
}

// String shows v in a short diagnostic notation; byte strings are hex.
func (v Value) String() string { return string(v.appendText(nil)) }

func (v Value) appendText(b []byte) []byte {
	switch v.kind {
	case KindBool:
		return strconv.AppendBool(b, v.num != 0)
	case KindInt:
		if v.big {
			return strconv.AppendUint(b, v.num, 10)
		}
		return strconv.AppendInt(b, int64(v.num), 10)
	case KindFloat:
		f := math.Float64frombits(v.num)
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			return strconv.AppendFloat(b, f, 'f', 1, 64)
		}
		return strconv.AppendFloat(b, f, 'g', -1, 64)
	case KindBin:
		return fmt.Appendf(b, "h'%x'", v.data)
	case KindString:
		return strconv.AppendQuote(b, string(v.data))
	case KindArray, KindMap:
		return v.appendItems(b)
	case KindExt:
		return fmt.Appendf(b, "ext(%d,h'%x')", v.ext, v.data)
	}
	return append(b, "nil"...)
}

func (v Value) appendItems(b []byte) []byte {
	open, end := byte('['), byte(']')
	if v.kind == KindMap {
		open, end = '{', '}'
	}
	b = append(b, open)
	for i, item := range v.items {
		switch {
		case i > 0 && v.kind == KindMap && i%2 == 1:
			b = append(b, ": "...)
		case i > 0:
			b = append(b, ", "...)
		}
		b = item.appendText(b)
	}
	return append(b, end)
}
