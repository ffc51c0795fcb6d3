// Package lab is the program rnslab: a driver for laboratories, interoperability work and bug reports. It speaks one JSON
// object per line on standard input and output, in one of three dialects.
package lab

import (
	"context"
	"fmt"
	"io"

	"meshchatx/internal/lab/bench"
	"meshchatx/internal/lab/bridge"
	"meshchatx/internal/lab/script"
)

const usage = `usage: rnslab lab | bridge | bench

  lab     commands of docs/rnslab.md: nodes, media, taps, snapshots, clocks
  bridge  the bridge protocol of torlando-tech/reticulum-conformance
  bench   the line protocol of tools/bench

Each reads one JSON object per line and answers each with one line.
`

// Main runs rnslab and returns its exit code.
func Main(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	if len(args) != 1 {
		fmt.Fprint(errs, usage)
		return 2
	}
	serve, ok := map[string]func(context.Context, io.Reader, io.Writer) error{
		"bridge": bridge.Serve, "bench": bench.Serve, "lab": script.Serve,
	}[args[0]]
	if !ok {
		fmt.Fprint(errs, usage)
		return 2
	}
	if err := serve(ctx, in, out); err != nil {
		fmt.Fprintln(errs, "rnslab:", err)
		return 1
	}
	return 0
}
