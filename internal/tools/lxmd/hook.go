package lxmd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"strings"
	"time"
)

// ErrCommand means that a command line cannot be split into words.
var ErrCommand = errors.New("command line has an open quote or ends in a backslash")

// Words splits a command line into its words as a shell does, without expanding anything: blanks separate, a backslash takes
// the next character as it is, single quotes everything between them, double quotes everything but backslashes before
// a quote or a backslash.
func Words(line string) ([]string, error) {
	var words []string
	var word strings.Builder
	inWord, quote := false, byte(0)
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case c == '\\' && quote != '\'':
			i++
			if i == len(line) {
				return nil, ErrCommand
			}
			if quote == '"' && line[i] != '"' && line[i] != '\\' {
				word.WriteByte('\\')
			}
			word.WriteByte(line[i])
			inWord = true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote == 0 && strings.IndexByte(" \t\r\n", c) >= 0:
			if inWord {
				words = append(words, word.String())
				word.Reset()
			}
			inWord = false
		default:
			word.WriteByte(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, ErrCommand
	}
	if inWord {
		words = append(words, word.String())
	}
	return words, nil
}

// hook runs a command with the files of messages, one after the other.
type hook struct {
	words []string
	wait  time.Duration
	queue chan string
	log   *slog.Logger
}

// newHook reads the command line; an empty one is no hook.
func newHook(line string, p Params, log *slog.Logger) (*hook, error) {
	words, err := Words(line)
	if err != nil || len(words) == 0 {
		return nil, err
	}
	if words[0], err = exec.LookPath(words[0]); err != nil {
		return nil, err
	}
	return &hook{words: words, wait: p.HookTime, queue: make(chan string, max(p.HookQueue, 1)), log: log}, nil
}

// add has the command run with a file. It does not wait: when too many wait already, the file is left as it is.
func (h *hook) add(file string) {
	if h == nil {
		return
	}
	select {
	case h.queue <- file:
	default:
		h.log.Error("too many messages wait for the command: it is not run", "file", file)
	}
}

// serve runs commands until ctx ends; then the one that runs is killed.
func (h *hook) serve(ctx context.Context) {
	if h == nil {
		return
	}
	for {
		select {
		case file := <-h.queue:
			if err := h.run(ctx, file); err != nil {
				h.log.Error("command failed", "command", h.words[0], "file", file, "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// run runs the command once. Its input and output lead nowhere.
func (h *hook) run(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, h.wait, fmt.Errorf("took longer than %v", h.wait))
	defer cancel()
	c := exec.CommandContext(ctx, h.words[0], append(h.words[1:len(h.words):len(h.words)], file)...) //nolint:gosec // the operator's own command
	c.WaitDelay = time.Second
	err := c.Run()
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}
