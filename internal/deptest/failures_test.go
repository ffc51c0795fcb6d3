package deptest

import (
	"bufio"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const root = "../.."

var (
	named    = regexp.MustCompile("`([a-z0-9/]+)\\.((?:Test|Fuzz)\\w+)`")
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
)

// testsOf are the tests and fuzz targets of a package.
func testsOf(t *testing.T, pkg string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range declared.FindAllSubmatch(b, -1) {
			found[string(m[1])] = true
		}
	}
	return found
}

// TestFailuresAreTested reads docs/failures.md: every row of its tables names tests, and each of them exists. What is called
// a test of a failure is in a table.
func TestFailuresAreTested(t *testing.T) {
	f, err := os.Open(filepath.Join(root, "docs", "failures.md"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	known, tabled := make(map[string]map[string]bool), make(map[string]bool)
	rows := 0
	for line, sc := 1, bufio.NewScanner(f); sc.Scan(); line++ {
		cells := strings.Split(strings.Trim(sc.Text(), "| "), "|")
		if !strings.HasPrefix(sc.Text(), "|") || strings.Trim(sc.Text(), "|-") == "" || strings.TrimSpace(cells[len(cells)-1]) == "Test" {
			continue
		}
		rows++
		if len(cells) != 6 {
			t.Errorf("line %d: %d cells", line, len(cells))
		}
		tests := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(tests) == 0 {
			t.Errorf("line %d names no test: %s", line, cells[0])
		}
		for _, m := range tests {
			pkg, name := m[1], m[2]
			if known[pkg] == nil {
				known[pkg] = testsOf(t, pkg)
			}
			if !known[pkg][name] {
				t.Errorf("line %d: %s has no %s", line, pkg, name)
			}
			tabled[pkg+"."+name] = true
		}
	}
	if rows < 50 {
		t.Errorf("only %d rows found", rows)
	}
	for pkg, tests := range known {
		for name := range tests {
			if strings.HasPrefix(name, "TestFailure") && !tabled[pkg+"."+name] {
				t.Errorf("%s.%s is in no table of docs/failures.md", pkg, name)
			}
		}
	}
}
