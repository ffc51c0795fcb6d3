package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"meshchatx/spec/vectortest"
)

// vectorPackages are the packages below root whose tests import vectortest.
func vectorPackages(root string) ([]string, error) {
	var dirs []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); name == "node_modules" || name == "testdata" || strings.HasPrefix(name, ".") && path != root {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(path, "_test.go") {
			return nil
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if bytes.Contains(src, []byte(`"meshchatx/spec/vectortest"`)) {
			rel, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			dirs = append(dirs, "./"+filepath.ToSlash(rel))
		}
		return nil
	})
	slices.Sort(dirs)
	return slices.Compact(dirs), err
}

// outcome is what happened to one vector in all tests that ran it.
type outcome uint8

const (
	notRun outcome = iota
	passed
	skipped
	failed
)

// key names a vector: file/group/id.
type key string

// event is a line of the output of go test -json.
type event struct {
	Action, Package, Test string
}

// runTests runs the vector tests and collects their outcomes. It names the
// packages that failed without a failing vector.
func runTests(root string, packages []string) (map[key]outcome, []string, error) {
	if len(packages) == 0 {
		return nil, nil, nil
	}
	args := append([]string{"test", "-json", "-count=1", "-run", "^TestVector"}, packages...)
	cmd := exec.Command("go", args...)
	cmd.Dir = root
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("run go test: %w", err)
	}
	results := make(map[key]outcome)
	failedVectors := make(map[string]bool)
	var broken []string
	lines := bufio.NewReader(out)
	for {
		line, readErr := lines.ReadBytes('\n')
		var e event
		if json.Unmarshal(line, &e) == nil {
			switch k, ok := vectorOf(e.Test); {
			case ok:
				results[k] = max(results[k], outcomeOf(e.Action))
				failedVectors[e.Package] = failedVectors[e.Package] || e.Action == "fail"
			case e.Test == "" && e.Action == "fail" && !failedVectors[e.Package]:
				broken = append(broken, e.Package)
			}
		}
		if readErr != nil {
			break
		}
	}
	_ = cmd.Wait() // its exit status repeats what the events said
	return results, broken, nil
}

func outcomeOf(action string) outcome {
	switch action {
	case "pass":
		return passed
	case "skip":
		return skipped
	case "fail":
		return failed
	}
	return notRun
}

// repeated is what the testing package appends to the second subtest of a name.
var repeated = regexp.MustCompile(`#[0-9]{2,}$`)

// vectorOf finds file/group/id in the name of a test.
func vectorOf(test string) (key, bool) {
	_, rest, ok := strings.Cut(test, "/"+vectortest.SubtestPrefix+"/")
	if !ok || strings.Count(rest, "/") < 2 {
		return "", false
	}
	return key(repeated.ReplaceAllString(rest, "")), true
}

// subtestName is what the testing package makes of a vector id.
func subtestName(id string) string { return strings.ReplaceAll(id, " ", "_") }
