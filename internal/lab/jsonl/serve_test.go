package jsonl

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const grace = 2 * time.Second

// TestServeEnds: whatever a request does, the service ends soon after its input.
func TestServeEnds(t *testing.T) {
	release := make(chan struct{})
	for _, c := range []struct {
		name   string
		answer func(ctx context.Context)
		err    error
		took   time.Duration
	}{
		{"a request in time", func(context.Context) { time.Sleep(time.Second) }, nil, 2 * time.Second},
		{"a request that heeds its context", func(ctx context.Context) { <-ctx.Done() }, nil, grace},
		{"a request that ends soon after", func(ctx context.Context) { <-ctx.Done(); time.Sleep(grace / 4) }, nil, grace + grace/4},
		{"a request that never ends", func(context.Context) { <-release }, ErrStuck, grace + grace/2},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release = make(chan struct{})
				begin := time.Now()
				err := Serve(t.Context(), strings.NewReader("1\n2\n"), NewWriter(io.Discard), MaxLine, grace,
					func(ctx context.Context, _ []byte, _ error) any { c.answer(ctx); return "done" })
				if took := time.Since(begin); !errors.Is(err, c.err) || took != c.took {
					t.Errorf("%v after %v, want %v after %v", err, took, c.err, c.took)
				}
				close(release)
			})
		})
	}
}

// TestServeAnswersWhatWasRead: the end of the input does not lose a line before it.
func TestServeAnswersWhatWasRead(t *testing.T) {
	var out bytes.Buffer
	err := Serve(t.Context(), strings.NewReader("1\n22\n4444"), NewWriter(&out), 2, grace,
		func(_ context.Context, line []byte, err error) any {
			if err != nil {
				return err.Error()
			}
			return string(line)
		})
	if want := "\"1\"\n\"22\"\n\"line is too long\"\n"; err != nil || out.String() != want {
		t.Errorf("%q, %v, want %q", out.String(), err, want)
	}
}
