package configobj_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"meshchatx/rns/configobj"
	"meshchatx/spec/vectortest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// tree is a file as nested maps, with references replaced.
func tree(t *testing.T, s *configobj.Section) map[string]any {
	t.Helper()
	out := map[string]any{}
	for _, key := range s.Keys() {
		v, err := s.Get(key)
		if err != nil {
			t.Fatal(err)
		}
		if text, ok := v.Text(); ok {
			out[key] = text
			continue
		}
		items := []any{}
		for _, i := range v.Items() {
			items = append(items, i)
		}
		out[key] = items
	}
	for _, sub := range s.Sections() {
		out[sub.Name()] = tree(t, sub)
	}
	return out
}

// Texts and what they mean.
// spec: rns-core §23.4
func TestVectorConfigParsing(t *testing.T) {
	type vector struct {
		Name   string          `json:"name"`
		Text   string          `json:"text"`
		Parses bool            `json:"parses"`
		Result json.RawMessage `json:"result"`
	}
	vectortest.Each(t, "rns-core.json", "config_parsing", func(t *testing.T, v vector) {
		f, err := configobj.Parse([]byte(v.Text))
		if !v.Parses {
			var syntax *configobj.SyntaxError
			if !errors.As(err, &syntax) || syntax.Line < 1 {
				t.Errorf("%s: accepted, or refused without a line: %v", v.Name, err)
			}
			return
		}
		if err != nil {
			t.Fatal(v.Name, err)
		}
		var want map[string]any
		if err := json.Unmarshal(v.Result, &want); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, tree(t, f.Root())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.Name, diff)
		}
		if got := string(f.Bytes()); got != v.Text {
			t.Errorf("%s: written back as %q", v.Name, got)
		}
	})
}

// Spellings of yes and no.
// spec: rns-core §23.4
func TestVectorConfigBooleans(t *testing.T) {
	type vector struct {
		Input string `json:"input"`
		Value *bool  `json:"value"`
	}
	vectortest.Each(t, "rns-core.json", "config_booleans", func(t *testing.T, v vector) {
		got, err := configobj.ParseBool(v.Input)
		if v.Value == nil {
			if !errors.Is(err, configobj.ErrNotBool) {
				t.Errorf("%q: %v, %v", v.Input, got, err)
			}
			return
		}
		if err != nil || got != *v.Value {
			t.Errorf("%q: %v, %v", v.Input, got, err)
		}
	})
}

func TestValues(t *testing.T) {
	tests := []struct {
		name, line string
		want       configobj.Value
	}{
		{"quote inside", `k = it's # not`, configobj.Text("it's")},
		{"quote inside does not protect", `k = it's, 'a#b'`, configobj.List("it's", "a#b")},
		{"quote kept inside quotes", `k = "a"b"`, configobj.Text(`a"b`)},
		{"quoted with comma", `k = "a, b"`, configobj.Text("a, b")},
		{"list of one", `k = a,`, configobj.List("a")},
		{"list with comment", `k = a, b, # c`, configobj.List("a", "b")},
		{"empty list with comment", `k = , # c`, configobj.List()},
		{"empty quoted item", `k = "", a`, configobj.List("", "a")},
		{"later equals", `k = a = b`, configobj.Text("a = b")},
		{"no blanks", `k=v#c`, configobj.Text("v")},
		{"only a comment", `k = # c`, configobj.Text("")},
		{"blanks within quotes", `k = ' a '`, configobj.Text(" a ")},
		{"no-break space around", "k = a\u00a0", configobj.Text("a")},
		{"triple on one line", `k = """a "b" #c""" # d`, configobj.Text(`a "b" #c`)},
		{"empty triple", `k = ''''''`, configobj.Text("")},
		{"per cent", `k = 50 % (of s)`, configobj.Text("50 % (of s)")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			f, err := configobj.Parse([]byte(tt.line))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := f.Root().Get("k"); err != nil || !got.Equal(tt.want) {
				t.Errorf("got %q (list %v), %v", got.Items(), got.IsList(), err)
			}
		})
	}
}

