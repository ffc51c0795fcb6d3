package settings

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// memory is a Backend.
type memory struct {
	m   map[string]string
	err error
}

func (b *memory) Load(context.Context) (map[string]string, error) { return maps.Clone(b.m), b.err }

func (b *memory) Save(_ context.Context, set map[string]string, unset []string) error {
	if b.err != nil {
		return b.err
	}
	maps.Copy(b.m, set)
	for _, k := range unset {
		delete(b.m, k)
	}
	return nil
}

func open(t *testing.T, scope Scope, stored map[string]string) (*Set, *memory) {
	t.Helper()
	if stored == nil {
		stored = map[string]string{}
	}
	b := &memory{m: stored}
	s, err := Open(t.Context(), scope, b)
	if err != nil {
		t.Fatal(err)
	}
	return s, b
}

func TestTablesAreSound(t *testing.T) {
	for _, scope := range []Scope{Server, Identity} {
		seen := make(map[Key]bool)
		for _, d := range Table(scope) {
			if seen[d.Key] || d.Key == "" {
				t.Errorf("key %q is declared twice or empty", d.Key)
			}
			seen[d.Key] = true
			if v, err := d.check(d.Default); err != nil || v != d.Default {
				t.Errorf("%s: default %v is not valid: %v", d.Key, d.Default, err)
			}
			if d.Scope != scope || d.Doc == "" || d.Category == "" {
				t.Errorf("%s: incomplete declaration %+v", d.Key, d)
			}
			if (d.Kind == Enum) != (len(d.Choices) > 0) {
				t.Errorf("%s: kind %v with choices %v", d.Key, d.Kind, d.Choices)
			}
		}
	}
}

func TestChangeChecksTypeAndBounds(t *testing.T) {
	for name, c := range map[string]struct {
		key   Key
		value Value
		want  error
		text  string
	}{
		"name":                {KeyDisplayName, StringValue("  Mira "), nil, "Mira"},
		"name of 64":          {KeyDisplayName, StringValue(strings.Repeat("é", 64)), nil, strings.Repeat("é", 64)},
		"name of 65":          {KeyDisplayName, StringValue(strings.Repeat("é", 65)), ErrBounds, ""},
		"name with newline":   {KeyDisplayName, StringValue("a\nb"), ErrText, ""},
		"name turning text":   {KeyDisplayName, StringValue("a\u202eb"), ErrText, ""},
		"name not UTF-8":      {KeyDisplayName, StringValue("a\xff"), ErrText, ""},
		"name as number":      {KeyDisplayName, IntValue(3), ErrKind, ""},
		"limit":               {KeyDeliveryLimit, IntValue(1_000_000_000), nil, "1000000000"},
		"limit over a GB":     {KeyDeliveryLimit, IntValue(1_000_000_001), ErrBounds, ""},
		"limit as text":       {KeyDeliveryLimit, StringValue("5"), ErrKind, ""},
		"negative interval":   {KeyAnnounceInterval, IntValue(-1), ErrBounds, ""},
		"tickets":             {KeyIncludeTickets, StringValue(TicketsNever), nil, "never"},
		"tickets to no one":   {KeyIncludeTickets, StringValue("friends"), ErrChoice, ""},
		"unknown":             {"colour", StringValue("red"), ErrUnknown, ""},
		"setting of a server": {KeySessionDays, IntValue(3), ErrUnknown, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s, b := open(t, Identity, nil)
			err := s.Change(t.Context(), Changes{c.key: c.value})
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			var ke *KeyError
			if err != nil && (!errors.As(err, &ke) || ke.Key != c.key) {
				t.Errorf("error %v does not name the key", err)
			}
			if got := b.m[string(c.key)]; got != c.text {
				t.Errorf("stored %q, want %q", got, c.text)
			}
		})
	}
}

