package main

import "testing"

func TestVectorOf(t *testing.T) {
	for _, c := range []struct{ test, want string }{
		{"TestVectorHashes/vector/rns-core/hashes/0", "rns-core/hashes/0"},
		{"TestVectorLink/outer/vector/rns-link/hdlc/hdlc-1", "rns-link/hdlc/hdlc-1"},
		{"TestVectorHashes/vector/rns-core/hashes/0#01", "rns-core/hashes/0"},
		{"TestVectorHashes", ""},
		{"TestVectorHashes/vector/rns-core", ""},
	} {
		if got, _ := vectorOf(c.test); string(got) != c.want {
			t.Errorf("vectorOf(%q) = %q, want %q", c.test, got, c.want)
		}
	}
}

// A reason for a group that does not exist would excuse nothing and mislead.
func TestPendingGroupsExist(t *testing.T) {
	files, err := readFiles("../..")
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]map[string]bool)
	for _, f := range files {
		known[f.Name] = make(map[string]bool)
		for _, g := range f.Groups() {
			known[f.Name][g] = true
		}
	}
	for file, groups := range pendingGroups {
		for group := range groups {
			if !known[file][group] {
				t.Errorf("%s has no group %q", file, group)
			}
		}
	}
}
