package agent

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// command runs a program of the machine's owner that prints a host or a place.
// The program gets no input and no arguments. spec: rns-core §22.2
type command struct {
	timeout time.Duration
	output  int // bytes
}

// Reasons why a program is no help.
var (
	errNotProgram = errors.New("not an executable file")
	errOutput     = errors.New("prints too much")
)

// run returns what the program printed. It is killed when its time is up.
func (c command) run(ctx context.Context, name string) (string, error) {
	path, err := expand(name)
	if err != nil {
		return "", err
	}
	st, err := os.Stat(path)
	if err != nil {
		return "", err
	}
	if !st.Mode().IsRegular() {
		return "", fmt.Errorf("%s: %w", name, errNotProgram)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	out := &bounded{left: c.output}
	cmd := exec.CommandContext(ctx, path)
	cmd.Stdout = out
	cmd.WaitDelay = time.Second // for what the program may have left running
	if err := cmd.Run(); err != nil {
		if out.over {
			err = errOutput
		} else if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return out.buf.String(), nil
}

func expand(name string) (string, error) {
	rest, ok := strings.CutPrefix(name, "~")
	if !ok {
		return filepath.Abs(name)
	}
	home, err := os.UserHomeDir()
	return filepath.Join(home, rest), err
}

// bounded keeps a bounded output, and breaks the pipe beyond it.
type bounded struct {
	buf  bytes.Buffer
	left int
	over bool
}

func (b *bounded) Write(p []byte) (int, error) {
	if len(p) > b.left {
		b.over = true
		return 0, errOutput
	}
	b.left -= len(p)
	return b.buf.Write(p)
}
