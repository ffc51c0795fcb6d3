// Package bench is a bare node that takes orders: one JSON object per line, one answer per line. tools/bench drives it as the
// node under test, and tools/bench/pynode.py, which understands the same orders, as the reference.
package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"runtime/pprof"
	"time"

	"meshchatx/internal/lab/jsonl"
)

// order is one line of input. Cmd names it; the rest are its parameters.
type order struct {
	Cmd       string  `json:"cmd"`
	Listen    int     `json:"listen"`
	Connect   int     `json:"connect"`
	Transport bool    `json:"transport"`
	Config    string  `json:"config"` // a folder with a configuration file, instead of the three above
	Durable   string  `json:"durable"`
	Storage   string  `json:"storage"`
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

// closeGrace is how long an order may still run after the end of the input.
const closeGrace = 2 * time.Second

// Serve carries out orders until the input ends or one says quit.
func Serve(ctx context.Context, in io.Reader, out io.Writer) error {
	if dir := os.Getenv("MESHCHATX_BENCH_PROFILE"); dir != "" {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("cpu-%d.pprof", os.Getpid())))
		if err == nil {
			err = pprof.StartCPUProfile(f)
		}
		if err != nil {
			return fmt.Errorf("profile: %w", err)
		}
		defer pprof.StopCPUProfile()
	}
	if os.Getenv("GOGC") == "" && os.Getenv("GOMEMLIMIT") == "" { // as the program does
		debug.SetGCPercent(50)
		debug.SetMemoryLimit(1792 << 20)
	}
	b := new(bench)
	err := jsonl.Serve(ctx, in, jsonl.NewWriter(out), jsonl.MaxLine, closeGrace, b.answer)
	if !errors.Is(err, jsonl.ErrStuck) { // the order still uses the node
		b.close()
	}
	return err
}

func (b *bench) answer(ctx context.Context, line []byte, err error) any {
	var o order
	if err == nil {
		err = json.Unmarshal(line, &o)
	}
	if err == nil && o.Cmd == "quit" {
		return jsonl.Stop
	}
	var a answer
	if err == nil {
		a, err = b.do(ctx, o)
	}
	if a == nil {
		a = answer{}
	}
	a["ok"] = err == nil
	if err != nil {
		a["error"] = err.Error()
	}
	return a
}
