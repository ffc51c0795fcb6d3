package peer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Kind is what generated data is like.
type Kind string

// The kinds of generated data.
const (
	Random Kind = "random" // does not compress
	Text   Kind = "text"   // compresses well
)

// Generate returns the data that the partner makes of the same size, seed and kind, so that large data need not travel
// through commands.
func Generate(size int, seed string, kind Kind) []byte {
	b := make([]byte, 0, size+64)
	for i := 0; len(b) < size; i++ {
		if kind == Text {
			b = fmt.Appendf(b, "%s line %d\n", seed, i)
			continue
		}
		block := sha256.Sum256(binary.BigEndian.AppendUint64([]byte(seed), uint64(i)))
		b = append(b, block[:]...)
	}
	return b[:size:size]
}

// Digest is the SHA-256 of data in hexadecimal, as the partner reports it.
func Digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
