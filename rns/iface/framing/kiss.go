package framing

import "bytes"

// Special bytes of KISS. spec: rns-interfaces §2.2
const (
	kissFlag    = 0xc0
	kissEscape  = 0xdb
	kissFlagSub = 0xdc
	kissEscSub  = 0xdd
)

// KISSData is the command of frames that carry a packet. spec: rns-interfaces §2.2
const KISSData = 0x00

// AppendKISS appends one KISS frame: a command and its data. The frame is at
// most 2·len(data)+3 bytes long. spec: rns-interfaces §2.2
func AppendKISS(dst []byte, command byte, data []byte) []byte {
	dst = append(dst, kissFlag, command)
	dst = appendEscaped(dst, data, kissEscape, kissFlag, kissEscSub, kissFlagSub)
	return append(dst, kissFlag)
}

// KISS takes the frames out of a KISS stream. Make one with [NewKISS]. Not safe
// for concurrent use.
type KISS struct {
	limits Limits
	split  splitter
	stats  Stats
}

// NewKISS returns a deframer at the start of a stream. The limits are those of
// the data, without the command.
func NewKISS(limits Limits) *KISS {
	return &KISS{limits: limits, split: splitter{flag: kissFlag, limit: 1 + 2*limits.Max}}
}

// Feed takes the next bytes of the stream and calls yield for every frame that
// ends in them, in order. The command is as received: drivers of modems with
// ports mask it with 0x0F. The data are valid until yield returns: they may lie
// in chunk, which Feed overwrites, or in the deframer.
//
// A flag after a flag restarts the frame, and one flag may end a frame and begin
// the next. spec: rns-interfaces §2.2
func (d *KISS) Feed(chunk []byte, yield func(command byte, data []byte)) {
	for len(chunk) > 0 {
		raw, rest, done := d.split.next(chunk, &d.stats.Oversize)
		if done {
			return
		}
		chunk = rest
		if len(raw) == 0 {
			continue
		}
		data := unescapeKISS(raw[1:])
		if d.stats.fits(len(data), d.limits) {
			yield(raw[0], data)
		}
	}
}

// Stats returns the counters so far.
func (d *KISS) Stats() Stats { return d.stats }

// Pending reports whether an unfinished frame is held. A driver of a line that
// loses bytes resets the deframer when the rest does not follow in time.
// spec: rns-interfaces §7
func (d *KISS) Pending() bool { return d.split.pending() }

// Reset forgets an unfinished frame, for a stream that starts anew. Counters
// go on.
func (d *KISS) Reset() { d.split.reset() }

// unescapeKISS reverses the escapes in place. An escape before a byte that needs
// none stands for that byte; one at the end for nothing.
func unescapeKISS(raw []byte) []byte {
	from := bytes.IndexByte(raw, kissEscape)
	if from < 0 {
		return raw
	}
	to := from
	for from+1 < len(raw) {
		switch c := raw[from+1]; c {
		case kissFlagSub:
			raw[to] = kissFlag
		case kissEscSub:
			raw[to] = kissEscape
		default:
			raw[to] = c
		}
		to, from = to+1, from+2
		next := bytes.IndexByte(raw[from:], kissEscape)
		if next < 0 {
			to += copy(raw[to:], raw[from:])
			return raw[:to]
		}
		to += copy(raw[to:], raw[from:from+next])
		from += next
	}
	return raw[:to]
}
