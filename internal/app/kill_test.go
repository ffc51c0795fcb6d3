package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/internal/auth"
	"meshchatx/internal/blob"
	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/selfcert"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

const killedConfig = "[reticulum]\n# kept\n[interfaces]\n[[A]]\ntype = AutoInterface\nenabled = Yes\n# the end\n"

// numbered is content that can be told complete: its number, its length, and a byte repeated.
func numbered(n int) []byte {
	size := 1_000 + n*7919%200_000
	b := binary.BigEndian.AppendUint32(nil, uint32(n))
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	return append(b, bytes.Repeat([]byte{byte(n)}, size)...)
}

func complete(b []byte) bool {
	if len(b) < 8 {
		return false
	}
	return bytes.Equal(b, numbered(int(binary.BigEndian.Uint32(b))))
}

// saveForever saves everything the program keeps outside of its databases, over and over.
func saveForever(dir string) {
	if err := saving(dir); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(1)
}

func saving(dir string) error {
	ctx := context.Background()
	storage := node.NewDirStorage(filepath.Join(dir, "storage"))
	blobs, err := blob.Open(filepath.Join(dir, "blobs"), nil)
	if err != nil {
		return err
	}
	conf := interfaces.New(interfaces.Options{
		Dir: dir, Bus: event.New(time.Now(), event.DefaultParams()), Now: time.Now, Params: interfaces.DefaultParams(),
	})
	conf.Start(ctx)
	for n := 0; ; n++ {
		if err := storage.Write("known_destinations", numbered(n)); err != nil {
			return err
		}
		if _, err := blobs.Put(bytes.NewReader(numbered(n)), 1<<20); err != nil {
			return err
		}
		if _, err := auth.NewSecret(dir, rand.Reader); err != nil {
			return err
		}
		if err := (Instance{URL: "https://127.0.0.1:8000", PID: n}).write(dir); err != nil {
			return err
		}
		if _, err := conf.SetEnabled(ctx, "A", n%2 == 1); err != nil && !errors.Is(err, interfaces.ErrNodeDown) {
			return err
		}
		at := func() time.Time { return time.Now().AddDate(n, 0, 0) } // a certificate that is always old
		if _, err := selfcert.Load(selfcert.Config{Dir: dir, Now: at}); err != nil {
			return err
		}
		id, err := rns.NewIdentity(rand.Reader)
		if err != nil {
			return err
		}
		if err := keyfile.Create(filepath.Join(dir, "keys", fmt.Sprint(n)), id); err != nil {
			return err
		}
		fmt.Println(n)
	}
}

// TestFailureKilledSaves: whenever the program is killed, every file is the old one or the new one, and unfinished ones do
// not pile up.
func TestFailureKilledSaves(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(killedConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	for round := range 12 {
		if err := os.RemoveAll(filepath.Join(dir, "keys")); err != nil {
			t.Fatal(err)
		}
		if err := os.MkdirAll(filepath.Join(dir, "keys"), 0o700); err != nil {
			t.Fatal(err)
		}
		killedWhileSaving(t, dir, 1+round, time.Duration(round)*700*time.Microsecond)
		checkSaved(t, dir, round)
		old := time.Now().Add(-2 * time.Hour)
		for _, name := range unfinished(t, dir) {
			if err := os.Chtimes(name, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, name := range []string{".config-1", ".config.bak-2", auth.SecretFile + "-3", filepath.Join("storage", ".tmp-4")} {
		name = filepath.Join(dir, name)
		old := time.Now().Add(-2 * time.Hour)
		if err := errors.Join(os.WriteFile(name, nil, 0o600), os.Chtimes(name, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	a, err := Open(t.Context(), Config{StorageDir: dir, ReticulumDir: dir, PlainHTTP: true})
	if err == nil {
		err = node.NewDirStorage(filepath.Join(dir, "storage")).Write("known_destinations", numbered(1))
	}
	if err := errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	for _, name := range unfinished(t, dir) {
		if filepath.Base(filepath.Dir(name)) != "part" { // emptied when the identity opens
			t.Errorf("%s is left", name)
		}
	}
}

// killedWhileSaving runs a saving process and kills it a moment after its n-th round.
func killedWhileSaving(t *testing.T, dir string, n int, moment time.Duration) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), envSave+"="+dir)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for range n {
		if !lines.Scan() {
			break
		}
	}
	until := time.After(moment)
	<-until
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if errs.Len() > 0 {
		t.Fatalf("saving: %s", errs.String())
	}
}

func checkSaved(t *testing.T, dir string, round int) {
	t.Helper()
	if b, err := os.ReadFile(filepath.Join(dir, "storage", "known_destinations")); err != nil || !complete(b) {
		t.Errorf("round %d: table of %d bytes, %v", round, len(b), err)
	}
	if _, err := auth.ReadSecret(dir); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	var i Instance
	if b, err := os.ReadFile(filepath.Join(dir, instanceName)); err != nil || json.Unmarshal(b, &i) != nil {
		t.Errorf("round %d: instance %q, %v", round, b, err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil || !bytes.HasPrefix(text, []byte("[reticulum]\n# kept")) || !bytes.HasSuffix(text, []byte("# the end\n")) {
		t.Errorf("round %d: configuration %q, %v", round, text, err)
	}
	if _, err := interfaces.Load(dir); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	keys, err := filepath.Glob(filepath.Join(dir, "keys", "[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(keys) - 1 { // the last one may just have been created
		if _, err := keyfile.Read(filepath.Join(dir, "keys", fmt.Sprint(n))); err != nil {
			t.Errorf("round %d: %v", round, err)
		}
	}
	if _, err := selfcert.Load(selfcert.Config{Dir: dir, Now: time.Now}); err != nil {
		t.Errorf("round %d: %v", round, err)
	}
	err = filepath.WalkDir(filepath.Join(dir, "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(filepath.Dir(path)) == "part" {
			return err
		}
		if b, err := os.ReadFile(path); err != nil || !complete(b) {
			t.Errorf("round %d: blob of %d bytes, %v", round, len(b), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// unfinished lists what killed saves have left.
func unfinished(t *testing.T, dir string) []string {
	t.Helper()
	var left []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		base := d.Name()
		temp := base[0] == '.'
		for _, pattern := range []string{auth.SecretFile + "-*", "*.tmp", "put-*"} {
			if ok, _ := filepath.Match(pattern, base); ok {
				temp = true
			}
		}
		if temp {
			left = append(left, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}
