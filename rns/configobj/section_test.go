package configobj_test

import (
	"testing"

	"meshchatx/rns/configobj"
)

// What AddSection adds RemoveSection takes away, the empty line that sets it off
// too.
func TestAddedAndRemovedSectionLeavesNothing(t *testing.T) {
	for _, text := range []string{
		"[a]\nx = 1\n", "[a]\n[[b]]\ny = 2\n", "[a]\n[[b]]\ny = 2\n\n", "[a]\r\n[[b]]\r\ny = 2\r\n", "[a]\n", "[a]\n[[b]]\n  # end\n",
		"[a]\n[[b]]\ny = 2\n\n[c]\nz = 3\n",
	} {
		f, err := configobj.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		s, err := f.AddSection(f.Section("a"), "new")
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Set(s, "key", configobj.Text("value")); err != nil {
			t.Fatal(err)
		}
		if f.Section("a").RemoveSection("new"); string(f.Bytes()) != text && string(f.Bytes())+"\n" != text {
			t.Errorf("%q became %q", text, f.Bytes())
		}
	}
}

// A comment behind the header and the spacing of the line survive a new name.
func TestRenameKeepsTheLine(t *testing.T) {
	for _, tt := range [][3]string{
		{"[ a ]  # mine\nx = 1\n", "a", "[b]  # mine\nx = 1\n"},
		{"\t['a]']# mine\nx = 1", "a]", "\t[b]# mine\nx = 1"},
		{"[a]", "a", "[b]"},
	} {
		f, err := configobj.Parse([]byte(tt[0]))
		if err != nil {
			t.Fatal(err)
		}
		if err := f.RenameSection(f.Section(tt[1]), "b"); err != nil || string(f.Bytes()) != tt[2] || f.Section("b") == nil {
			t.Errorf("%q became %q, %v", tt[0], f.Bytes(), err)
		}
	}
}
