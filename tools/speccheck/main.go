// Command speccheck prints, for every numbered section of the specifications, the code and the tests that cite it
// (`// spec: rns-core §13.1`), verifies that each citation resolves, and lists departures marked `// differs:`.
// Sections without code or without tests need a line with a reason in spec/coverage.txt to pass with -strict.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

var (
	heading  = regexp.MustCompile(`^#{2,4} (\d+(?:\.\d+)*)\.? +(.+)$`)
	citation = regexp.MustCompile(`spec: ([a-z-]+)((?:[ ,]*§[0-9.]+(?:[–-]§?[0-9.]+)?)+)`)
	number   = regexp.MustCompile(`§([0-9]+(?:\.[0-9]+)*)`)
	vectors  = regexp.MustCompile(`\[vec: ([a-z0-9_, ]+)\]`)
	literal  = regexp.MustCompile(`"([a-z0-9_]+)"`)
)

type section struct {
	doc, number, title string
	code, tests        []string
	groups             []string // of golden vectors named in the section
	parent             bool     // its subsections are counted instead
}

type report struct {
	sections map[string]*section
	order    []*section
	vectors  map[string][]string // group -> where a test names it
	broken   []string
	differs  []string
}

func main() {
	strict := flag.Bool("strict", false, "fail when a section lacks code or tests and spec/coverage.txt gives no reason")
	verbose := flag.Bool("v", false, "name the files")
	flag.Parse()
	r := &report{sections: map[string]*section{}, vectors: map[string][]string{}}
	if err := r.readSpecs("spec"); err != nil {
		fail(err)
	}
	if err := r.readCode("."); err != nil {
		fail(err)
	}
	r.countVectors()
	reasons, err := readReasons("spec/coverage.txt")
	if err != nil {
		fail(err)
	}
	bare := r.print(reasons, *verbose)
	if len(r.broken) > 0 || (*strict && bare > 0) {
		os.Exit(1)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "speccheck:", err)
	os.Exit(2)
}

func (r *report) readSpecs(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil {
		return err
	}
	for _, f := range files {
		doc := strings.TrimSuffix(filepath.Base(f), ".md")
		var current *section
		if err := eachLine(f, func(_ int, line string) {
			if m := heading.FindStringSubmatch(line); m != nil {
				current = &section{doc: doc, number: m[1], title: m[2]}
				r.sections[doc+" "+m[1]] = current
				r.order = append(r.order, current)
				if i := strings.LastIndexByte(m[1], '.'); i > 0 && r.sections[doc+" "+m[1][:i]] != nil {
					r.sections[doc+" "+m[1][:i]].parent = true
				}
			}
			for _, m := range vectors.FindAllStringSubmatch(line, -1) {
				if current != nil {
					current.groups = append(current.groups, strings.Split(m[1], ", ")...)
				}
			}
		}); err != nil {
			return err
		}
	}
	return nil
}

func (r *report) readCode(root string) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || path == "tools/speccheck") {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		return eachLine(path, func(n int, line string) { r.cite(path, n, line) })
	})
}

func (r *report) cite(path string, n int, line string) {
	at := fmt.Sprintf("%s:%d", path, n)
	if i := strings.Index(line, "// differs:"); i >= 0 {
		r.differs = append(r.differs, at+": "+strings.TrimSpace(line[i+len("// differs:"):]))
	}
	if strings.HasSuffix(path, "_test.go") {
		for _, m := range literal.FindAllStringSubmatch(line, -1) {
			r.vectors[m[1]] = append(r.vectors[m[1]], at)
		}
	}
	for _, m := range citation.FindAllStringSubmatch(line, -1) {
		for _, num := range number.FindAllStringSubmatch(m[2], -1) {
			s := r.sections[m[1]+" "+num[1]]
			if s == nil {
				r.broken = append(r.broken, fmt.Sprintf("%s: no section %s §%s", at, m[1], num[1]))
				continue
			}
			if strings.HasSuffix(path, "_test.go") {
				s.tests = append(s.tests, at)
			} else {
				s.code = append(s.code, at)
			}
		}
	}
}

// countVectors takes a test that names a group of golden vectors as a test of the sections that name the group.
func (r *report) countVectors() {
	for _, s := range r.order {
		for _, g := range s.groups {
			s.tests = append(s.tests, r.vectors[g]...)
		}
	}
}

func (r *report) print(reasons map[string]string, verbose bool) (bare int) {
	for _, s := range r.order {
		key := s.doc + " " + s.number
		reason := reasons[key]
		if reason == "" {
			reason = reasons[s.doc+" *"]
		}
		mark := ""
		if !s.parent && (len(s.code) == 0 || len(s.tests) == 0) {
			if mark = "  -- " + reason; reason == "" {
				mark = "  !! no reason given"
				bare++
			}
		}
		fmt.Printf("%-16s §%-7s code %3d  tests %3d  %s%s\n", s.doc, s.number, len(s.code), len(s.tests), s.title, mark)
		if verbose {
			fmt.Printf("\t%s\n", strings.Join(append(s.code, s.tests...), " "))
		}
	}
	sort.Strings(r.broken)
	for _, b := range r.broken {
		fmt.Println("broken citation:", b)
	}
	for _, d := range r.differs {
		fmt.Println("differs:", d)
	}
	fmt.Printf("%d sections, %d without a reason, %d broken citations, %d departures\n", len(r.order), bare, len(r.broken), len(r.differs))
	return bare
}

// readReasons reads lines of the form "rns-core 20: shared instance, a later step"; "lxst *: ..." covers a document.
func readReasons(path string) (map[string]string, error) {
	out := map[string]string{}
	if _, err := os.Stat(path); os.IsNotExist(err) {
		return out, nil
	}
	err := eachLine(path, func(_ int, line string) {
		if k, v, ok := strings.Cut(line, ":"); ok && !strings.HasPrefix(line, "#") {
			out[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	})
	return out, err
}

func eachLine(path string, f func(int, string)) error {
	fh, err := os.Open(path)
	if err != nil {
		return err
	}
	defer fh.Close()
	sc := bufio.NewScanner(fh)
	sc.Buffer(nil, 1<<20)
	for n := 1; sc.Scan(); n++ {
		f(n, sc.Text())
	}
	return sc.Err()
}
