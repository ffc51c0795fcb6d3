package keyfile

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"meshchatx/rns"
)

func identity(tb testing.TB) *rns.Identity {
	tb.Helper()
	id, err := rns.NewIdentity(bytes.NewReader(bytes.Repeat([]byte{7}, 256)))
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

func TestParseForms(t *testing.T) {
	id := identity(t)
	raw := id.Bytes()
	b64 := base64.StdEncoding.EncodeToString(raw)
	forms := map[string]string{
		"raw":                    string(raw),
		"hex":                    hex.EncodeToString(raw),
		"hex, upper case":        strings.ToUpper(hex.EncodeToString(raw)),
		"base64":                 b64,
		"base64 without padding": strings.TrimRight(b64, "="),
		"base64 for addresses":   base64.URLEncoding.EncodeToString(raw),
		"base64 over two lines":  b64[:40] + "\n" + b64[40:] + "\r\n",
		"base32":                 base32.StdEncoding.EncodeToString(raw),
		"base32, lower case":     strings.ToLower(base32.StdEncoding.EncodeToString(raw)),
	}
	for name, text := range forms {
		got, err := Parse([]byte(text))
		if err != nil || got.Hash() != id.Hash() {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, bad := range []string{"", "hello", strings.Repeat("a", 63), strings.Repeat("A", 5000), b64[:80]} {
		if _, err := Parse([]byte(bad)); !errors.Is(err, ErrKey) {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	id, name := identity(t), filepath.Join(t.TempDir(), "identity")
	if err := Create(name, id); err != nil {
		t.Fatal(err)
	}
	if err := Create(name, id); !errors.Is(err, fs.ErrExist) {
		t.Fatalf("second time: %v", err)
	}
	st, err := os.Stat(name)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", st.Mode(), err)
	}
	got, err := Read(name)
	if err != nil || got.Hash() != id.Hash() {
		t.Fatal(err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(hex.EncodeToString(identity(f).Bytes())))
	f.Fuzz(func(t *testing.T, b []byte) {
		if id, err := Parse(b); err == nil && len(id.Bytes()) != keySize {
			t.Fatal("key of wrong size")
		}
	})
}
