// Package peer runs and drives the scripted partner peer.py: a live Reticulum and LXMF program in Python that takes
// commands as JSON lines. Tests and benchmarks measure this project against it. What the commands do stands in README.md.
//
// The reference itself is not part of this project: Config.PythonPath names where its packages RNS and LXMF are.
package peer

import (
	"bufio"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
)

//go:embed peer.py
var script []byte

// ErrEnded means that the partner has ended.
var ErrEnded = errors.New("partner has ended")

// Args are the parameters of a command: whatever JSON can express.
type Args map[string]any

// Config says how to run a partner. Dir and PythonPath are required.
type Config struct {
	// PythonPath names the directories that hold the packages RNS and LXMF, as in the environment variable.
	PythonPath string
	// Python is the interpreter; empty takes /usr/bin/python3 where that exists.
	Python string
	// Dir keeps the partner's configuration, keys and log. A partner started again in the same directory is the same one.
	Dir string
}

// Process is a running partner. Make one with Start. It is safe for concurrent use.
type Process struct {
	cmd *exec.Cmd
	log string

	write sync.Mutex
	in    io.WriteCloser

	mu      sync.Mutex
	next    int
	replies map[int]json.RawMessage
	events  []Event
	changed chan struct{} // closed and replaced when anything arrives
	ended   bool
	done    chan struct{}
}

// Start runs a partner and waits until it takes commands. It has no node yet: see Process.Open.
func Start(ctx context.Context, c Config) (*Process, error) {
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make directory of the partner: %w", err)
	}
	file := filepath.Join(c.Dir, "peer.py")
	if err := os.WriteFile(file, script, 0o600); err != nil {
		return nil, fmt.Errorf("write partner: %w", err)
	}
	p := &Process{
		log: filepath.Join(c.Dir, "peer.log"), replies: map[int]json.RawMessage{},
		changed: make(chan struct{}), done: make(chan struct{}),
	}
	p.cmd = exec.Command(python(c.Python), file, "--log", p.log)
	p.cmd.Env = append(os.Environ(), "PYTHONPATH="+c.PythonPath, "PYTHONDONTWRITEBYTECODE=1")
	if err := p.run(); err != nil {
		return nil, err
	}
	if _, err := p.Wait(ctx, "ready", 0, nil); err != nil {
		p.Kill()
		return nil, fmt.Errorf("start partner, see %s: %w", p.log, err)
	}
	return p, nil
}

func python(want string) string {
	const system = "/usr/bin/python3"
	if want != "" {
		return want
	}
	if _, err := os.Stat(system); err == nil {
		return system
	}
	return "python3"
}

// run starts the program and the reader of what it says.
func (p *Process) run() error {
	errs, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open log of the partner: %w", err)
	}
	defer errs.Close()
	p.cmd.Stderr = errs
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("run %s: %w", p.cmd.Path, err)
	}
	go func() {
		defer close(p.done)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			p.take(slices.Clone(lines.Bytes()))
		}
		_ = p.cmd.Wait() // how it ended is in its log
		p.mu.Lock()
		defer p.mu.Unlock()
		p.ended = true
		p.wake()
	}()
	return nil
}

// wake tells all who wait that something arrived.
func (p *Process) wake() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// take files one line.
func (p *Process) take(line []byte) {
	var head struct {
		Type string `json:"type"`
		ID   int    `json:"id"`
	}
	if json.Unmarshal(line, &head) != nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch head.Type {
	case "reply":
		p.replies[head.ID] = line
	case "event":
		var e Event
		if err := json.Unmarshal(line, &e); err != nil {
			e = Event{Event: "undecodable", State: err.Error()}
		}
		e.Raw = line
		p.events = append(p.events, e)
	}
	p.wake()
}

// Call gives a command and decodes the reply into out, which may be nil. A refused command is an error.
func (p *Process) Call(ctx context.Context, command string, args Args, out any) error {
	id, err := p.send(command, args)
	if err != nil {
		return err
	}
	for {
		p.mu.Lock()
		line, ok := p.replies[id]
		delete(p.replies, id)
		changed, ended := p.changed, p.ended
		p.mu.Unlock()
		if ok {
			return decodeReply(command, line, out)
		}
		if ended {
			return fmt.Errorf("%s: %w", command, ErrEnded)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", command, context.Cause(ctx))
		}
	}
}

func (p *Process) send(command string, args Args) (int, error) {
	p.mu.Lock()
	p.next++
	id := p.next
	p.mu.Unlock()
	line := Args{"id": id, "cmd": command}
	for k, v := range args {
		line[k] = v
	}
	b, err := json.Marshal(line)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", command, err)
	}
	p.write.Lock()
	defer p.write.Unlock()
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return 0, fmt.Errorf("%s: %w: %w", command, ErrEnded, err)
	}
	return id, nil
}

func decodeReply(command string, line []byte, out any) error {
	var head struct {
		OK    bool   `json:"ok"`
		Error string `json:"error"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	if !head.OK {
		return fmt.Errorf("%s: partner refused: %s %.500s", command, head.Error, line)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(line, out); err != nil {
		return fmt.Errorf("%s: %w", command, err)
	}
	return nil
}

// Mark is the number of events so far, for Wait.
func (p *Process) Mark() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.events)
}

// Wait returns the first event of a name, from mark on, that match accepts; a nil match accepts all.
func (p *Process) Wait(ctx context.Context, event string, mark int, match func(Event) bool) (Event, error) {
	for {
		p.mu.Lock()
		fresh := p.events[min(mark, len(p.events)):]
		changed, ended := p.changed, p.ended
		p.mu.Unlock()
		for _, e := range fresh {
			if e.Event == event && (match == nil || match(e)) {
				return e, nil
			}
		}
		mark += len(fresh)
		if ended {
			return Event{}, fmt.Errorf("wait for event %s: %w", event, ErrEnded)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Event{}, fmt.Errorf("wait for event %s: %w", event, context.Cause(ctx))
		}
	}
}

// Events returns the events of a name so far, from mark on.
func (p *Process) Events(event string, mark int) []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	var list []Event
	for _, e := range p.events[min(mark, len(p.events)):] {
		if e.Event == event {
			list = append(list, e)
		}
	}
	return list
}

// PID is the number of the process.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is the file with what the libraries said.
func (p *Process) Log() string { return p.log }

// Kill ends the partner at once, as a crash would, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // an error means that it has ended
	<-p.done
}

// Close asks the partner to end, and kills it when ctx ends first.
func (p *Process) Close(ctx context.Context) {
	if _, err := p.send("quit", nil); err == nil {
		select {
		case <-p.done:
			return
		case <-ctx.Done():
		}
	}
	p.Kill()
}
