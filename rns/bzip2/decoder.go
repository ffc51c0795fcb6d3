package bzip2

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reasons for refusing input.
var (
	// ErrCorrupt means that the input is not one complete bzip2 stream, with
	// nothing after it.
	ErrCorrupt = errors.New("bzip2: corrupt stream")
	// ErrTooLong means that the content is longer than the limit.
	ErrTooLong = errors.New("bzip2: content over the limit")
)

// How the standard library refuses a block that is larger than the level in the
// header allows.
const (
	errLargeBlock = bzip2.StructuralError("data exceeds block size")
	errLargeRun   = bzip2.StructuralError("repeats past end of block")
)

// Decompress returns the content of src, which must be exactly one stream and
// hold at most limit bytes. Memory and time are bounded by the limit, not by
// what the stream claims. spec: rns-link §8.7
func Decompress(src []byte, limit int) ([]byte, error) {
	if len(src) < len(streamMagic) {
		return nil, ErrCorrupt
	}
	if second := nextStream(src); second > 0 {
		return nil, fmt.Errorf("%w: another stream at byte %d", ErrCorrupt, second)
	}
	in := newSource(src, limit)
	r := bzip2.NewReader(in)
	out := make([]byte, 0, min(limit, 4*len(src))+1)
	for {
		n, err := r.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case len(out) > limit:
			return nil, ErrTooLong
		case err == io.EOF:
			return out, nil
		case in.level < src[3] && (errors.Is(err, errLargeBlock) || errors.Is(err, errLargeRun)):
			return nil, ErrTooLong
		case err != nil:
			return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if len(out) == cap(out) {
			grown := make([]byte, len(out), min(limit+1, 2*cap(out)))
			copy(grown, out)
			out = grown
		}
	}
}

// nextStream returns where another stream begins in src, or 0. The standard
// library would go on reading there. A stream begins at a whole byte, with
// fourteen fixed digits that compressed data does not contain by accident.
func nextStream(src []byte) int {
	for at := 1; ; at++ {
		i := bytes.Index(src[at:], []byte(streamMagic[:3]))
		if i < 0 {
			return 0
		}
		at += i
		if len(src)-at < 10 {
			return 0 // too short for a stream: refused by the reader
		}
		switch binary.BigEndian.Uint64(src[at+2:]) & (1<<48 - 1) {
		case blockMagic, endMagic:
			return at
		}
	}
}

// source reads a stream with a lowered level in its header. The reader reserves
// memory by that level, 400 kB for each step.
type source struct {
	data  []byte
	level byte
	at    int
}

// newSource lowers the level to what content within the limit needs: run-length
// encoding adds at most a quarter.
func newSource(data []byte, limit int) *source {
	const step = 100_000
	level := data[3]
	if need := (limit + limit/4 + step) / step; need < 9 && level <= '9' {
		level = min(level, '0'+byte(need))
	}
	return &source{data: data, level: level}
}

// ReadByte implements [io.ByteReader].
func (s *source) ReadByte() (byte, error) {
	if s.at >= len(s.data) {
		return 0, io.EOF
	}
	c := s.data[s.at]
	if s.at == 3 {
		c = s.level
	}
	s.at++
	return c, nil
}

// Read implements [io.Reader]; the decoder only reads single bytes.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	c, err := s.ReadByte()
	if err != nil {
		return 0, err
	}
	p[0] = c
	return 1, nil
}
