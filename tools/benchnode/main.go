// Command benchnode is a bare node that takes orders: one JSON object per line on standard input, one answer per line on
// standard output. tools/bench drives it as the node under test, and tools/bench/pynode.py, which understands the same
// orders, as the reference.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime/pprof"
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
	if dir := os.Getenv("MESHCHATX_BENCH_PROFILE"); dir != "" {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("cpu-%d.pprof", os.Getpid())))
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "benchnode: profile:", err)
			os.Exit(2)
		}
		defer pprof.StopCPUProfile()
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
