package configobj

import (
	"fmt"
	"strings"
)

// Bounds of replacing references: a value may refer to values that refer to
// others, and could otherwise grow without end.
const (
	maxExpansion  = 1 << 16
	maxReferences = 16
)

// Get returns the value of a key with references replaced: %(name)s stands for
// the value of another key, in lists in each item. spec: rns-core §23.4
//
// The error is [ErrNoKey], or [ErrReference] wrapped in a [*SyntaxError].
func (s *Section) Get(key string) (Value, error) {
	it := s.find(key)
	if it == nil {
		return Value{}, fmt.Errorf("%w %q", ErrNoKey, key)
	}
	out := Value{list: it.value.list}
	for _, text := range it.value.items {
		expanded, err := s.expand(text, maxReferences)
		if err != nil {
			return Value{}, &SyntaxError{Line: it.line, Err: fmt.Errorf("key %q: %w", key, err)}
		}
		out.items = append(out.items, expanded)
	}
	return out, nil
}

// expand replaces the references in text as read in s.
func (s *Section) expand(text string, depth int) (string, error) {
	var b strings.Builder
	for {
		before, name, after, found := cutReference(text)
		b.WriteString(before)
		if !found {
			break
		}
		if depth == 0 {
			return "", fmt.Errorf("%w: %q refers to itself", ErrReference, name)
		}
		value, in := s.lookUp(name)
		if in == nil {
			return "", fmt.Errorf("%w: no key %q", ErrReference, name)
		}
		target, isText := value.Text()
		if !isText {
			return "", fmt.Errorf("%w: %q is a list", ErrReference, name)
		}
		replacement, err := in.expand(target, depth-1)
		if err != nil {
			return "", err
		}
		if b.Len()+len(replacement) > maxExpansion {
			return "", fmt.Errorf("%w: the value grows too long", ErrReference)
		}
		b.WriteString(replacement)
		text = after
	}
	return b.String(), nil
}

// cutReference splits text around its first reference.
func cutReference(text string) (before, name, after string, found bool) {
	for at := 0; ; {
		i := strings.Index(text[at:], "%(")
		if i < 0 {
			return text, "", "", false
		}
		at += i
		end := strings.IndexByte(text[at:], ')')
		if end < 0 {
			return text, "", "", false
		}
		if strings.HasPrefix(text[at+end:], ")s") {
			return text[:at], text[at+2 : at+end], text[at+end+2:], true
		}
		at += 2
	}
}

// lookUp finds a key in the section, its DEFAULT subsection, or the same of its
// parents, and returns the section that has it.
func (s *Section) lookUp(name string) (Value, *Section) {
	for in := s; in != nil; in = in.parent {
		if it := in.find(name); it != nil {
			return it.value, in
		}
		if d := in.Section("DEFAULT"); d != nil {
			if it := d.find(name); it != nil {
				return it.value, d
			}
		}
	}
	return Value{}, nil
}
