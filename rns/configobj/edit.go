package configobj

import (
	"fmt"
	"slices"
	"strings"
)

// Set gives a key a value. An existing line keeps its place, spacing and
// comment; a new one follows the last entry of the section, indented like it.
//
// Text that the format cannot express is refused with [ErrUnwritable]: both
// kinds of triple quotes, or what would read as a reference to a key.
func (f *File) Set(s *Section, key string, v Value) error {
	if it := s.find(key); it != nil {
		written, err := writeValue(it.raw[:it.from], key, v, it.raw[it.to:])
		if err != nil {
			return err
		}
		changed := *it
		changed.raw = it.raw[:it.from] + written + it.raw[it.to:]
		changed.value, changed.to = v, it.from+len(written)
		*it = changed
		return nil
	}
	if s.has(key) {
		return fmt.Errorf("key %q: %w", key, ErrDuplicate)
	}
	it, at, err := s.newItem(key, v)
	if err != nil {
		return err
	}
	it.raw += f.lineEnd()
	f.endLine(s, at)
	s.items = slices.Insert(s.items, at, it)
	return nil
}

// newItem makes an entry, without line end, and says where among the items it
// goes: after the last entry, or first.
func (s *Section) newItem(key string, v Value) (it item, at int, err error) {
	if key == "" {
		return item{}, 0, fmt.Errorf("key %q: %w", key, ErrUnwritable)
	}
	lead := ""
	if s.depth > 0 {
		lead = indent(s.header) + "  "
	}
	for i, other := range s.items {
		if other.isKey {
			at, lead = i+1, indent(other.raw)
		}
	}
	err = fmt.Errorf("key %q: %w", key, ErrUnwritable)
	for _, name := range []string{key, `"` + key + `"`, "'" + key + "'"} {
		prefix := lead + name + " = "
		if got, _, err := scanKey(prefix); err != nil || got != key {
			continue
		}
		var written string
		if written, err = writeValue(prefix, key, v, ""); err == nil {
			return item{raw: prefix + written, key: key, isKey: true, value: v, from: len(prefix), to: len(prefix) + len(written)}, at, nil
		}
	}
	return item{}, 0, err
}

// writeValue finds the plainest way to write v between prefix and suffix such that
// reading the line gives v again.
func writeValue(prefix, key string, v Value, suffix string) (string, error) {
	for _, text := range v.items {
		if _, _, _, reference := cutReference(text); reference {
			return "", fmt.Errorf("key %q: %w: %q", key, ErrUnwritable, text)
		}
	}
	var forms []string
	if v.list {
		form, err := writeList(v.items)
		if err != nil {
			return "", fmt.Errorf("key %q: %w", key, err)
		}
		forms = []string{form}
	} else {
		text, _ := v.Text()
		forms = []string{text, `"` + text + `"`, "'" + text + "'", `"""` + text + `"""`, "'''" + text + "'''"}
	}
	for _, form := range forms {
		if reads(prefix+form+suffix, item{key: key, value: v, from: len(prefix), to: len(prefix) + len(form)}) {
			return form, nil
		}
	}
	return "", fmt.Errorf("key %q: %w: %q", key, ErrUnwritable, v.String())
}

// reads reports whether a text is one entry, just as wanted. A section header can
// look very much like one.
func reads(text string, want item) bool {
	p := parser{lines: splitLines(text), open: []*Section{{}}}
	if len(p.lines) == 0 || p.line() != nil || p.at != len(p.lines)-1 || len(p.section().items) != 1 {
		return false
	}
	got := p.section().items[0]
	return got.isKey && got.key == want.key && got.value.Equal(want.value) && got.from == want.from && got.to == want.to
}

// writeList writes a list, each item quoted only if it needs to be.
func writeList(items []string) (string, error) {
	if len(items) == 0 {
		return ",", nil
	}
	written := make([]string, len(items))
	for i, text := range items {
		ok := false
		for _, form := range []string{text, `"` + text + `"`, "'" + text + "'"} {
			// A comma on either side shows whether the item stays one.
			got, err := scanValue("x," + form + ",x")
			if err == nil && slices.Equal(got.value.items, []string{"x", text, "x"}) && !strings.ContainsAny(text, "\r\n") {
				written[i], ok = form, true
				break
			}
		}
		if !ok {
			return "", fmt.Errorf("%w: %q", ErrUnwritable, text)
		}
	}
	if len(items) == 1 {
		return written[0] + ",", nil
	}
	return strings.Join(written, ", "), nil
}

// Delete removes a key with its line. It reports whether there was one.
func (s *Section) Delete(key string) bool {
	it := s.find(key)
	if it == nil {
		return false
	}
	s.items = slices.DeleteFunc(s.items, func(other item) bool { return other.isKey && other.key == key })
	return true
}

