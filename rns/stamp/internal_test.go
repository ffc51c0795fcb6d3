package stamp

import (
	"math"
	"testing"
)

// The bound itself satisfies the cost although it has one zero bit less. No stamp
// can be constructed for such a digest, so the rule is tested by itself.
func TestExactBoundIsValid(t *testing.T) {
	tests := []struct {
		name string
		at   int  // byte that is set
		bit  byte // its value
		more byte // value of the last byte
		cost int
		want bool
	}{
		{"2^248 at cost 8", 0, 1, 0, 8, true},
		{"2^248+1 at cost 8", 0, 1, 1, 8, false},
		{"2^248 at cost 9", 0, 1, 0, 9, false},
		{"2^255 at cost 1", 0, 0x80, 0, 1, true},
		{"2^240 at cost 16", 1, 1, 0, 16, true},
		{"3·2^240 at cost 15", 1, 3, 0, 15, false},
		{"1 at cost 256", 31, 1, 1, 256, true},
		{"1 at cost 257", 31, 1, 1, 257, false},
	}
	for _, tt := range tests {
		var d [32]byte
		d[31] = tt.more
		d[tt.at] = tt.bit
		if got := satisfies(&d, tt.cost); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func FuzzSatisfies(f *testing.F) {
	f.Add(make([]byte, 32), 256)
	f.Fuzz(func(t *testing.T, b []byte, cost int) {
		var d [32]byte
		copy(d[:], b)
		if satisfies(&d, cost) && !satisfies(&d, cost-1) && cost > math.MinInt {
			t.Fatalf("%x satisfies %d but not one less", d, cost)
		}
	})
}
