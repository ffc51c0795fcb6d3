// Package cli is the command line: one struct and one file per command. It
// holds no decisions of its own; commands call internal/app or the packages of
// the protocol.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/alecthomas/kong"
)

// version is set by the build.
var version = "dev"

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

// Environment is what a command sees of the process around it.
type Environment struct {
	// Program is the name the program was called by.
	Program string
	Stdin   io.Reader
	Stdout  io.Writer
	Stderr  io.Writer
	Getenv  func(string) string
	Context context.Context //nolint:containedctx // it is the process's own: ended by a signal
}

// System is the environment of this process. Its context ends with the first
// interrupt; a second one kills.
func System() Environment {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return Environment{Program: os.Args[0], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv, Context: ctx}
}

// program is the whole command line.
type program struct {
	Serve    serveCommand    `cmd:"" default:"withargs" help:"Run the node, the messenger and the web application."`
	Open     openCommand     `cmd:"" help:"Print another one-time address of the running program."`
	Send     sendCommand     `cmd:"" help:"Send a message and wait for its delivery."`
	Listen   listenCommand   `cmd:"" help:"Print messages as they arrive."`
	Lxmf     lxmfCommand     `cmd:"" help:"Propagation nodes, paper messages, and what concerns messages beyond sending."`
	Identity identityCommand `cmd:"" help:"Make, show, import and export identities."`
	Demo     demoCommand     `cmd:"" help:"Show the program with invented people on a simulated network."`
	Version  versionCommand  `cmd:"" help:"Print the version."`

	Rnsd     rnsdCommand     `cmd:"" group:"tools" help:"Run a Reticulum node without messenger and web application."`
	Rnstatus rnstatusCommand `cmd:"" group:"tools" help:"Show interfaces and traffic of the running node, or of one far away."`
	Rnpath   rnpathCommand   `cmd:"" group:"tools" help:"Find, list and drop paths; list and refuse identities."`
	Rnprobe  rnprobeCommand  `cmd:"" group:"tools" help:"Measure whether a destination answers."`
	Rncp     rncpCommand     `cmd:"" group:"tools" help:"Copy files to and from other nodes."`
	Rnid     rnidCommand     `cmd:"" group:"tools" help:"Make identities; sign, check, encrypt and decrypt files."`
	Rnx      rnxCommand      `cmd:"" group:"tools" help:"Run commands on other nodes, or for them."`
	Lxmd     lxmdCommand     `cmd:"" group:"tools" help:"Run a messenger without a face, and a propagation node."`
}

// tools are the commands that also run under their own name: by a symbolic link to the program.
var tools = []string{"rnsd", "rnstatus", "rnpath", "rnprobe", "rncp", "rnid", "rnx", "lxmd"}

// called puts the name of a tool the program was called by in front of its arguments.
func called(program string, args []string) []string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	if slices.Contains(tools, name) {
		return append([]string{name}, args...)
	}
	return args
}

// Paths are the directories most commands share.
type Paths struct {
	StorageDir   string `help:"Directory of identities, messages and settings." placeholder:"DIR" type:"path"`
	ReticulumDir string `name:"reticulum-config-dir" aliases:"config,rnsconfig" help:"Reticulum configuration directory, shared with other programs." placeholder:"DIR" type:"path"`
}

// failure is an error for people: it is printed as it is. Without an error the code says it all.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string {
	if f.err == nil {
		return fmt.Sprintf("exit code %d", f.code)
	}
	return f.err.Error()
}
func (f *failure) Unwrap() error { return f.err }

func failf(format string, args ...any) error {
	return &failure{code: exitFailure, err: fmt.Errorf(format, args...)}
}

// Main runs one command and returns the exit code.
func Main(args []string, env Environment) int {
	var p program
	vars := &variables{getenv: env.Getenv}
	exited := -1
	parser, err := kong.New(&p,
		kong.Name("meshchatx"),
		kong.Description("Reticulum node, LXMF messenger and web application in one program."),
		kong.UsageOnError(),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Resolvers(vars),
		kong.Exit(func(code int) { exited = code }),
		kong.Vars{"version": version},
		kong.ExplicitGroups([]kong.Group{{Key: "tools", Title: "Tools of Reticulum, under the names and with the options people know:"}}),
	)
	if err != nil {
		return report(env, err)
	}
	ctx, err := parser.Parse(called(env.Program, args))
	if exited >= 0 {
		return exited
	}
	if err != nil {
		_, _ = fmt.Fprintf(env.Stderr, "meshchatx: %v\nRun \"meshchatx --help\" for the commands.\n", err)
		return exitUsage
	}
	if err := ctx.Run(&env, vars); err != nil {
		return report(env, err)
	}
	return exitOK
}

func report(env Environment, err error) int {
	if errors.Is(err, context.Canceled) && env.Context.Err() != nil {
		return exitOK
	}
	var f *failure
	if !errors.As(err, &f) {
		f = &failure{code: exitFailure, err: err}
	}
	if f.err != nil {
		_, _ = fmt.Fprintln(env.Stderr, "meshchatx:", err)
	}
	return f.code
}

type versionCommand struct{}

// Run prints the version and how the program was built.
func (versionCommand) Run(env *Environment) error {
	goVersion := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		goVersion = " (" + info.GoVersion + ")"
	}
	_, err := fmt.Fprintf(env.Stdout, "meshchatx %s%s\n", version, goVersion)
	return err
}

// logger writes to stderr at the level of the command line.
func logger(env *Environment, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: level}))
}
