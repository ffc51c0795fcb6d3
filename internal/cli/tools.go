package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/alecthomas/kong"

	"meshchatx/internal/app"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// toolFlags are the options every tool has.
type toolFlags struct {
	Config  string      `help:"Reticulum configuration directory." placeholder:"DIR" type:"path"`
	Verbose int         `short:"v" type:"counter" help:"Say more; may be repeated."`
	Version toolVersion `help:"Print the version."`
}

// toolVersion prints the version and ends.
type toolVersion bool

// BeforeReset ends the program before required arguments are missed.
func (toolVersion) BeforeReset(app *kong.Kong, ctx *kong.Context, vars kong.Vars) error {
	name := app.Model.Name
	if n := ctx.Selected(); n != nil {
		name = n.Name
	}
	if _, err := fmt.Fprintln(app.Stdout, name, vars["version"]); err != nil {
		return err
	}
	app.Exit(exitOK)
	return nil
}

// dir is the configuration directory.
func (t toolFlags) dir(env *Environment) (string, error) {
	if t.Config != "" {
		return t.Config, nil
	}
	if dir := env.Getenv(ownPrefix + flagVariables["reticulum-config-dir"]); dir != "" {
		return dir, nil
	}
	dir, err := app.DefaultReticulumDir(env.Getenv)
	if err != nil {
		return "", &failure{exitFailure, err}
	}
	return dir, nil
}

// toolLevel is what tools log without -v and -q, on the Reticulum scale.
const toolLevel = 3

// open starts the node of a tool.
func (t toolFlags) open(env *Environment, quiet int, change func(*node.Config)) (*stack.Stack, error) {
	dir, err := t.dir(env)
	if err != nil {
		return nil, err
	}
	level, err := parseLevel(strconv.Itoa(min(8, max(0, toolLevel+t.Verbose-quiet))))
	if err != nil {
		return nil, err
	}
	s, err := stack.Open(env.Context, stack.Config{Dir: dir, Log: logger(env, level), Change: change})
	if errors.Is(err, stack.ErrConfig) {
		return nil, &failure{exitFailure, err}
	}
	return s, err
}

// parseHash reads an address that people typed.
func parseHash(s string) (rns.Addr, error) {
	a, err := rns.ParseAddr(s)
	if err != nil {
		return a, failf("%q is not an address: 32 hexadecimal digits are needed", s)
	}
	return a, nil
}

// seconds is a time of the command line.
func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// pretty is how tools print an address.
func pretty(a rns.Addr) string { return "<" + digits(a) + ">" }

// digits is an address without brackets.
func digits(a rns.Addr) string { return hex.EncodeToString(a[:]) }

// printJSON prints a value on one line.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// statusLine is a line on a terminal that is replaced as things go on. Elsewhere it prints nothing. It is safe for
// concurrent use.
type statusLine struct {
	w  io.Writer
	on bool

	mu    sync.Mutex
	shown bool
}

func newStatusLine(w io.Writer, wanted bool) *statusLine {
	return &statusLine{w: w, on: wanted && terminal(w)}
}

// terminal reports whether something that is written is seen at once.
func terminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode()&os.ModeCharDevice != 0
}

const eraseLine = "\r\x1b[2K"

// say replaces the line.
func (s *statusLine) say(format string, args ...any) {
	if !s.on {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = true
	_, _ = fmt.Fprintf(s.w, eraseLine+format, args...)
}

// end removes the line.
func (s *statusLine) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shown {
		_, _ = fmt.Fprint(s.w, eraseLine)
		s.shown = false
	}
}

// steps tells on the line how far reaching somebody is.
func (s *statusLine) steps(to rns.Addr, asking string) func(stack.Step) {
	return func(step stack.Step) {
		switch step {
		case stack.StepPath:
			s.say("Path to %s requested", pretty(to))
		case stack.StepLink:
			s.say("Establishing link with %s", pretty(to))
		case stack.StepAsk:
			s.say("%s", asking)
		case stack.StepTransfer:
			s.say("Transferring")
		}
	}
}

// closing closes at the end of a command, also after its context has ended.
func closing(err error, close func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), closeWait)
	defer cancel()
	return errors.Join(err, close(ctx))
}

const closeWait = 5 * time.Second

// reachable says what to do about an error of reaching somebody.
func reachable(err error, to rns.Addr) error {
	switch {
	case errors.Is(err, node.ErrNoPath):
		return failf("Path not found to %s", pretty(to))
	case errors.Is(err, node.ErrUnknownIdentity):
		return failf("the keys of %s are not known: it has not announced itself", pretty(to))
	case errors.Is(err, stack.ErrNoLink):
		return failf("Could not establish link with %s", pretty(to))
	}
	return err
}
