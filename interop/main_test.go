package interop

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"meshchatx/internal/cli"
)

// The environment of the suite.
const (
	pathVariable      = "MESHCHATX_LIVE"
	exchangesVariable = "MESHCHATX_LIVE_EXCHANGES"
)

func TestMain(m *testing.M) {
	if conf, ok := os.LookupEnv(childVariable); ok {
		os.Exit(runChild(conf))
	}
	if _, ok := os.LookupEnv(programVariable); ok {
		os.Exit(cli.Main(os.Args[1:], cli.System()))
	}
	code := m.Run()
	results.print()
	os.Exit(code)
}

// pythonPath skips the test unless the reference is there.
func pythonPath(t *testing.T) string {
	t.Helper()
	path := os.Getenv(pathVariable)
	if path == "" {
		t.Skipf("live suite: %s does not name the directories of RNS and LXMF", pathVariable)
	}
	return path
}

// table collects what is printed at the end.
type table struct {
	mu   sync.Mutex
	rows []string
}

var results table

func (r *table) print() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nscenario\tway\tresult\tseconds\tfigures")
	for _, row := range r.rows {
		fmt.Fprintln(w, row)
	}
	_ = w.Flush() // standard output
}

// record runs a scenario with a time limit and adds its row. The scenario returns figures worth showing.
func record(t *testing.T, scenario, way string, limit time.Duration, run func(ctx context.Context) []string) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), limit, errors.New("time limit of the scenario"))
	defer cancel()
	start := time.Now()
	var figures []string
	defer func() {
		result := "pass"
		if t.Failed() {
			result = "FAIL"
		}
		results.mu.Lock()
		defer results.mu.Unlock()
		results.rows = append(results.rows, fmt.Sprintf("%s\t%s\t%s\t%.1f\t%s",
			scenario, way, result, time.Since(start).Seconds(), strings.Join(figures, ", ")))
	}()
	figures = run(ctx)
}

// feed keeps what happened, in order, for those who wait for it.
type feed[T any] struct {
	mu      sync.Mutex
	list    []T
	changed chan struct{}
}

func (f *feed[T]) add(v T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, v)
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// from returns what came since a mark and a channel that is closed when there is more.
func (f *feed[T]) from(mark int) ([]T, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return f.list[mark:len(f.list):len(f.list)], f.changed
}

func (f *feed[T]) mark() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

// wait returns the first since mark that match accepts.
func (f *feed[T]) wait(ctx context.Context, mark int, match func(T) bool) (T, error) {
	for {
		list, changed := f.from(mark)
		for _, v := range list {
			if match == nil || match(v) {
				return v, nil
			}
		}
		mark += len(list)
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("waited for %T: %w", none, context.Cause(ctx))
		}
	}
}

// count is how many match.
func (f *feed[T]) count(match func(T) bool) int {
	list, _ := f.from(0)
	n := 0
	for _, v := range list {
		if match(v) {
			n++
		}
	}
	return n
}
