package discovery

import "strings"

// CleanName makes a name of a stranger printable: only ASCII, no runs of
// blanks, nothing but letters and digits at the ends, except that a closing
// bracket may be last. The result may be empty. spec: rns-core §22.4
//
// differs: control characters inside a name are dropped; the reference keeps
// them.
func CleanName(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= ' ' && c < 0x7f || isBlank(c) {
			b.WriteByte(c)
		}
	}
	s = strings.Trim(b.String(), blanks)
	s = dropControl(s)
	for _, run := range []string{"     ", "   ", "  "} {
		s = strings.ReplaceAll(s, run, " ")
	}
	start, end := 0, len(s)
	for start < end && !isAlphanumeric(s[start]) {
		start++
	}
	for start < end && !isAlphanumeric(s[end-1]) && s[end-1] != ')' {
		end--
	}
	return s[start:end]
}

const blanks = " \t\n\v\f\r\x1c\x1d\x1e\x1f"

func isBlank(c byte) bool { return strings.IndexByte(blanks, c) >= 0 }

func dropControl(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s)
}

// displayName is the name a record has: that of the announce, or one made from
// the type.
func displayName(name string, t Type) string {
	if name = CleanName(name); name == "" {
		return "Discovered " + string(t)
	}
	return name
}

// CleanText is what a publisher makes of a configured text: without line ends
// and surrounding blanks. spec: rns-core §22.2
func CleanText(s string) string {
	return strings.TrimSpace(strings.NewReplacer("\n", "", "\r", "").Replace(s))
}

// isPlain reports whether a text of a stranger can stand on one line.
func isPlain(s string) bool { return dropControl(s) == s }
