package rnx

import (
	"errors"
	"fmt"
	"math"
	"time"

	"meshchatx/rns/msgpack"
)

// ErrMessage means that a request or a result has not the form of one.
var ErrMessage = errors.New("not a request or result of rnx")

// Command is a request to run something. spec: rns-link §13.5
type Command struct {
	// Line is the command with its arguments.
	Line string
	// Timeout ends the command, 0 for the server's limit.
	Timeout time.Duration
	// MaxStdout and MaxStderr bound the output that is returned, in bytes; negative for the server's limit.
	MaxStdout, MaxStderr int64
	// Stdin is the input, nil for none.
	Stdin []byte
}

// NoLimit leaves the bound of an output to the server.
const NoLimit = -1

// Value is the form of the command on the wire.
func (c Command) Value() msgpack.Value {
	v := []msgpack.Value{msgpack.Bin([]byte(c.Line)), msgpack.Nil(), msgpack.Nil(), msgpack.Nil(), msgpack.Nil()}
	if c.Timeout > 0 {
		v[1] = msgpack.Float(c.Timeout.Seconds())
	}
	if c.MaxStdout >= 0 {
		v[2] = msgpack.Int(c.MaxStdout)
	}
	if c.MaxStderr >= 0 {
		v[3] = msgpack.Int(c.MaxStderr)
	}
	if c.Stdin != nil {
		v[4] = msgpack.Bin(c.Stdin)
	}
	return msgpack.Array(v...)
}

// ParseCommand reads a command. The error is ErrMessage.
func ParseCommand(v msgpack.Value) (Command, error) {
	a, ok := v.Array()
	if !ok || len(a) < 5 {
		return Command{}, fmt.Errorf("%w: %s", ErrMessage, v.Kind())
	}
	line, ok := a[0].BytesOrText()
	if !ok {
		return Command{}, fmt.Errorf("%w: no command", ErrMessage)
	}
	c := Command{Line: string(line)}
	var err error
	if c.Timeout, err = duration(a[1]); err != nil {
		return Command{}, err
	}
	if c.MaxStdout, err = limit(a[2]); err != nil {
		return Command{}, err
	}
	if c.MaxStderr, err = limit(a[3]); err != nil {
		return Command{}, err
	}
	if !a[4].IsNil() {
		if c.Stdin, ok = a[4].BytesOrText(); !ok {
			return Command{}, fmt.Errorf("%w: input is %s", ErrMessage, a[4].Kind())
		}
	}
	return c, nil
}

func duration(v msgpack.Value) (time.Duration, error) {
	if v.IsNil() {
		return 0, nil
	}
	s, ok := v.Number()
	if !ok || math.IsNaN(s) || s < 0 {
		return 0, fmt.Errorf("%w: timeout is %s", ErrMessage, v)
	}
	// A timeout of nothing is one that has passed.
	return max(1, time.Duration(min(s, 1e9)*float64(time.Second))), nil
}

func limit(v msgpack.Value) (int64, error) {
	if v.IsNil() {
		return NoLimit, nil
	}
	n, ok := v.Int()
	if !ok || n < 0 {
		return 0, fmt.Errorf("%w: limit is %s", ErrMessage, v)
	}
	return n, nil
}

// Result is what became of a command. spec: rns-link §13.5
type Result struct {
	// Executed is false if the command could not be started; then only Started is set.
	Executed bool
	// Code is the return code, negative the number of the signal that ended the command; HasCode is false without one.
	Code    int
	HasCode bool
	// Stdout and Stderr are the output as far as it was asked for, StdoutSize and StderrSize the sizes of the whole.
	Stdout, Stderr         []byte
	StdoutSize, StderrSize int64
	// Started and Concluded are the server's clock; Concluded is zero if the command was ended for its timeout.
	Started, Concluded time.Time
}

// Value is the form of the result on the wire.
func (r Result) Value() msgpack.Value {
	v := make([]msgpack.Value, 8)
	v[0], v[6] = msgpack.Bool(r.Executed), msgpack.Float(unix(r.Started))
	if !r.Executed {
		return msgpack.Array(v...)
	}
	if r.HasCode {
		v[1] = msgpack.Int(int64(r.Code))
	}
	v[2], v[3] = msgpack.Bin(r.Stdout), msgpack.Bin(r.Stderr)
	v[4], v[5] = msgpack.Int(r.StdoutSize), msgpack.Int(r.StderrSize)
	if !r.Concluded.IsZero() {
		v[7] = msgpack.Float(unix(r.Concluded))
	}
	return msgpack.Array(v...)
}

// ParseResult reads a result. The error is ErrMessage.
func ParseResult(v msgpack.Value) (Result, error) {
	a, ok := v.Array()
	if !ok || len(a) < 8 {
		return Result{}, fmt.Errorf("%w: %s", ErrMessage, v.Kind())
	}
	var r Result
	if r.Executed, ok = a[0].Bool(); !ok {
		return Result{}, fmt.Errorf("%w: first is %s", ErrMessage, a[0].Kind())
	}
	if code, ok := a[1].Int(); ok && code >= math.MinInt32 && code <= math.MaxInt32 {
		r.Code, r.HasCode = int(code), true
	}
	r.Stdout, _ = a[2].BytesOrText()
	r.Stderr, _ = a[3].BytesOrText()
	r.StdoutSize, r.StderrSize = size(a[4], r.Stdout), size(a[5], r.Stderr)
	r.Started, r.Concluded = at(a[6]), at(a[7])
	return r, nil
}

// size reads the size of a whole output, at least that of its part.
func size(v msgpack.Value, part []byte) int64 {
	n, _ := v.Int()
	return max(n, int64(len(part)))
}

func unix(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

func at(v msgpack.Value) time.Time {
	s, ok := v.Number()
	if !ok || math.IsNaN(s) || s <= 0 || s > 1e11 {
		return time.Time{}
	}
	return time.UnixMicro(int64(s * 1e6))
}
