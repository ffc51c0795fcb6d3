package msgpack

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// Reasons for refusing input.
var (
	// ErrTruncated means that the input ends inside a value.
	ErrTruncated = errors.New("msgpack: truncated input")
	// ErrReserved means that the input uses the one code without a meaning.
	ErrReserved = errors.New("msgpack: reserved code")
	// ErrUTF8 means that a text is not valid UTF-8.
	ErrUTF8 = errors.New("msgpack: text is not UTF-8")
	// ErrRepeatedKey means that a map contains a key twice.
	ErrRepeatedKey = errors.New("msgpack: repeated map key")
	// ErrKey means that a map key is itself a container or an extension.
	ErrKey = errors.New("msgpack: unusable map key")
	// ErrDepth means that values are nested deeper than allowed.
	ErrDepth = errors.New("msgpack: nested too deep")
	// ErrTooMany means that the input holds more values than allowed.
	ErrTooMany = errors.New("msgpack: too many values")
	// ErrType means that the next value is of another kind than asked for.
	ErrType = errors.New("msgpack: value of another type")
	// ErrRange means that an integer does not fit the type asked for.
	ErrRange = errors.New("msgpack: integer out of range")
)

// Decoder reads values one after the other without allocating. The zero value
// is at the end of an empty input. A method that fails leaves the position
// unchanged. Not safe for concurrent use.
type Decoder struct {
	buf []byte
	off int
}

// NewDecoder returns a decoder at the start of b.
func NewDecoder(b []byte) Decoder { return Decoder{buf: b} }

// Offset returns the number of bytes consumed.
func (d *Decoder) Offset() int { return d.off }

// Rest returns what has not been consumed; it aliases the input.
func (d *Decoder) Rest() []byte { return d.buf[d.off:] }

// More reports whether input is left.
func (d *Decoder) More() bool { return d.off < len(d.buf) }

// item is a decoded head: of a scalar its value, of bin, str and ext the data,
// of a container the number of entries.
type item struct {
	kind Kind
	ext  int8
	big  bool
	num  uint64
	data []byte
}

// Kind returns the kind of the next value without consuming it.
func (d *Decoder) Kind() (Kind, error) {
	at := d.off
	it, err := d.next()
	d.off = at
	return it.kind, err
}

// ReadNil consumes a nil.
func (d *Decoder) ReadNil() error { _, err := d.expect(KindNil); return err }

// ReadBool consumes a boolean.
func (d *Decoder) ReadBool() (bool, error) {
	it, err := d.expect(KindBool)
	return it.num != 0, err
}

// ReadInt consumes an integer that fits an int64.
func (d *Decoder) ReadInt() (int64, error) {
	at := d.off
	it, err := d.expect(KindInt)
	if err == nil && it.big {
		d.off, err = at, ErrRange
	}
	if err != nil {
		return 0, err
	}
	return int64(it.num), nil
}

// ReadUint consumes an integer that is not negative.
func (d *Decoder) ReadUint() (uint64, error) {
	at := d.off
	it, err := d.expect(KindInt)
	if err == nil && !it.big && int64(it.num) < 0 {
		d.off, err = at, ErrRange
	}
	if err != nil {
		return 0, err
	}
	return it.num, nil
}

// ReadFloat consumes a float of either width.
func (d *Decoder) ReadFloat() (float64, error) {
	it, err := d.expect(KindFloat)
	return math.Float64frombits(it.num), err
}

// ReadNumber consumes a float or an integer.
func (d *Decoder) ReadNumber() (float64, error) {
	at := d.off
	it, err := d.next()
	if err != nil {
		return 0, err
	}
	f, ok := it.value().Number()
	if !ok {
		d.off = at
		return 0, ErrType
	}
	return f, nil
}

// ReadBin consumes a byte string, which aliases the input.
func (d *Decoder) ReadBin() ([]byte, error) {
	it, err := d.expect(KindBin)
	return it.data, err
}

// ReadText consumes a text and returns its bytes, valid UTF-8, which alias the
// input.
func (d *Decoder) ReadText() ([]byte, error) {
	it, err := d.expect(KindString)
	return it.data, err
}

// ReadArrayHeader consumes the head of an array and returns its length, which
// is never more than the number of bytes left.
func (d *Decoder) ReadArrayHeader() (int, error) {
	it, err := d.expect(KindArray)
	return int(it.num), err
}

// ReadMapHeader consumes the head of a map and returns its number of entries,
// which is never more than half the number of bytes left.
func (d *Decoder) ReadMapHeader() (int, error) {
	it, err := d.expect(KindMap)
	return int(it.num), err
}

// Skip consumes one value with everything in it, checking that it is well
// formed except for repeated keys. Nesting is not limited: it needs no memory.
func (d *Decoder) Skip() error {
	at := d.off
	for left := uint64(1); left > 0; left-- {
		it, err := d.next()
		if err != nil {
			d.off = at
			return err
		}
		switch it.kind {
		case KindArray:
			left += it.num
		case KindMap:
			left += 2 * it.num
		}
		// Whatever is still open needs a byte each: a forged count ends here.
		if left-1 > uint64(len(d.buf)-d.off) {
			d.off = at
			return ErrTruncated
		}
	}
	return nil
}

