package app

import (
	"bytes"
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"meshchatx/internal/api"
	"meshchatx/rns/iface/mem"
)

// TestFailureFullDisk runs a program whose storage is a disk of 16 MB that is full. It needs a mount of its own, so the test
// runs in namespaces of its own where the system lets it.
func TestFailureFullDisk(t *testing.T) {
	if dir := os.Getenv(envDisk); dir != "" {
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=16m"); err != nil {
			t.Fatal(err)
		}
		fullDisk(t, dir)
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFailureFullDisk$", "-test.v")
	cmd.Env = append(os.Environ(), envDisk+"="+t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	if uid := os.Getuid(); uid != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: uid, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case err == nil:
	case !errors.As(err, &exit), bytes.Contains(out, []byte("operation not permitted")):
		t.Skipf("no small disk can be mounted here: %v", err)
	default:
		t.Fatalf("%v\n%s", err, out)
	}
}

// fill takes the rest of a disk, and returns what gives it back.
func fill(t *testing.T, dir string) func() {
	t.Helper()
	name := filepath.Join(dir, "filler")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	for size := 1 << 20; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
}

func fullDisk(t *testing.T, dir string) {
	x, y := mem.Pair("Wire", "Wire", mem.Conditions{})
	a, b := run(t, options{wire: x}), run(t, options{dir: dir, wire: y})
	a.must("POST", a.of("/announce"), nil, nil)
	b.must("POST", b.of("/announce"), nil, nil)
	a.heard(b.id.Address)
	b.heard(a.id.Address)
	before := a.send(b.id.Address, "before")
	a.until("delivery before", func() bool { return a.state(before).State == "delivered" })

	empty := fill(t, dir)
	data := make([]byte, 200_000)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	file := a.send(b.id.Address, "a file", a.upload("plan.bin", data).ID)
	text := a.send(b.id.Address, "some text")
	for _, what := range []func() answer{
		func() answer { return b.do("POST", b.of("/uploads?name=x.bin"), data) },
		func() answer {
			return b.do("POST", b.of("/messages"), api.SendMessage{Peer: a.id.Address, Content: string(bytes.Repeat([]byte("no room "), 4_000))})
		},
	} {
		if got := what(); got.status != http.StatusInsufficientStorage || got.code() != "storage_full" {
			t.Errorf("on a full disk: %d %s", got.status, got.body)
		}
	}
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		for _, id := range []string{file, text} {
			if a.state(id).State == "delivered" {
				t.Fatal("proved what cannot be stored")
			}
		}
	}
	if got := b.do("GET", b.of("/conversations/%s/messages", a.id.Address), nil); got.status != http.StatusOK {
		t.Errorf("reading on a full disk: %d %s", got.status, got.body)
	}

	empty()
	for _, id := range []string{file, text} {
		a.until("delivery after", func() bool {
			switch a.state(id).State {
			case "delivered":
				return true
			case "failed":
				a.do("POST", a.of("/messages/%s/retry", id), nil)
			}
			return false
		})
	}
	b.send(a.id.Address, "room again")
	if err := b.stop(); err != nil {
		t.Error(err)
	}
	b = run(t, options{dir: dir, wire: mem.New("Wire")})
	var got []string
	for _, m := range b.window(a.id.Address) {
		got = append(got, m.Content)
	}
	count := make(map[string]int)
	for _, c := range got {
		count[c]++
	}
	if len(got) != 4 || count["before"] != 1 || count["a file"] != 1 || count["some text"] != 1 || count["room again"] != 1 {
		t.Errorf("after a restart: %q", got)
	}
	if aside, _ := filepath.Glob(filepath.Join(dir, "storage", "*.corrupt-*")); len(aside) > 0 {
		t.Errorf("taken for damaged: %v", aside)
	}
}
