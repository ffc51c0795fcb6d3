package announces

import (
	"testing"

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
