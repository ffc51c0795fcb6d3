package bzip2

// Numbers of the format.
const (
	streamMagic = "BZh9"
	blockMagic  = 0x314159265359
	endMagic    = 0x177245385090

	// maxBlock is how many run-length encoded bytes fit a block of level 9; the
	// format keeps a margin below 900,000.
	maxBlock = 900_000 - 19

	minRun = 4                // equal bytes before the length of a run is written
	maxRun = minRun + 255 - 4 // longest run written as one
)

// Compress appends one bzip2 stream with the content src to dst. It takes about
// 60 ms and 8 bytes of memory per byte of a block of 900 kB.
func Compress(dst, src []byte) []byte {
	w := bitWriter{out: append(dst, streamMagic...)}
	var combined uint32
	var e encoder
	for len(src) > 0 {
		n := e.fill(src)
		crc := checksum(src[:n])
		combined = (combined<<1 | combined>>31) ^ crc
		e.writeBlock(&w, crc)
		src = src[n:]
	}
	w.bits(endMagic, 48)
	w.bits(uint64(combined), 32)
	return w.flush()
}

// encoder holds the buffers that blocks share.
type encoder struct {
	block   []byte   // run-length encoded input, then its transform
	symbols []uint16 // move-to-front symbols of the block
}

// fill run-length encodes as much of src as fits a block and returns how much
// that was. A run never crosses blocks.
func (e *encoder) fill(src []byte) int {
	if e.block == nil {
		e.block = make([]byte, 0, min(len(src)+len(src)/4+minRun+1, maxBlock))
	}
	b := e.block[:0]
	i := 0
	for i < len(src) && len(b)+minRun+1 <= maxBlock {
		c := src[i]
		run := 1
		for run < maxRun && i+run < len(src) && src[i+run] == c {
			run++
		}
		i += run
		if run < minRun {
			for ; run > 0; run-- {
				b = append(b, c)
			}
			continue
		}
		b = append(b, c, c, c, c, byte(run-minRun))
	}
	e.block = b
	return i
}

func (e *encoder) writeBlock(w *bitWriter, crc uint32) {
	origin := transform(e.block)
	w.bits(blockMagic, 48)
	w.bits(uint64(crc), 32)
	w.bits(0, 1) // not randomised
	w.bits(uint64(origin), 24)
	e.writeSymbols(w, e.moveToFront(w))
}

// moveToFront writes the set of bytes in use and turns the transformed block
// into symbols: 0 and 1 are binary digits of the length of a run of the byte
// that came last, others are one above the position of the byte in the list of
// recent bytes. It returns the size of the alphabet, end symbol included.
func (e *encoder) moveToFront(w *bitWriter) int {
	var used [256]bool
	for _, c := range e.block {
		used[c] = true
	}
	writeUsed(w, &used)
	var recent [256]byte
	n := 0
	for c, u := range used {
		if u {
			recent[n] = byte(c)
			n++
		}
	}
	out := e.symbols[:0]
	if cap(out) < len(e.block)+1 {
		out = make([]uint16, 0, len(e.block)+1)
	}
	run := 0
	for _, c := range e.block {
		if c == recent[0] {
			run++
			continue
		}
		out = appendRun(out, run)
		run = 0
		at := 1
		prev := recent[0]
		for recent[at] != c {
			recent[at], prev = prev, recent[at]
			at++
		}
		recent[at], recent[0] = prev, c
		out = append(out, uint16(at+1))
	}
	out = appendRun(out, run)
	e.symbols = append(out, uint16(n+1))
	return n + 2
}

// appendRun writes a length in bijective base two, lowest digit first.
func appendRun(out []uint16, run int) []uint16 {
	for ; run > 0; run = (run - 1) >> 1 {
		out = append(out, uint16(1-run&1))
	}
	return out
}

// writeUsed writes which bytes occur: which sixteenths of the range do, then a
// map of each of those.
func writeUsed(w *bitWriter, used *[256]bool) {
	var ranges uint64
	var maps [16]uint64
	for c, u := range used {
		if u {
			ranges |= 0x8000 >> (c >> 4)
			maps[c>>4] |= 0x8000 >> (c & 15)
		}
	}
	w.bits(ranges, 16)
	for _, m := range maps {
		if m != 0 {
			w.bits(m, 16)
		}
	}
}
