package configobj

import (
	"slices"
	"strings"
	"unicode"
)

// Value is a text or a list of texts. The zero value is the empty text.
type Value struct {
	items []string
	list  bool
}

// Text returns a value that is one text.
func Text(s string) Value { return Value{items: []string{s}} }

// List returns a value that is a list.
func List(items ...string) Value { return Value{items: slices.Clone(items), list: true} }

// IsList reports whether v is a list.
func (v Value) IsList() bool { return v.list }

// Text returns the text; false for a list.
func (v Value) Text() (string, bool) {
	if v.list {
		return "", false
	}
	return strings.Join(v.items, ""), true
}

// Items returns the items of a list; a text counts as a list of one, the empty
// text as none.
func (v Value) Items() []string {
	if !v.list && (len(v.items) == 0 || v.items[0] == "") {
		return nil
	}
	return slices.Clone(v.items)
}

// Equal reports whether two values are of the same kind with the same texts.
func (v Value) Equal(w Value) bool {
	if v.list != w.list {
		return false
	}
	if !v.list {
		a, _ := v.Text()
		b, _ := w.Text()
		return a == b
	}
	return slices.Equal(v.items, w.items)
}

// String shows v for diagnostics.
func (v Value) String() string { return strings.Join(v.items, ", ") }

// ParseBool reads a boolean as the file format spells it. spec: rns-core §23.4
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "yes", "on", "true", "1":
		return true, nil
	case "no", "off", "false", "0":
		return false, nil
	}
	return false, ErrNotBool
}

// scanned is a value found at the start of a text, which is the text of the
// value as written, and the rest: blanks, comment, line end.
type scanned struct {
	value Value
	size  int // bytes of the written form, without blanks after it
}

// scanValue reads the value at the start of line, which has no leading blanks
// and no line end. spec: rns-core §23.4
func scanValue(line string) (scanned, error) {
	var out scanned
	at := 0
	for {
		item, next, err := scanItem(line, at)
		if err != nil {
			return scanned{}, err
		}
		ends := next.at == len(line) || line[next.at] == '#'
		if item == nil {
			// Nothing before a comma is a list only when nothing follows either.
			if !ends && (at > 0 || !isEnd(line, next.at+1)) {
				return scanned{}, ErrEmptyItem
			}
		} else {
			out.value.items = append(out.value.items, *item)
			out.size = next.end
		}
		if ends {
			return out, nil
		}
		out.value.list = true
		at = next.at + 1
		out.size = at
	}
}

// position is where an item ends and where what separates it stands.
type position struct{ end, at int }

// scanItem reads one item from at on: nil if there is none before the next
// comma, comment or end.
func scanItem(line string, at int) (*string, position, error) {
	start := skipBlanks(line, at)
	if start < len(line) && (line[start] == '"' || line[start] == '\'') {
		for end := start + 1; end < len(line); end++ {
			if line[end] != line[start] {
				continue
			}
			after := skipBlanks(line, end+1)
			if after == len(line) || line[after] == ',' || line[after] == '#' {
				item := line[start+1 : end]
				return &item, position{end + 1, after}, nil
			}
		}
		return nil, position{}, ErrQuotes
	}
	stop := len(line)
	if i := strings.IndexAny(line[start:], ",#"); i >= 0 {
		stop = start + i
	}
	item := strings.TrimRightFunc(line[start:stop], unicode.IsSpace)
	if item == "" {
		return nil, position{start, stop}, nil
	}
	return &item, position{start + len(item), stop}, nil
}

// isEnd reports whether only blanks and a comment follow.
func isEnd(line string, at int) bool {
	at = skipBlanks(line, at)
	return at == len(line) || line[at] == '#'
}

// skipBlanks returns the position of the first character from at on that is not
// white space.
func skipBlanks(line string, at int) int {
	return len(line) - len(strings.TrimLeftFunc(line[at:], unicode.IsSpace))
}
