package i2p

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// The alphabets of I2P. spec: rns-interfaces §14
var (
	base64I2P = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-~")
	base32I2P = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)
)

// Sizes of a destination in bytes: keys, then a certificate of a type and a length.
const (
	certificateLength = 385
	minDestination    = 387
	maxKeyFile        = 8192
)

var (
	// ErrKey means that a private key is damaged.
	ErrKey = errors.New("not a private key of I2P")
	// ErrPeer means that an address is none.
	ErrPeer = errors.New("not an I2P address")
)

// Address returns the name under which the owner of a private key, in base 64, is reached: 52 characters and ".b32.i2p".
func Address(private string) (string, error) {
	b, err := decode(private)
	if err != nil || len(b) < minDestination {
		return "", ErrKey
	}
	end := minDestination + int(binary.BigEndian.Uint16(b[certificateLength:]))
	if len(b) <= end {
		return "", ErrKey
	}
	return addressOf(b[:end]), nil
}

// decode reads base 64. Line ends, which the decoder skips, would end a command.
func decode(text string) ([]byte, error) {
	if strings.ContainsAny(text, "\r\n") {
		return nil, ErrKey
	}
	return base64I2P.DecodeString(text)
}

func addressOf(destination []byte) string {
	h := sha256.Sum256(destination)
	return base32I2P.EncodeToString(h[:]) + ".b32.i2p"
}

// CheckPeer reports what is neither a name that ends in .i2p nor a destination in base 64.
func CheckPeer(peer string) error {
	if name, ok := strings.CutSuffix(peer, ".i2p"); ok && name != "" && len(peer) <= 253 {
		for _, c := range []byte(name) {
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '.' {
				return ErrPeer
			}
		}
		return nil
	}
	b, err := decode(peer)
	if err != nil || len(b) < minDestination || len(b) > maxKeyFile {
		return ErrPeer
	}
	return nil
}

// KeyFile is where the key of an interface is kept below the storage directory of Reticulum. The name depends on the
// interface and on the hash of the transport identity; a file with the older name, which does not, wins.
// spec: rns-interfaces §14
func KeyFile(storage, name string, identity [16]byte) string {
	of := func(parts ...[]byte) string {
		var all []byte
		for _, p := range parts {
			h := sha256.Sum256(p)
			all = append(all, h[:]...)
		}
		h := sha256.Sum256(all)
		return filepath.Join(storage, "i2p", hex.EncodeToString(h[:])+".i2p")
	}
	old := of([]byte(name))
	if st, err := os.Stat(old); err == nil && st.Mode().IsRegular() {
		return old
	}
	return of([]byte(name), identity[:])
}

// loadKey reads a key file. A missing one is fs.ErrNotExist; a damaged one is never replaced.
func loadKey(name string) (string, error) {
	st, err := os.Stat(name)
	if err != nil {
		return "", err
	}
	if st.Size() > maxKeyFile {
		return "", fmt.Errorf("%s: %w", name, ErrKey)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	key := strings.TrimSpace(string(b))
	if _, err := Address(key); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return key, nil
}

// saveKey writes a key file, whole or not at all.
func saveKey(name, key string) (err error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".key-*") // readable by its owner only
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, err = f.WriteString(key)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
