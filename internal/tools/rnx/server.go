package rnx

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os/exec"
	"slices"
	"sync"
	"syscall"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Protocol names. spec: rns-link §13.5
const (
	// DestinationName is the destination of a server.
	DestinationName = "rnx.execute"
	requestPath     = "command"
)

// Access says whose commands are run.
type Access uint8

// The choices.
const (
	// Listed admits the identities of ServerConfig.Allowed.
	Listed Access = iota
	// Anybody admits everybody, even those who do not identify.
	Anybody
)

// Limits bound what commands may take.
type Limits struct {
	// Running is how many commands run at a time; the others wait.
	Running int
	// Duration is the longest time of a command.
	Duration time.Duration
	// Output is the most that is returned of each output, in bytes.
	Output int64
	// Grace is the time between asking a command to end and killing it.
	Grace time.Duration
}

// DefaultLimits are the limits of a server.
func DefaultLimits() Limits {
	return Limits{Running: 8, Duration: 24 * time.Hour, Output: 7 << 20, Grace: 2 * time.Second}
}

// ServerConfig describes a server.
type ServerConfig struct {
	Identity *rns.Identity
	Access   Access
	Allowed  []rns.Addr
	// Limits are those of DefaultLimits where they are zero.
	Limits Limits
	// OnEvent is told what happens. It may be nil.
	OnEvent func(Event)
}

// EventKind says what happened at a server.
type EventKind uint8

// The kinds.
const (
	// Refused: a peer identified that is not allowed; Peer.
	Refused EventKind = iota
	// Running: a command was asked for; Peer, Line.
	Running
	// Ended: a command has ended; Peer, Line, Result.
	Ended
)

// String names the kind.
func (k EventKind) String() string { return [...]string{"refused", "running", "ended"}[k] }

// Event is something that happened at a server.
type Event struct {
	Kind EventKind
	// Peer is whom the peer identified as, zero if it did not.
	Peer   rns.Addr
	Line   string
	Result Result
}

// Server runs commands for others. It is safe for concurrent use.
type Server struct {
	conf ServerConfig
	dest *node.Destination
	run  chan struct{} // a token for each running command

	live   context.Context //nolint:containedctx // that of the commands, ended by Close
	stop   context.CancelFunc
	closed sync.Mutex
	active sync.WaitGroup
}

