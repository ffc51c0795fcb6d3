package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	program := func() { os.Exit(Main(os.Args[1:], System())) }
	names := map[string]func(){"meshchatx": program}
	for _, name := range tools {
		names[name] = program
	}
	testscript.Main(m, names)
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"eventually": eventually, "ports": ports, "expand": expandFile, "capture": capture},
	})
}

func environment(vars map[string]string) (*Environment, *bytes.Buffer) {
	var out bytes.Buffer
	return &Environment{
		Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out, Context: context.Background(),
		Getenv: func(k string) string { return vars[k] },
	}, &out
}

// Our own variables win, aliases are named in the log, and cannot weaken access.
func TestVariables(t *testing.T) {
	for _, tt := range []struct {
		name string
		vars map[string]string
		args []string
		want []string
		code int
	}{
		{"alias is named", map[string]string{"MESHCHAT_PORT": "70000"}, []string{"serve"}, []string{"variable=MESHCHAT_PORT", "flag=--port"}, exitFailure},
		{"own prefix wins", map[string]string{"MESHCHATX_LOG_LEVEL": "loud", "MESHCHAT_RNS_LOG_LEVEL": "4"}, []string{"serve"}, []string{`log level "loud"`}, exitUsage},
		{"flag wins", map[string]string{"MESHCHATX_LOG_LEVEL": "loud"}, []string{"serve", "--log-level=quiet"}, []string{`log level "quiet"`}, exitUsage},
		{"alias cannot switch encryption off for others", map[string]string{"MESHCHAT_NO_HTTPS": "1", "MESHCHAT_HOST": "0.0.0.0"}, []string{"serve"},
			[]string{"an alias cannot switch encryption off"}, exitFailure},
		{"plain HTTP to others needs a word", nil, []string{"serve", "--no-https", "--host=0.0.0.0", "--port=0"}, []string{"--plain-http-anywhere"}, exitFailure},
		{"a variable without counterpart is said", map[string]string{"MESHCHAT_EMERGENCY": "1"}, []string{"serve", "--port=70000"}, []string{"variable=MESHCHAT_EMERGENCY"}, exitFailure},
		{"certificate without key", nil, []string{"serve", "--ssl-cert=x"}, []string{"belong together"}, exitFailure},
		{"key that is none", nil, []string{"serve", "--identity-base64=aGVsbG8="}, []string{"not an identity key"}, exitFailure},
		{"unknown command", nil, []string{"fly"}, []string{"--help"}, exitUsage},
	} {
		t.Run(tt.name, func(t *testing.T) {
			env, out := environment(tt.vars)
			dir := t.TempDir()
			args := tt.args
			if args[0] == "serve" {
				args = append(args, "--storage-dir", dir, "--reticulum-config-dir", dir)
			}
			if code := Main(args, *env); code != tt.code {
				t.Errorf("code %d\n%s", code, out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("%q is not in\n%s", want, out)
				}
			}
		})
	}
}

func TestLogLevels(t *testing.T) {
	for in, want := range map[string]slog.Level{"": slog.LevelInfo, "Warning": slog.LevelWarn, "7": slog.LevelDebug, "1": slog.LevelError + 4} {
		if got, err := parseLevel(in); got != want || err != nil {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
}

// patience bounds what a script waits for.
const patience = 30 * time.Second

// eventually runs a command until it succeeds: a program in the background takes
// a moment to come up.
func eventually(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: eventually command args...")
	}
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	late := time.After(patience)
	for {
		err := ts.Exec(args[0], args[1:]...)
		if err == nil {
			return
		}
		select {
		case <-again.C:
		case <-late:
			ts.Fatalf("%v did not succeed within %s: %v", args, patience, err)
		}
	}
}

// ports gives each variable a port that is free now.
func ports(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
		ts.Check(l.Close())
	}
}

// expandFile replaces variables in files.
func expandFile(ts *testscript.TestScript, _ bool, args []string) {
	for _, name := range args {
		text := os.Expand(ts.ReadFile(name), ts.Getenv)
		ts.Check(os.WriteFile(ts.MkAbs(name), []byte(text), 0o600))
	}
}

// capture sets a variable to the first group of an expression in the last output.
func capture(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: capture VARIABLE expression")
	}
	m := regexp.MustCompile(args[1]).FindStringSubmatch(ts.ReadFile("stdout"))
	if m == nil {
		ts.Fatalf("%s is not in\n%s", args[1], ts.ReadFile("stdout"))
	}
	ts.Setenv(args[0], m[1])
}
