package rns_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"testing"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

const core = "rns-core.json"

type hexs = vectortest.Hex

// equal compares byte strings and keeps nil and empty apart.
func equal(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if (got == nil) != (want == nil) || !bytes.Equal(got, want) {
		t.Errorf("%s:\n got %x (nil %t)\nwant %x (nil %t)", what, got, got == nil, want, want == nil)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// spec: rns-core §2.1
func TestVectorHashes(t *testing.T) {
	type vector struct {
		Data      hexs `json:"data"`
		Full      hexs `json:"full_hash"`
		Truncated hexs `json:"truncated_hash"`
	}
	vectortest.Each(t, core, "hashes", func(t *testing.T, v vector) {
		full, short := rns.FullHash(v.Data), rns.TruncatedHash(v.Data)
		equal(t, "full", full[:], v.Full)
		equal(t, "truncated", short[:], v.Truncated)
		half := len(v.Data) / 2
		parts := rns.FullHash(v.Data[:half], v.Data[half:])
		equal(t, "full, in parts", parts[:], v.Full)
	})
}

// spec: rns-core §2.2
func TestVectorHMAC(t *testing.T) {
	type vector struct{ Key, Data, Digest hexs }
	vectortest.Each(t, core, "hmac_sha256", func(t *testing.T, v vector) {
		m := hmac.New(sha256.New, v.Key)
		m.Write(v.Data)
		equal(t, "digest", m.Sum(nil), v.Digest)
	})
}

// spec: rns-core §2.3
func TestVectorHKDF(t *testing.T) {
	type vector struct {
		Length                     int
		IKM, Salt, Context, Output hexs
		First32                    hexs `json:"output_first32"`
		Last32                     hexs `json:"output_last32"`
		SHA256                     hexs `json:"output_sha256"`
	}
	vectortest.Each(t, core, "hkdf", func(t *testing.T, v vector) {
		out, err := rns.HKDF(v.Length, v.IKM, v.Salt, v.Context)
		check(t, err)
		if v.Output != nil {
			equal(t, "output", out, v.Output)
		} else {
			equal(t, "first", out[:32], v.First32)
			equal(t, "last", out[len(out)-32:], v.Last32)
		}
		sum := sha256.Sum256(out)
		equal(t, "digest", sum[:], v.SHA256)
	})
}

func TestHKDFRefusesBadInput(t *testing.T) {
	for _, c := range []struct {
		name   string
		length int
		ikm    []byte
	}{{"no length", 0, []byte{1}}, {"negative length", -1, []byte{1}}, {"no secret", 32, nil}} {
		if _, err := rns.HKDF(c.length, c.ikm, nil, nil); !errors.Is(err, rns.ErrBadKDFInput) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	// RFC 5869 A.3 has no empty secret; this is HMAC-SHA-256 by hand.
	prk := hmac.New(sha256.New, make([]byte, 32)).Sum(nil)
	m := hmac.New(sha256.New, prk)
	m.Write([]byte{1})
	if out, err := rns.HKDF(32, []byte{}, nil, nil); err != nil || !bytes.Equal(out, m.Sum(nil)) {
		t.Errorf("empty secret: %x, %v", out, err)
	}
}

// spec: rns-core §2.7
func TestVectorPKCS7(t *testing.T) {
	type vector struct {
		Op, Name     string
		Data, Result hexs
		Accepted     bool
	}
	key := bytes.Repeat([]byte{7}, 64)
	vectortest.Each(t, core, "pkcs7", func(t *testing.T, v vector) {
		if v.Op == "unpad" {
			got, err := rns.Unpad(v.Data)
			if (err == nil) != v.Accepted {
				t.Fatalf("error %v, accepted %t", err, v.Accepted)
			}
			equal(t, "unpadded", got, v.Result)
			return
		}
		token, err := rns.NewToken(key)
		check(t, err)
		out, err := token.Encrypt(zeros{}, nil, v.Data)
		check(t, err)
		padded, err := rns.DecryptCBC(key[32:], out[:16], out[16:len(out)-32])
		check(t, err)
		equal(t, "padded", padded, v.Result)
	})
}

// spec: rns-core §2.6
func TestVectorAESCBC(t *testing.T) {
	type vector struct {
		Bits                       int
		Key, IV, Plaintext, Cipher hexs
		Ciphertext                 hexs
	}
	vectortest.Each(t, core, "aes_cbc", func(t *testing.T, v vector) {
		if len(v.Key)*8 != v.Bits {
			t.Fatalf("key of %d bytes", len(v.Key))
		}
		out, err := rns.EncryptCBC(v.Key, v.IV, v.Plaintext)
		check(t, err)
		equal(t, "ciphertext", out, v.Ciphertext)
		back, err := rns.DecryptCBC(v.Key, v.IV, out)
		check(t, err)
		equal(t, "plaintext", back, v.Plaintext)
	})
}

// spec: rns-core §2.8
func TestVectorTokens(t *testing.T) {
	type vector struct {
		Key, IV, Plaintext, Token hexs
		Valid                     bool
	}
	vectortest.Each(t, core, "tokens", func(t *testing.T, v vector) {
		token, err := rns.NewToken(v.Key)
		check(t, err)
		got, err := token.Decrypt(nil, v.Token)
		if (err == nil) != v.Valid {
			t.Fatalf("error %v, valid %t", err, v.Valid)
		}
		if !bytes.Equal(got, v.Plaintext) {
			t.Errorf("plaintext %x, want %x", got, v.Plaintext)
		}
		if v.IV == nil {
			return
		}
		out, err := token.Encrypt(bytes.NewReader(v.IV), []byte("before"), v.Plaintext)
		check(t, err)
		equal(t, "token", out, append([]byte("before"), v.Token...))
		if rns.TokenSize(len(v.Plaintext)) != len(v.Token) {
			t.Errorf("TokenSize(%d) = %d, want %d", len(v.Plaintext), rns.TokenSize(len(v.Plaintext)), len(v.Token))
		}
	})
}

// spec: rns-core §2.4
func TestVectorX25519(t *testing.T) {
	type vector struct {
		PrivateA hexs `json:"private_a"`
		PrivateB hexs `json:"private_b"`
		PublicA  hexs `json:"public_a"`
		PublicB  hexs `json:"public_b"`
		Shared   hexs `json:"shared"`
	}
	vectortest.Each(t, core, "x25519", func(t *testing.T, v vector) {
		public, shared, err := rns.Agree(v.PrivateA, v.PrivateB)
		check(t, err)
		equal(t, "public a", public, v.PublicA)
		equal(t, "shared", shared, v.Shared)
		public, shared, err = rns.Agree(v.PrivateB, v.PrivateA)
		check(t, err)
		equal(t, "public b", public, v.PublicB)
		equal(t, "shared, other side", shared, v.Shared)
	})
}