// AddSection adds an empty section at the end of parent, after an empty line.
func (f *File) AddSection(parent *Section, name string) (*Section, error) {
	if parent.has(name) {
		return nil, fmt.Errorf("section %q: %w", name, ErrSectionExists)
	}
	depth := parent.depth + 1
	lead := ""
	if n := len(parent.subs); n > 0 {
		lead = indent(parent.subs[n-1].header)
	} else if parent.depth > 0 {
		lead = indent(parent.header) + "  "
	}
	for _, written := range []string{name, `"` + name + `"`, "'" + name + "'"} {
		header := strings.Repeat("[", depth) + written + strings.Repeat("]", depth)
		got, gotDepth, ok, err := scanHeader(header)
		if err != nil || !ok || got != name || gotDepth != depth || depth > maxDepth || strings.ContainsAny(name, "\r\n") {
			continue
		}
		last := parent.last()
		f.endLine(last, len(last.items))
		if n := len(last.items); last.header != "" && n == 0 || n > 0 && strings.TrimSpace(last.items[n-1].raw) != "" {
			last.items = append(last.items, item{raw: f.lineEnd()})
		}
		s := &Section{name: name, depth: depth, header: lead + header + f.lineEnd(), parent: parent}
		parent.subs = append(parent.subs, s)
		return s, nil
	}
	return nil, fmt.Errorf("section %q: %w", name, ErrUnwritable)
}

// last returns the section whose lines come last within s.
func (s *Section) last() *Section {
	for len(s.subs) > 0 {
		s = s.subs[len(s.subs)-1]
	}
	return s
}

// RemoveSection removes a section with all that is in it, and the empty line that
// set it off if it was the last of the file. Comments that stand directly above
// the next section stay with that. It reports whether there was such a section.
func (s *Section) RemoveSection(name string) bool {
	for i, sub := range s.subs {
		if sub.name != name {
			continue
		}
		before := s
		if i > 0 {
			before = s.subs[i-1].last()
		}
		kept := sub.last().trailing()
		if n := len(before.items); n > 0 && len(kept) == 0 && sub.ends() && strings.TrimSpace(before.items[n-1].raw) == "" {
			before.items = before.items[:n-1]
		}
		before.items = append(before.items, kept...)
		s.subs = slices.Delete(s.subs, i, i+1)
		return true
	}
	return false
}

// ends reports whether the file ends with s.
func (s *Section) ends() bool {
	for ; s.parent != nil; s = s.parent {
		if s.parent.subs[len(s.parent.subs)-1] != s {
			return false
		}
	}
	return true
}

// RenameSection gives a section another name. Its place, entries and comments
// stay.
func (f *File) RenameSection(s *Section, name string) error {
	if s.parent == nil || s.parent.has(name) {
		return fmt.Errorf("section %q: %w", name, ErrSectionExists)
	}
	lead := indent(s.header)
	end := headerEnd(s.header[len(lead):])
	for _, written := range []string{name, `"` + name + `"`, "'" + name + "'"} {
		header := strings.Repeat("[", s.depth) + written + strings.Repeat("]", s.depth)
		whole := header + s.header[len(lead)+end:]
		got, depth, ok, err := scanHeader(strings.TrimSpace(whole))
		if err != nil || !ok || got != name || depth != s.depth || strings.ContainsAny(name, "\r\n") {
			continue
		}
		s.name, s.header = name, lead+whole
		return nil
	}
	return fmt.Errorf("section %q: %w", name, ErrUnwritable)
}

// headerEnd is where the brackets of a header end: a comment may follow.
func headerEnd(text string) int {
	for i := 1; i <= len(text); i++ {
		if text[i-1] != ']' {
			continue
		}
		if _, _, ok, err := scanHeader(text[:i]); ok && err == nil {
			return i
		}
	}
	return len(text)
}

// trailing returns the comment lines at the end of a section, if another section
// or the end of the file follows them directly.
func (s *Section) trailing() []item {
	from := len(s.items)
	for from > 0 && strings.HasPrefix(strings.TrimSpace(s.items[from-1].raw), "#") {
		from--
	}
	if from == 0 || s.items[from-1].isKey {
		return nil // they belong to this section
	}
	return s.items[from:]
}

func (f *File) lineEnd() string {
	if f.newline == "" {
		return "\n"
	}
	return f.newline
}

// endLine makes sure that the line before item at of s ends with a line end,
// which only the last line of a file may lack.
func (f *File) endLine(s *Section, at int) {
	raw := &s.header
	if at > 0 {
		raw = &s.items[at-1].raw
	}
	if text, end := cutLineEnd(*raw); text != "" && end == "" {
		*raw += f.lineEnd()
	}
}
