package jsonl

import (
	"context"
	"errors"
	"io"
	"time"
)

// Answer runs one request and returns what to write, nil for nothing. err is ErrTooLong for a line that was skipped; line is
// then nil. A result of Stop ends the service without an answer.
type Answer func(ctx context.Context, line []byte, err error) any

// ErrStuck means that the input ended and that a request was still running long after its context was cancelled.
var ErrStuck = errors.New("a request did not end with its context")

// Stop is the answer that ends a service.
var Stop = new(struct{ _ byte })

// backlog is how many lines are read ahead, so that the end of the input is seen while a request runs.
const backlog = 16

// Serve answers the lines of in one after the other until the input ends. What was read before the end is still answered;
// the context of a request that takes longer than grace after the end is cancelled. A request that heeds neither is left
// behind after another half of grace, with ErrStuck: the caller must end the process and not touch what the request uses. The
// reader of a terminal or pipe cannot be interrupted: it ends with its input.
func Serve(ctx context.Context, in io.Reader, out *Writer, limit int, grace time.Duration, answer Answer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line, backlog)
	go func() {
		defer close(lines)
		r := NewReader(in, limit)
		for {
			text, err := r.Next()
			if err != nil && !errors.Is(err, ErrTooLong) {
				time.AfterFunc(grace, cancel)
				return
			}
			select {
			case lines <- line{text, err}:
			case <-ctx.Done():
				return
			}
		}
	}()
	for ctx.Err() == nil {
		select {
		case l, more := <-lines:
			if !more {
				return nil
			}
			a, err := run(ctx, grace/2, func() any { return answer(ctx, l.text, l.err) })
			if err != nil {
				return err
			}
			switch a {
			case nil:
			case Stop:
				return nil
			default:
				if err := out.Write(a); err != nil {
					return err
				}
			}
		case <-ctx.Done():
		}
	}
	return nil
}

// run runs f and waits for its result, but not much longer than for ctx. A panic of f is the caller's business.
func run(ctx context.Context, patience time.Duration, f func() any) (any, error) {
	done := make(chan any, 1)
	go func() { done <- f() }()
	select {
	case a := <-done:
		return a, nil
	case <-ctx.Done():
	}
	select {
	case a := <-done:
		return a, nil
	case <-time.After(patience):
		return nil, ErrStuck
	}
}
