package cli

import (
	"bufio"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"meshchatx/internal/tools/rnx"
	"meshchatx/internal/tools/stack"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

type rnxCommand struct {
	toolFlags
	Quiet int  `short:"q" type:"counter" help:"Say less; may be repeated."`
	JSON  bool `name:"json" help:"Print results as JSON."`

	Destination string   `arg:"" optional:"" help:"Address of the listener."`
	Command     string   `arg:"" optional:"" help:"Command to run there. It is split into words, and no shell sees it."`
	Print       bool     `short:"p" name:"print-identity" help:"Print identity and address, and end."`
	Listen      bool     `short:"l" help:"Run commands for others: only for those named with -a, or in ~/.rnx/allowed_identities."`
	Identity    string   `short:"i" help:"File of the identity to use." placeholder:"FILE" type:"path"`
	Interactive bool     `short:"x" help:"Read commands from standard input, one on each line; exit or quit ends."`
	NoAnnounce  bool     `short:"b" help:"Do not announce at the start."`
	Allowed     []string `short:"a" name:"allowed" help:"Run commands of this identity; may be repeated." placeholder:"HASH"`
	NoAuth      bool     `short:"n" name:"noauth" help:"Run commands of anybody. Whoever reaches this node can then do what you can."`
	NoID        bool     `short:"N" name:"noid" help:"Do not identify to the listener."`
	Detailed    bool     `short:"d" help:"Show sizes and times."`
	Mirror      bool     `short:"m" name:"mirror" help:"End with the exit code of the command."`
	Timeout     float64  `short:"w" name:"timeout" help:"How long to wait for the link, and how long the command may take." placeholder:"SECONDS" default:"15"`
	Download    float64  `short:"W" name:"result-timeout" help:"How long the result may take to arrive." placeholder:"SECONDS" default:"0"`
	Stdin       *string  `help:"Input of the command." placeholder:"TEXT"`
	Stdout      int64    `help:"Most bytes of the output to return." placeholder:"BYTES" default:"-1"`
	Stderr      int64    `help:"Most bytes of the error output to return." placeholder:"BYTES" default:"-1"`
}

// Exit codes of rnx.
const (
	rnxNoCode      = 240
	rnxBadAddress  = 241
	rnxNoPath      = 242
	rnxNoLink      = 243
	rnxNotAsked    = 244
	rnxNoResult    = 245
	rnxNotReceived = 246
	rnxBadResult   = 247
	rnxNotRun      = 248
)

// Run runs commands, or asks for them.
func (c rnxCommand) Run(env *Environment) error {
	dir, err := c.dir(env)
	if err != nil {
		return err
	}
	if !c.Listen && !c.Print && (c.Destination == "" || c.Command == "" && !c.Interactive) {
		return &failure{exitUsage, errors.New("rnx needs an address and a command, or -l to listen; see rnx --help")}
	}
	id, err := stack.Identity(dir, "rnx", c.Identity)
	if err != nil {
		return &failure{exitNoIdentity, err}
	}
	switch {
	case c.Print:
		return printListener(env, c.JSON, "identity", id.Hash(), rns.DestinationHash(rnx.DestinationName, id.Hash()))
	case c.Listen:
		return c.listen(env, id)
	}
	to, err := parseHash(c.Destination)
	if err != nil {
		return &failure{rnxBadAddress, err}
	}
	s, err := c.open(env, c.Quiet, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	return c.ask(env, s, to, id)
}

func (c rnxCommand) ask(env *Environment, s *stack.Stack, to rns.Addr, id *rns.Identity) error {
	line := newStatusLine(env.Stderr, !c.JSON && c.Quiet == 0)
	defer line.end()
	peer := stack.Peer{Addr: to, Identity: id, Timeout: seconds(c.Timeout), OnStep: line.steps(to, "Sending execution request")}
	if c.NoID {
		peer.Identity = nil
	}
	client, err := rnx.Dial(env.Context, s.Node, peer)
	if err != nil {
		line.end()
		return rnxFailure(err, to)
	}
	defer client.Close()
	code := 0
	if c.Command != "" {
		if code, err = c.execute(env, client, line, to, c.Command, c.Stdin); err != nil && !c.Interactive {
			return err
		}
		c.complain(env, err)
	}
	if c.Interactive {
		return c.interact(env, client, line, to, code)
	}
	if c.Mirror && code != 0 {
		return &failure{code: code}
	}
	return nil
}

func (c rnxCommand) complain(env *Environment, err error) {
	if err != nil {
		_, _ = fmt.Fprintln(env.Stderr, err)
	}
}

// interact runs the commands of standard input.
func (c rnxCommand) interact(env *Environment, client *rnx.Client, line *statusLine, to rns.Addr, code int) error {
	lines, stop := readLines(env)
	defer stop()
	prompting := terminal(env.Stdin)
	for {
		if prompting {
			prompt := "> "
			if code != 0 {
				prompt = fmt.Sprintf("%d> ", code)
			}
			_, _ = fmt.Fprint(env.Stdout, prompt)
		}
		var text string
		select {
		case <-env.Context.Done():
			return context.Cause(env.Context)
		case t, more := <-lines:
			if !more {
				return nil
			}
			text = strings.TrimSpace(t)
		}
		switch strings.ToLower(text) {
		case "":
			continue
		case "exit", "quit":
			return nil
		case "clear":
			_, _ = fmt.Fprint(env.Stdout, "\x1bc")
			continue
		}
		got, err := c.execute(env, client, line, to, text, nil)
		if env.Context.Err() != nil {
			return context.Cause(env.Context)
		}
		c.complain(env, err)
		if code = 0; c.Mirror {
			code = got
		}
	}
}

// readLines reads standard input on the side: nothing can interrupt the reading of a terminal.
func readLines(env *Environment) (lines <-chan string, stop func()) {
	ch, done := make(chan string), make(chan struct{})
	go func() {
		defer close(ch)
		for s := bufio.NewScanner(env.Stdin); s.Scan(); {
			select {
			case ch <- s.Text():
			case <-done:
				return
			}
		}
	}()
	return ch, sync.OnceFunc(func() { close(done) })
}

// rnxResult is the JSON of a result. Output that is not UTF-8 is base64.
type rnxResult struct {
	Command      string     `json:"command"`
	Executed     bool       `json:"executed"`
	Code         *int       `json:"code"`
	Stdout       string     `json:"stdout"`
	StdoutBase64 bool       `json:"stdout_base64,omitempty"`
	Stderr       string     `json:"stderr"`
	StderrBase64 bool       `json:"stderr_base64,omitempty"`
	StdoutBytes  int64      `json:"stdout_bytes"`
	StderrBytes  int64      `json:"stderr_bytes"`
	Started      time.Time  `json:"started"`
	Concluded    *time.Time `json:"concluded"`
	Seconds      float64    `json:"seconds"`
}

func (c rnxCommand) execute(env *Environment, client *rnx.Client, line *statusLine, to rns.Addr, command string, stdin *string) (int, error) {
	cmd := rnx.Command{Line: command, Timeout: seconds(c.Timeout), MaxStdout: c.Stdout, MaxStderr: c.Stderr}
	if stdin != nil {
		cmd.Stdin = []byte(*stdin)
	}
	a, err := client.Execute(env.Context, cmd, seconds(c.Download), func(s node.RequestStatus) {
		switch s.State {
		case node.RequestDelivered:
			line.say("Command delivered, awaiting result")
		case node.RequestReceiving:
			line.say("Receiving result %.1f%% of %s", 100*s.Progress, sizeText(float64(s.Size)))
		}
	})
	line.end()
	if err != nil {
		return 0, rnxFailure(err, to)
	}
	code := rnxNoCode
	if a.HasCode {
		code = a.Code & 0xff
	}
	if c.JSON {
		return code, c.printJSON(env, command, a)
	}
	return code, c.print(env, a)
}

func (c rnxCommand) printJSON(env *Environment, command string, a rnx.Answer) error {
	v := rnxResult{
		Command: command, Executed: a.Executed, StdoutBytes: a.StdoutSize, StderrBytes: a.StderrSize, Started: a.Started.UTC(), Seconds: a.Took.Seconds(),
	}
	if a.HasCode {
		v.Code = &a.Code
	}
	if !a.Concluded.IsZero() {
		t := a.Concluded.UTC()
		v.Concluded = &t
	}
	v.Stdout, v.StdoutBase64 = asText(a.Stdout)
	v.Stderr, v.StderrBase64 = asText(a.Stderr)
	return printJSON(env.Stdout, v)
}

func asText(b []byte) (s string, encoded bool) {
	if s = string(b); strings.ToValidUTF8(s, "") == s {
		return s, false
	}
	return base64.StdEncoding.EncodeToString(b), true
}

func (c rnxCommand) print(env *Environment, a rnx.Answer) error {
	if _, err := env.Stdout.Write(a.Stdout); err != nil {
		return err
	}
	if _, err := env.Stderr.Write(a.Stderr); err != nil {
		return err
	}
	if c.Detailed {
		return c.details(env, a)
	}
	for _, o := range []struct {
		name        string
		limit, size int64
		got         int
	}{{"stdout", c.Stdout, a.StdoutSize, len(a.Stdout)}, {"stderr", c.Stderr, a.StderrSize, len(a.Stderr)}} {
		if o.limit != 0 && int64(o.got) < o.size {
			_, _ = fmt.Fprintf(env.Stderr, "\nOutput truncated before being returned: %s to %d of %d bytes\n", o.name, o.got, o.size)
		}
	}
	return nil
}

func (c rnxCommand) details(env *Environment, a rnx.Answer) error {
	text := "\n--- End of remote output, rnx done ---\n"
	if !a.Started.IsZero() && !a.Concluded.IsZero() {
		took := a.Concluded.Sub(a.Started)
		way := max(a.Took-took, time.Millisecond)
		text += fmt.Sprintf("Remote command execution took %.3f seconds\nTransferred %s in %s, effective rate %s\n",
			took.Seconds(), sizeText(float64(a.Size)), durationText(way.Round(time.Millisecond)), speedText(8*float64(a.Size)/way.Seconds()))
	}
	for _, o := range []struct {
		name string
		size int64
		got  int
	}{{"stdout", a.StdoutSize, len(a.Stdout)}, {"stderr", a.StderrSize, len(a.Stderr)}} {
		text += fmt.Sprintf("Remote wrote %d bytes to %s", o.size, o.name)
		if int64(o.got) < o.size {
			text += fmt.Sprintf(", %d bytes displayed", o.got)
		}
		text += "\n"
	}
	_, err := fmt.Fprint(env.Stdout, text)
	return err
}

// rnxFailure gives an error its exit code.
func rnxFailure(err error, to rns.Addr) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	for _, k := range []struct {
		err  error
		code int
	}{
		{node.ErrNoPath, rnxNoPath}, {node.ErrUnknownIdentity, rnxNoPath}, {stack.ErrNoLink, rnxNoLink}, {rnx.ErrRequest, rnxNotAsked},
		{rnx.ErrNoResult, rnxNoResult}, {rnx.ErrReceive, rnxNotReceived}, {rnx.ErrMessage, rnxBadResult}, {rnx.ErrNotRun, rnxNotRun},
	} {
		if errors.Is(err, k.err) {
			return &failure{k.code, reachable(err, to)}
		}
	}
	return err
}

// rnxEvent is the JSON of an event of a listener.
type rnxEvent struct {
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Identity string    `json:"identity,omitempty"`
	Command  string    `json:"command,omitempty"`
	Code     *int      `json:"code,omitempty"`
}

// listen runs commands for others until the program is told to stop.
func (c rnxCommand) listen(env *Environment, id *rns.Identity) (err error) {
	conf := rnx.ServerConfig{Identity: id}
	if c.NoAuth {
		conf.Access = rnx.Anybody
	}
	if conf.Allowed, _, err = stack.Allowed("rnx", env.Getenv("HOME"), c.Allowed); err != nil {
		return &failure{exitFailure, err}
	}
	s, err := c.open(env, c.Quiet, nil)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what could not be saved is learned again
	if len(conf.Allowed) == 0 && !c.NoAuth {
		s.Logger().Warn("no identity is allowed: no command will be run; name one with -a")
	}
	conf.OnEvent = c.events(env)
	server, err := rnx.Serve(s.Node, conf)
	if err != nil {
		return err
	}
	defer func() { err = closing(err, server.Close) }()
	if c.JSON {
		err = printListener(env, true, "listening", id.Hash(), server.Addr())
	} else {
		_, err = fmt.Fprintf(env.Stdout, "rnx listening for commands on %s\n", pretty(server.Addr()))
	}
	if err != nil {
		return err
	}
	interval := 0
	if c.NoAnnounce {
		interval = -1
	}
	return announceEvery(env.Context, interval, server.Announce)
}

func (c rnxCommand) events(env *Environment) func(rnx.Event) {
	var mu sync.Mutex
	return func(e rnx.Event) {
		mu.Lock()
		defer mu.Unlock()
		v := rnxEvent{Event: e.Kind.String(), At: time.Now().UTC(), Command: e.Line}
		who := "somebody"
		if !e.Peer.IsZero() {
			v.Identity, who = digits(e.Peer), pretty(e.Peer)
		}
		if e.Result.HasCode {
			v.Code = &e.Result.Code
		}
		switch {
		case c.JSON:
			_ = printJSON(env.Stdout, v)
		case c.Quiet > 0:
		case e.Kind == rnx.Refused:
			_, _ = fmt.Fprintf(env.Stdout, "%s is not allowed\n", who)
		case e.Kind == rnx.Running:
			_, _ = fmt.Fprintf(env.Stdout, "Executing %q for %s\n", e.Line, who)
		case !e.Result.Executed:
			_, _ = fmt.Fprintf(env.Stdout, "Could not execute %q for %s\n", e.Line, who)
		default:
			_, _ = fmt.Fprintf(env.Stdout, "Executed %q for %s, code %d\n", e.Line, who, e.Result.Code)
		}
	}
}
