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

// Stop is the answer that ends a service.
var Stop = new(struct{ _ byte })

// Serve answers the lines of in one after the other until the input ends. What was read before the end is still answered;
// the context of a request that takes longer than grace after the end is cancelled. The reader of a terminal or pipe cannot
// be interrupted: it ends with its input.
func Serve(ctx context.Context, in io.Reader, out *Writer, limit int, grace time.Duration, answer Answer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type line struct {
		text []byte
		err  error
	}
	lines := make(chan line)
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
	for {
		select {
		case l, more := <-lines:
			if !more {
				return nil
			}
			switch a := answer(ctx, l.text, l.err); a {
			case nil:
			case Stop:
				return nil
			default:
				if err := out.Write(a); err != nil {
					return err
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}
