// Package keyfile reads and writes the private keys of identities: the 64 raw
// bytes every Reticulum program uses, and the texts people paste.
package keyfile

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"meshchatx/rns"
)

// MaxSize bounds what is read as a key, in bytes.
const MaxSize = 4096

const keySize = 64

// ErrKey means that the bytes are no identity's key in any known form.
var ErrKey = errors.New("not an identity key: expected 64 bytes, or their base64, base32 or hexadecimal text")

// Parse reads a key: 64 raw bytes, or text in hexadecimal, base32 or base64,
// with or without padding and line breaks.
func Parse(b []byte) (*rns.Identity, error) {
	if len(b) == keySize {
		return parse(b)
	}
	if len(b) > MaxSize {
		return nil, ErrKey
	}
	text := strings.Join(strings.Fields(string(b)), "")
	text = strings.TrimRight(text, "=")
	if len(text) == 2*keySize {
		if raw, err := hex.DecodeString(text); err == nil {
			return parse(raw)
		}
	}
	encodings := []interface {
		DecodeString(string) ([]byte, error)
	}{
		base32.StdEncoding.WithPadding(base32.NoPadding), base64.RawStdEncoding, base64.RawURLEncoding,
	}
	for i, e := range encodings {
		in := text
		if i == 0 {
			in = strings.ToUpper(text)
		}
		if raw, err := e.DecodeString(in); err == nil && len(raw) == keySize {
			return parse(raw)
		}
	}
	return nil, ErrKey
}

func parse(raw []byte) (*rns.Identity, error) {
	id, err := rns.ParseIdentity(raw)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return id, nil
}

// Read reads a key from a file.
func Read(name string) (*rns.Identity, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(f, MaxSize+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return Parse(b)
}

// Create writes a key as raw bytes to a file that must not exist, readable by
// its owner only. When it returns nil the key is on the disk.
func Create(name string, id *rns.Identity) (err error) {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(name))
		}
	}()
	_, err = io.Copy(f, bytes.NewReader(id.Bytes()))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	_ = dir.Sync() // some systems cannot sync a directory
	return dir.Close()
}