func (d *Decoder) expect(k Kind) (item, error) {
	at := d.off
	it, err := d.next()
	if err == nil && it.kind != k {
		d.off, err = at, ErrType
	}
	if err != nil {
		return item{}, err
	}
	return it, nil
}

// next consumes one head, with the data of bin, str and ext.
func (d *Decoder) next() (item, error) {
	if d.off >= len(d.buf) {
		return item{}, ErrTruncated
	}
	c := d.buf[d.off]
	at := d.off
	d.off++
	it, err := d.dispatch(c)
	if err != nil {
		d.off = at
		return item{}, err
	}
	return it, nil
}

func (d *Decoder) dispatch(c byte) (item, error) {
	switch {
	case c < codeFixMap:
		return item{kind: KindInt, num: uint64(c)}, nil
	case c < codeFixArray:
		return d.container(KindMap, uint64(c&0x0f))
	case c < codeFixStr:
		return d.container(KindArray, uint64(c&0x0f))
	case c < codeNil:
		return d.text(uint64(c & 0x1f))
	case c >= codeNegative:
		return item{kind: KindInt, num: uint64(int64(int8(c)))}, nil
	}
	switch c {
	case codeNil:
		return item{}, nil
	case codeFalse, codeTrue:
		return item{kind: KindBool, num: uint64(c & 1)}, nil
	case codeFloat32, codeFloat64, codeUint8, codeUint16, codeUint32, codeUint64,
		codeInt8, codeInt16, codeInt32, codeInt64:
		return d.number(c)
	case codeReserved:
		return item{}, ErrReserved
	}
	if c >= codeFixExt1 && c <= codeFixExt16 {
		return d.extension(1 << (c - codeFixExt1))
	}
	return d.sized(c)
}

// number reads what follows the code of a number wider than the code itself.
func (d *Decoder) number(c byte) (item, error) {
	width := 1
	switch c {
	case codeFloat32:
		width = 4
	case codeFloat64:
		width = 8
	default: // both integer families count 8, 16, 32, 64 bits
		width <<= (c - codeUint8) & 3
	}
	u, err := d.uint(width)
	if err != nil {
		return item{}, err
	}
	switch c {
	case codeFloat32:
		return item{kind: KindFloat, num: math.Float64bits(float64(math.Float32frombits(uint32(u))))}, nil
	case codeFloat64:
		return item{kind: KindFloat, num: u}, nil
	case codeInt8:
		u = uint64(int64(int8(u)))
	case codeInt16:
		u = uint64(int64(int16(u)))
	case codeInt32:
		u = uint64(int64(int32(u)))
	}
	return item{kind: KindInt, num: u, big: c == codeUint64 && u > math.MaxInt64}, nil
}

// sized reads what has an explicit length of 8, 16 or 32 bits.
func (d *Decoder) sized(c byte) (item, error) {
	width := 1
	switch c {
	case codeBin16, codeExt16, codeStr16, codeArray16, codeMap16:
		width = 2
	case codeBin32, codeExt32, codeStr32, codeArray32, codeMap32:
		width = 4
	}
	n, err := d.uint(width)
	if err != nil {
		return item{}, err
	}
	switch c {
	case codeBin8, codeBin16, codeBin32:
		data, err := d.take(n)
		return item{kind: KindBin, data: data}, err
	case codeExt8, codeExt16, codeExt32:
		return d.extension(n)
	case codeArray16, codeArray32:
		return d.container(KindArray, n)
	case codeMap16, codeMap32:
		return d.container(KindMap, n)
	}
	return d.text(n)
}

func (d *Decoder) text(n uint64) (item, error) {
	data, err := d.take(n)
	if err == nil && !utf8.Valid(data) {
		err = ErrUTF8
	}
	return item{kind: KindString, data: data}, err
}

func (d *Decoder) extension(n uint64) (item, error) {
	kind, err := d.take(1)
	if err != nil {
		return item{}, err
	}
	data, err := d.take(n)
	return item{kind: KindExt, ext: int8(kind[0]), data: data}, err
}

// container refuses counts that the rest of the input cannot hold, so that
// nothing is ever allocated for a forged one.
func (d *Decoder) container(k Kind, n uint64) (item, error) {
	least := n
	if k == KindMap {
		least = 2 * n
	}
	if least > uint64(len(d.buf)-d.off) {
		return item{}, ErrTruncated
	}
	return item{kind: k, num: n}, nil
}

func (d *Decoder) take(n uint64) ([]byte, error) {
	if n > uint64(len(d.buf)-d.off) {
		return nil, ErrTruncated
	}
	data := d.buf[d.off : d.off+int(n) : d.off+int(n)]
	d.off += int(n)
	return data, nil
}

func (d *Decoder) uint(width int) (uint64, error) {
	b, err := d.take(uint64(width))
	if err != nil {
		return 0, err
	}
	switch width {
	case 1:
		return uint64(b[0]), nil
	case 2:
		return uint64(binary.BigEndian.Uint16(b)), nil
	case 4:
		return uint64(binary.BigEndian.Uint32(b)), nil
	}
	return binary.BigEndian.Uint64(b), nil
}
