package pipe

import (
	"errors"
	"strings"
)

// errQuote means that a quote is not closed, or that the last character is an escape.
var errQuote = errors.New("unclosed quote or escape in the command")

// Split cuts a command into words as a POSIX shell quotes them: single quotes keep everything, double quotes all but the
// backslash before itself and before a double quote, and a backslash outside quotes keeps the next character. Nothing is
// expanded and nothing ends the command. spec: rns-interfaces §8
func Split(command string) (words []string, err error) {
	var s splitter
	for _, c := range []byte(command) {
		s.take(c)
	}
	if s.state != outside || s.escaped {
		return nil, errQuote
	}
	s.end()
	return s.words, nil
}

type state uint8

const (
	outside state = iota
	single
	double
)

type splitter struct {
	words   []string
	word    strings.Builder
	begun   bool // there is a word, even if it is empty
	escaped bool
	state   state
}

func (s *splitter) take(c byte) {
	if s.escaped {
		s.escaped = false
		if s.state == double && c != '"' && c != '\\' {
			s.word.WriteByte('\\')
		}
		s.word.WriteByte(c)
		return
	}
	switch {
	case s.state == single && c == '\'', s.state == double && c == '"':
		s.state = outside
	case s.state == single:
		s.word.WriteByte(c)
	case c == '\\':
		s.escaped, s.begun = true, true
	case s.state == double:
		s.word.WriteByte(c)
	case c == '\'':
		s.state, s.begun = single, true
	case c == '"':
		s.state, s.begun = double, true
	case c == ' ' || c == '\t' || c == '\r' || c == '\n':
		s.end()
	default:
		s.begun = true
		s.word.WriteByte(c)
	}
}

func (s *splitter) end() {
	if s.begun {
		s.words = append(s.words, s.word.String())
	}
	s.word.Reset()
	s.begun = false
}
