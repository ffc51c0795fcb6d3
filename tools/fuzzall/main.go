// Command fuzzall runs every fuzz target of the module one after the other for a given time and prints a line each.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"
)

var (
	target = regexp.MustCompile(`^func (Fuzz\w+)\(`)
	execs  = regexp.MustCompile(`execs: (\d+)`)
)

func main() {
	span := flag.Duration("time", time.Minute, "time for each target")
	match := flag.String("match", ".", "regular expression over package/target")
	flag.Parse()
	pattern := regexp.MustCompile(*match)
	targets, err := find(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "fuzzall:", err)
		os.Exit(2)
	}
	failed := 0
	for _, t := range targets {
		if !pattern.MatchString(t.dir + "/" + t.name) {
			continue
		}
		if !t.run(*span) {
			failed++
		}
	}
	if failed > 0 {
		fmt.Printf("%d targets failed; their inputs are under testdata/fuzz\n", failed)
		os.Exit(1)
	}
}

type fuzz struct{ dir, name string }

func find(root string) ([]fuzz, error) {
	var out []fuzz
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for sc := bufio.NewScanner(bytes.NewReader(b)); sc.Scan(); {
			if m := target.FindStringSubmatch(sc.Text()); m != nil {
				out = append(out, fuzz{filepath.Dir(path), m[1]})
			}
		}
		return nil
	})
	sort.Slice(out, func(i, j int) bool { return out[i].dir+out[i].name < out[j].dir+out[j].name })
	return out, err
}

func (f fuzz) run(span time.Duration) bool {
	cmd := exec.Command("go", "test", "-run", "^$", "-fuzz", "^"+f.name+"$", "-fuzztime", span.String(),
		"-fuzzminimizetime", "20x", "./"+f.dir)
	b, err := cmd.CombinedOutput()
	n := "0"
	for _, m := range execs.FindAllSubmatch(b, -1) {
		n = string(m[1])
	}
	verdict := "ok"
	if err != nil {
		verdict = "FAILED"
	}
	fmt.Printf("%-28s %-28s %s  %s executions in %s\n", f.dir, f.name, verdict, n, span)
	if err != nil {
		fmt.Printf("%s\n", b)
	}
	return err == nil
}
