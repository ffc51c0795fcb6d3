package settings

import (
	"encoding/json"
	"testing"
)

// FuzzValue reads values as the API and as the database bring them, and offers them for every setting: whatever is
// accepted comes back the same.
func FuzzValue(f *testing.F) {
	for _, s := range []string{`true`, `"de"`, `12`, `1e3`, `-9223372036854775808`, `null`, `"\ud800"`, `[1]`, ``} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, k := range []Kind{Bool, Int, String, Enum} {
			if v, err := parse(k, string(b)); err == nil {
				if again, err := parse(k, v.Text()); err != nil || again != v {
					t.Fatalf("%v became %v, %v", v, again, err)
				}
			}
		}
		var v Value
		if err := json.Unmarshal(b, &v); err != nil || v == (Value{}) {
			return
		}
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var again Value
		if err := json.Unmarshal(text, &again); err != nil || again != v {
			t.Fatalf("%s became %s, %v", b, text, err)
		}
	})
}
