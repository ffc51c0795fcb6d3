package main

import (
	"fmt"
	"io"
	"strings"

	"meshchatx/spec/vectortest"
)

// report prints one line per group and a total, and tells whether every group
// is either complete or excused.
func report(w io.Writer, files []*vectortest.File, results map[key]outcome, verbose bool) bool {
	ok := true
	var allPassed, allTotal, excused int
	for _, f := range files {
		fmt.Fprintf(w, "%s\n", f.Name)
		for _, group := range f.Groups() {
			n, missing, bad := count(f, group, results)
			total := f.Len(group)
			allPassed += n
			allTotal += total
			reason := pending(f.Name, group)
			note := ""
			switch {
			case len(bad) > 0:
				ok, note = false, "FAILED"
			case n < total && reason != "":
				excused += total - n
				note = "skipped: " + reason
			case n < total:
				ok, note = false, "MISSING"
			}
			fmt.Fprintln(w, strings.TrimRight(fmt.Sprintf("  %-30s %4d of %4d  %s", group, n, total, note), " "))
			if verbose && note != "" && reason == "" {
				fmt.Fprintf(w, "    failed: %s\n    not run: %s\n", strings.Join(bad, " "), strings.Join(missing, " "))
			}
		}
	}
	fmt.Fprintf(w, "total: %d of %d passed, %d skipped with a reason, %d left\n",
		allPassed, allTotal, excused, allTotal-allPassed-excused)
	return ok
}

func count(f *vectortest.File, group string, results map[key]outcome) (n int, missing, bad []string) {
	for i := range f.Len(group) {
		id := f.ID(group, i)
		switch results[key(f.Name+"/"+group+"/"+subtestName(id))] {
		case passed:
			n++
		case failed:
			bad = append(bad, id)
		default:
			missing = append(missing, id)
		}
	}
	return n, missing, bad
}
