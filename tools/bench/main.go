// Command bench measures the program against its budgets and prints one table: figure, ours, the reference, ratio, budget,
// verdict. The reference column appears where MESHCHATX_LIVE names the PYTHONPATH of its packages. Nodes under test are
// processes of their own, over TCP on the loopback; see docs/performance.md.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
)

type config struct {
	runs, messages, destinations int
	only                         map[string]bool
	program, profile             string
	dir                          string
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run() (err error) {
	var c config
	only := flag.String("only", "", "groups to measure, separated by commas; if empty all but million: "+strings.Join(names(), ","))
	flag.IntVar(&c.runs, "runs", 3, "repetitions of our side; the table shows medians")
	flag.IntVar(&c.messages, "messages", 50_000, "messages in the large store; the budget of searches is for 1000000")
	flag.IntVar(&c.destinations, "destinations", 1_000_000, "destinations of the group million")
	flag.StringVar(&c.program, "program", "bin/meshchatx", "the built program")
	flag.StringVar(&c.profile, "profile", "", "directory for CPU profiles of our nodes, one file each")
	refruns := flag.Int("refruns", 1, "repetitions of the reference")
	flag.Parse()
	c.only = make(map[string]bool)
	for _, g := range strings.FieldsFunc(*only, func(r rune) bool { return r == ',' }) {
		c.only[g] = true
	}
	if c.dir, err = os.MkdirTemp("", "meshchatx-bench-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.dir)) }()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-stop
		reap()
		_ = os.RemoveAll(c.dir)
		os.Exit(1)
	}()
	defer reap()
	ours, err := buildNode(c)
	if err != nil {
		return err
	}
	t := newTable()
	if path := os.Getenv("MESHCHATX_LIVE"); path != "" {
		ref, err := reference(c.dir, path)
		if err != nil {
			return err
		}
		measure(c, t, ref, *refruns)
	}
	measure(c, t, ours, c.runs)
	t.print(os.Stdout)
	return nil
}

// measure runs the groups on a target. A group that fails is reported and the others go on.
func measure(c config, t *table, on *target, runs int) {
	for _, g := range groups {
		if len(c.only) > 0 && !c.only[g.name] || len(c.only) == 0 && g.asked || on.reference && g.ownOnly {
			continue
		}
		for i := range runs {
			fmt.Fprintf(os.Stderr, "%s: %s (%d of %d)\n", on.name, g.name, i+1, runs)
			if err := g.run(&session{config: c, target: on, table: t}); err != nil {
				fmt.Fprintf(os.Stderr, "%s: %s: %v\n", on.name, g.name, err)
			}
			if g.once {
				break
			}
		}
	}
}

// session is one run of a group on a target.
type session struct {
	config
	*target
	*table
}

func (s *session) record(key string, v float64) { s.add(s.reference, key, v) }

// target is an implementation under test.
type target struct {
	name      string
	argv, env []string
	reference bool
}

func buildNode(c config) (*target, error) {
	bin := filepath.Join(c.dir, "rnslab")
	build := exec.Command("go", "build", "-trimpath", "-o", bin, "./cmd/rnslab")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build rnslab: %w", err)
	}
	t := &target{name: "ours", argv: []string{bin, "bench"}, env: os.Environ()}
	if c.profile != "" {
		t.env = append(t.env, "MESHCHATX_BENCH_PROFILE="+c.profile)
	}
	return t, nil
}
