package resource

import (
	"crypto/sha256"
	"crypto/subtle"

	"meshchatx/rns"
)

// AssembleJob turns the parts of a segment into its content: it decrypts, decompresses and verifies. It is a pure function of
// its fields; run it once, on any goroutine.
type AssembleJob struct {
	sealed     []byte
	token      *rns.Token
	hash       rns.Hash
	random     [RandomSize]byte
	compressed bool
	limit      int
	decompress Decompressor
	both       Both
}

// Assembled is the result of an [AssembleJob]. It is opaque.
type Assembled struct {
	hash    rns.Hash
	content []byte
	proof   rns.Hash
	err     error
}

// assemble hands the collected parts over.
func (r *Receiver) assemble(out *Output) {
	r.status = StatusAssembling
	a := &r.c.Advertisement
	out.Assemble = &AssembleJob{
		sealed: r.buf, token: r.c.Token, hash: a.Hash, random: a.Random, compressed: a.Flags.Has(FlagCompressed),
		limit: r.c.Params.MaxContent, decompress: r.c.Params.Decompress, both: r.c.Params.Both,
	}
	r.buf, r.parts, r.mapHashes = nil, r.parts[:0:0], nil
}

// Run assembles the segment. spec: rns-link §8.7
func (j *AssembleJob) Run() Assembled {
	a := Assembled{hash: j.hash}
	stream, err := j.token.DecryptBoth(j.sealed[16:16], j.sealed, j.both.run) // in place
	if err != nil || len(stream) < RandomSize {
		a.err = ErrCorrupt
		return a
	}
	content := stream[RandomSize:]
	if j.compressed {
		if content, err = j.decompress(content, j.limit); err != nil {
			a.err = ErrDecompression
			return a
		}
	}
	if len(content) > j.limit {
		a.err = ErrCorrupt
		return a
	}
	d := sha256.New()
	d.Write(content)
	h := finish(d, j.random[:])
	if subtle.ConstantTimeCompare(h[:], j.hash[:]) != 1 {
		a.err = ErrCorrupt
		return a
	}
	a.content, a.proof = content, finish(d, h[:])
	return a
}
