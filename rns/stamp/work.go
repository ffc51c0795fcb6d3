package stamp

import (
	"crypto/sha256"
	"encoding"
	"encoding/binary"
	"hash"
	"math/bits"
	"sync"
	"sync/atomic"

	"meshchatx/rns/msgpack"
)

// Size is the length of a stamp in bytes.
const Size = sha256.Size

// Rounds of the expansion, by use. spec: lxmf §6.1, rns-core §22.3
const (
	MessageRounds     = 3000
	PropagationRounds = 1000
	PeeringRounds     = 25
	DiscoveryRounds   = 20
)

// MaxCost is the highest cost anything can have: the bits of a digest.
const MaxCost = 8 * sha256.Size

// roundSize is how many bytes of workblock one round gives.
const roundSize = 256

// Stamp is a proof of work.
type Stamp [Size]byte

// Work is a workblock, kept as the state of a hash that has consumed it. Make
// one with [NewWork]; the zero value is of no use. Safe for concurrent use.
type Work struct{ state []byte }

// NewWork expands material in so many rounds, on up to workers goroutines; less
// than two means none. It takes 256 bytes of memory per round while it runs. spec: rns-core §2.9
func NewWork(material []byte, rounds, workers int) *Work {
	h := sha256.New()
	h.Write(Workblock(material, rounds, workers))
	return &Work{state: saved(h)}
}

// Workblock returns the expansion itself, 256 bytes per round.
// spec: lxmf §6.1
func Workblock(material []byte, rounds, workers int) []byte {
	const share = 32 // rounds a worker takes at a time
	block := make([]byte, rounds*roundSize)
	var next atomic.Int64
	work := func() {
		e := newExpander(material)
		for {
			from := int(next.Add(share)) - share
			if from >= rounds {
				return
			}
			for n := from; n < min(from+share, rounds); n++ {
				e.round(block[n*roundSize:][:roundSize], n)
			}
		}
	}
	parallel(min(workers, (rounds+share-1)/share), work)
	return block
}

// parallel runs fn on n goroutines, the caller's included, and waits for all.
func parallel(n int, fn func()) {
	var wg sync.WaitGroup
	for range n - 1 {
		wg.Go(fn)
	}
	fn()
	wg.Wait()
}

// Value returns the number of leading zero bits that stamp gives, which is the
// highest cost it satisfies. A stamp of a wrong length has a value too.
func (w *Work) Value(stamp []byte) int {
	a := newAttempt(w)
	return leadingZeros(a.digest(stamp))
}

// Valid reports whether stamp is 32 bytes long and satisfies cost.
func (w *Work) Valid(stamp []byte, cost int) bool {
	if len(stamp) != Size {
		return false
	}
	a := newAttempt(w)
	return satisfies(a.digest(stamp), cost)
}

// satisfies reports digest ≤ 2^(256-cost), as a number. spec: lxmf §6.2
func satisfies(digest *[sha256.Size]byte, cost int) bool {
	zeros := leadingZeros(digest)
	switch {
	case zeros >= cost:
		return true
	case cost > MaxCost || zeros != cost-1:
		return false
	}
	// The bound itself is valid: one more zero bit is missing, and only the bit
	// that takes its place is set.
	set := 0
	for _, c := range digest {
		set += bits.OnesCount8(c)
	}
	return set == 1
}

func leadingZeros(digest *[sha256.Size]byte) (zeros int) {
	for i := 0; i < len(digest); i += 8 {
		n := bits.LeadingZeros64(binary.BigEndian.Uint64(digest[i:]))
		zeros += n
		if n < 64 {
			break
		}
	}
	return zeros
}

// resumable is a hash whose state can be saved and set.
type resumable interface {
	hash.Hash
	encoding.BinaryAppender
	encoding.BinaryUnmarshaler
}

func saved(h hash.Hash) []byte {
	state, err := h.(resumable).AppendBinary(nil)
	if err != nil {
		panic("stamp: " + err.Error()) // never: SHA-256 states can always be saved
	}
	return state
}

func resume(h resumable, state []byte) {
	if err := h.UnmarshalBinary(state); err != nil {
		panic("stamp: " + err.Error()) // never: the state is one of ours
	}
}

// attempt hashes stamps after a workblock. For one goroutine.
type attempt struct {
	h     resumable
	state []byte
	sum   [sha256.Size]byte
}

func newAttempt(w *Work) *attempt {
	return &attempt{h: sha256.New().(resumable), state: w.state}
}

func (a *attempt) digest(stamp []byte) *[sha256.Size]byte {
	resume(a.h, a.state)
	a.h.Write(stamp)
	a.h.Sum(a.sum[:0])
	return &a.sum
}

// expander computes rounds. It is HKDF as in RFC 5869, with the keyed hash
// states of each round computed once and no memory allocated. For one goroutine.
type expander struct {
	material     []byte
	h            resumable
	salt         []byte // material and the number of the round
	key          [sha256.Size]byte
	pad          [sha256.BlockSize]byte
	inner, outer []byte // states after the padded key
	counter      [1]byte
	block        [sha256.Size]byte
}

func newExpander(material []byte) *expander {
	return &expander{material: material, h: sha256.New().(resumable)}
}

// round writes the 256 bytes of round n.
func (e *expander) round(out []byte, n int) {
	e.salt = msgpack.AppendInt(append(e.salt[:0], e.material...), int64(n))
	e.h.Reset()
	e.h.Write(e.salt)
	e.h.Sum(e.key[:0])
	e.setKey()
	e.hmac(e.key[:0], e.material, nil)
	e.setKey()
	e.counter[0] = 0
	var prev []byte
	for at := 0; at < len(out); at += sha256.Size {
		e.counter[0]++
		e.hmac(e.block[:0], prev, e.counter[:])
		prev = e.block[:]
		copy(out[at:], prev)
	}
}

// setKey prepares hmac for e.key.
func (e *expander) setKey() {
	e.inner = e.keyed(0x36, e.inner)
	e.outer = e.keyed(0x5c, e.outer)
}

func (e *expander) keyed(fill byte, state []byte) []byte {
	for i := range e.pad {
		e.pad[i] = fill
	}
	for i, c := range e.key {
		e.pad[i] ^= c
	}
	e.h.Reset()
	e.h.Write(e.pad[:])
	state, err := e.h.AppendBinary(state[:0])
	if err != nil {
		panic("stamp: " + err.Error()) // never: SHA-256 states can always be saved
	}
	return state
}

// hmac appends the keyed hash of a and b to out.
func (e *expander) hmac(out, a, b []byte) {
	resume(e.h, e.inner)
	e.h.Write(a)
	e.h.Write(b)
	sum := e.h.Sum(out)
	resume(e.h, e.outer)
	e.h.Write(sum)
	e.h.Sum(out)
}