func TestNames(t *testing.T) {
	text := "[ a ] # c\n[[ \"b ]\" ]]\n'x = y' = 1\n[c]d]\n[ [ 'e' ] ]\n[x = 1\n"
	f, err := configobj.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"a": map[string]any{"b ]": map[string]any{"x = y": "1"}}, "c]d": map[string]any{"e": map[string]any{"[x": "1"}}}
	if diff := cmp.Diff(want, tree(t, f.Root())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseRefuses(t *testing.T) {
	tests := []struct {
		name, text string
		line       int
		want       error
	}{
		{"double comma", "[s]\na = b,,c\n", 2, configobj.ErrEmptyItem},
		{"leading comma", "[s]\n\na = ,b", 3, configobj.ErrEmptyItem},
		{"two commas", "a = ,,", 1, configobj.ErrEmptyItem},
		{"text after quotes", `a = "b" c`, 1, configobj.ErrQuotes},
		{"text after triple quotes", "a = '''b''' c", 1, configobj.ErrQuotes},
		{"triple quotes not closed", "x = 1\na = '''b\nc\n", 2, configobj.ErrQuotes},
		{"key twice", "a = 1\r\na = 2", 2, configobj.ErrDuplicate},
		{"key and section", "a = 1\n[a]\n", 2, configobj.ErrDuplicate},
		{"section twice", "[a]\n[b]\n[a]\n", 3, configobj.ErrDuplicate},
		{"subsection first", "[[a]]", 1, configobj.ErrTooDeep},
		{"brackets", "[a]]", 1, configobj.ErrBrackets},
		{"empty name", "[]", 1, configobj.ErrNotKey},
		{"empty quoted name", "[' ']", 1, configobj.ErrNotKey},
		{"equals first", "= a", 1, configobj.ErrNotKey},
		{"encoding", "a = 1\nb = \xff", 2, configobj.ErrEncoding},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := configobj.Parse([]byte(tt.text))
			var syntax *configobj.SyntaxError
			if !errors.Is(err, tt.want) || !errors.As(err, &syntax) || syntax.Line != tt.line {
				t.Errorf("got %v, want line %d: %v", err, tt.line, tt.want)
			}
		})
	}
}

func TestReferences(t *testing.T) {
	text := `
top = T
[s]
base = B
both = %(base)s/%(top)s
list = %(base)s, %(def)s
[[DEFAULT]]
def = D
[[sub]]
up = %(base)s
missing = %(nothing)s
section = %(sub)s
loop = %(pool)s
pool = %(loop)s
tolist = %(list)s
bomb0 = xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
bomb1 = %(bomb0)s%(bomb0)s%(bomb0)s%(bomb0)s%(bomb0)s%(bomb0)s%(bomb0)s%(bomb0)s
bomb2 = %(bomb1)s%(bomb1)s%(bomb1)s%(bomb1)s%(bomb1)s%(bomb1)s%(bomb1)s%(bomb1)s
bomb3 = %(bomb2)s%(bomb2)s%(bomb2)s%(bomb2)s%(bomb2)s%(bomb2)s%(bomb2)s%(bomb2)s
bomb4 = %(bomb3)s%(bomb3)s%(bomb3)s%(bomb3)s%(bomb3)s%(bomb3)s%(bomb3)s%(bomb3)s
`
	f, err := configobj.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	s, sub := f.Section("s"), f.Section("s", "sub")
	if v, err := s.Get("both"); err != nil || v.String() != "B/T" {
		t.Errorf("both: %v, %v", v, err)
	}
	if v, err := s.Get("list"); err != nil || !v.Equal(configobj.List("B", "D")) {
		t.Errorf("list: %v, %v", v, err)
	}
	if v, err := sub.Get("up"); err != nil || v.String() != "B" {
		t.Errorf("up: %v, %v", v, err)
	}
	if v, ok := sub.Raw("up"); !ok || v.String() != "%(base)s" {
		t.Errorf("raw: %v", v)
	}
	for _, key := range []string{"missing", "section", "loop", "tolist", "bomb4"} {
		var syntax *configobj.SyntaxError
		if v, err := sub.Get(key); !errors.Is(err, configobj.ErrReference) || !errors.As(err, &syntax) || syntax.Line != sub.KeyLine(key) {
			t.Errorf("%s: %.20q, %v", key, v, err)
		}
	}
	if _, err := sub.Get("absent"); !errors.Is(err, configobj.ErrNoKey) {
		t.Errorf("absent: %v", err)
	}
}

func TestMissingSectionsAreEmpty(t *testing.T) {
	var f configobj.File
	s := f.Section("no", "such")
	if s != nil || s.Has("k") || s.Keys() != nil || s.Sections() != nil || s.Line() != 0 || s.Name() != "" || s.KeyLine("k") != 0 {
		t.Error("a missing section has something in it")
	}
	if _, err := s.Get("k"); !errors.Is(err, configobj.ErrNoKey) {
		t.Error(err)
	}
}

const sample = `# Mine
[reticulum]
  enable_transport = no   # not yet
  list = a, "b c"

[interfaces]
  # At home
  [[Home]]
    type = TCPClientInterface # remote
	target_host = example.org
    # end of home

  # On the road
  [[Road]]
    type = AutoInterface`