func TestChangeIsAllOrNothing(t *testing.T) {
	s, b := open(t, Identity, nil)
	both := Changes{KeyStampCost: IntValue(8), KeyTheme: StringValue("pink")}
	if err := s.Change(t.Context(), both); !errors.Is(err, ErrChoice) {
		t.Fatalf("got %v", err)
	}
	veto := errors.New("not now")
	s.Verify(func(v Values) error {
		if v.Get(KeyEnforceStamps).Bool() && v.Get(KeyStampCost).Int() == 0 {
			return veto
		}
		return nil
	})
	told := 0
	s.Subscribe(func(old, now Values) { told++ })
	if err := s.Change(t.Context(), Changes{KeyEnforceStamps: BoolValue(true)}); !errors.Is(err, veto) {
		t.Errorf("vetoed change: %v", err)
	}
	b.err = errors.New("disk full")
	if err := s.Change(t.Context(), Changes{KeyStampCost: IntValue(8)}); !errors.Is(err, b.err) {
		t.Errorf("change that cannot be stored: %v", err)
	}
	if s.Int(KeyStampCost) != 0 || s.Bool(KeyEnforceStamps) || len(b.m) != 0 || told != 0 {
		t.Errorf("a refused change left %v, stored %v, told %d", s.Values().m, b.m, told)
	}
}

func TestSubscribersSeeOldAndNew(t *testing.T) {
	s, b := open(t, Identity, map[string]string{"stamp_cost": "4"})
	var seen [][2]int64
	s.Subscribe(func(old, now Values) {
		seen = append(seen, [2]int64{old.Get(KeyStampCost).Int(), now.Get(KeyStampCost).Int()})
	})
	for _, v := range []Value{IntValue(9), IntValue(9), {}} {
		if err := s.Change(t.Context(), Changes{KeyStampCost: v}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([][2]int64{{4, 9}, {9, 0}}, seen); diff != "" {
		t.Error(diff)
	}
	if len(b.m) != 0 || s.Values().Modified(KeyStampCost) {
		t.Errorf("a reset setting is still stored: %v", b.m)
	}
}

func TestStoredNonsenseReadsAsDefault(t *testing.T) {
	s, b := open(t, Identity, map[string]string{"stamp_cost": "999", "theme": "pink", "enforce_stamps": "perhaps", "from_the_future": "1"})
	if s.Int(KeyStampCost) != 0 || s.Text(KeyTheme) != "system" || s.Bool(KeyEnforceStamps) {
		t.Errorf("got %v", s.Values().m)
	}
	if err := s.Change(t.Context(), Changes{KeyStampCost: IntValue(3)}); err != nil {
		t.Fatal(err)
	}
	if b.m["from_the_future"] != "1" {
		t.Error("a setting of a newer version was thrown away")
	}
}

func TestOnlyTheProgramKeepsItsState(t *testing.T) {
	s, _ := open(t, Server, nil)
	c := Changes{KeyInstanceID: StringValue("a1b2")}
	if err := s.Change(t.Context(), c); !errors.Is(err, ErrReadOnly) {
		t.Errorf("change by people: %v", err)
	}
	if err := s.Keep(t.Context(), c); err != nil || s.Text(KeyInstanceID) != "a1b2" {
		t.Errorf("change by the program: %v", err)
	}
}

func TestValuesInJSON(t *testing.T) {
	for text, want := range map[string]Value{`true`: BoolValue(true), `-12`: IntValue(-12), `"a\"b"`: StringValue(`a"b`)} {
		var v Value
		if err := json.Unmarshal([]byte(text), &v); err != nil || v != want {
			t.Errorf("%s read as %v, %v", text, v, err)
		}
		if b, err := json.Marshal(want); err != nil || string(b) != text {
			t.Errorf("%v written as %s, %v", want, b, err)
		}
	}
	for _, text := range []string{`1.5`, `{}`, `[]`, `1e3`, `99999999999999999999`} {
		var v Value
		if err := json.Unmarshal([]byte(text), &v); err == nil {
			t.Errorf("%s read as %v", text, v)
		}
	}
}
