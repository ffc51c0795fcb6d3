package bridge

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
	"time"

	"meshchatx/internal/lab/jsonl"
)

// closeGrace is how long a bridge may still work after the end of its input: the suite kills it after five seconds.
const closeGrace = 2 * time.Second

// request is one line of input.
type request struct {
	ID      json.RawMessage `json:"id"`
	Command string          `json:"command"`
	Params  json.RawMessage `json:"params"`
}

// reply is one line of output.
type reply struct {
	ID      json.RawMessage `json:"id"`
	Success bool            `json:"success"`
	Result  any             `json:"result,omitempty"`
	Error   string          `json:"error,omitempty"`
}

// ErrUnknownCommand means that this bridge does not have a command of the suite.
var ErrUnknownCommand = errors.New("unknown command")

// handler runs one command.
type handler func(ctx context.Context, s *session, params json.RawMessage) (any, error)

// obj is a result with its keys as on the wire.
type obj = map[string]any

// command makes a handler of a function with typed parameters.
func command[P any](f func(ctx context.Context, s *session, p P) (any, error)) handler {
	return func(ctx context.Context, s *session, raw json.RawMessage) (any, error) {
		var p P
		if len(raw) > 0 {
			if err := json.Unmarshal(raw, &p); err != nil {
				return nil, fmt.Errorf("parameters: %w", err)
			}
		}
		return f(ctx, s, p)
	}
}

// pure makes a handler of a function that needs nothing but its parameters.
func pure[P any](f func(p P) (any, error)) handler {
	return command(func(_ context.Context, _ *session, p P) (any, error) { return f(p) })
}

// session is what one bridge process keeps between commands. One goroutine runs the commands.
type session struct {
	rand  io.Reader
	nodes map[string]*peer
	mocks map[string]*mock
	mail  *mail    // nil before lxmf_init
	trash []string // files to remove at the end
}

// commands is the dispatch table.
func commands() map[string]handler {
	table := make(map[string]handler)
	for _, group := range []map[string]handler{
		cryptoCommands(), tokenCommands(), framingCommands(), identityCommands(), ratchetCommands(), packetCommands(), announceCommands(),
		constantCommands(), destinationCommands(), configCommands(), wireCommands(), pathCommands(), listenCommands(), linkCommands(),
		wirePacketCommands(), mockCommands(), mockTableCommands(), mockSeedCommands(), requestCommands(),
		channelCommands(), bufferCommands(), resourceCommands(), lookCommands(), craftCommands(), blackholeCommands(), frameCommands(), discoveryCommands(),
		lxmfCommands(),
	} {
		for name, h := range group {
			table[name] = h
		}
	}
	return table
}

// Serve answers requests until the input ends. All nodes are closed when it returns.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	s := &session{rand: rand.Reader, nodes: make(map[string]*peer), mocks: make(map[string]*mock)}
	w := jsonl.NewWriter(out)
	if err := w.Text("READY"); err != nil {
		return err
	}
	table := commands()
	err := jsonl.Serve(ctx, in, w, jsonl.MaxLine, closeGrace, func(ctx context.Context, line []byte, err error) any {
		return s.answer(ctx, table, line, err)
	})
	if !errors.Is(err, jsonl.ErrStuck) { // the command still uses the session
		s.close()
	}
	return err
}

// answer runs one line. A command that panics fails alone.
func (s *session) answer(ctx context.Context, table map[string]handler, line []byte, lerr error) (a reply) {
	a.ID = json.RawMessage(`"parse_error"`)
	if lerr != nil {
		a.Error = lerr.Error()
		return a
	}
	var r request
	if err := json.Unmarshal(line, &r); err != nil {
		a.Error = "JSON parse error: " + err.Error()
		return a
	}
	if a.ID = r.ID; a.ID == nil {
		a.ID = json.RawMessage(`"unknown"`)
	}
	defer func() {
		if p := recover(); p != nil {
			a.Success, a.Result, a.Error = false, nil, fmt.Sprintf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	h, ok := table[r.Command]
	if !ok {
		a.Error = fmt.Sprintf("%v: %s", ErrUnknownCommand, r.Command)
		return a
	}
	result, err := h(ctx, s, r.Params)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	if result == nil {
		result = obj{}
	}
	a.Success, a.Result = true, result
	return a
}

// close ends all nodes at once and removes their files.
func (s *session) close() {
	var all sync.WaitGroup
	for _, p := range s.nodes {
		all.Go(p.close)
	}
	for _, m := range s.mocks {
		all.Go(m.close)
	}
	if s.mail != nil {
		all.Go(s.mail.close)
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closeGrace): // the process ends anyway
	}
	for _, name := range s.trash {
		_ = os.RemoveAll(name)
	}
}
