package rnx

import (
	"errors"
	"strings"
)

// ErrQuotes means that a command ends inside quotes, or with a backslash.
var ErrQuotes = errors.New("quotes of the command are not closed")

// Split splits a command into words like a POSIX shell without expanding anything: quotes of both kinds, and backslashes.
func Split(command string) (words []string, err error) {
	var word strings.Builder
	begun := false
	var quote rune
	escaped := false
	for _, r := range command {
		switch {
		case escaped:
			if quote == '"' && r != '"' && r != '\\' {
				word.WriteByte('\\')
			}
			word.WriteRune(r)
			escaped = false
		case r == '\\' && quote != '\'':
			escaped, begun = true, true
		case quote != 0:
			if r == quote {
				quote = 0
			} else {
				word.WriteRune(r)
			}
		case r == '\'' || r == '"':
			quote, begun = r, true
		case strings.ContainsRune(" \t\r\n", r):
			if begun {
				words = append(words, word.String())
				word.Reset()
				begun = false
			}
		default:
			word.WriteRune(r)
			begun = true
		}
	}
	if quote != 0 || escaped {
		return nil, ErrQuotes
	}
	if begun {
		words = append(words, word.String())
	}
	return words, nil
}
