package interfaces

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const withPipe = `[interfaces]
  [[Modem]]
    type = PipeInterface
    enabled = no
    command = false
  [[Hub]]
    type = TCPClientInterface
    enabled = no
    target_host = hub.example.org
    target_port = 4242
    command = false
`

// What runs a command comes from the file alone: it cannot be created, edited, switched on or pasted from outside. It can
// be switched off and removed.
func TestCommandsComeFromTheFileOnly(t *testing.T) {
	s, n := service(t, withPipe)
	ctx := t.Context()
	var field *FieldError
	if _, err := s.Add(ctx, Config{Name: "New", Type: TypePipe, Enabled: true}); !errors.As(err, &field) || field.Field != "type" {
		t.Errorf("created: %v", err)
	}
	hub, err := s.Get(ctx, "Hub")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Modem", "Hub"} {
		c := *hub.Config
		c.Name, c.Type, c.Enabled = name, TypePipe, true
		if _, err := s.Replace(ctx, name, c); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%s became a pipe: %v", name, err)
		}
	}
	c := *hub.Config
	c.Name = "Modem"
	if _, err := s.Replace(ctx, "Modem", c); !errors.Is(err, ErrForeign) {
		t.Errorf("edited: %v", err)
	}
	if _, err := s.SetEnabled(ctx, "Modem", true); !errors.Is(err, ErrForeign) {
		t.Errorf("switched on: %v", err)
	}
	for _, host := range []string{"h\n  [[New]]\n    type = PipeInterface", "h\r[[New]]"} {
		c = *hub.Config
		c.TargetHost = host
		if _, err := s.Replace(ctx, "Hub", c); !errors.Is(err, ErrBadConfig) {
			t.Errorf("%q: %v", host, err)
		}
	}
	found, problems := s.Parse("[[P]]\ntype = PipeInterface\ncommand = false\n")
	if len(found) != 0 || !slices.Equal(problems, []string{"unsupported_type"}) {
		t.Errorf("pasted: %v, %v", found, problems)
	}
	if diff := cmp.Diff(withPipe, s.text(t)); diff != "" {
		t.Errorf("the file was changed: %s", diff)
	}
	if moves := n.took(); len(moves) != 0 {
		t.Errorf("something runs: %v", moves)
	}

	on := strings.Replace(withPipe, "enabled = no", "enabled = yes", 1)
	if err := os.WriteFile(filepath.Join(s.opt.Dir, "config"), []byte(on), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Start(ctx)
	if st, err := s.SetEnabled(ctx, "Modem", false); err != nil || st.Enabled {
		t.Errorf("switched off: %+v, %v", st, err)
	}
	if err := s.Remove(ctx, "Modem"); err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"+Modem", "-Modem"}, n.took()); diff != "" {
		t.Error(diff)
	}
}
