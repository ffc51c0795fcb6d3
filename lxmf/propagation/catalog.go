package propagation

import (
	"crypto/sha256"
	"encoding/binary"
	"math"

	"meshchatx/rns"
)

// catalogFile tells whom stored messages are for, so that a start does not open every one of them. It is ours alone: without
// it, or when it is damaged, the files are opened.
const catalogFile = "messagecatalog"

const (
	catalogMagic  = "catalog2"
	catalogRecord = rns.HashSize + rns.AddrSize + 8
)

// catalogued is what the catalog knows of a message.
type catalogued struct {
	dest rns.Addr
	size int64
}

// appendCatalog appends recipients and sizes of all messages, and a digest.
func (x *index) appendCatalog(b []byte) []byte {
	start := len(b)
	b = append(b, catalogMagic...)
	for id, slot := range x.byID {
		b = append(b, id[:]...)
		b = append(b, x.slots[slot].dest[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(x.slots[slot].size)) //nolint:gosec // of a file
	}
	sum := sha256.Sum256(b[start:])
	return append(b, sum[:]...)
}

// parseCatalog reads the catalog by transient id; nil if it is damaged.
func parseCatalog(b []byte) map[rns.Hash]catalogued {
	body := len(b) - sha256.Size
	if body < len(catalogMagic) || string(b[:len(catalogMagic)]) != catalogMagic || sha256.Sum256(b[:body]) != [sha256.Size]byte(b[body:]) {
		return nil
	}
	records := b[len(catalogMagic):body]
	if len(records)%catalogRecord != 0 {
		return nil
	}
	const sizeAt = rns.HashSize + rns.AddrSize
	out := make(map[rns.Hash]catalogued, len(records)/catalogRecord)
	for ; len(records) > 0; records = records[catalogRecord:] {
		size := binary.BigEndian.Uint64(records[sizeAt:])
		out[rns.Hash(records[:rns.HashSize])] = catalogued{rns.Addr(records[rns.HashSize:sizeAt]), int64(min(size, math.MaxInt64))}
	}
	return out
}
