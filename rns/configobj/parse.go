package configobj

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxSize  = 1 << 20 // bytes of a file; real ones have a few thousand
	maxDepth = 32      // levels of sections; the format uses three
)

const byteOrderMark = "\ufeff"

// Parse reads a configuration. The error is a [*SyntaxError] for the first line
// that is wrong: one error spoils the whole file. spec: rns-core §23.4
func Parse(text []byte) (*File, error) {
	switch {
	case len(text) > maxSize:
		return nil, &SyntaxError{Line: 1, Err: fmt.Errorf("%w: over %d bytes", ErrTooLarge, maxSize)}
	case !utf8.Valid(text):
		return nil, &SyntaxError{Line: invalidLine(text), Err: ErrEncoding}
	}
	s, marked := strings.CutPrefix(string(text), byteOrderMark)
	f := &File{marked: marked, newline: "\n"}
	p := parser{lines: splitLines(s), open: []*Section{&f.root}}
	if len(p.lines) > 0 {
		if _, end := cutLineEnd(p.lines[0]); end != "" {
			f.newline = end
		}
	}
	for p.at < len(p.lines) {
		line := p.at + 1
		if err := p.line(); err != nil {
			return nil, &SyntaxError{Line: line, Err: err}
		}
		p.at++
	}
	return f, nil
}

func invalidLine(text []byte) int {
	line := 1
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		if r == utf8.RuneError && n == 1 {
			break
		}
		if r == '\n' {
			line++
		}
		text = text[n:]
	}
	return line
}

// splitLines cuts after LF, CRLF and lone CR, keeping them.
func splitLines(s string) (lines []string) {
	for s != "" {
		end := strings.IndexAny(s, "\r\n")
		switch {
		case end < 0:
			end = len(s)
		case strings.HasPrefix(s[end:], "\r\n"):
			end += 2
		default:
			end++
		}
		lines = append(lines, s[:end])
		s = s[end:]
	}
	return lines
}

func cutLineEnd(line string) (text, end string) {
	text = strings.TrimRight(line, "\r\n")
	return text, line[len(text):]
}

// parser builds a file line by line. open are the sections around the present
// line, from the root down.
type parser struct {
	lines []string
	at    int
	open  []*Section
	seen  map[place]struct{}
}

// place is a name within a section.
type place struct {
	in   *Section
	name string
}

// claim takes a name in the present section, for a key or a section.
func (p *parser) claim(name string) error {
	at := place{p.section(), name}
	if _, taken := p.seen[at]; taken {
		return fmt.Errorf("%q: %w", name, ErrDuplicate)
	}
	if p.seen == nil {
		p.seen = make(map[place]struct{})
	}
	p.seen[at] = struct{}{}
	return nil
}

func (p *parser) section() *Section { return p.open[len(p.open)-1] }

func (p *parser) line() error {
	raw := p.lines[p.at]
	text := strings.TrimSpace(raw)
	if text == "" || text[0] == '#' {
		s := p.section()
		s.items = append(s.items, item{raw: raw})
		return nil
	}
	name, depth, isHeader, err := scanHeader(text)
	if err != nil {
		return err
	}
	if isHeader {
		return p.header(raw, name, depth)
	}
	return p.entry(raw)
}

// header opens a section: at most one level below the present one, any number
// of levels up.
func (p *parser) header(raw, name string, depth int) error {
	if depth > len(p.open) || depth > maxDepth {
		return ErrTooDeep
	}
	p.open = p.open[:depth]
	parent := p.section()
	if err := p.claim(name); err != nil {
		return err
	}
	s := &Section{name: name, depth: depth, header: raw, line: p.at + 1, parent: parent}
	parent.subs = append(parent.subs, s)
	p.open = append(p.open, s)
	return nil
}

