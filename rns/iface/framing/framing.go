package framing

import "bytes"

// MinFrame is the length of the shortest frame that can hold a packet: a frame
// must be longer than the shortest header. spec: rns-interfaces §1.1
const MinFrame = 20

// Limits bound the length in bytes of delivered frames, after the framing has
// been removed. Drivers set Max to hardware MTU plus access code. Min is
// [MinFrame] for streams of packets and zero where short control frames matter.
// spec: rns-interfaces §1.1
type Limits struct{ Min, Max int }

// Stats counts what a deframer did since it was made.
type Stats struct {
	Frames    uint64 // delivered
	Runts     uint64 // dropped: not empty, but shorter than Limits.Min
	Oversize  uint64 // dropped: longer than Limits.Max, or never terminated
	Malformed uint64 // dropped: invalid escape sequence
}

// splitter cuts a stream at flag bytes. It holds at most limit bytes of an
// unfinished frame; of a longer one it forgets everything up to the next flag.
type splitter struct {
	flag     byte
	limit    int // raw bytes, escapes included
	synced   bool
	skipping bool
	held     []byte
}

// next returns the raw frame that ends first in chunk, and the rest of the
// chunk. Without one it keeps what is there and reports done. Frames that are
// empty or out of synchronisation are returned as empty.
func (s *splitter) next(chunk []byte, oversize *uint64) (raw, rest []byte, done bool) {
	index := bytes.IndexByte(chunk, s.flag)
	if index < 0 {
		s.hold(chunk, oversize)
		return nil, nil, true
	}
	raw, rest = chunk[:index], chunk[index+1:]
	if !s.synced || s.skipping {
		s.synced, s.skipping, s.held = true, false, s.held[:0]
		return nil, rest, false
	}
	if len(s.held) > 0 {
		if len(s.held)+len(raw) > s.limit {
			*oversize++
			s.held = s.held[:0]
			return nil, rest, false
		}
		s.held = append(s.held, raw...)
		raw = s.held
		s.held = s.held[:0]
	}
	return raw, rest, false
}

func (s *splitter) hold(part []byte, oversize *uint64) {
	switch {
	case !s.synced || s.skipping:
	case len(s.held)+len(part) > s.limit:
		*oversize++
		s.skipping = true
		s.held = s.held[:0]
	default:
		s.held = append(s.held, part...)
	}
}

// fits counts a frame by its length and reports whether it may be delivered.
func (st *Stats) fits(n int, l Limits) bool {
	switch {
	case n < l.Min:
		st.Runts++
	case n > l.Max:
		st.Oversize++
	default:
		st.Frames++
		return true
	}
	return false
}

func (s *splitter) reset() { s.synced, s.skipping, s.held = false, false, s.held[:0] }

// pending tells whether part of a frame came, which the rest may never follow.
func (s *splitter) pending() bool { return s.skipping || len(s.held) > 0 }
