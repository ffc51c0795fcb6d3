package pipe

import (
	"slices"
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		command string
		want    []string
	}{
		{"", nil},
		{" nc  -u\thost 1 ", []string{"nc", "-u", "host", "1"}},
		{`a 'b c' "d e"`, []string{"a", "b c", "d e"}},
		{`a''b "" ''`, []string{"ab", "", ""}},
		{`a\ b '\' "\"\\\n"`, []string{"a b", `\`, `"\\n`}},
		{`x="y z"w`, []string{"x=y zw"}},
		{"größe 'ü'", []string{"größe", "ü"}},
	} {
		got, err := Split(tt.command)
		if err != nil || !slices.Equal(got, tt.want) {
			t.Errorf("%q gives %q, %v, want %q", tt.command, got, err, tt.want)
		}
	}
}

// What is quoted comes back as it was.
func FuzzSplit(f *testing.F) {
	f.Add(`a 'b c' "d\"e" \f`)
	f.Fuzz(func(t *testing.T, command string) {
		words, err := Split(command)
		if err != nil {
			return
		}
		var quoted []string
		for _, w := range words {
			quoted = append(quoted, "'"+strings.ReplaceAll(w, "'", `'\''`)+"'")
		}
		again, err := Split(strings.Join(quoted, " "))
		if err != nil || !slices.Equal(again, words) {
			t.Fatalf("%q became %q, %v", words, again, err)
		}
	})
}
