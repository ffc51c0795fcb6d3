package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// SecretFile is the name of the file that holds the secret, in the storage directory.
const SecretFile = "start-token"

// StartTokenLife is how long a start token can be used.
const StartTokenLife = time.Hour

// Sizes of secrets and of the parts of a start token, in bytes.
const (
	secretSize = 32
	expirySize = 8
	nonceSize  = 16
	macSize    = 16
	tokenSize  = expirySize + nonceSize + macSize
)

// Secret makes and checks start tokens. It prints as "secret" and nothing else. The zero value
// makes tokens nobody accepts.
type Secret struct {
	_   [0]func() // not comparable
	key []byte
}

// String hides the secret.
func (Secret) String() string { return "secret" }

// GoString hides the secret.
func (Secret) GoString() string { return "auth.Secret" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("secret") }

// LoadSecret reads the secret of a storage directory and makes one if there is none. A file that
// others could read is replaced: it may be known to them.
func LoadSecret(dir string, rand io.Reader) (Secret, error) {
	path := filepath.Join(dir, SecretFile)
	key, err := readSecret(path)
	if err == nil {
		return Secret{key: key}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, errUnfit) {
		return Secret{}, fmt.Errorf("read start token: %w", err)
	}
	return NewSecret(dir, rand)
}

// ReadSecret reads the secret of a storage directory, as the command line does. Without one the
// error matches fs.ErrNotExist: the program has never run there.
func ReadSecret(dir string) (Secret, error) {
	key, err := readSecret(filepath.Join(dir, SecretFile))
	if err != nil {
		return Secret{}, fmt.Errorf("read start token: %w", err)
	}
	return Secret{key: key}, nil
}

// NewSecret replaces the secret of a storage directory: no start token made before is good then.
func NewSecret(dir string, rand io.Reader) (Secret, error) {
	key := make([]byte, secretSize)
	if _, err := io.ReadFull(rand, key); err != nil {
		return Secret{}, fmt.Errorf("make start token: %w", err)
	}
	if err := writeSecret(dir, key); err != nil {
		return Secret{}, fmt.Errorf("write start token: %w", err)
	}
	return Secret{key: key}, nil
}

// errUnfit: the file is not a secret that can be used.
var errUnfit = errors.New("start token file is damaged or readable by others")

func readSecret(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !private(info) {
		return nil, errUnfit
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	key, err := base64.RawURLEncoding.DecodeString(string(bytes.TrimSpace(text)))
	if err != nil || len(key) != secretSize {
		return nil, errUnfit
	}
	return key, nil
}

func writeSecret(dir string, key []byte) error {
	f, err := os.CreateTemp(dir, SecretFile+"-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.WriteString(base64.RawURLEncoding.EncodeToString(key) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), filepath.Join(dir, SecretFile))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// StartToken makes a token that is good once until it expires.
func (s Secret) StartToken(rand io.Reader, now time.Time) (string, error) {
	b := make([]byte, expirySize+nonceSize, tokenSize)
	binary.BigEndian.PutUint64(b, uint64(now.Add(StartTokenLife).Unix()))
	if _, err := io.ReadFull(rand, b[expirySize:]); err != nil {
		return "", fmt.Errorf("make start token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(append(b, s.mac(b)...)), nil
}

// check returns the nonce and the expiry of a token made from this secret.
func (s Secret) check(token string, now time.Time) (nonce []byte, expires time.Time, err error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != tokenSize || len(s.key) == 0 {
		return nil, time.Time{}, ErrTokenInvalid
	}
	signed := b[:expirySize+nonceSize]
	if !hmac.Equal(s.mac(signed), b[len(signed):]) {
		return nil, time.Time{}, ErrTokenInvalid
	}
	expires = time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	if !now.Before(expires) {
		return nil, time.Time{}, ErrTokenExpired
	}
	return signed[expirySize:], expires, nil
}

func (s Secret) mac(b []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write([]byte("meshchatx start token\x00"))
	h.Write(b)
	return h.Sum(nil)[:macSize]
}
