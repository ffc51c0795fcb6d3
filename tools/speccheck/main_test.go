package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCitations(t *testing.T) {
	for _, c := range []struct {
		lines []string
		want  []cited
	}{
		{[]string{"// nothing"}, nil},
		{[]string{"// Rule. spec: rns-core §13.1"}, []cited{{"rns-core", "13.1", ""}}},
		{[]string{"x := 1 // spec: rns-core §1, §2.3, rns-link §4–§6."}, []cited{{"rns-core", "1", ""}, {"rns-core", "2.3", ""}, {"rns-link", "4", "6"}}},
		{[]string{"// A long one. spec:", "// lxmf §5.1,", "\t// §5.2", "// and §9"}, []cited{{"lxmf", "5.1", ""}, {"lxmf", "5.2", ""}, {"lxmf", "9", ""}}},
		{[]string{"// spec: rns-core §1", "func f() // §2"}, []cited{{"rns-core", "1", ""}}},
		{[]string{"// the spec: §1 of what?"}, nil},
		{[]string{"// spec: a §1 and spec: b §2"}, []cited{{"a", "1", ""}, {"b", "2", ""}}},
	} {
		if d := cmp.Diff(c.want, citations(c.lines), cmp.AllowUnexported(cited{})); d != "" {
			t.Errorf("%q: %s", c.lines, d)
		}
	}
}

func TestRanges(t *testing.T) {
	var r report
	for _, c := range []struct {
		in   cited
		want []string
	}{
		{cited{"d", "5.4", ""}, []string{"5.4"}}, {cited{"d", "5.4", "5.7"}, []string{"5.4", "5.5", "5.6", "5.7"}},
		{cited{"d", "5", "7"}, []string{"5", "7"}}, {cited{"d", "5.4", "6.1"}, []string{"5.4", "6.1"}},
	} {
		if d := cmp.Diff(c.want, r.expand(c.in)); d != "" {
			t.Error(d)
		}
	}
}

// TestCitationsResolve: every citation in the code leads somewhere, and every section has code and tests or a reason.
func TestCitationsResolve(t *testing.T) {
	t.Chdir("../..")
	r := newReport()
	if err := r.readSpecs("spec"); err != nil {
		t.Fatal(err)
	}
	if err := r.readCode("."); err != nil {
		t.Fatal(err)
	}
	r.countVectors()
	reasons, err := readReasons("spec/coverage.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range r.judge(reasons) {
		if strings.HasPrefix(p, needless) {
			t.Log(p) // somebody else has just filled the gap
		} else {
			t.Error(p)
		}
	}
}
