package rsg

import (
	"errors"
	"fmt"
	"io"

	"meshchatx/rns"
)

// Sizes of the chunks of an encrypted file in bytes, in the clear and encrypted. spec: rns-link §13.4
const (
	ChunkSize          = 16 << 20
	EncryptedChunkSize = ChunkSize + 96
)

// ErrNotFor means that a file, or a part of it, is not for this identity, or was changed.
var ErrNotFor = errors.New("file cannot be decrypted with this identity")

// Encrypt writes all of src to dst so that only the owner of the key reads it, and returns how many bytes were written.
// Nothing in the result tells who made it, and whoever carries it can leave out or exchange whole chunks: sign what matters.
// spec: rns-link §13.4
func Encrypt(rand io.Reader, dst io.Writer, src io.Reader, to rns.PublicKey) (int64, error) {
	return chunks(dst, src, ChunkSize, func(b []byte) ([]byte, error) { return to.Encrypt(rand, b, nil) })
}

// Decrypt writes what is in an encrypted file to dst. What has been written when an error comes is genuine but not all. The
// error is ErrNotFor, or that of src or dst.
func Decrypt(dst io.Writer, src io.Reader, id *rns.Identity) (int64, error) {
	return chunks(dst, src, EncryptedChunkSize, func(b []byte) ([]byte, error) {
		plain, _, err := id.Decrypt(b, nil, rns.RatchetsOptional)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrNotFor, err)
		}
		return plain, nil
	})
}

// firstRead is the size of the first buffer: small files need no large one.
const firstRead = 64 << 10

// chunks converts src piece by piece.
func chunks(dst io.Writer, src io.Reader, size int, convert func([]byte) ([]byte, error)) (written int64, err error) {
	buf := make([]byte, firstRead)
	for {
		n := 0
		for n < size && err == nil {
			if n == len(buf) {
				buf = append(buf, make([]byte, min(3*len(buf), size-n))...)
			}
			var more int
			more, err = io.ReadFull(src, buf[n:min(len(buf), size)])
			n += more
		}
		ended := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !ended {
			return written, err
		}
		err = nil
		if n > 0 {
			out, err := convert(buf[:n])
			if err != nil {
				return written, err
			}
			w, err := dst.Write(out)
			written += int64(w)
			if err != nil {
				return written, err
			}
		}
		if ended {
			return written, nil
		}
	}
}
