package config_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"meshchatx/rns/config"

	"github.com/google/go-cmp/cmp"
)

// flat lists all settings below v by their path.
func flat(v reflect.Value, path string, into map[string]string) {
	if v.Kind() == reflect.Struct && v.NumField() > 0 && v.Type().PkgPath() == "meshchatx/rns/config" {
		for i := range v.NumField() {
			if name := v.Type().Field(i).Name; v.Type().Field(i).IsExported() && name != "Options" && name != "Line" {
				flat(v.Field(i), strings.TrimPrefix(path+"."+name, "."), into)
			}
		}
		return
	}
	if v.Kind() == reflect.Pointer && !v.IsNil() {
		v = v.Elem()
	}
	into[path] = fmt.Sprint(v)
}

// row is one line of a file and what it changes, by the path of the setting. A line that changes nothing is ignored: with
// a warning, or silently because it says what holds anyway. A line that is refused makes the section unusable.
type row struct {
	line    string
	want    map[string]string
	warning error
	refused error
}

type set = map[string]string

func sets(pairs ...string) set {
	m := make(set)
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// changes is what differs between two files.
func changes(before, after any) set {
	a, b, out := make(set), make(set), make(set)
	flat(reflect.ValueOf(before), "", a)
	flat(reflect.ValueOf(after), "", b)
	for path, v := range b {
		if a[path] != v && path != "Err" && path != "Warnings" {
			out[path] = v
		}
	}
	return out
}

const oneHash = "00112233445566778899aabbccddeeff"

// Every option of the general sections. spec: rns-core §23.5
func TestEveryGeneralOption(t *testing.T) {
	seen := make(map[string]bool)
	for section, rows := range map[string][]row{"logging": loggingRows, "reticulum": generalRows} {
		for _, r := range rows {
			base, err := config.Parse(nil)
			if err != nil {
				t.Fatal(err)
			}
			seen[strings.TrimSpace(strings.SplitN(r.line, "=", 2)[0])] = true
			text := "[" + section + "]\n" + r.line + "\n"
			c, err := config.Parse([]byte(text))
			if r.refused != nil {
				var option *config.OptionError
				if !errors.Is(err, r.refused) || !errors.As(err, &option) || option.Line != 2 {
					t.Errorf("%s: %v, want %v in line 2", r.line, err, r.refused)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", r.line, err)
				continue
			}
			checkRow(t, r, changes(base.Reticulum, c.Reticulum), changes(base.Logging, c.Logging), c.Warnings, 2)
		}
	}
	for _, o := range generalOptions {
		if !seen[o] {
			t.Errorf("%s has no row", o)
		}
	}
}

func checkRow(t *testing.T, r row, got, more set, warnings []error, line int) {
	t.Helper()
	for k, v := range more {
		got[k] = v
	}
	if r.want == nil {
		r.want = set{}
	}
	if diff := cmp.Diff(r.want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", r.line, diff)
	}
	switch {
	case r.warning == nil && len(warnings) > 0:
		t.Errorf("%s: warnings %v", r.line, warnings)
	case r.warning != nil:
		var option *config.OptionError
		if len(warnings) != 1 || !errors.Is(warnings[0], r.warning) || !errors.As(warnings[0], &option) || option.Line != line {
			t.Errorf("%s: warnings %v, want %v in line %d", r.line, warnings, r.warning, line)
		}
	}
}

// Every option that all kinds of interfaces have. spec: rns-core §23.6
func TestEveryInterfaceOption(t *testing.T) {
	seen := make(map[string]bool)
	head := "[interfaces]\n[[X]]\n"
	for _, r := range interfaceRows {
		base, err := config.Parse([]byte(head + prelude(r.line)))
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.ReplaceAll(r.line, "; ", "\n"), "\n")
		for _, l := range lines {
			seen[strings.TrimSpace(strings.SplitN(l, "=", 2)[0])] = true
		}
		text := head + prelude(r.line) + strings.Join(lines, "\n") + "\n"
		at := strings.Count(text, "\n")
		c, err := config.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		i := c.Interfaces[0]
		if r.refused != nil {
			var option *config.OptionError
			if !errors.Is(i.Err, r.refused) || !errors.As(i.Err, &option) || option.Line != at {
				t.Errorf("%s: %v, want %v in line %d", r.line, i.Err, r.refused, at)
			}
			continue
		}
		if i.Err != nil {
			t.Errorf("%s: %v", r.line, i.Err)
		}
		checkRow(t, r, changes(base.Interfaces[0], i), nil, i.Warnings, at)
	}
	for _, o := range interfaceOptions {
		if !seen[o] {
			t.Errorf("%s has no row", o)
		}
	}
}

// prelude is what stands before a line so that it has an effect: options of published interfaces count only there.
func prelude(line string) string {
	key := strings.TrimSpace(strings.SplitN(line, "=", 2)[0])
	for _, published := range interfaceOptions[firstDiscovery:] {
		if key == published {
			return "type = T\ndiscoverable = yes\nmode = gateway\n"
		}
	}
	return ""
}
