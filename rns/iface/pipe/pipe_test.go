package pipe_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/ifacetest"
	"meshchatx/rns/iface/pipe"
)

// part is what the test binary does when it is run as the program of a pipe.
const part = "PIPE_TEST_PART"

func TestMain(m *testing.M) {
	switch os.Getenv(part) {
	case "":
		os.Exit(m.Run())
	case "echo":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "exit":
		fmt.Fprintln(os.Stderr, "goodbye")
		os.Exit(3)
	case "args":
		fmt.Fprintf(os.Stderr, "%q", os.Args[1:])
	}
}

func open(t *testing.T, what, args string, errs io.Writer) *pipe.Interface {
	t.Helper()
	t.Setenv(part, what)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := pipe.New(pipe.Config{Name: "p", Command: "'" + program + "' " + args, Errors: errs})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What the program writes is received: here what it was given.
func TestFramesThroughAProgram(t *testing.T) {
	p := open(t, "echo", "", io.Discard)
	h, stop := ifacetest.Open(t, p)
	ifacetest.Exchange(t, h, h, 1064)
	if err := p.Send(make([]byte, 1064+65)); !errors.Is(err, iface.ErrFrameSize) {
		t.Error(err)
	}
	stop()
	if err := h.Ended(t); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := p.Send(make([]byte, 20)); !errors.Is(err, iface.ErrOffline) {
		t.Error(err)
	}
}

// A program that ends takes the interface down, with its status; it can be served again.
func TestProgramEnds(t *testing.T) {
	var errs strings.Builder
	p := open(t, "exit", "", &errs)
	for range 2 {
		h, _ := ifacetest.Start(t, p)
		if err := h.Ended(t); !errors.Is(err, pipe.ErrExited) || !strings.Contains(err.Error(), "exit status 3") {
			t.Error(err)
		}
	}
	if got := errs.String(); got != "goodbye\ngoodbye\n" {
		t.Errorf("standard error %q", got)
	}
}

// The command is not given to a shell.
func TestCommandIsNoShell(t *testing.T) {
	var errs strings.Builder
	p := open(t, "args", `"a b" $HOME ; >file`, &errs)
	h, _ := ifacetest.Start(t, p)
	h.Ended(t)
	if got := errs.String(); got != `["a b" "$HOME" ";" ">file"]` {
		t.Errorf("arguments %s", got)
	}
}

func TestUnusableCommands(t *testing.T) {
	for _, command := range []string{"", "  ", "''", "a 'b", `a "b`, `a \`} {
		if _, err := pipe.New(pipe.Config{Name: "p", Command: command}); err == nil {
			t.Errorf("%q was accepted", command)
		}
	}
	p, err := pipe.New(pipe.Config{Name: "p", Command: "/nonexistent/program"})
	if err != nil {
		t.Fatal(err)
	}
	h, _ := ifacetest.Start(t, p)
	if err := h.Ended(t); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, pipe.ErrNotStarted) {
		t.Error(err)
	}
}

// spec: rns-interfaces §1.2, §1.7, §8
func TestProperties(t *testing.T) {
	p, err := pipe.New(pipe.Config{Name: "p", Command: "true"})
	if err != nil {
		t.Fatal(err)
	}
	want := iface.Info{
		Name: "p", Label: "PipeInterface[p]", Type: "PipeInterface", Bitrate: 1_000_000, MTU: 1064, AccessCodeSize: 8,
	}
	if got := p.Info(); got != want {
		t.Errorf("%+v", got)
	}
}
