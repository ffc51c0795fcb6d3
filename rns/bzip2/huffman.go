package bzip2

import (
	"cmp"
	"slices"
)

const (
	maxAlphabet = 258
	maxTables   = 6
	groupSize   = 50 // symbols that share one choice of table
	maxCodeLen  = 17
	rounds      = 4 // of fitting tables to the groups that chose them
)

// codeTable is one prefix code: length and bits of each symbol.
type codeTable struct {
	lengths [maxAlphabet]uint8
	codes   [maxAlphabet]uint32
}

// writeSymbols writes e.symbols with prefix codes fitted to them.
func (e *encoder) writeSymbols(w *bitWriter, alphabet int) {
	var store [maxTables]codeTable
	tables := store[:tableCount(len(e.symbols))]
	startTables(tables, e.symbols, alphabet)
	selectors := make([]uint8, (len(e.symbols)+groupSize-1)/groupSize)
	for range rounds {
		fitTables(tables, selectors, e.symbols, alphabet)
	}
	w.bits(uint64(len(tables)), 3)
	w.bits(uint64(len(selectors)), 15)
	writeSelectors(w, selectors)
	for i := range tables {
		tables[i].assign(alphabet)
		tables[i].write(w, alphabet)
	}
	for i, sel := range selectors {
		t := &tables[sel]
		for _, s := range e.symbols[i*groupSize : min((i+1)*groupSize, len(e.symbols))] {
			w.bits(uint64(t.codes[s]), uint(t.lengths[s]))
		}
	}
}

// tableCount weighs the size of tables against their gain.
func tableCount(symbols int) int {
	count := 2
	for _, least := range [...]int{200, 600, 1200, 2400} {
		if symbols >= least {
			count++
		}
	}
	return count
}

// startTables makes each table good at one part of the alphabet, the parts being
// about equally frequent, so that the tables differ when fitting begins.
func startTables(tables []codeTable, symbols []uint16, alphabet int) {
	var freq [maxAlphabet]int
	for _, s := range symbols {
		freq[s]++
	}
	left, from := len(symbols), 0
	for i := range tables {
		share := left / (len(tables) - i)
		to, sum := from, 0
		for to < alphabet && (sum < share || to == from) {
			sum += freq[to]
			to++
		}
		for s := range alphabet {
			if s < from || s >= to {
				tables[i].lengths[s] = maxCodeLen - 2
			}
		}
		left -= sum
		from = min(to, alphabet-1)
	}
}

// fitTables lets every group choose its cheapest table, then makes every table
// the best code for the groups that chose it.
func fitTables(tables []codeTable, selectors []uint8, symbols []uint16, alphabet int) {
	var freq [maxTables][maxAlphabet]uint32
	// One word per symbol holds its length in all tables, so that one addition
	// counts for all: 50 lengths of at most 17 stay below 1024.
	var packed [maxAlphabet]uint64
	for i := range tables {
		for s, n := range tables[i].lengths[:alphabet] {
			packed[s] |= uint64(n) << (10 * i)
		}
	}
	for g := range selectors {
		group := symbols[g*groupSize : min((g+1)*groupSize, len(symbols))]
		var cost uint64
		for _, s := range group {
			cost += packed[s]
		}
		best := 0
		for i := 1; i < len(tables); i++ {
			if cost>>(10*i)&1023 < cost>>(10*best)&1023 {
				best = i
			}
		}
		selectors[g] = uint8(best)
		for _, s := range group {
			freq[best][s]++
		}
	}
	for i := range tables {
		tables[i].build(freq[i][:alphabet])
	}
}

// build sets the lengths of the best prefix code for the frequencies, with no
// code longer than maxCodeLen. Symbols that do not occur get a code too: the
// format has no other way.
func (t *codeTable) build(freq []uint32) {
	var weights [maxAlphabet]uint32
	for s, f := range freq {
		weights[s] = max(f, 1)
	}
	for !t.tryBuild(weights[:len(freq)]) {
		// Flatter frequencies make shorter trees.
		for s := range freq {
			weights[s] = weights[s]/2 + 1
		}
	}
}

// tryBuild computes the lengths from two queues, leaves by weight and inner
// nodes in the order they are made, which is by weight too.
func (t *codeTable) tryBuild(weights []uint32) bool {
	n := len(weights)
	var bySize [maxAlphabet]uint16
	for s := range weights {
		bySize[s] = uint16(s)
	}
	slices.SortFunc(bySize[:n], func(a, b uint16) int {
		return cmp.Or(cmp.Compare(weights[a], weights[b]), cmp.Compare(a, b))
	})
	// Nodes 0..n-1 are the leaves in that order, the others inner nodes.
	var weight [2 * maxAlphabet]uint32
	var parent [2 * maxAlphabet]uint16
	for i, s := range bySize[:n] {
		weight[i] = weights[s]
	}
	leaf, inner := 0, n
	for made := n; made < 2*n-1; made++ {
		for range 2 {
			pick := leaf
			if leaf >= n || inner < made && weight[inner] < weight[leaf] {
				pick = inner
				inner++
			} else {
				leaf++
			}
			weight[made] += weight[pick]
			parent[pick] = uint16(made)
		}
	}
	var depth [2 * maxAlphabet]uint8
	for i := 2*n - 3; i >= 0; i-- {
		depth[i] = depth[parent[i]] + 1
		if depth[i] > maxCodeLen {
			return false
		}
	}
	for i, s := range bySize[:n] {
		t.lengths[s] = depth[i]
	}
	return true
}

// assign numbers the codes: shorter before longer, equal lengths by symbol.
func (t *codeTable) assign(alphabet int) {
	code := uint32(0)
	for length := uint8(1); length <= maxCodeLen; length++ {
		for s := range alphabet {
			if t.lengths[s] == length {
				t.codes[s] = code
				code++
			}
		}
		code <<= 1
	}
}

// write writes the lengths: the first one, then each as steps from the one
// before it.
func (t *codeTable) write(w *bitWriter, alphabet int) {
	cur := t.lengths[0]
	w.bits(uint64(cur), 5)
	for _, n := range t.lengths[:alphabet] {
		for ; cur < n; cur++ {
			w.bits(0b10, 2)
		}
		for ; cur > n; cur-- {
			w.bits(0b11, 2)
		}
		w.bits(0, 1)
	}
}

// writeSelectors writes the table of each group as its place among the recently
// used tables, in unary.
func writeSelectors(w *bitWriter, selectors []uint8) {
	recent := [maxTables]uint8{0, 1, 2, 3, 4, 5}
	for _, sel := range selectors {
		at := slices.Index(recent[:], sel)
		copy(recent[1:at+1], recent[:at])
		recent[0] = sel
		w.bits(1<<(at+1)-2, uint(at+1))
	}
}
