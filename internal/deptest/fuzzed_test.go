package deptest

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var parser = regexp.MustCompile(`(?m)^func (Parse\w*)\(`)

// enumerations read one word of a closed set; tables test them whole.
var enumerations = map[string]bool{
	"rns/config.ParseMode": true, "rns/iface/auto.ParseScope": true, "rns/iface/auto.ParseAddressType": true,
	"rns/configobj.ParseBool": true, "rns/link.ParseSignalling": true,
}

// TestParsersAreFuzzed holds every exported parser to a fuzz target beside it that calls it.
func TestParsersAreFuzzed(t *testing.T) {
	found := 0
	err := filepath.WalkDir(root, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		pkg := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(dir, root), string(filepath.Separator)))
		switch strings.Split(pkg, "/")[0] {
		case "", "rns", "lxmf", "internal":
		default:
			return fs.SkipDir
		}
		var fuzz strings.Builder
		var names []string
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil {
			return err
		}
		for _, name := range files {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if !strings.HasSuffix(name, "_test.go") {
				for _, m := range parser.FindAllSubmatch(b, -1) {
					names = append(names, string(m[1]))
				}
			} else if strings.Contains(string(b), "\nfunc Fuzz") {
				fuzz.Write(b)
			}
		}
		for _, name := range names {
			found++
			if !enumerations[pkg+"."+name] && !regexp.MustCompile(`\b`+name+`\(|\b`+name+`[,)]`).MatchString(fuzz.String()) {
				t.Errorf("%s.%s: no fuzz target calls it", pkg, name)
			}
		}
		return nil
	})
	if err != nil || found < 30 {
		t.Errorf("%d parsers, %v", found, err)
	}
}
