package msgpack

import (
	"encoding/binary"
	"math"
)

// First bytes of the MessagePack families in use.
const (
	codeFixMap   = 0x80
	codeFixArray = 0x90
	codeFixStr   = 0xa0
	codeNil      = 0xc0
	codeReserved = 0xc1
	codeFalse    = 0xc2
	codeTrue     = 0xc3
	codeBin8     = 0xc4
	codeBin16    = 0xc5
	codeBin32    = 0xc6
	codeExt8     = 0xc7
	codeExt16    = 0xc8
	codeExt32    = 0xc9
	codeFloat32  = 0xca
	codeFloat64  = 0xcb
	codeUint8    = 0xcc
	codeUint16   = 0xcd
	codeUint32   = 0xce
	codeUint64   = 0xcf
	codeInt8     = 0xd0
	codeInt16    = 0xd1
	codeInt32    = 0xd2
	codeInt64    = 0xd3
	codeFixExt1  = 0xd4
	codeFixExt16 = 0xd8
	codeStr8     = 0xd9
	codeStr16    = 0xda
	codeStr32    = 0xdb
	codeArray16  = 0xdc
	codeArray32  = 0xdd
	codeMap16    = 0xde
	codeMap32    = 0xdf
	codeNegative = 0xe0
)

// AppendNil appends nil.
func AppendNil(b []byte) []byte { return append(b, codeNil) }

// AppendBool appends a boolean.
func AppendBool(b []byte, v bool) []byte {
	if v {
		return append(b, codeTrue)
	}
	return append(b, codeFalse)
}

// AppendInt appends an integer in its shortest form; values from zero up use
// the unsigned family. spec: lxmf §1
func AppendInt(b []byte, v int64) []byte {
	switch {
	case v >= 0:
		return AppendUint(b, uint64(v))
	case v >= -32:
		return append(b, byte(v))
	case v >= math.MinInt8:
		return append(b, codeInt8, byte(v))
	case v >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, codeInt16), uint16(v))
	case v >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, codeInt32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, codeInt64), uint64(v))
}

// AppendUint appends an unsigned integer in its shortest form.
func AppendUint(b []byte, v uint64) []byte {
	switch {
	case v <= math.MaxInt8:
		return append(b, byte(v))
	case v <= math.MaxUint8:
		return append(b, codeUint8, byte(v))
	case v <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeUint16), uint16(v))
	case v <= math.MaxUint32:
		return binary.BigEndian.AppendUint32(append(b, codeUint32), uint32(v))
	}
	return binary.BigEndian.AppendUint64(append(b, codeUint64), v)
}

// AppendFloat64 appends a float, always 64 bits wide. spec: lxmf §1
func AppendFloat64(b []byte, v float64) []byte {
	return binary.BigEndian.AppendUint64(append(b, codeFloat64), math.Float64bits(v))
}

// AppendBin appends a byte string. A nil slice is the empty byte string, not
// nil. The length must fit 32 bits.
func AppendBin(b, v []byte) []byte { return append(AppendBinHeader(b, len(v)), v...) }

// AppendBinHeader appends the header of a byte string of n bytes, which the
// caller appends afterwards.
func AppendBinHeader(b []byte, n int) []byte {
	switch {
	case n <= math.MaxUint8:
		return append(b, codeBin8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeBin16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, codeBin32), uint32(n))
}

// AppendString appends text. It should be valid UTF-8: decoders refuse it
// otherwise. The length must fit 32 bits.
func AppendString(b []byte, v string) []byte {
	return append(appendStringHeader(b, len(v)), v...)
}

func appendStringHeader(b []byte, n int) []byte {
	switch {
	case n <= 31:
		return append(b, codeFixStr|byte(n))
	case n <= math.MaxUint8:
		return append(b, codeStr8, byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, codeStr16), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, codeStr32), uint32(n))
}

// AppendArrayHeader appends the header of an array of n elements, which the
// caller appends afterwards.
func AppendArrayHeader(b []byte, n int) []byte {
	return appendCount(b, n, codeFixArray, codeArray16)
}

// AppendMapHeader appends the header of a map of n entries; key and value of
// each follow.
func AppendMapHeader(b []byte, n int) []byte {
	return appendCount(b, n, codeFixMap, codeMap16)
}

// appendCount writes a container header; the 32 bit code follows the 16 bit one.
func appendCount(b []byte, n int, fix, wide byte) []byte {
	switch {
	case n <= 15:
		return append(b, fix|byte(n))
	case n <= math.MaxUint16:
		return binary.BigEndian.AppendUint16(append(b, wide), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, wide+1), uint32(n))
}

// AppendExt appends an extension value. None of the protocols uses them; they
// exist so that a foreign one survives decoding and encoding.
func AppendExt(b []byte, kind int8, data []byte) []byte {
	switch n := len(data); {
	case n == 1, n == 2, n == 4, n == 8, n == 16:
		code := byte(codeFixExt1)
		for w := 1; w < n; w <<= 1 {
			code++
		}
		b = append(b, code)
	case n <= math.MaxUint8:
		b = append(b, codeExt8, byte(n))
	case n <= math.MaxUint16:
		b = binary.BigEndian.AppendUint16(append(b, codeExt16), uint16(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, codeExt32), uint32(n))
	}
	return append(append(b, byte(kind)), data...)
}
