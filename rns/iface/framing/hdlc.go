package framing

import "bytes"

// Special bytes of the HDLC-like framing. spec: rns-interfaces §2.1
const (
	hdlcFlag    = 0x7e
	hdlcEscape  = 0x7d
	hdlcFlagSub = 0x5e // escaped form of the flag
	hdlcEscSub  = 0x5d // escaped form of the escape
)

// AppendHDLC appends packet as one frame, with both flags. The frame is at most
// 2·len(packet)+2 bytes long. spec: rns-interfaces §2.1
func AppendHDLC(dst, packet []byte) []byte {
	dst = append(dst, hdlcFlag)
	dst = appendEscaped(dst, packet, hdlcEscape, hdlcFlag, hdlcEscSub, hdlcFlagSub)
	return append(dst, hdlcFlag)
}

// appendEscaped writes data with esc and flag replaced by esc and their
// substitutes. Each of the two is searched for separately, because searching
// for one byte is many times faster than looking at every byte.
func appendEscaped(dst, data []byte, esc, flag, escSub, flagSub byte) []byte {
	nextEsc, nextFlag := indexFrom(data, 0, esc), indexFrom(data, 0, flag)
	at := 0
	for {
		stop := min(nextEsc, nextFlag)
		dst = append(dst, data[at:stop]...)
		switch {
		case stop == len(data):
			return dst
		case stop == nextEsc:
			dst = append(dst, esc, escSub)
			nextEsc = indexFrom(data, stop+1, esc)
		default:
			dst = append(dst, esc, flagSub)
			nextFlag = indexFrom(data, stop+1, flag)
		}
		at = stop + 1
	}
}

// indexFrom is the position of c at or after from, or len(data).
func indexFrom(data []byte, from int, c byte) int {
	if i := bytes.IndexByte(data[from:], c); i >= 0 {
		return from + i
	}
	return len(data)
}

// HDLC takes the packets out of an HDLC-framed stream. Make one with [NewHDLC].
// Not safe for concurrent use.
type HDLC struct {
	limits Limits
	split  splitter
	stats  Stats
}

// NewHDLC returns a deframer at the start of a stream.
func NewHDLC(limits Limits) *HDLC {
	return &HDLC{limits: limits, split: splitter{flag: hdlcFlag, limit: 2 * limits.Max}}
}

// Feed takes the next bytes of the stream and calls yield for every packet that
// ends in them, in order. A packet passed to yield is valid until yield returns:
// it may lie in chunk, which Feed overwrites, or in the deframer.
//
// One flag may end a frame and begin the next; empty frames are keepalives and
// ignored. spec: rns-interfaces §2.1
func (d *HDLC) Feed(chunk []byte, yield func(packet []byte)) {
	for len(chunk) > 0 {
		raw, rest, done := d.split.next(chunk, &d.stats.Oversize)
		if done {
			return
		}
		chunk = rest
		if len(raw) == 0 {
			continue
		}
		packet, ok := unescapeHDLC(raw)
		if !ok {
			d.stats.Malformed++
			continue
		}
		if d.stats.fits(len(packet), d.limits) {
			yield(packet)
		}
	}
}

// Stats returns the counters so far.
func (d *HDLC) Stats() Stats { return d.stats }

// Pending reports whether an unfinished frame is held. A driver of a line that
// loses bytes resets the deframer when the rest does not follow in time.
// spec: rns-interfaces §7
func (d *HDLC) Pending() bool { return d.split.pending() }

// Reset forgets an unfinished frame, for a stream that starts anew. Counters
// go on.
func (d *HDLC) Reset() { d.split.reset() }

// unescapeHDLC reverses the escapes in place. An escape before any other byte,
// or at the end, spoils the frame: no conforming sender produces it.
// differs: the stream drivers of the reference keep such bytes.
func unescapeHDLC(raw []byte) (packet []byte, ok bool) {
	from := bytes.IndexByte(raw, hdlcEscape)
	if from < 0 {
		return raw, true
	}
	to := from
	for {
		if from+1 >= len(raw) {
			return nil, false
		}
		switch raw[from+1] {
		case hdlcFlagSub:
			raw[to] = hdlcFlag
		case hdlcEscSub:
			raw[to] = hdlcEscape
		default:
			return nil, false
		}
		to, from = to+1, from+2
		next := bytes.IndexByte(raw[from:], hdlcEscape)
		if next < 0 {
			to += copy(raw[to:], raw[from:])
			return raw[:to], true
		}
		to += copy(raw[to:], raw[from:from+next])
		from += next
	}
}
