// Package vectortest gives tests the golden vectors of spec/vectors.
//
// A test that runs vectors is named TestVector…, and runs each of them through
// [Run] or [Each]:
//
//	func TestVectorHashes(t *testing.T) {
//		type vector struct {
//			Data vectortest.Hex `json:"data"`
//			Full vectortest.Hex `json:"full_hash"`
//		}
//		vectortest.Each(t, "rns-core.json", "hashes", func(t *testing.T, v vector) {
//			…
//		})
//	}
//
// The subtests are named vector/<file>/<group>/<id or number>, from which
// `go run ./tools/vectorcount` counts what passed.
//
// The groups of rns-link.json, which is a flat list, are its kinds.
package vectortest

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// SubtestPrefix begins the name of every subtest that runs a vector.
const SubtestPrefix = "vector"

// File is one vector file. Read-only after [Load]; safe for concurrent use.
type File struct {
	// Name is the file name without directory and extension, as "rns-core".
	Name string

	order  []string
	groups map[string][]json.RawMessage
	top    map[string]json.RawMessage
}

// loaded keeps parsed files for the life of the test binary, because every
// test of a package asks for the same one or two.
var loaded sync.Map

// Load returns a file of spec/vectors, such as "rns-core.json". It finds the
// module root by walking up from the working directory.
func Load(tb testing.TB, name string) *File {
	tb.Helper()
	if f, ok := loaded.Load(name); ok {
		return f.(*File)
	}
	root, err := ModuleRoot()
	if err != nil {
		tb.Fatal(err)
	}
	f, err := Read(filepath.Join(root, "spec", "vectors", name))
	if err != nil {
		tb.Fatal(err)
	}
	loaded.Store(name, f)
	return f
}

// ModuleRoot returns the nearest directory at or above the working directory
// that holds a go.mod.
func ModuleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("no go.mod at or above the working directory")
		}
		dir = parent
	}
}

// Read parses the vector file at path. Tests use [Load].
func Read(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	f := &File{
		Name:   strings.TrimSuffix(filepath.Base(path), ".json"),
		groups: make(map[string][]json.RawMessage),
	}
	if err := json.Unmarshal(raw, &f.top); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := f.collect(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	f.order = append(f.order, slices.Sorted(maps.Keys(f.groups))...)
	return f, nil
}

// collect finds the groups in each of the three envelopes in use: arrays at
// the top, arrays below "groups", or one flat list whose members name a kind.
func (f *File) collect() error {
	if flat, ok := f.top["vectors"]; ok {
		var list []json.RawMessage
		if err := json.Unmarshal(flat, &list); err != nil {
			return err
		}
		for _, v := range list {
			var head struct{ Kind string }
			if err := json.Unmarshal(v, &head); err != nil {
				return err
			}
			f.groups[head.Kind] = append(f.groups[head.Kind], v)
		}
		return nil
	}
	arrays := f.top
	var nested map[string]json.RawMessage
	if json.Unmarshal(f.top["groups"], &nested) == nil && hasArray(nested) {
		arrays = nested
	}
	for name, v := range arrays {
		var list []json.RawMessage
		if isArray(v) && json.Unmarshal(v, &list) == nil {
			f.groups[name] = list
		}
	}
	return nil
}

func isArray(v json.RawMessage) bool { return bytes.HasPrefix(bytes.TrimSpace(v), []byte("[")) }

func hasArray(m map[string]json.RawMessage) bool {
	for _, v := range m {
		if isArray(v) {
			return true
		}
	}
	return false
}

// Groups lists the names of all groups, sorted.
func (f *File) Groups() []string { return f.order }

// Len is the number of vectors in a group, 0 for an unknown one.
func (f *File) Len(group string) int { return len(f.groups[group]) }

// Raw returns the JSON of one vector.
func (f *File) Raw(group string, n int) json.RawMessage { return f.groups[group][n] }

// ID returns the id of vector n, or its number where the group has no ids.
func (f *File) ID(group string, n int) string {
	var head struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(f.groups[group][n], &head); err == nil && head.ID != "" {
		return head.ID
	}
	return strconv.Itoa(n)
}

// Group decodes all vectors of a group. Numbers in fields of type any become
// [json.Number], so that 1 and 1.0 stay distinct. An empty or unknown group
// fails the test.
func Group[T any](tb testing.TB, f *File, group string) []T {
	tb.Helper()
	raw := f.groups[group]
	if len(raw) == 0 {
		tb.Fatalf("%s has no vectors in group %q", f.Name, group)
	}
	out := make([]T, len(raw))
	for i, r := range raw {
		decode(tb, f.Name+"/"+group+"/"+strconv.Itoa(i), r, &out[i])
	}
	return out
}

// Object decodes a member of the top level that is not a group, such as
// "constants" of rns-core.json.
func Object[T any](tb testing.TB, f *File, name string) T {
	tb.Helper()
	raw, ok := f.top[name]
	if !ok {
		tb.Fatalf("%s has no member %q", f.Name, name)
	}
	var v T
	decode(tb, f.Name+"/"+name, raw, &v)
	return v
}

func decode(tb testing.TB, what string, raw []byte, v any) {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if err := d.Decode(v); err != nil {
		tb.Fatalf("%s: %v", what, err)
	}
}

// Run runs vector n of a group as a subtest whose name says which one it is.
func Run(t *testing.T, f *File, group string, n int, fn func(t *testing.T)) {
	t.Helper()
	t.Run(fmt.Sprintf("%s/%s/%s/%s", SubtestPrefix, f.Name, group, f.ID(group, n)), fn)
}

// Each loads a file, decodes a group and runs every vector of it.
func Each[T any](t *testing.T, file, group string, fn func(t *testing.T, v T)) {
	t.Helper()
	f := Load(t, file)
	for i, v := range Group[T](t, f, group) {
		Run(t, f, group, i, func(t *testing.T) { fn(t, v) })
	}
}

// Hex is a byte string that JSON holds in hexadecimal. JSON null is nil, the
// empty string an empty slice that is not nil.
type Hex []byte

// UnmarshalJSON implements [json.Unmarshaler].
func (h *Hex) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*h = nil
		return nil
	}
	v, err := hex.DecodeString(*s)
	if err != nil {
		return err
	}
	*h = v
	return nil
}

// String is the hexadecimal form.
func (h Hex) String() string { return hex.EncodeToString(h) }

// Payload returns the n deterministic bytes that rns-link.json describes as
// data_seed and data_len: SHA-256(seed || be32(counter)), counter from 0.
func Payload(seed string, n int) []byte {
	out := make([]byte, 0, n+sha256.Size)
	for counter := uint32(0); len(out) < n; counter++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), counter))
		out = append(out, sum[:]...)
	}
	return out[:n]
}
