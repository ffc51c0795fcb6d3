package configobj

import (
	"errors"
	"fmt"
)

// Reasons why a text is not a configuration. They are wrapped in a [SyntaxError]
// that names the line.
var (
	ErrDuplicate = errors.New("name is used twice in this section")
	ErrBrackets  = errors.New("brackets of the section do not match")
	ErrTooDeep   = errors.New("section is nested more than one level deeper than the one before")
	ErrNotKey    = errors.New("line is neither a section, a key with a value, nor a comment")
	ErrQuotes    = errors.New("quotes are not closed, or text follows them")
	ErrEmptyItem = errors.New("list has an empty item")
	ErrEncoding  = errors.New("text is not UTF-8")
	ErrTooLarge  = errors.New("file is too large")
)

// Reasons why a value cannot be read or an edit not be made.
var (
	ErrNoKey         = errors.New("no such key")
	ErrNoSection     = errors.New("no such section")
	ErrReference     = errors.New("reference to another key cannot be resolved")
	ErrNotBool       = errors.New("not a boolean: use yes or no")
	ErrUnwritable    = errors.New("the file format cannot express this text")
	ErrSectionExists = errors.New("section exists already")
)

// SyntaxError is a refusal with the line, counted from 1, that caused it.
type SyntaxError struct {
	Line int
	Err  error
}

// Error implements error.
func (e *SyntaxError) Error() string { return fmt.Sprintf("line %d: %v", e.Line, e.Err) }

// Unwrap returns the reason.
func (e *SyntaxError) Unwrap() error { return e.Err }