func TestEdit(t *testing.T) {
	tests := []struct {
		name string
		edit func(f *configobj.File) error
		old  string
		new  string
	}{
		{"change a value, keep its comment", func(f *configobj.File) error {
			return f.Set(f.Section("reticulum"), "enable_transport", configobj.Text("yes"))
		}, "enable_transport = no   # not yet", "enable_transport = yes   # not yet"},
		{"change to a text that needs quotes", func(f *configobj.File) error {
			return f.Set(f.Section("interfaces", "Home"), "type", configobj.Text("a#b"))
		}, "type = TCPClientInterface # remote", `type = "a#b" # remote`},
		{"change a list", func(f *configobj.File) error {
			return f.Set(f.Section("reticulum"), "list", configobj.List("x,y", "z"))
		}, `list = a, "b c"`, `list = "x,y", z`},
		{"list of one", func(f *configobj.File) error {
			return f.Set(f.Section("reticulum"), "list", configobj.List("x"))
		}, `list = a, "b c"`, `list = x,`},
		{"add a key after the last", func(f *configobj.File) error {
			return f.Set(f.Section("interfaces", "Home"), "target_port", configobj.Text("4242"))
		}, "\ttarget_host = example.org\n", "\ttarget_host = example.org\n\ttarget_port = 4242\n"},
		{"add a key to the last line", func(f *configobj.File) error {
			return f.Set(f.Section("interfaces", "Road"), "enabled", configobj.Text("yes"))
		}, "    type = AutoInterface", "    type = AutoInterface\n    enabled = yes\n"},
		{"delete a key", func(f *configobj.File) error {
			f.Section("interfaces", "Home").Delete("target_host")
			return nil
		}, "\ttarget_host = example.org\n", ""},
		{"add a section", func(f *configobj.File) error {
			s, err := f.AddSection(f.Section("interfaces"), "New [one]")
			if err != nil {
				return err
			}
			return f.Set(s, "type", configobj.Text("UDPInterface"))
		}, "    type = AutoInterface", "    type = AutoInterface\n\n  [[\"New [one]\"]]\n    type = UDPInterface\n"},
		{"remove a section, keep the next one's comment", func(f *configobj.File) error {
			f.Section("interfaces").RemoveSection("Home")
			return nil
		}, `  [[Home]]
    type = TCPClientInterface # remote
	target_host = example.org
    # end of home

  # On`, "  # On"},
		{"rename a section", func(f *configobj.File) error {
			return f.RenameSection(f.Section("interfaces", "Home"), "A, B")
		}, "  [[Home]]\n", "  [[A, B]]\n"},
		{"rename to a name that needs quotes", func(f *configobj.File) error {
			return f.RenameSection(f.Section("interfaces", "Road"), "a]#")
		}, "[[Road]]", `[["a]#"]]`},
		{"rename to the same name is refused by those who ask", func(f *configobj.File) error {
			if err := f.RenameSection(f.Section("interfaces", "Road"), "Home"); !errors.Is(err, configobj.ErrSectionExists) {
				return fmt.Errorf("renamed to an existing name: %w", err)
			}
			if err := f.RenameSection(f.Root(), "x"); !errors.Is(err, configobj.ErrSectionExists) {
				return fmt.Errorf("renamed the file: %w", err)
			}
			if err := f.RenameSection(f.Section("interfaces", "Road"), "a\nb"); !errors.Is(err, configobj.ErrUnwritable) {
				return fmt.Errorf("renamed to two lines: %w", err)
			}
			return nil
		}, "", ""},
		{"remove the last section", func(f *configobj.File) error {
			f.Section("interfaces").RemoveSection("Road")
			return nil
		}, "  [[Road]]\n    type = AutoInterface", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(sample, tt.old) {
				t.Fatal("the sample does not contain what is to change")
			}
			f, err := configobj.Parse([]byte(sample))
			if err != nil {
				t.Fatal(err)
			}
			if err := tt.edit(f); err != nil {
				t.Fatal(err)
			}
			want := strings.Replace(sample, tt.old, tt.new, 1)
			if diff := cmp.Diff(want, string(f.Bytes())); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			again, err := configobj.Parse(f.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tree(t, again.Root()), tree(t, f.Root())); diff != "" {
				t.Errorf("the edited file reads differently (-parsed +edited):\n%s", diff)
			}
		})
	}
}

