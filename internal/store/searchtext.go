package store

import (
	"strings"
	"unicode"
)

// The full-text index divides text at spaces and punctuation. Chinese, Japanese, Thai and others
// are written without spaces, so their text is divided here, the same way when storing and when
// searching: a run of such characters 天地玄黄 becomes its pairs "天地 地玄 玄黄" in one column and its
// single characters "天 地 玄 黄" in another. A search for two or more characters is then a phrase
// of pairs, a search for one looks at the other column: both exact, and neither slow.

// limits of what is indexed and asked.
const (
	maxIndexedRunes = 64 << 10
	maxQueryRunes   = 256
	maxQueryTerms   = 16
)

// unspaced are the scripts that are written without spaces, or whose spaces do not divide words.
func unspaced(r rune) bool {
	return r > 0x0e00 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul,
		unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan) && !unicode.Is(unicode.M, r)
}

// narrow maps full-width letters and digits to the usual ones.
func narrow(r rune) rune {
	if r >= 0xff01 && r <= 0xff5e {
		return r - 0xfee0
	}
	return r
}

// word reports whether the index keeps a character.
func word(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Co, r) }

// runs calls spaced and dense for the maximal runs of text of either sort. Marks inside a run of
// an unspaced script are left out.
func runs(s string, limit int, spaced func(string), dense func([]rune)) {
	var plain strings.Builder
	var packed []rune
	flush := func() {
		if plain.Len() > 0 {
			spaced(plain.String())
			plain.Reset()
		}
		if len(packed) > 0 {
			dense(packed)
			packed = packed[:0]
		}
	}
	n := 0
	for _, r := range s {
		if n++; n > limit {
			break
		}
		r = narrow(r)
		switch {
		case unspaced(r):
			if plain.Len() > 0 {
				flush()
			}
			packed = append(packed, r)
		case len(packed) > 0 && unicode.Is(unicode.M, r):
		default:
			if len(packed) > 0 {
				flush()
			}
			plain.WriteRune(r)
		}
	}
	flush()
}

// indexText returns what the columns body and chars hold for a text.
func indexText(s string) (body, chars string) {
	var b, c strings.Builder
	seen := make(map[rune]struct{})
	runs(s, maxIndexedRunes, func(plain string) {
		b.WriteString(strings.Map(printable, plain))
	}, func(packed []rune) {
		b.WriteByte(' ')
		b.WriteString(pairs(packed))
		b.WriteByte(' ')
		for _, r := range packed {
			if _, ok := seen[r]; !ok {
				seen[r] = struct{}{}
				c.WriteRune(r)
				c.WriteByte(' ')
			}
		}
	})
	return b.String(), c.String()
}

// printable keeps control characters out of the index; NUL would end the text.
func printable(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

// pairs returns the overlapping pairs of a run, or its only character.
func pairs(packed []rune) string {
	if len(packed) == 1 {
		return string(packed)
	}
	var b strings.Builder
	for i := range len(packed) - 1 {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteRune(packed[i])
		b.WriteRune(packed[i+1])
	}
	return b.String()
}

// queryTerms turns what a person typed into terms of the full-text language. ok is false when text
// was typed but nothing in it can be searched for.
func queryTerms(text string) (terms []string, ok bool) {
	pieces, open := split(text)
	for i, piece := range pieces {
		last := open && i == len(pieces)-1
		terms = append(terms, pieceTerms(piece, last)...)
	}
	if len(terms) > maxQueryTerms {
		terms = terms[:maxQueryTerms]
	}
	return terms, len(terms) > 0 || strings.TrimSpace(text) == ""
}

// split divides a query at spaces outside double quotes. open: the last piece may go on.
func split(text string) (pieces []string, open bool) {
	var b strings.Builder
	quoted := false
	flush := func() {
		if b.Len() > 0 {
			pieces = append(pieces, b.String())
			b.Reset()
		}
	}
	n := 0
	for _, r := range text {
		if n++; n > maxQueryRunes {
			break
		}
		open = false
		switch {
		case r == '"':
			flush()
			quoted = !quoted
		case unicode.IsSpace(r) && !quoted:
			flush()
		default:
			b.WriteRune(printable(r))
			open = true
		}
	}
	flush()
	return pieces, open
}

// pieceTerms are the terms of one word or quotation; the last word typed matches as a beginning.
func pieceTerms(piece string, last bool) []string {
	var terms []string
	runs(piece, maxQueryRunes, func(plain string) {
		if !strings.ContainsFunc(plain, word) {
			return
		}
		terms = append(terms, `body : "`+strings.ReplaceAll(plain, `"`, " ")+`"`)
	}, func(packed []rune) {
		if len(packed) == 1 {
			terms = append(terms, `chars : "`+string(packed)+`"`)
			return
		}
		terms = append(terms, `body : "`+pairs(packed)+`"`)
	})
	if n := len(terms); last && n > 0 && strings.HasPrefix(terms[n-1], "body") && endsPlain(piece) {
		terms[n-1] += " *"
	}
	return terms
}

// endsPlain reports whether a piece ends in two letters or digits of a spaced script: only then can
// more of the word follow. Completing a single letter would match half of everything.
func endsPlain(piece string) bool {
	rs := []rune(piece)
	if len(rs) < 2 {
		return false
	}
	for _, r := range rs[len(rs)-2:] {
		if r = narrow(r); !word(r) || unspaced(r) {
			return false
		}
	}
	return true
}
