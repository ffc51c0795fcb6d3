package link

import (
	"encoding/binary"
	"fmt"
	"io"

	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// Sizes of streams in bytes. spec: rns-link §10
const (
	// MaxStreamID is the largest stream id.
	MaxStreamID = 0x3FFF
	// StreamInput is what one write takes at most, and the limit of decompressed data.
	StreamInput = 16384
	// StreamChunk is the data of one message on a link with the smallest MTU, less its own headers.
	StreamChunk = 423
	// StreamTries is how many beginnings of its input a writer tries to compress into one message. spec: rns-link §10.2
	StreamTries = 3

	streamHeader     = 2
	streamEOF        = 0x8000
	streamCompressed = 0x4000
	compressAbove    = 32
)

// StreamData is a piece of a stream, the data of a channel message of type [StreamDataType]. spec: rns-link §10.1
type StreamData struct {
	ID   uint16 // up to MaxStreamID
	Flag StreamFlag
	Data []byte // as on the wire
}

// StreamFlag are the properties of a piece.
type StreamFlag uint16

// Flags of a piece.
const (
	StreamEOF        StreamFlag = streamEOF
	StreamCompressed StreamFlag = streamCompressed
)

// ParseStreamData decodes a piece; Data aliases b. The error is [rns.VerdictTooShort].
func ParseStreamData(b []byte) (StreamData, error) {
	if len(b) < streamHeader {
		return StreamData{}, rns.VerdictTooShort
	}
	h := binary.BigEndian.Uint16(b)
	return StreamData{
		ID: h & MaxStreamID, Flag: StreamFlag(h) & (StreamEOF | StreamCompressed), Data: b[streamHeader:],
	}, nil
}

// Append appends the piece.
func (s StreamData) Append(b []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, s.ID&MaxStreamID|uint16(s.Flag))
	return append(b, s.Data...)
}

// NextStreamData makes the next piece of p for messages of at most chunk bytes of stream data, and says how much of p it
// holds. compress may be nil. spec: rns-link §10.2
func NextStreamData(id uint16, p []byte, chunk int, compress resource.Compressor) (StreamData, int) {
	p = p[:min(len(p), StreamInput)]
	if compress != nil && len(p) > compressAbove {
		for k := 1; k <= StreamTries; k++ {
			part := p[:len(p)/k]
			if c := compress(part); len(c) > 0 && len(c) < chunk && len(c) < len(part) {
				return StreamData{ID: id, Flag: StreamCompressed, Data: c}, len(part)
			}
		}
	}
	n := min(len(p), chunk)
	return StreamData{ID: id, Data: p[:n]}, n
}

// StreamReader collects the pieces of one stream. Make it with its ID and Decompress set. It buffers what it is given: read
// messages from the channel no faster than the stream is consumed, and the peer is held back. Not safe for concurrent use.
type StreamReader struct {
	// ID is the stream to collect.
	ID uint16
	// Decompress expands compressed pieces; resource.Params has one.
	Decompress resource.Decompressor

	buf []byte
	eof bool
	err error
}

// Accept takes a channel message. It is false for messages of other types and streams. A piece that cannot be decoded ends
// the stream: [StreamReader.Read] returns the error.
func (r *StreamReader) Accept(m Message) bool {
	if m.Type != StreamDataType {
		return false
	}
	s, err := ParseStreamData(m.Data)
	if err != nil || s.ID != r.ID {
		return false
	}
	data := s.Data
	if s.Flag&StreamCompressed != 0 && len(data) > 0 {
		if data, err = r.Decompress(data, StreamInput); err != nil {
			r.err = fmt.Errorf("stream %d: %w", r.ID, rns.VerdictDecompression)
			return true
		}
	}
	r.buf = append(r.buf, data...)
	r.eof = r.eof || s.Flag&StreamEOF != 0
	return true
}

// Buffered is the number of bytes ready to be read.
func (r *StreamReader) Buffered() int { return len(r.buf) }

// Ended reports whether the end of the stream has arrived; bytes may still be buffered.
func (r *StreamReader) Ended() bool { return r.eof }

// Read reads what is there: unlike other readers it returns 0 and no error when nothing is. After the last byte of an ended
// stream it returns io.EOF.
func (r *StreamReader) Read(p []byte) (int, error) {
	n := copy(p, r.buf)
	r.buf = r.buf[n:]
	switch {
	case n > 0 || len(p) == 0:
		return n, nil
	case r.err != nil:
		return 0, r.err
	case r.eof && len(r.buf) == 0:
		return 0, io.EOF
	}
	return 0, nil
}
