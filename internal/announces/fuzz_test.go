package announces

import (
	"strings"
	"testing"
	"unicode/utf8"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// FuzzCursor reads cursors that no list has made.
func FuzzCursor(f *testing.F) {
	f.Add(formatCursor(store.HeardCursor{Key: -1, Name: "Mira", Destination: rns.Addr{1}}))
	f.Add("e30")
	f.Fuzz(func(t *testing.T, text string) {
		c, err := parseCursor(text)
		if err != nil {
			return
		}
		if again, err := parseCursor(formatCursor(c)); err != nil || again != c {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}

// FuzzDescribe reads what announces of every kind say of themselves: what is shown is one line of text.
func FuzzDescribe(f *testing.F) {
	f.Add([]byte("a node"))
	f.Add(name("Mira"))
	f.Add([]byte{0x92, 0xc4, 1, 0xff, 0xcc, 0xff})
	f.Fuzz(func(t *testing.T, data []byte) {
		for k := range store.HeardKind(8) {
			text, cost := describe(k, data)
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00\u202e") || len(text) > 1024 || cost != nil && (*cost < 1 || *cost > 255) {
				t.Fatalf("%x is %q with cost %v", data, text, cost)
			}
		}
	})
}
