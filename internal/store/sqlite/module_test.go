package sqlite

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The driver is translated C and works with exactly the version of its C library that it was
// translated for; that library does not follow semantic versioning.
func TestLibraryVersionIsTheDrivers(t *testing.T) {
	list := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("go", append([]string{"list", "-m", "-f"}, args...)...).Output()
		if err != nil {
			t.Skipf("needs the go command and the module cache, which a compiled test run elsewhere has not: %v", err)
		}
		return strings.TrimSpace(string(out))
	}
	mod, err := os.ReadFile(filepath.Join(list("{{.Dir}}", "modernc.org/sqlite"), "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if have := list("{{.Path}} {{.Version}}", "modernc.org/libc"); !strings.Contains(string(mod), "\t"+have+"\n") {
		t.Errorf("go.mod has %s, which is not what the driver requires", have)
	}
}
