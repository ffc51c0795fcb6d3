package script

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/internal/lab/jsonl"
	"meshchatx/rns"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
)

// closeGrace is how long a command may still run after the end of the input, and nodes may take to close.
const closeGrace = 2 * time.Second

var (
	errUnknown = errors.New("unknown command")
	errName    = errors.New("nothing has this name")
	errTaken   = errors.New("name is taken")
)

// obj is a result with its keys as on the wire.
type obj = map[string]any

// reply is one line of output.
type reply struct {
	ID     json.RawMessage `json:"id,omitempty"`
	OK     bool            `json:"ok"`
	Result any             `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// handler runs one command.
type handler func(ctx context.Context, l *lab, line []byte) (any, error)

// command makes a handler of a function with typed parameters, which stand beside "cmd" in the line.
func command[P any](f func(ctx context.Context, l *lab, p P) (any, error)) handler {
	return func(ctx context.Context, l *lab, line []byte) (any, error) {
		var p P
		if err := json.Unmarshal(line, &p); err != nil {
			return nil, fmt.Errorf("parameters: %w", err)
		}
		return f(ctx, l, p)
	}
}

// lab is everything one process of the laboratory has. One goroutine runs the commands.
type lab struct {
	ahead atomic.Int64 // of the nodes' clock before the wall clock, in nanoseconds
	nodes map[string]*station
	media map[string]*mem.Hub
	links map[string]*node.Link // by link id
}

// station is a node of the laboratory.
type station struct {
	*node.Node
	name  string
	tap   *node.Tap
	dests map[rns.Addr]*inbox
}

// inbox keeps what arrived for a destination until it is read.
type inbox struct {
	dest *node.Destination

	mu  sync.Mutex
	got []obj
}

func (i *inbox) put(o obj) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.got = append(i.got, o)
}

func (l *lab) now() time.Time { return time.Now().Add(time.Duration(l.ahead.Load())) }

func commands() map[string]handler {
	table := make(map[string]handler)
	for _, group := range []map[string]handler{nodeCommands(), interfaceCommands(), trafficCommands(), linkCommands(), watchCommands()} {
		for name, h := range group {
			table[name] = h
		}
	}
	return table
}

// Serve answers commands until the input ends. All nodes are closed when it returns.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	return serve(ctx, in, out, jsonl.MaxLine)
}

func serve(ctx context.Context, in io.Reader, out io.Writer, limit int) error {
	l := &lab{nodes: make(map[string]*station), media: make(map[string]*mem.Hub), links: make(map[string]*node.Link)}
	table := commands()
	err := jsonl.Serve(ctx, in, jsonl.NewWriter(out), limit, closeGrace, func(ctx context.Context, line []byte, err error) any {
		if err == nil && len(line) == 0 {
			return nil
		}
		return l.answer(ctx, table, line, err)
	})
	if !errors.Is(err, jsonl.ErrStuck) { // the command still uses the nodes
		l.close()
	}
	return err
}

func (l *lab) answer(ctx context.Context, table map[string]handler, line []byte, lerr error) (a reply) {
	var r struct {
		ID  json.RawMessage `json:"id"`
		Cmd string          `json:"cmd"`
	}
	if lerr == nil {
		lerr = json.Unmarshal(line, &r)
	}
	a.ID = r.ID
	if lerr != nil {
		a.Error = lerr.Error()
		return a
	}
	h, ok := table[r.Cmd]
	if !ok {
		a.Error = fmt.Sprintf("%v: %q", errUnknown, r.Cmd)
		return a
	}
	result, err := h(ctx, l, line)
	if err != nil {
		a.Error = err.Error()
		return a
	}
	a.OK, a.Result = true, result
	return a
}

// close ends all nodes at once.
func (l *lab) close() {
	var all sync.WaitGroup
	for _, n := range l.nodes {
		all.Go(func() { _ = n.Close() })
	}
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(closeGrace): // the process ends anyway
	}
}

// station finds a node.
func (l *lab) station(name string) (*station, error) {
	n, ok := l.nodes[name]
	if !ok {
		return nil, fmt.Errorf("node %q: %w", name, errName)
	}
	return n, nil
}

// stations are the named node, or all of them.
func (l *lab) stations(name string) (all []*station, err error) {
	if name != "" {
		n, err := l.station(name)
		return []*station{n}, err
	}
	for _, n := range l.nodes {
		all = append(all, n)
	}
	return all, nil
}
