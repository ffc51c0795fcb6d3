// Command speccheck prints, for every numbered section of the specifications, the code and the tests that cite it
// (`// spec: rns-core §13.1`, also `// spec: rns-core §13.1, rns-link §2`), verifies that each citation resolves, and lists
// departures marked `// differs:`. Sections without code or without tests need a line with a reason in spec/coverage.txt to
// pass with -strict, and a reason that is not needed any more does not pass either.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
)

var (
	heading = regexp.MustCompile(`^#{2,4} (\d+(?:\.\d+)*)\.? +(.+)$`)
	vectors = regexp.MustCompile(`\[vec: ([a-z0-9_, ]+)\]`)
	literal = regexp.MustCompile(`"([a-z0-9_]+)"`)
)

type section struct {
	doc, number, title string
	code, tests        []string
	groups             []string // of golden vectors named in the section
	parent             bool     // its subsections are counted instead
	reason             string   // why it lacks code or tests
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
	r := newReport()
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
	problems := r.judge(reasons)
	r.print(problems, *verbose)
	if len(r.broken) > 0 || *strict && len(problems) > 0 {
		os.Exit(1)
	}
}

func newReport() *report {
	return &report{sections: map[string]*section{}, vectors: map[string][]string{}}
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
		return r.readFile(path)
	})
}

// readFile reads one source file. A citation may go on in the next lines of its comment.
func (r *report) readFile(path string) error {
	var lines []string
	if err := eachLine(path, func(_ int, line string) { lines = append(lines, line) }); err != nil {
		return err
	}
	const more = 2
	runs := slices.ContainsFunc(lines, func(l string) bool { return strings.Contains(l, `"meshchatx/spec/vectortest"`) })
	for i, line := range lines {
		r.cite(path, i+1, lines[i:min(i+1+more, len(lines))])
		if runs {
			for _, m := range literal.FindAllStringSubmatch(line, -1) {
				r.vectors[m[1]] = append(r.vectors[m[1]], fmt.Sprintf("%s:%d", path, i+1))
			}
		}
	}
	return nil
}

func (r *report) cite(path string, n int, lines []string) {
	at, line := fmt.Sprintf("%s:%d", path, n), lines[0]
	if i := strings.Index(line, "// differs:"); i >= 0 {
		r.differs = append(r.differs, at+": "+strings.TrimSpace(line[i+len("// differs:"):]))
	}
	test := strings.HasSuffix(path, "_test.go")
	for _, c := range citations(lines) {
		for _, num := range r.expand(c) {
			s := r.sections[c.doc+" "+num]
			switch {
			case s == nil:
				r.broken = append(r.broken, fmt.Sprintf("%s: no section %s §%s", at, c.doc, num))
			case test:
				s.tests = append(s.tests, at)
			default:
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

// lacks tells whether a section needs a reason.
func (s *section) lacks() bool { return !s.parent && (len(s.code) == 0 || len(s.tests) == 0) }

// needless begins the problem of a reason that nothing lacks.
const needless = "reason not needed: "

// judge gives the sections their reasons, and returns everything that is wrong.
func (r *report) judge(reasons map[string]string) (problems []string) {
	sort.Strings(r.broken)
	for _, b := range r.broken {
		problems = append(problems, "broken citation: "+b)
	}
	whole := make(map[string]bool) // documents
	for _, s := range r.order {
		whole[s.doc+" *"] = true
		key := s.doc + " " + s.number
		s.reason = reasons[key]
		switch {
		case !s.lacks() && s.reason != "":
			problems = append(problems, needless+key)
		case s.reason == "":
			s.reason = reasons[s.doc+" *"]
		}
		if s.lacks() && s.reason == "" {
			problems = append(problems, fmt.Sprintf("no reason given: %s, code %d, tests %d", key, len(s.code), len(s.tests)))
		}
	}
	for key := range reasons {
		if r.sections[key] == nil && !whole[key] {
			problems = append(problems, "reason for what is not there: "+key)
		}
	}
	return problems
}

func (r *report) print(problems []string, verbose bool) {
	for _, s := range r.order {
		mark := ""
		if s.lacks() {
			if mark = "  -- " + s.reason; s.reason == "" {
				mark = "  !! no reason given"
			}
		}
		fmt.Printf("%-16s §%-7s code %3d  tests %3d  %s%s\n", s.doc, s.number, len(s.code), len(s.tests), s.title, mark)
		if verbose {
			fmt.Printf("\t%s\n", strings.Join(append(s.code, s.tests...), " "))
		}
	}
	for _, d := range r.differs {
		fmt.Println("differs:", d)
	}
	for _, p := range problems {
		fmt.Println(p)
	}
	fmt.Printf("%d sections, %d problems, %d departures\n", len(r.order), len(problems), len(r.differs))
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
