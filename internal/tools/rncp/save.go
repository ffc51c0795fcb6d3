package rncp

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"meshchatx/rns/msgpack"
)

// Existing says what happens to a file whose name is taken.
type Existing uint8

// The choices.
const (
	// KeepBoth adds .1, .2 and so on to the new name.
	KeepBoth Existing = iota
	// Replace replaces the file that was there.
	Replace
)

// Errors of received files.
var (
	// ErrName means that a file came without a usable name.
	ErrName = errors.New("file name is missing or not allowed")
	// ErrTooMany means that all names for a file are taken.
	ErrTooMany = errors.New("too many files of this name")
)

const (
	unfinishedPrefix = ".rncp-"
	unfinishedSuffix = ".part"
	// unfinishedAge is the age at which an unfinished file belongs to nobody any more: transfers over a slow radio are long.
	unfinishedAge = 7 * 24 * time.Hour
	maxName       = 240  // bytes; most file systems take 255, and a number may follow
	maxCopies     = 9999 // of one name
)

// folder is where received files go. Nothing can be written outside, whatever a name says.
type folder struct {
	root     *os.Root
	existing Existing
}

// openFolder opens the directory and removes what transfers of long ago have left behind.
func openFolder(dir string, existing Existing) (*folder, error) {
	if dir == "" {
		dir = "."
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	f := &folder{root: root, existing: existing}
	f.sweep()
	return f, nil
}

func (f *folder) close() error { return f.root.Close() }

// sweep removes unfinished files of long ago. The next start tries again what fails.
func (f *folder) sweep() {
	entries, _ := fs.ReadDir(f.root.FS(), ".")
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), unfinishedPrefix) || !strings.HasSuffix(e.Name(), unfinishedSuffix) {
			continue
		}
		if st, err := e.Info(); err == nil && st.Mode().IsRegular() && time.Since(st.ModTime()) > unfinishedAge {
			_ = f.root.Remove(e.Name())
		}
	}
}

// incoming is a file that is being received.
type incoming struct {
	folder *folder
	name   string // unfinished
	file   *os.File
}

func (f *folder) begin() (*incoming, error) {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return nil, err
	}
	name := unfinishedPrefix + hex.EncodeToString(b[:]) + unfinishedSuffix
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return &incoming{folder: f, name: name, file: file}, nil
}

// Write implements io.Writer.
func (in *incoming) Write(b []byte) (int, error) { return in.file.Write(b) }

// discard forgets the file.
func (in *incoming) discard() {
	_ = in.file.Close()
	_ = in.folder.root.Remove(in.name)
}

// finish gives the file its name, which it returns. When it returns nil the file is on the disk.
func (in *incoming) finish(metadata msgpack.Value) (name string, err error) {
	defer func() {
		if err != nil {
			in.discard()
		}
	}()
	want, err := nameOf(metadata)
	if err != nil {
		return "", err
	}
	if err := in.file.Sync(); err != nil {
		return "", err
	}
	if err := in.file.Close(); err != nil {
		return "", err
	}
	name, err = in.settle(want)
	if err != nil {
		return "", err
	}
	if dir, err := in.folder.root.Open("."); err == nil {
		_ = dir.Sync() // some systems cannot sync a directory
		_ = dir.Close()
	}
	return name, nil
}

// settle renames the file to a name that is free, or takes that of a file to be replaced.
func (in *incoming) settle(want string) (string, error) {
	root := in.folder.root
	if in.folder.existing == Replace {
		if st, err := root.Lstat(want); errors.Is(err, fs.ErrNotExist) || err == nil && !st.IsDir() {
			return want, root.Rename(in.name, want)
		}
	}
	for n := range maxCopies {
		name := want
		if n > 0 {
			name += "." + strconv.Itoa(n)
		}
		err := root.Link(in.name, name)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err == nil {
			return name, root.Remove(in.name)
		}
		// Not every file system has links: reserve the name instead.
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		return name, errors.Join(f.Close(), root.Rename(in.name, name))
	}
	return "", fmt.Errorf("%w: %q", ErrTooMany, want)
}

// metadataKey is the one entry of the metadata of a file. spec: rns-link §13.2
const metadataKey = "name"

// metadataOf is what travels with a file.
func metadataOf(name string) msgpack.Value {
	return msgpack.Map(msgpack.Pair{Key: msgpack.Str(metadataKey), Value: msgpack.Bin([]byte(name))})
}

// nameOf reads the name of a file and refuses what could lead out of a directory, or hide. spec: rns-link §13.2
func nameOf(metadata msgpack.Value) (string, error) {
	m, ok := metadata.Map()
	if !ok {
		return "", fmt.Errorf("%w: no metadata", ErrName)
	}
	v, _ := m.Text(metadataKey)
	b, ok := v.BytesOrText()
	if !ok {
		return "", fmt.Errorf("%w: no name", ErrName)
	}
	name := string(b)
	switch {
	case !utf8.Valid(b), name == "", name == ".", name == "..", len(name) > maxName, strings.ContainsAny(name, "/\\\x00"),
		strings.HasPrefix(name, unfinishedPrefix), !localName(name):
		return "", fmt.Errorf("%w: %.80q", ErrName, name)
	}
	return name, nil
}
