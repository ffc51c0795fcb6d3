package propagation

import (
	"crypto/sha256"

	"meshchatx/rns"
)

// catalogFile tells whom stored messages are for, so that a start does not open every one of them. It is ours alone: without
// it, or when it is damaged, the files are opened.
const catalogFile = "messagecatalog"

const (
	catalogMagic  = "catalog1"
	catalogRecord = rns.HashSize + rns.AddrSize
)

// appendCatalog appends the recipients of all messages, and a digest.
func (x *index) appendCatalog(b []byte) []byte {
	start := len(b)
	b = append(b, catalogMagic...)
	for id, slot := range x.byID {
		b = append(b, id[:]...)
		b = append(b, x.slots[slot].dest[:]...)
	}
	sum := sha256.Sum256(b[start:])
	return append(b, sum[:]...)
}

// parseCatalog reads recipients by transient id; nil if the catalog is damaged.
func parseCatalog(b []byte) map[rns.Hash]rns.Addr {
	body := len(b) - sha256.Size
	if body < len(catalogMagic) || string(b[:len(catalogMagic)]) != catalogMagic || sha256.Sum256(b[:body]) != [sha256.Size]byte(b[body:]) {
		return nil
	}
	records := b[len(catalogMagic):body]
	if len(records)%catalogRecord != 0 {
		return nil
	}
	out := make(map[rns.Hash]rns.Addr, len(records)/catalogRecord)
	for ; len(records) > 0; records = records[catalogRecord:] {
		out[rns.Hash(records[:rns.HashSize])] = rns.Addr(records[rns.HashSize:catalogRecord])
	}
	return out
}
