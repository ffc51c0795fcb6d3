package configobj

import "strings"

// File is a configuration file. The zero value is an empty one.
type File struct {
	root    Section
	marked  bool   // begins with a byte order mark
	newline string // line end of the first line
}

// Section is a part of a file: entries, then sections one level deeper. All
// reading methods accept a nil Section, which is empty.
type Section struct {
	name   string
	depth  int
	header string // the line that opens it; empty for the root
	line   int
	parent *Section
	items  []item
	subs   []*Section
}

// item is a line of a section: an entry, which may span lines, or a comment or
// empty line.
type item struct {
	raw      string
	key      string
	isKey    bool
	value    Value
	line     int
	from, to int // the written value within raw
}

// Bytes returns the text of the file.
func (f *File) Bytes() []byte {
	var b []byte
	if f.marked {
		b = append(b, byteOrderMark...)
	}
	return f.root.append(b)
}

func (s *Section) append(b []byte) []byte {
	b = append(b, s.header...)
	for _, it := range s.items {
		b = append(b, it.raw...)
	}
	for _, sub := range s.subs {
		b = sub.append(b)
	}
	return b
}

// Root returns the top of the file: entries before the first section, and the
// sections.
func (f *File) Root() *Section { return &f.root }

// Section returns the section at a path, or nil.
func (f *File) Section(path ...string) *Section {
	s := f.Root()
	for _, name := range path {
		s = s.Section(name)
	}
	return s
}

// Name returns the name of the section, empty for the root.
func (s *Section) Name() string {
	if s == nil {
		return ""
	}
	return s.name
}

// Line returns the line of the header, counted from 1 in the text that was
// parsed; 0 for the root and for sections added since.
func (s *Section) Line() int {
	if s == nil {
		return 0
	}
	return s.line
}

// Sections returns the sections one level below, in order.
func (s *Section) Sections() []*Section {
	if s == nil {
		return nil
	}
	return append([]*Section(nil), s.subs...)
}

// Section returns a section one level below by its name, or nil.
func (s *Section) Section(name string) *Section {
	if s == nil {
		return nil
	}
	for _, sub := range s.subs {
		if sub.name == name {
			return sub
		}
	}
	return nil
}

// Keys returns the keys of the section in order.
func (s *Section) Keys() (keys []string) {
	if s == nil {
		return nil
	}
	for _, it := range s.items {
		if it.isKey {
			keys = append(keys, it.key)
		}
	}
	return keys
}

// Has reports whether the section has the key.
func (s *Section) Has(key string) bool { return s.find(key) != nil }

// KeyLine returns the line of a key as [Section.Line] does for the section.
func (s *Section) KeyLine(key string) int {
	if it := s.find(key); it != nil {
		return it.line
	}
	return 0
}

// Raw returns a value as written, references not replaced.
func (s *Section) Raw(key string) (Value, bool) {
	if it := s.find(key); it != nil {
		return it.value, true
	}
	return Value{}, false
}

func (s *Section) find(key string) *item {
	if s == nil {
		return nil
	}
	for i := range s.items {
		if it := &s.items[i]; it.isKey && it.key == key {
			return it
		}
	}
	return nil
}

// has reports whether a key or a section of this name exists.
func (s *Section) has(name string) bool { return s.find(name) != nil || s.Section(name) != nil }

// indent returns the white space that a raw line begins with.
func indent(raw string) string { return raw[:len(raw)-len(strings.TrimLeft(raw, " \t"))] }
