package rnx

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

func TestSplit(t *testing.T) {
	for in, want := range map[string][]string{
		"":                          nil,
		"  ls   -l ":                {"ls", "-l"},
		`echo "a b" 'c "d"' e\ f`:   {"echo", "a b", `c "d"`, "e f"},
		`x"y"'z'`:                   {"xyz"},
		`a "" ''`:                   {"a", "", ""},
		`"a\"b\\c\d" 'e\f'`:         {`a"b\c\d`, `e\f`},
		"a; rm -rf $HOME `x` | cat": {"a;", "rm", "-rf", "$HOME", "`x`", "|", "cat"},
	} {
		got, err := Split(in)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	for _, bad := range []string{`"a`, `'a`, `a\`} {
		if _, err := Split(bad); !errors.Is(err, ErrQuotes) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func FuzzMessages(f *testing.F) {
	f.Add(Command{Line: "ls", Timeout: time.Second, MaxStdout: 1, MaxStderr: NoLimit, Stdin: []byte("x")}.Value().Append(nil))
	f.Add(Result{Executed: true, HasCode: true, Started: time.Unix(1, 0)}.Value().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := msgpack.Parse(b, msgpack.Limits{})
		if err != nil {
			return
		}
		if c, err := ParseCommand(v); err == nil {
			again, err := ParseCommand(c.Value())
			if err != nil || again.Line != c.Line || again.MaxStdout != c.MaxStdout {
				t.Fatalf("%+v %+v %v", c, again, err)
			}
			_, _ = Split(c.Line)
		}
		if r, err := ParseResult(v); err == nil && r.StdoutSize < int64(len(r.Stdout)) {
			t.Fatal("part is larger than the whole")
		}
	})
}

// spec: rns-link §13.5
func TestMessages(t *testing.T) {
	for _, c := range []Command{
		{Line: "ls", MaxStdout: NoLimit, MaxStderr: NoLimit},
		{Line: "cat -", Timeout: 1500 * time.Millisecond, MaxStdout: 0, MaxStderr: 7, Stdin: []byte{}},
	} {
		got, err := ParseCommand(c.Value())
		if diff := cmp.Diff(c, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for _, r := range []Result{
		{Started: time.UnixMicro(1_700_000_000_123_456)},
		{Executed: true, Code: -15, HasCode: true, Stdout: []byte("a"), Stderr: []byte{}, StdoutSize: 5, Started: time.UnixMicro(2e15), Concluded: time.UnixMicro(3e15)},
	} {
		got, err := ParseResult(r.Value())
		if diff := cmp.Diff(r, got); diff != "" || err != nil {
			t.Error(diff, err)
		}
	}
	for _, bad := range []msgpack.Value{
		msgpack.Nil(), msgpack.Array(), msgpack.Array(msgpack.Int(1), msgpack.Nil(), msgpack.Nil(), msgpack.Nil(), msgpack.Nil()),
		msgpack.Array(msgpack.Str("a"), msgpack.Int(-1), msgpack.Nil(), msgpack.Nil(), msgpack.Nil()),
		msgpack.Array(msgpack.Str("a"), msgpack.Nil(), msgpack.Int(-1), msgpack.Nil(), msgpack.Nil()),
		msgpack.Array(msgpack.Str("a"), msgpack.Nil(), msgpack.Nil(), msgpack.Nil(), msgpack.Int(1)),
	} {
		if _, err := ParseCommand(bad); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := ParseResult(bad); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func posix(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the commands of this test are programs of POSIX systems")
	}
}

func TestRun(t *testing.T) {
	posix(t)
	limits := DefaultLimits()
	all := Command{MaxStdout: NoLimit, MaxStderr: NoLimit}
	run := func(change func(*Command)) Result {
		c := all
		change(&c)
		return Run(t.Context(), c, limits)
	}
	if r := run(func(c *Command) { c.Line = `printf '%s|' "a b" $HOME` }); string(r.Stdout) != "a b|$HOME|" || r.Code != 0 || !r.HasCode {
		t.Errorf("%+v", r)
	}
	if r := run(func(c *Command) { c.Line, c.Stdin = "cat", []byte("input") }); string(r.Stdout) != "input" {
		t.Errorf("%+v", r)
	}
	if r := run(func(c *Command) { c.Line = "sh -c 'echo out; echo err >&2; exit 3'" }); string(r.Stderr) != "err\n" || r.Code != 3 {
		t.Errorf("%+v", r)
	}
	if r := run(func(c *Command) { c.Line, c.MaxStdout = "printf 12345", 2 }); string(r.Stdout) != "12" || r.StdoutSize != 5 {
		t.Errorf("%+v", r)
	}
	for _, line := range []string{"/nothing/here", "", `"`} {
		if r := run(func(c *Command) { c.Line = line }); r.Executed {
			t.Errorf("%q: %+v", line, r)
		}
	}
	if r := run(func(c *Command) { c.Line, c.Timeout = "sleep 100", 20*time.Millisecond }); r.Code != -15 || !r.Concluded.IsZero() {
		t.Errorf("%+v", r)
	}
	limits.Grace = 20 * time.Millisecond
	if r := run(func(c *Command) {
		c.Line, c.Timeout = `sh -c "trap '' TERM; while :; do :; done"`, 100*time.Millisecond
	}); r.Code >= 0 {
		t.Errorf("%+v", r)
	}
	limits.Output = 10
	if r := run(func(c *Command) { c.Line = "yes | head"; c.Line = "head -c 100000 /dev/zero" }); len(r.Stdout) != 10 || r.StdoutSize != 100000 {
		t.Errorf("%d of %d", len(r.Stdout), r.StdoutSize)
	}
}

// A command over the network: listed identities are served, others get no answer, and a client can go on after a mistake.
// spec: rns-link §13.5
func TestExecute(t *testing.T) {
	posix(t)
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 1)
		host, user := w.Node("host"), w.Node("user")
		w.Connect(host, user, mem.Conditions{Delay: time.Millisecond})
		me := w.Identity(1)
		s, err := Serve(host.Node, ServerConfig{Identity: w.Identity(2), Allowed: []rns.Addr{me.Hash()}})
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		}()
		c, err := Dial(t.Context(), user.Node, stack.Peer{Addr: s.Addr(), Identity: me})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		cmd := Command{Line: "echo hello", Timeout: time.Minute, MaxStdout: NoLimit, MaxStderr: NoLimit}
		a, err := c.Execute(t.Context(), cmd, 0, nil)
		if err != nil || string(a.Stdout) != "hello\n" || a.Code != 0 {
			t.Fatal(a, err)
		}
		cmd.Line = "/nothing/here"
		if _, err := c.Execute(t.Context(), cmd, 0, nil); !errors.Is(err, ErrNotRun) {
			t.Fatal(err)
		}
		cmd.Line = "head -c 100000 /dev/zero" // a resource
		if a, err := c.Execute(t.Context(), cmd, time.Hour, nil); err != nil || len(a.Stdout) != 100000 {
			t.Fatal(len(a.Stdout), err)
		}
		c.link.Close()
		<-c.link.Done()
		cmd.Line = "echo again"
		if a, err := c.Execute(t.Context(), cmd, 0, nil); err != nil || string(a.Stdout) != "again\n" {
			t.Fatal(a, err)
		}
		stranger, err := Dial(t.Context(), user.Node, stack.Peer{Addr: s.Addr(), Identity: w.Identity(9)})
		if err != nil {
			t.Fatal(err)
		}
		defer stranger.Close()
		if _, err := stranger.Execute(t.Context(), cmd, 0, nil); !errors.Is(err, ErrRequest) && !errors.Is(err, ErrNoResult) {
			t.Fatal(err)
		}
		if _, err := Dial(t.Context(), user.Node, stack.Peer{Addr: rns.Addr{1}}); !errors.Is(err, node.ErrNoPath) {
			t.Fatal(err)
		}
	})
}

