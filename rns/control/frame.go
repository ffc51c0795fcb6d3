package control

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// Limits of messages in bytes. spec: rns-link §12.3
const (
	// MaxAuthMessage bounds messages during authentication.
	MaxAuthMessage = 256
	// MaxRequest bounds a request.
	MaxRequest = 64 << 10
	// MaxResponse bounds a response: a path table of two million entries.
	MaxResponse = 256 << 20
)

// ErrMessageSize means that a message is longer than allowed, or has an impossible length.
var ErrMessageSize = errors.New("control: message is too long")

// longMessage is the length field of messages that need a longer one.
const longMessage = -1

// AppendMessage appends the length and the bytes of a message. spec: rns-link §12.1
func AppendMessage(dst, message []byte) []byte {
	if len(message) > math.MaxInt32 {
		dst = binary.BigEndian.AppendUint32(dst, math.MaxUint32)
		dst = binary.BigEndian.AppendUint64(dst, uint64(len(message)))
	} else {
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(message)))
	}
	return append(dst, message...)
}

// readStep is how much memory a length alone can claim, in bytes.
const readStep = 64 << 10

// ReadMessage reads one message of at most limit bytes. At the end of the stream the error is io.EOF, inside of a message
// io.ErrUnexpectedEOF. spec: rns-link §12.1
func ReadMessage(r io.Reader, limit int) ([]byte, error) {
	var head [8]byte
	if _, err := io.ReadFull(r, head[:4]); err != nil {
		return nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:4])))
	if size == longMessage {
		if _, err := io.ReadFull(r, head[:]); err != nil {
			return nil, noEOF(err)
		}
		size = int64(binary.BigEndian.Uint64(head[:]))
	}
	if size < 0 || size > int64(limit) {
		return nil, fmt.Errorf("%w: %d of %d bytes", ErrMessageSize, size, limit)
	}
	var b []byte
	for int64(len(b)) < size { // memory follows what arrives
		at := len(b)
		b = append(b, make([]byte, min(max(int64(at), readStep), size-int64(at)))...)
		if _, err := io.ReadFull(r, b[at:]); err != nil {
			return nil, noEOF(err)
		}
	}
	return b, nil
}

func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
