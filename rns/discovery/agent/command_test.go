package agent

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"meshchatx/rns/discovery"
	"meshchatx/rns/node"
)

func script(t *testing.T, text string) string {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("needs a shell")
	}
	name := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(name, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestFailureCommands: what a program can do wrong ends the publication, and in time. spec: rns-core §22.2
func TestFailureCommands(t *testing.T) {
	c := command{timeout: time.Minute, output: 100}
	if out, err := c.run(t.Context(), script(t, "echo hub.example.org")); out != "hub.example.org\n" || err != nil {
		t.Errorf("%q, %v", out, err)
	}
	hasty := command{timeout: time.Millisecond, output: 100}
	for name, r := range map[string]struct {
		command
		file string
		want error
	}{
		"missing":        {c, "/does/not/exist", fs.ErrNotExist},
		"directory":      {c, t.TempDir(), errNotProgram},
		"prints forever": {c, script(t, "while :; do echo 0123456789; done"), errOutput},
		"never ends":     {hasty, script(t, "exec sleep 60"), context.DeadlineExceeded},
	} {
		if _, err := r.run(t.Context(), r.file); !errors.Is(err, r.want) {
			t.Errorf("%s: %v, not %v", name, err, r.want)
		}
	}
	if _, err := c.run(t.Context(), script(t, "echo host; exit 3")); err == nil {
		t.Error("failure is not noticed")
	}
}

// TestDescribe: programs tell host and place, and what they tell is checked. spec: rns-core §22.2
func TestDescribe(t *testing.T) {
	n, err := node.New(node.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	p := publisher{Agent: New(Config{Node: n})}
	o := discovery.Offer{
		Info:            discovery.Info{Type: discovery.TypeBackbone, Name: " Hill\n", ReachableOn: script(t, "echo ' hub.example.org'"), Port: 1},
		LocationCommand: script(t, "echo 47.5, 8, 600"),
	}
	i, err := p.describe(t.Context(), o)
	if err != nil || i.Name != "Hill" || i.ReachableOn != "hub.example.org" || *i.Latitude != 47.5 || *i.Longitude != 8 || *i.Height != 600 ||
		i.TransportID != n.TransportID() || i.Transport {
		t.Errorf("%+v, %v", i, err)
	}
	o.LocationCommand = script(t, "echo 470.5, 8, 600")
	if _, err := p.describe(t.Context(), o); !errors.Is(err, discovery.ErrPosition) {
		t.Errorf("%v", err)
	}
	o.LocationCommand, o.Info.ReachableOn = "", script(t, "echo no host")
	if err := p.announce(t.Context(), o); !errors.Is(err, discovery.ErrHost) {
		t.Errorf("%v", err)
	}
}
