package propagation

import "math/bits"

// bitset is a set of slots of the index. The zero value is empty.
type bitset struct {
	words []uint64
	n     int
}

func (b *bitset) has(slot int32) bool {
	w := int(slot >> 6)
	return w < len(b.words) && b.words[w]&(1<<(slot&63)) != 0
}

func (b *bitset) add(slot int32) {
	if b.has(slot) {
		return
	}
	for w := int(slot >> 6); w >= len(b.words); {
		b.words = append(b.words, 0)
	}
	b.words[slot>>6] |= 1 << (slot & 63)
	b.n++
}

func (b *bitset) remove(slot int32) {
	if b.has(slot) {
		b.words[slot>>6] &^= 1 << (slot & 63)
		b.n--
	}
}

// all yields the slots in ascending order. The set may lose the present one meanwhile.
func (b *bitset) all(yield func(int32) bool) {
	for w, word := range b.words {
		for word != 0 {
			i := bits.TrailingZeros64(word)
			word &^= 1 << i
			if !yield(int32(w<<6 | i)) {
				return
			}
		}
	}
}
