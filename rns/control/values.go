package control

import (
	"fmt"
	"math"
	"time"

	"meshchatx/rns/msgpack"
)

// seconds is a time as the calls show it: Unix seconds with a fraction.
func seconds(t time.Time) float64 { return float64(t.Unix()) + float64(t.Nanosecond())/1e9 }

// latest is the last time that the calls show; anything later means the same.
const latest = 1 << 33 // seconds, in the year 2242

// unixTime is the time of Unix seconds. Zero and what is no time are the zero time.
func unixTime(s float64) time.Time {
	if !(s > 0) { //nolint:staticcheck // false for NaN, too
		return time.Time{}
	}
	whole, part := math.Modf(min(s, latest))
	return time.Unix(int64(whole), int64(math.Round(part*1e9)))
}

// appendNumber writes nought as an integer, as the reference does where nothing was measured.
func appendNumber(b []byte, v float64) []byte {
	if v == 0 {
		return msgpack.AppendInt(b, 0)
	}
	return msgpack.AppendFloat64(b, v)
}

// appendTime writes Unix seconds, 0 for the zero time.
func appendTime(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return msgpack.AppendInt(b, 0)
	}
	return msgpack.AppendFloat64(b, seconds(t))
}

func appendTimeOrNil(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return msgpack.AppendNil(b)
	}
	return msgpack.AppendFloat64(b, seconds(t))
}

func appendTextOrNil(b []byte, s string) []byte {
	if s == "" {
		return msgpack.AppendNil(b)
	}
	return msgpack.AppendString(b, s)
}

// fixed copies a byte string of exactly the length of dst.
func fixed(v msgpack.Value, dst []byte) bool {
	b, ok := v.Bytes()
	if !ok || len(b) != len(dst) {
		return false
	}
	copy(dst, b)
	return true
}

// readTime accepts nil for none.
func readTime(v msgpack.Value, t *time.Time) bool {
	if v.IsNil() {
		return true
	}
	s, ok := v.Number()
	*t = unixTime(s)
	return ok
}

// readText accepts nil for none.
func readText(v msgpack.Value, s *string) bool {
	if v.IsNil() {
		return true
	}
	text, ok := v.Text()
	*s = text
	return ok
}

// parse reads a response of one value.
func parse(b []byte) (msgpack.Value, error) {
	if isPickle(b) {
		return msgpack.Nil(), ErrPickle
	}
	v, rest, err := msgpack.Parse(b, msgpack.Limits{Depth: 8, Values: maxValues})
	switch {
	case err != nil:
		return v, fmt.Errorf("%w: %w", ErrResponse, err)
	case len(rest) > 0:
		return v, ErrResponse
	}
	return v, nil
}

// maxValues bounds the tree of a response, about 64 bytes each.
const maxValues = 2_000_000

// parseBool reads a response that is true, false or, for false, nil.
func parseBool(b []byte) (bool, error) {
	v, err := parse(b)
	if err != nil || v.IsNil() {
		return false, err
	}
	yes, ok := v.Bool()
	if !ok {
		return false, ErrResponse
	}
	return yes, nil
}

// parseNumber reads a number; nil is none.
func parseNumber(b []byte) (float64, bool, error) {
	v, err := parse(b)
	if err != nil || v.IsNil() {
		return 0, false, err
	}
	f, ok := v.Number()
	if !ok {
		return 0, false, ErrResponse
	}
	return f, true, nil
}
