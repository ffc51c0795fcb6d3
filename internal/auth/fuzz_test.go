package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// FuzzStartToken offers tokens that were not made here, and secret files that others wrote.
func FuzzStartToken(f *testing.F) {
	secret := Secret{key: bytes.Repeat([]byte{7}, secretSize)}
	now := time.Unix(1_780_000_000, 0)
	good, err := secret.StartToken(bytes.NewReader(make([]byte, nonceSize)), now)
	if err != nil {
		f.Fatal(err)
	}
	dir := f.TempDir()
	f.Add(good)
	f.Add(strings.Repeat("A", len(good)))
	f.Add(good + "=")
	f.Fuzz(func(t *testing.T, token string) {
		_, _, err := secret.check(token, now)
		if err == nil && strings.NewReplacer("\r", "", "\n", "").Replace(token) != good {
			t.Fatalf("accepted %q", token)
		}
		if _, _, err := (Secret{}).check(token, now); err == nil {
			t.Fatal("accepted without a secret")
		}
		name := filepath.Join(dir, SecretFile)
		if err := os.WriteFile(name, []byte(token), 0o600); err != nil {
			t.Fatal(err)
		}
		if key, err := readSecret(name); err == nil && len(key) != secretSize {
			t.Fatalf("secret of %d bytes", len(key))
		}
	})
}
