package bzip2

import (
	"encoding/binary"
	"math"
)

const (
	// windows of windowSize bytes each, spread over the data, are looked at.
	windows    = 16
	windowSize = 2048

	// flatEntropy is the entropy in bits per byte above which the frequency of
	// bytes alone promises less than a twentieth.
	flatEntropy = 7.6
	// repeatShare is the least share of positions, one in so many, at which four
	// bytes repeat earlier ones, for repetition to pay.
	repeatShare = 16
)

// Worth reports whether compressing data promises to pay, from a sample of at
// most 32 kB: bytes of uneven frequency, or sequences that repeat within the
// sample. Data below a few hundred bytes always looks worth trying. It takes
// about 50 µs.
func Worth(data []byte) bool {
	var counts [256]int
	var seen [1 << 12]uint32
	total, positions, repeats := 0, 0, 0
	for _, w := range sample(data) {
		for _, c := range w {
			counts[c]++
		}
		total += len(w)
		for i := 0; i+4 <= len(w); i++ {
			word := binary.LittleEndian.Uint32(w[i:])
			slot := &seen[word*2654435761>>20]
			if *slot == word {
				repeats++
			}
			*slot = word
			positions++
		}
	}
	if positions > 0 && repeats*repeatShare > positions {
		return true
	}
	return entropy(&counts, total) < flatEntropy
}

// sample returns the windows to look at, or all of short data.
func sample(data []byte) [][]byte {
	if len(data) <= windows*windowSize {
		return [][]byte{data}
	}
	out := make([][]byte, windows)
	step := (len(data) - windowSize) / (windows - 1)
	for i := range out {
		out[i] = data[i*step:][:windowSize]
	}
	return out
}

// entropy is the mean information of a byte in bits. A short random text cannot
// show every byte, so that it looks less random than it is.
func entropy(counts *[256]int, total int) (bits float64) {
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(total)
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