func (p *parser) entry(raw string) error {
	key, valueAt, err := scanKey(raw)
	if err != nil {
		return err
	}
	s := p.section()
	if err := p.claim(key); err != nil {
		return err
	}
	it := item{raw: raw, key: key, isKey: true, line: p.at + 1, from: valueAt}
	text, _ := cutLineEnd(raw)
	for _, quote := range []string{`"""`, `'''`} {
		if strings.HasPrefix(text[valueAt:], quote) {
			if err := p.triple(&it, quote); err != nil {
				return err
			}
			s.items = append(s.items, it)
			return nil
		}
	}
	found, err := scanValue(text[valueAt:])
	if err != nil {
		return fmt.Errorf("key %q: %w", key, err)
	}
	it.value, it.to = found.value, valueAt+found.size
	s.items = append(s.items, it)
	return nil
}

// triple reads a value in triple quotes, over as many lines as it takes. Lines
// of the value are joined by LF.
func (p *parser) triple(it *item, quote string) error {
	text, _ := cutLineEnd(it.raw)
	start := it.from + len(quote)
	var value, raw strings.Builder
	raw.WriteString(it.raw)
	for {
		if end := strings.Index(text[start:], quote); end >= 0 {
			value.WriteString(text[start : start+end])
			after := start + end + len(quote)
			if !isEnd(text, after) {
				return fmt.Errorf("key %q: %w", it.key, ErrQuotes)
			}
			it.value = Text(value.String())
			it.raw = raw.String()
			it.to = len(it.raw) - len(p.lines[p.at]) + after
			return nil
		}
		value.WriteString(text[start:])
		value.WriteByte('\n')
		if p.at+1 >= len(p.lines) {
			return fmt.Errorf("key %q: %w", it.key, ErrQuotes)
		}
		p.at++
		raw.WriteString(p.lines[p.at])
		text, _ = cutLineEnd(p.lines[p.at])
		start = 0
	}
}

// scanHeader reads a section header without white space around it. A line that
// only starts like one is a key.
func scanHeader(text string) (name string, depth int, ok bool, err error) {
	at := 0
	for at < len(text) && text[at] == '[' {
		depth++
		at = skipBlanks(text, at+1)
	}
	if depth == 0 {
		return "", 0, false, nil
	}
	for end := at; end < len(text); end++ {
		if text[end] != ']' {
			continue
		}
		name, complete := sectionName(text[at:end])
		if !complete {
			continue
		}
		closing, after := 0, end
		for after < len(text) && text[after] == ']' {
			closing++
			after = skipBlanks(text, after+1)
		}
		if after < len(text) && text[after] != '#' {
			end = after - 1 // the same for the other brackets of this row
			continue
		}
		if closing != depth {
			return "", 0, false, ErrBrackets
		}
		return name, depth, true, nil
	}
	return "", 0, false, nil
}

// sectionName reads what stands between the brackets. A name that starts with a
// quote ends with it.
func sectionName(s string) (name string, complete bool) {
	s = strings.TrimRightFunc(s, unicode.IsSpace)
	if s == "" {
		return "", false
	}
	if q := s[0]; q == '"' || q == '\'' {
		if len(s) < 2 || s[len(s)-1] != q {
			return "", false
		}
		name = s[1 : len(s)-1]
		return name, strings.TrimSpace(name) != ""
	}
	return s, true
}

// scanKey reads a key and returns where in the line its value begins.
func scanKey(raw string) (key string, valueAt int, err error) {
	text, _ := cutLineEnd(raw)
	start := skipBlanks(text, 0)
	equals := -1
	if q := text[start]; q == '"' || q == '\'' {
		for end := start + 1; end < len(text) && equals < 0; end++ {
			if text[end] != q {
				continue
			}
			if after := skipBlanks(text, end+1); after < len(text) && text[after] == '=' {
				key, equals = text[start+1:end], after
			}
		}
	} else if i := strings.IndexByte(text[start:], '='); i > 0 {
		equals = start + i
		key = strings.TrimRightFunc(text[start:equals], unicode.IsSpace)
	}
	if equals < 0 {
		return "", 0, ErrNotKey
	}
	return key, skipBlanks(text, equals+1), nil
}
