package resource

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"slices"

	"meshchatx/rns"
)

// PrepareJob makes one segment of an outgoing resource ready for transfer: it reads, compresses, encrypts, splits and
// hashes. It is a pure function of its fields apart from reading the source; run it once, on any goroutine.
type PrepareJob struct {
	index    int
	source   io.ReaderAt
	metadata []byte // of segment 1
	block    bool   // segment 1 begins with a metadata block
	offset   int64  // of the source
	size     int    // bytes of the source in this segment
	sdu      int
	token    *rns.Token
	compress Compressor
	both     Both
	iv       [16]byte
	prefix   [RandomSize]byte
	random   [RandomSize]byte
	content  []byte // buffers for reuse
	sealed   []byte
}

// Prepared is the result of a [PrepareJob]. It is opaque.
type Prepared struct {
	index   int
	segment *segment
	content []byte
	err     error
}

// segment is one prepared segment.
type segment struct {
	index      int
	token      []byte // the parts, one after the other
	sdu        int
	parts      int
	mapHashes  []byte
	keys       []uint32 // the map hashes as numbers, while they are computed
	hash       rns.Hash
	proof      rns.Hash
	random     [RandomSize]byte
	compressed bool
}

func (s *segment) part(i int) []byte {
	return s.token[i*s.sdu : min((i+1)*s.sdu, len(s.token))]
}

func (s *segment) mapHash(i int) []byte { return s.mapHashes[i*MapHashSize : (i+1)*MapHashSize] }

// Run prepares the segment. spec: rns-link §8.1
func (j *PrepareJob) Run() Prepared {
	p := Prepared{index: j.index}
	stream := append(j.content[:0], j.prefix[:]...)
	if j.block {
		stream = appendMetadataBlock(stream, j.metadata)
	}
	at := len(stream)
	stream = slices.Grow(stream, j.size)[:at+j.size]
	if n, err := j.source.ReadAt(stream[at:], j.offset); n < j.size {
		p.err = fmt.Errorf("segment %d, %d of %d bytes: %w: %w", j.index, n, j.size, ErrSource, err)
		return p
	}
	p.content = stream
	content := stream[RandomSize:]
	s := &segment{index: j.index, sdu: j.sdu, random: j.random}
	if j.compress != nil {
		if c := j.compress(content); len(c) > 0 && len(c) < len(content) {
			s.compressed = true
			stream = append(append(make([]byte, 0, RandomSize+len(c)), j.prefix[:]...), c...)
		}
	}
	if len(content) < parallelSize {
		j.both = nil
	}
	d := sha256.New()
	j.both.run(func() { s.token, p.err = j.token.EncryptBody(&fixedReader{j.iv[:]}, j.sealed[:0], stream) }, func() { d.Write(content) })
	if p.err != nil {
		return p
	}
	s.parts = (len(s.token) + j.sdu - 1) / j.sdu
	early := max(0, len(s.token)-sha256.Size) / j.sdu // the parts before the authentication code
	ok := true
	j.both.run(func() { j.token.Authenticate(s.token) }, func() { ok = s.sumParts(0, early) })
	s.sum(d, ok && s.sumParts(early, s.parts))
	p.segment = s
	return p
}

// parallelSize is the content, in bytes, from which two processors are faster than one.
const parallelSize = 64 << 10

// sum computes the hashes from that of the content and the map hashes, with a new random hash as often as map hashes of near
// parts collide.
//
// differs: the reference computes the hash over the wrong bytes after a collision. spec: rns-link §8.1
func (s *segment) sum(content hash.Hash, distinct bool) {
	for !distinct {
		next := sha256.Sum256(s.random[:])
		copy(s.random[:], next[:])
		s.mapHashes, s.keys = s.mapHashes[:0], s.keys[:0]
		distinct = s.sumParts(0, s.parts)
	}
	s.keys = nil
	s.hash = finish(content, s.random[:])
	s.proof = finish(content, s.hash[:])
}

// finish returns the hash of what d has seen followed by tail, and leaves d as it was.
func finish(d hash.Hash, tail []byte) (h rns.Hash) {
	c, err := d.(hash.Cloner).Clone()
	if err != nil {
		panic(err) // SHA-256 of the standard library clones
	}
	c.Write(tail)
	c.Sum(h[:0])
	return h
}

// sumParts computes the map hashes of some parts, after those before; it is false if two within the collision guard are equal.
func (s *segment) sumParts(from, to int) bool {
	if s.mapHashes == nil {
		s.mapHashes, s.keys = make([]byte, 0, s.parts*MapHashSize), make([]uint32, 0, s.parts)
	}
	d := sha256.New()
	var sum [sha256.Size]byte
	for i := from; i < to; i++ {
		d.Reset()
		d.Write(s.part(i))
		d.Write(s.random[:])
		d.Sum(sum[:0])
		key := binary.BigEndian.Uint32(sum[:])
		if slices.Contains(s.keys[max(0, i-CollisionGuard):], key) {
			return false
		}
		s.keys = append(s.keys, key)
		s.mapHashes = append(s.mapHashes, sum[:MapHashSize]...)
	}
	return true
}

// fixedReader hands out prepared random bytes.
type fixedReader struct{ b []byte }

func (r *fixedReader) Read(p []byte) (int, error) {
	if len(r.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.b)
	r.b = r.b[n:]
	return n, nil
}