// When the client goes away its command ends, and so does one that runs when the server closes. In real time: the clock
// of a bubble stands still while a process runs.
func TestCommandsEndWithTheirLink(t *testing.T) {
	posix(t)
	n, err := node.New(node.DefaultConfig())
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	id, err := rns.NewIdentity(n.Random())
	if err != nil {
		t.Fatal(err)
	}
	started, ended := make(chan struct{}, 2), make(chan Result, 2)
	s, err := Serve(n, ServerConfig{Identity: id, Access: Anybody, OnEvent: func(e Event) {
		switch e.Kind {
		case Running:
			started <- struct{}{}
		case Ended:
			ended <- e.Result
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []func(*Client){
		func(c *Client) { c.Close() },
		func(*Client) {
			if err := s.Close(context.Background()); err != nil {
				t.Error(err)
			}
		},
	} {
		c, err := Dial(t.Context(), n, stack.Peer{Addr: s.Addr()})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := c.Execute(ctx, Command{Line: "sleep 1000", Timeout: time.Hour}, 0, nil)
			done <- err
		}()
		<-started
		end(c)
		if r := <-ended; r.Executed && r.Code >= 0 { // it may not have begun
			t.Errorf("%+v", r)
		}
		cancel()
		<-done
		c.Close()
	}
}

func TestOutputsAreBounded(t *testing.T) {
	o := keep(NoLimit, Limits{Output: 3})
	for range 3 {
		if n, err := o.Write([]byte("ab")); n != 2 || err != nil {
			t.Fatal(n, err)
		}
	}
	if o.kept.String() != "aba" || o.size != 6 || !strings.HasPrefix("ababab", o.kept.String()) {
		t.Fatalf("%q of %d", o.kept.String(), o.size)
	}
}
