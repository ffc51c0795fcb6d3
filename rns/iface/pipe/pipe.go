package pipe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/stream"
)

// Config describes a PipeInterface. Both are required. spec: rns-interfaces §8
type Config struct {
	Name string
	// Command is split by Split and not given to a shell.
	Command string
	// Errors is where the program's standard error goes, nil for that of this process.
	Errors io.Writer
}

// Values of pipes. spec: rns-interfaces §1.2, §8
const (
	hardwareMTU    = 1064
	bitrateGuess   = 1_000_000
	accessCodeSize = 8

	// DefaultRespawnDelay is waited before the program is started again.
	DefaultRespawnDelay = 5 * time.Second
	// stopGrace is what the programs get to end by themselves.
	stopGrace = time.Second
)

var (
	errNoCommand = errors.New("command is required")
	// ErrNotStarted means that there is no such program, or that it cannot be run.
	ErrNotStarted = errors.New("the program of the pipe cannot be started")
	// ErrExited is the end of a program that was not asked to end.
	ErrExited = errors.New("the program of the pipe has ended")
)

// Interface is a pipe. Use New.
type Interface struct {
	info iface.Info
	args []string
	errs io.Writer
	live atomic.Pointer[stream.Stream]
}

// New returns a pipe. The program does not run before it is served.
func New(c Config) (*Interface, error) {
	args, err := Split(c.Command)
	if err == nil && (len(args) == 0 || args[0] == "") {
		err = errNoCommand
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	if c.Errors == nil {
		c.Errors = os.Stderr
	}
	return &Interface{args: args, errs: c.Errors, info: iface.Info{
		Name: c.Name, Label: "PipeInterface[" + c.Name + "]", Type: "PipeInterface", Bitrate: bitrateGuess, MTU: hardwareMTU,
		AccessCodeSize: accessCodeSize,
	}}, nil
}

// Info describes the interface.
func (p *Interface) Info() iface.Info { return p.info }

// Program is the command in words.
func (p *Interface) Program() []string { return slices.Clone(p.args) }

// Serve runs the program until it ends, closes its output, or ctx ends. Then the program and all it started are ended.
func (p *Interface) Serve(ctx context.Context, h iface.Host) error {
	cmd := exec.Command(p.args[0], p.args[1:]...) //nolint:gosec // what the file says is what is wanted
	cmd.Stderr = p.errs
	cmd.WaitDelay = stopGrace // a grandchild may hold standard error open
	ownGroup(cmd)
	pipes, err := open(cmd)
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(fmt.Errorf("%w: %w", ErrNotStarted, err), pipes.Close())
	}
	s := stream.New(pipes, stream.HDLC, hardwareMTU)
	p.live.Store(s)
	h.Up()
	err = s.Run(ctx, h)
	p.live.Store(nil)
	exit := end(cmd)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, stream.ErrClosedByPeer) || errors.Is(err, os.ErrClosed) {
		err = ErrExited
	}
	if exit != nil {
		err = fmt.Errorf("%w: %w", err, exit)
	}
	return err
}

// end asks the program and all it started to end, and makes them when they do not.
func end(cmd *exec.Cmd) error {
	signalGroup(cmd, polite)
	timer := time.AfterFunc(stopGrace, func() { signalGroup(cmd, final) })
	err := cmd.Wait()
	timer.Stop()
	signalGroup(cmd, final) // what the program left behind
	return err
}

// Send writes one frame.
func (p *Interface) Send(frame []byte) error { return p.send(frame) }

// SendBatch writes several frames.
func (p *Interface) SendBatch(frames [][]byte) error { return p.send(frames...) }

func (p *Interface) send(frames ...[]byte) error {
	for _, f := range frames {
		if len(f) > hardwareMTU+iface.MaxAccessCodeSize {
			return iface.ErrFrameSize
		}
	}
	s := p.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	return s.Send(frames...)
}

// ends are our ends of the pipes to a program.
type ends struct {
	io.Reader
	io.Writer
	in, out io.Closer
}

// open makes the pipes. Closing our ends wakes those who read and write them.
func open(cmd *exec.Cmd) (*ends, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &ends{Reader: out, Writer: in, in: in, out: out}, nil
}

// Close closes both ends.
func (e *ends) Close() error { return errors.Join(e.in.Close(), e.out.Close()) }
