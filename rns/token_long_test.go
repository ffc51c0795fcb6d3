package rns_test

import (
	"bytes"
	"crypto/rand"
	"errors"
	"sync"
	"testing"

	"meshchatx/rns"
)

// A token decrypts to the same in halves at the same time, also in place, and a forged one to nothing.
func TestTokenInHalves(t *testing.T) {
	key := make([]byte, 64)
	_, _ = rand.Read(key)
	token, err := rns.NewToken(key)
	if err != nil {
		t.Fatal(err)
	}
	both := func(a, b func()) {
		var w sync.WaitGroup
		w.Go(b)
		a()
		w.Wait()
	}
	for _, n := range []int{0, 15, 64<<10 - 17, 64<<10 - 16, 64 << 10, 64<<10 + 16, 200_001} {
		plain := make([]byte, n)
		_, _ = rand.Read(plain)
		sealed, err := token.EncryptBody(rand.Reader, nil, plain)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := token.Decrypt(nil, sealed); !errors.Is(err, rns.ErrTokenForged) {
			t.Errorf("%d bytes without authentication code: %v", n, err)
		}
		token.Authenticate(sealed)
		got, err := token.Decrypt(nil, sealed)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes: %v", n, err)
		}
		got, err = token.DecryptBoth(sealed[16:16], sealed, both)
		if err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%d bytes in halves: %v", n, err)
		}
	}
}
