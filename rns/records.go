package rns

import (
	"errors"
	"fmt"
	"math"
	"time"

	"meshchatx/rns/msgpack"
)

// ErrBadFile reports a file of which the structure cannot be read at all.
// Single entries that make no sense are skipped without error.
var ErrBadFile = errors.New("file is damaged")

// entryLimits bounds one entry of a table in a file. Tables are read entry by
// entry, so that a large file costs no more memory than what it holds.
var entryLimits = msgpack.Limits{Depth: 8, Values: 16 * maxBlobsPerEntry}

// unixTime makes a time of the floating point seconds that files hold. Values
// before the first second of 1970 or after the year 9999 are the zero time.
func unixTime(f float64) time.Time {
	const end = 253402300800  // 10000-01-01
	if !(f >= 1 && f < end) { // also when f is not a number
		return time.Time{}
	}
	whole, fraction := math.Modf(f)
	return time.Unix(int64(whole), int64(math.Round(fraction*1e9)))
}

// unixSeconds is the inverse of unixTime, to the last bit for times that came
// from it: a double of this size is coarser than a nanosecond.
func unixSeconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// eachEntry reads an array of values and passes them to fn one by one.
func eachEntry(b []byte, fn func(v msgpack.Value)) error {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	if n > maxFileEntries {
		return fmt.Errorf("%w: %d entries", ErrBadFile, n)
	}
	for range n {
		v, err := d.ReadValue(entryLimits)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		fn(v)
	}
	return nil
}

// eachPair reads a map and passes its entries to fn one by one.
func eachPair(b []byte, fn func(key, v msgpack.Value)) error {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadMapHeader()
	if err != nil {
		return fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	if n > maxFileEntries {
		return fmt.Errorf("%w: %d entries", ErrBadFile, n)
	}
	for range n {
		key, err := d.ReadValue(entryLimits)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		v, err := d.ReadValue(entryLimits)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		fn(key, v)
	}
	return nil
}

// fill copies a byte string of exactly the length of dst.
func fill(dst []byte, v msgpack.Value) bool {
	b, ok := v.Bytes()
	return ok && len(b) == len(dst) && copy(dst, b) == len(dst)
}

// appendHash writes a hash, or nil for none.
func appendHash(b []byte, h Hash) []byte {
	if h.IsZero() {
		return msgpack.AppendNil(b)
	}
	return msgpack.AppendBin(b, h[:])
}
