package bzip2

// transform replaces block by its Burrows–Wheeler transform and returns the rank
// of the block itself among its rotations.
//
// Rotations are sorted by sorting suffixes, in linear time. That works because
// the block is first rotated to its least rotation: where one suffix is a prefix
// of another, the shorter one goes on with the least rotation and so is not
// greater as a rotation either.
func transform(block []byte) (origin int) {
	n := len(block)
	least := leastRotation(block)
	text := make([]byte, n)
	copy(text[copy(text, block[least:]):], block[:least])
	start := int32((n - least) % n) // where the block begins in text

	order := make([]int32, n)
	sortSuffixes(text, order, 256)
	for rank, at := range order {
		if at == start {
			origin = rank
		}
		if at == 0 {
			at = int32(n)
		}
		block[rank] = text[at-1]
	}
	return origin
}

// leastRotation returns where the lexicographically least rotation of s begins.
// Two candidates are compared; the loser's candidate moves past the part that
// was compared, so the time is linear.
func leastRotation(s []byte) int {
	n := len(s)
	a, b, same := 0, 1, 0
	for a < n && b < n && same < n {
		x, y := s[wrap(a+same, n)], s[wrap(b+same, n)]
		if x == y {
			same++
			continue
		}
		if x > y {
			a += same + 1
		} else {
			b += same + 1
		}
		if a == b {
			b++
		}
		same = 0
	}
	return min(a, b)
}

func wrap(i, n int) int {
	if i >= n {
		return i - n
	}
	return i
}

// empty marks a place of the order that is not filled.
const empty = -1

// sortSuffixes fills order with the start positions of the suffixes of text in
// ascending order, a suffix before those it is a prefix of. Symbols are below k.
//
// It is induced sorting: the suffixes that are smaller than both neighbours
// (here "valleys") are sorted first, by recursion on their names, and every
// other suffix follows from the order of its successor.
func sortSuffixes[C byte | int32](text []C, order []int32, k int) {
	n := len(text)
	if n < 2 {
		clear(order)
		return
	}
	s := sorter[C]{text: text, order: order, count: make([]int32, k), next: make([]int32, k), valley: make([]bool, n)}
	for _, c := range text {
		s.count[c]++
	}
	valleys := s.placeValleys()
	s.induce()
	if valleys > 1 {
		s.sortValleys(valleys)
		s.replaceValleys(valleys)
		s.induce()
	}
}

// sorter is one level of the recursion.
type sorter[C byte | int32] struct {
	text   []C
	order  []int32
	count  []int32 // of each symbol
	next   []int32 // place to fill next in the bucket of each symbol
	valley []bool  // by position in text
}

// heads points next at the first place of each bucket, tails beyond the last.
func (s *sorter[C]) heads() {
	var sum int32
	for c, n := range s.count {
		s.next[c] = sum
		sum += n
	}
}

func (s *sorter[C]) tails() {
	var sum int32
	for c, n := range s.count {
		sum += n
		s.next[c] = sum
	}
}

// placeValleys finds the valleys and puts them at the end of their buckets in
// any order.
func (s *sorter[C]) placeValleys() (found int) {
	fill(s.order)
	s.tails()
	rising := false // whether the suffix after this one is greater than it
	for i := len(s.text) - 2; i >= 0; i-- {
		c, after := s.text[i], s.text[i+1]
		was := rising
		rising = c < after || c == after && rising
		if was && !rising {
			s.valley[i+1] = true
			s.put(int32(i + 1))
			found++
		}
	}
	return found
}

func fill(order []int32) {
	for i := range order {
		order[i] = empty
	}
}

// put adds a suffix to its bucket, from the end.
func (s *sorter[C]) put(at int32) {
	c := s.text[at]
	s.next[c]--
	s.order[s.next[c]] = at
}

// induce derives the order of all suffixes from that of the valleys: a falling
// suffix follows from its successor scanning upwards, a rising one scanning
// downwards. The end of the text counts as the least symbol.
func (s *sorter[C]) induce() {
	text, order, next := s.text, s.order, s.next
	s.heads()
	last := int32(len(text) - 1)
	order[next[text[last]]] = last
	next[text[last]]++
	for i := range order {
		at := order[i] - 1
		if at < 0 {
			continue
		}
		if c := text[at]; c >= text[at+1] {
			order[next[c]] = at
			next[c]++
		}
	}
	s.tails()
	for i := len(order) - 1; i >= 0; i-- {
		at := order[i] - 1
		if at < 0 {
			continue
		}
		// Between equal symbols the successor's kind decides, and it rises
		// if this scan has placed it.
		c, after := text[at], text[at+1]
		if c < after || c == after && int32(i) >= next[c] {
			next[c]--
			order[next[c]] = at
		}
	}
}

// sortValleys leaves the sorted valleys in the first places of order. Before, the
// induced order has sorted them only up to the next valley.
func (s *sorter[C]) sortValleys(valleys int) {
	text, order := s.text, s.order
	m := 0
	for _, at := range order {
		if at > 0 && s.valley[at] {
			order[m] = at
			m++
		}
	}
	// Names go where no two valleys collide: they are never adjacent.
	names := order[m:]
	fill(names)
	count := int32(0)
	for i, at := range order[:m] {
		if i == 0 || !s.sameValley(order[i-1], at) {
			count++
		}
		names[at/2] = count - 1
	}
	reduced := order[len(text)-m:]
	to := len(reduced)
	for i := len(names) - 1; i >= 0; i-- {
		if names[i] != empty {
			to--
			reduced[to] = names[i]
		}
	}
	if int(count) < valleys {
		sortSuffixes(reduced, order[:m], int(count))
	} else {
		for i, name := range reduced {
			order[name] = int32(i)
		}
	}
	to = 0
	for at, v := range s.valley {
		if v {
			reduced[to] = int32(at)
			to++
		}
	}
	for i, r := range order[:m] {
		order[i] = reduced[r]
	}
}

// sameValley reports whether the text from two valleys to the next ones is equal.
func (s *sorter[C]) sameValley(a, b int32) bool {
	n := int32(len(s.text))
	for d := int32(0); a+d < n && b+d < n; d++ {
		if s.text[a+d] != s.text[b+d] {
			return false
		}
		if d > 0 && (s.valley[a+d] || s.valley[b+d]) {
			return s.valley[a+d] && s.valley[b+d]
		}
	}
	return false
}

// replaceValleys moves the sorted valleys from the first places of order to the
// ends of their buckets, keeping their order.
func (s *sorter[C]) replaceValleys(valleys int) {
	fill(s.order[valleys:])
	s.tails()
	for i := valleys - 1; i >= 0; i-- {
		at := s.order[i]
		s.order[i] = empty
		s.put(at)
	}
}
