package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// envWrite makes the test binary write to a database until it is killed.
const envWrite = "MESHCHATX_TEST_WRITE"

func TestMain(m *testing.M) {
	if path := os.Getenv(envWrite); path != "" {
		writeForever(path)
		return
	}
	os.Exit(m.Run())
}

// writeForever stores rows from several goroutines and prints the name of each that was answered.
func writeForever(path string) {
	ctx := context.Background()
	db, _, err := Open(ctx, Options{Path: path, Schema: items, ApplicationID: testApplication})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("%d-%d-%s", w, i, strings.Repeat("x", i%700))
				if err := add(ctx, db, name); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				mu.Lock()
				fmt.Println(name)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestAnsweredWritesSurviveKilling(t *testing.T) {
	o := options(t, items)
	answered := make(map[string]bool)
	for round, after := range []int{1, 60, 300} {
		for name := range killedAfter(t, o.Path, round, after) {
			answered[name] = true
		}
		db, report := open(t, o)
		if report.MovedAside != "" {
			t.Fatalf("round %d: %+v", round, report)
		}
		if err := db.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		have := make(map[string]bool)
		for _, name := range strings.Fields(names(t, db)) {
			have[name] = true
		}
		for name := range answered {
			if !have[name] {
				t.Errorf("round %d: %.20s was answered and is lost", round, name)
			}
		}
		if _, err := Exec(t.Context(), db, "DELETE FROM items"); err != nil {
			t.Fatal(err)
		}
		clear(answered)
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killedAfter runs a writing process, kills it after n answers and returns all it answered.
func killedAfter(t *testing.T, path string, round, n int) map[string]bool {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envWrite+"="+path)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered := make(map[string]bool)
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // a line cut by the kill was not answered
		}
		answered[strings.TrimSpace(line)] = true
		if len(answered) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait()
	if len(answered) < n {
		t.Fatalf("round %d: the writer ended after %d answers", round, len(answered))
	}
	return answered
}
