// Command benchnode is a bare node that takes orders: one JSON object per line on standard input, one answer per line on
// standard output. tools/bench drives it as the node under test, and tools/bench/pynode.py, which understands the same
// orders, as the reference.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	_ "net/http/pprof" // on request, for profiles of a node under load
	"os"
)

// order is one line of input. Cmd names it; the rest are its parameters.
type order struct {
	Cmd       string  `json:"cmd"`
	Listen    int     `json:"listen"`
	Connect   int     `json:"connect"`
	Transport bool    `json:"transport"`
	Durable   string  `json:"durable"`
	Dest      string  `json:"dest"`
	Method    string  `json:"method"`
	N         int     `json:"n"`
	Size      int     `json:"size"`
	Window    int     `json:"window"`
	Cost      int     `json:"cost"`
	Timeout   float64 `json:"timeout"`
	Stall     float64 `json:"stall"`
}

type answer map[string]any

func main() {
	if at := os.Getenv("MESHCHATX_BENCH_PPROF"); at != "" {
		go func() { fmt.Fprintln(os.Stderr, http.ListenAndServe(at, nil)) }() //nolint:gosec // loopback, on request
	}
	b := new(bench)
	in := bufio.NewScanner(os.Stdin)
	out := json.NewEncoder(os.Stdout)
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			fmt.Fprintln(os.Stderr, "benchnode:", err)
			os.Exit(2)
		}
		if o.Cmd == "quit" {
			break
		}
		a, err := b.do(context.Background(), o)
		if a == nil {
			a = answer{}
		}
		a["ok"] = err == nil
		if err != nil {
			a["error"] = err.Error()
		}
		if err := out.Encode(a); err != nil {
			break
		}
	}
	b.close()
}