// Serve begins to run commands. Close the server before the node.
func Serve(n *node.Node, c ServerConfig) (*Server, error) {
	d := DefaultLimits()
	if c.Limits.Running <= 0 {
		c.Limits.Running = d.Running
	}
	if c.Limits.Duration <= 0 {
		c.Limits.Duration = d.Duration
	}
	if c.Limits.Output <= 0 {
		c.Limits.Output = d.Output
	}
	if c.Limits.Grace <= 0 {
		c.Limits.Grace = d.Grace
	}
	s := &Server{conf: c, run: make(chan struct{}, c.Limits.Running)}
	s.live, s.stop = context.WithCancel(context.Background())
	h := node.RequestHandler{Path: requestPath, Policy: node.AllowList, Allowed: s.admits, Serve: s.command}
	if c.Access == Anybody {
		h.Policy = node.AllowAll
	}
	var err error
	s.dest, err = n.Register(node.DestinationConfig{
		Identity: c.Identity, Name: DestinationName, Requests: []node.RequestHandler{h},
		OnLink: func(*node.Link) node.LinkHandler { return node.LinkHandler{OnIdentified: s.identified} },
	})
	if err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

// Addr is the address of the server.
func (s *Server) Addr() rns.Addr { return s.dest.Addr() }

// Announce tells the network about the server.
func (s *Server) Announce(ctx context.Context) error {
	return s.dest.Announce(ctx, node.AnnounceOptions{})
}

// Close ends the server and the commands that run.
func (s *Server) Close(ctx context.Context) error {
	err := s.dest.Close(ctx)
	s.closed.Lock()
	s.stop()
	s.closed.Unlock()
	s.active.Wait()
	return err
}

func (s *Server) admits(identity rns.Addr) bool {
	return s.conf.Access == Anybody || slices.Contains(s.conf.Allowed, identity)
}

func (s *Server) event(e Event) {
	if s.conf.OnEvent != nil {
		s.conf.OnEvent(e)
	}
}

func (s *Server) identified(l *node.Link, who rns.PublicKey) {
	if !s.admits(who.Hash()) {
		s.event(Event{Kind: Refused, Peer: who.Hash()})
		l.Close()
	}
}

// begin counts a command, unless the server is closed.
func (s *Server) begin() bool {
	s.closed.Lock()
	defer s.closed.Unlock()
	if s.live.Err() != nil {
		return false
	}
	s.active.Add(1)
	return true
}

// command answers a request. It ends early when the link does: nobody waits for the result any more.
func (s *Server) command(r *node.Request) (*node.Response, error) {
	c, err := ParseCommand(r.Data)
	if err != nil {
		return nil, err
	}
	if !s.begin() {
		return nil, context.Canceled
	}
	defer s.active.Done()
	ctx, cancel := context.WithCancel(s.live)
	defer cancel()
	defer context.AfterFunc(s.live, cancel)()
	gone := make(chan struct{})
	defer func() { <-gone }()
	done := make(chan struct{})
	defer close(done)
	go func() {
		defer close(gone)
		select {
		case <-r.Link.Done():
			cancel()
		case <-done:
		}
	}()
	select {
	case s.run <- struct{}{}:
		defer func() { <-s.run }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	var peer rns.Addr
	if r.HasIdentity {
		peer = r.Identity.Hash()
	}
	s.event(Event{Kind: Running, Peer: peer, Line: c.Line})
	result := Run(ctx, c, s.conf.Limits)
	s.event(Event{Kind: Ended, Peer: peer, Line: c.Line, Result: result})
	return &node.Response{Value: result.Value()}, nil
}

// Run runs a command within limits, all of which must be set. When ctx ends, so does the command.
func Run(ctx context.Context, c Command, limits Limits) Result {
	r := Result{Started: time.Now()}
	words, err := Split(c.Line)
	if err != nil || len(words) == 0 {
		return r
	}
	timeout := limits.Duration
	if c.Timeout > 0 {
		timeout = min(timeout, c.Timeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, words[0], words[1:]...) //nolint:gosec // that is what it is for
	cmd.Cancel = func() error { return terminate(cmd.Process) }
	cmd.WaitDelay = limits.Grace
	cmd.Stdin = bytes.NewReader(c.Stdin)
	stdout, stderr := keep(c.MaxStdout, limits), keep(c.MaxStderr, limits)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	if err := cmd.Start(); err != nil {
		return r
	}
	r.Executed = true
	_ = cmd.Wait() // the state of the process tells
	late := errors.Is(ctx.Err(), context.DeadlineExceeded)
	r.Code, r.HasCode = code(cmd)
	r.Stdout, r.StdoutSize = stdout.kept.Bytes(), stdout.size
	r.Stderr, r.StderrSize = stderr.kept.Bytes(), stderr.size
	if !late {
		r.Concluded = time.Now()
	}
	return r
}

// code is the return code of a command, negative for a signal.
func code(cmd *exec.Cmd) (int, bool) {
	if cmd.ProcessState == nil {
		return 0, false
	}
	if w, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return -int(w.Signal()), true
	}
	return cmd.ProcessState.ExitCode(), true
}

// output keeps the beginning of what is written and counts the rest.
type output struct {
	kept bytes.Buffer
	room int64
	size int64
}

func keep(wanted int64, limits Limits) *output {
	if wanted < 0 {
		wanted = limits.Output
	}
	return &output{room: min(wanted, limits.Output)}
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.size += int64(len(b))
	take := b[:min(int64(len(b)), o.room)]
	o.room -= int64(len(take))
	o.kept.Write(take)
	return len(b), nil
}

var _ io.Writer = (*output)(nil)