func TestEditRefuses(t *testing.T) {
	f, err := configobj.Parse([]byte(sample))
	if err != nil {
		t.Fatal(err)
	}
	home := f.Section("interfaces", "Home")
	for _, text := range []string{"%(x)s", "a\rb", "'''\n" + `"""`} {
		if err := f.Set(home, "type", configobj.Text(text)); !errors.Is(err, configobj.ErrUnwritable) {
			t.Errorf("value %q: %v", text, err)
		}
	}
	if err := f.Set(home, "k", configobj.List("a\nb")); !errors.Is(err, configobj.ErrUnwritable) {
		t.Errorf("list with a line end: %v", err)
	}
	for _, key := range []string{"", "a\nb"} {
		if err := f.Set(home, key, configobj.Text("x")); !errors.Is(err, configobj.ErrUnwritable) {
			t.Errorf("key %q: %v", key, err)
		}
	}
	if _, err := f.AddSection(f.Section("interfaces"), "Home"); !errors.Is(err, configobj.ErrSectionExists) {
		t.Errorf("a section twice: %v", err)
	}
	if _, err := f.AddSection(f.Section("interfaces"), " "); !errors.Is(err, configobj.ErrUnwritable) {
		t.Errorf("a blank name: %v", err)
	}
	if got := string(f.Bytes()); got != sample {
		t.Errorf("refused edits changed the file:\n%s", got)
	}
}

// A key and a value that together look like a section header are written so that
// they do not.
func TestKeyLikeAHeader(t *testing.T) {
	var f configobj.File
	if err := f.Set(f.Root(), "[", configobj.Text("]")); err != nil {
		t.Fatal(err)
	}
	again, err := configobj.Parse(f.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := again.Root().Get("["); err != nil || v.String() != "]" {
		t.Errorf("read %q, %v from %s", v, err, f.Bytes())
	}
}

func TestEditEmptyFile(t *testing.T) {
	f, err := configobj.Parse(nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"reticulum", "interfaces"} {
		s, err := f.AddSection(f.Root(), name)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Set(s, "k", configobj.Text("v")); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.Set(f.Root(), "top", configobj.Text("t")); err != nil {
		t.Fatal(err)
	}
	if got, want := string(f.Bytes()), "top = t\n[reticulum]\n  k = v\n\n[interfaces]\n  k = v\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What is set is what is read, now and after writing and reading the file; all
// other lines stay.
func TestSetRoundTrip(t *testing.T) {
	text := rapid.StringOfN(rapid.SampledFrom([]rune("ab ,#'\"=[]%()s\n\\ä")), 0, 12, -1)
	rapid.Check(t, func(t *rapid.T) {
		f, err := configobj.Parse([]byte(sample))
		if err != nil {
			t.Fatal(err)
		}
		key := rapid.OneOf(text, rapid.Just("type")).Draw(t, "key")
		v := rapid.OneOf(rapid.Map(text, configobj.Text),
			rapid.Map(rapid.SliceOfN(text, 0, 3), func(s []string) configobj.Value { return configobj.List(s...) })).Draw(t, "value")
		home := f.Section("interfaces", "Home")
		before := f.Bytes()
		if err := f.Set(home, key, v); err != nil {
			if !bytes.Equal(before, f.Bytes()) {
				t.Fatal("a refused edit changed the file")
			}
			return
		}
		again, err := configobj.Parse(f.Bytes())
		if err != nil {
			t.Fatalf("%v\n%s", err, f.Bytes())
		}
		if got, _ := again.Section("interfaces", "Home").Raw(key); !got.Equal(v) {
			t.Fatalf("set %q, read %q from\n%s", v, got, f.Bytes())
		}
		if got, want := again.Section("interfaces").Sections(), 2; len(got) != want || len(again.Section("reticulum").Keys()) != 2 {
			t.Fatalf("other parts changed:\n%s", f.Bytes())
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{sample, "a = '''b\nc''' # d\r\n[x]\r[[y]]\nk = %(a)s, \"q\"", "\ufeff[s]\na=,", "[[", "'k' = \"v"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := configobj.Parse(text)
		if err != nil {
			return
		}
		if got := file.Bytes(); !bytes.Equal(got, text) {
			t.Fatalf("%q written back as %q", text, got)
		}
		if _, err := file.AddSection(file.Root(), "added by the test"); err != nil && !errors.Is(err, configobj.ErrSectionExists) {
			t.Fatal(err)
		}
		if err := file.Set(file.Root(), "set by the test", configobj.Text("x")); err != nil && !errors.Is(err, configobj.ErrDuplicate) {
			t.Fatal(err)
		}
		if _, err := configobj.Parse(file.Bytes()); err != nil {
			t.Fatalf("after edits: %v\n%q", err, file.Bytes())
		}
	})
}
