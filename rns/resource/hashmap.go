package resource

import (
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// First byte of a part request. spec: rns-link §8.4
const (
	requestNormal    = 0x00
	requestExhausted = 0xFF
)

// PartRequest asks for parts by their map hashes. spec: rns-link §8.4
type PartRequest struct {
	// Exhausted means that the receiver needs more of the hash map; Last is the highest map hash it knows.
	Exhausted bool
	Last      [MapHashSize]byte
	Hash      rns.Hash
	// Wanted are the map hashes of the wanted parts, concatenated. Parsed, it aliases the input.
	Wanted []byte
}

// ParsePartRequest decodes a part request. Errors are verdicts.
func ParsePartRequest(b []byte) (PartRequest, error) {
	var r PartRequest
	if len(b) < 1 {
		return r, rns.VerdictTooShort
	}
	kind, rest := b[0], b[1:]
	if kind == requestExhausted {
		if len(rest) < MapHashSize {
			return r, rns.VerdictTooShort
		}
		r.Exhausted, r.Last = true, [MapHashSize]byte(rest)
		rest = rest[MapHashSize:]
	}
	if len(rest) < rns.HashSize {
		return PartRequest{}, rns.VerdictTooShort
	}
	r.Hash, r.Wanted = rns.Hash(rest), rest[rns.HashSize:]
	if len(r.Wanted)%MapHashSize != 0 {
		return PartRequest{}, rns.VerdictWrongSize
	}
	return r, nil
}

// Append appends the request.
func (r PartRequest) Append(b []byte) []byte {
	if r.Exhausted {
		b = append(append(b, requestExhausted), r.Last[:]...)
	} else {
		b = append(b, requestNormal)
	}
	b = append(b, r.Hash[:]...)
	return append(b, r.Wanted...)
}

// HashMapUpdate delivers the next map hashes of a resource. spec: rns-link §8.5
type HashMapUpdate struct {
	Hash    rns.Hash
	Segment int // of the hash map, counted from 0; the advertisement holds segment 0
	// MapHashes are those of the parts from 74 × Segment on. Parsed, it aliases the input.
	MapHashes []byte
}

// ParseHashMapUpdate decodes an update. Errors are verdicts. Extra elements are ignored.
func ParseHashMapUpdate(b []byte) (HashMapUpdate, error) {
	var u HashMapUpdate
	if len(b) < rns.HashSize {
		return u, rns.VerdictTooShort
	}
	d := msgpack.NewDecoder(b[rns.HashSize:])
	n, err := d.ReadArrayHeader()
	if err != nil || n < 2 {
		return u, rns.VerdictMalformed
	}
	segment, err := readSize(&d)
	if err != nil {
		return u, rns.VerdictMalformed
	}
	hashes, err := d.ReadBin()
	if err != nil {
		return u, rns.VerdictMalformed
	}
	return HashMapUpdate{Hash: rns.Hash(b), Segment: segment, MapHashes: hashes}, nil
}

// Append appends the update.
func (u HashMapUpdate) Append(b []byte) []byte {
	b = append(b, u.Hash[:]...)
	b = msgpack.AppendArrayHeader(b, 2)
	b = msgpack.AppendInt(b, int64(u.Segment))
	return msgpack.AppendBin(b, u.MapHashes)
}
