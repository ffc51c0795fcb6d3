package main

import (
	"regexp"
	"strconv"
	"strings"
)

// cited is one reference to a section, or to a range of them.
type cited struct{ doc, first, last string }

var (
	document = regexp.MustCompile(`^[a-z][a-z0-9-]* `)
	place    = regexp.MustCompile(`^§([0-9]+(?:\.[0-9]+)*)(?:(?:[–-]| to )§?([0-9]+(?:\.[0-9]+)*))?`)
)

// citations finds what the first of some lines cites. Where its comment goes on in the others, so does the citation.
func citations(lines []string) (all []cited) {
	rest := lines[0]
	for {
		i := strings.Index(rest, "spec:")
		if i < 0 {
			return all
		}
		rest = rest[i+len("spec:"):]
		text := rest
		for _, l := range lines[1:] {
			body, ok := strings.CutPrefix(strings.TrimSpace(l), "//")
			if !ok {
				break
			}
			text = strings.TrimSpace(text) + " " + strings.TrimSpace(body)
		}
		doc := ""
		for {
			text = strings.TrimPrefix(strings.TrimLeft(text, " ,"), "and ")
			if d := document.FindString(text); d != "" && strings.HasPrefix(text[len(d):], "§") {
				doc, text = strings.TrimSpace(d), text[len(d):]
			}
			m := place.FindStringSubmatch(text)
			if m == nil || doc == "" {
				break
			}
			all = append(all, cited{doc, m[1], m[2]})
			text = text[len(m[0]):]
		}
	}
}

// expand lists the sections of a citation. A range counts for all sections between its ends if they stand below one
// heading, else for its ends.
func (r *report) expand(c cited) []string {
	if c.last == "" {
		return []string{c.first}
	}
	from, a := split(c.first)
	to, b := split(c.last)
	if from != to || from == "" || b < a {
		return []string{c.first, c.last}
	}
	var all []string
	for n := a; n <= b; n++ {
		all = append(all, from+strconv.Itoa(n))
	}
	return all
}

// split parts a number into what it stands below and its last place.
func split(number string) (parent string, last int) {
	i := strings.LastIndexByte(number, '.') + 1
	last, _ = strconv.Atoi(number[i:]) // the pattern has digits only
	return number[:i], last
}
