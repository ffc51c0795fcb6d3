// Command vectorcount runs every test that uses golden vectors and prints, for
// each group of each file of spec/vectors, how many of its vectors passed.
//
//	go run ./tools/vectorcount [-v] [package ...]
//
// Without arguments it runs all packages whose tests import vectortest. It
// fails if a vector failed, and if a group is not fully covered and has no
// reason in pending.go.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"meshchatx/spec/vectortest"
)

func main() {
	verbose := flag.Bool("v", false, "name the vectors that failed or did not run")
	flag.Parse()
	ok, err := run(os.Stdout, flag.Args(), *verbose)
	if err != nil {
		fmt.Fprintln(os.Stderr, "vectorcount:", err)
		os.Exit(2)
	}
	if !ok {
		os.Exit(1)
	}
}

func run(w io.Writer, packages []string, verbose bool) (ok bool, err error) {
	root, err := vectortest.ModuleRoot()
	if err != nil {
		return false, err
	}
	files, err := readFiles(root)
	if err != nil {
		return false, err
	}
	if len(packages) == 0 {
		if packages, err = vectorPackages(root); err != nil {
			return false, err
		}
	}
	results, broken, err := runTests(root, packages)
	if err != nil {
		return false, err
	}
	ok = report(w, files, results, verbose)
	for _, p := range broken {
		fmt.Fprintln(w, "package did not build or failed outside of its vectors:", p)
		ok = false
	}
	return ok, nil
}

func readFiles(root string) ([]*vectortest.File, error) {
	paths, err := filepath.Glob(filepath.Join(root, "spec", "vectors", "*.json"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var files []*vectortest.File
	for _, p := range paths {
		f, err := vectortest.Read(p)
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}
