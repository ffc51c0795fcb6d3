package interfaces

import (
	"os"
	"path/filepath"
	"testing"
)

// A configuration file that is a link to another stays one, and so does its backup's name.
func TestLinkedFileStaysLinked(t *testing.T) {
	s, _ := service(t, "")
	elsewhere := filepath.Join(t.TempDir(), "shared")
	if err := os.WriteFile(elsewhere, []byte(sample), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(s.Path()); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, s.Path()); err != nil {
		t.Skip("this system lets the user make no symbolic links:", err)
	}
	if _, err := s.SetEnabled(t.Context(), "Hub", false); err != nil {
		t.Fatal(err)
	}
	st, err := os.Lstat(s.Path())
	if err != nil || st.Mode()&os.ModeSymlink == 0 {
		t.Error("the link was replaced", err)
	}
	if b, err := os.ReadFile(elsewhere); err != nil || string(b) == sample {
		t.Error("the file behind the link was not changed", err)
	}
	if b, err := os.ReadFile(s.Path() + ".bak"); err != nil || string(b) != sample {
		t.Error("no backup", err)
	}
}
