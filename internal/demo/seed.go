package demo

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"

	"meshchatx/rns"
)

// source is where everything invented comes from: each label has its own stream
// of chance, so that adding one thing leaves the others as they were.
type source uint64

func (s source) stream(label string) *rand.ChaCha8 {
	b := binary.BigEndian.AppendUint64(nil, uint64(s))
	return rand.NewChaCha8(sha256.Sum256(append(b, label...)))
}

// chance is a stream as numbers.
func (s source) chance(label string) *rand.Rand { return rand.New(s.stream(label)) }

func (s source) identity(label string) (*rns.Identity, error) {
	return rns.NewIdentity(s.stream("identity " + label))
}

// pick draws one of a row.
func pick[T any](r *rand.Rand, all []T) T { return all[r.IntN(len(all))] }
