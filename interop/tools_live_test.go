package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"meshchatx/internal/cli"
	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// ourTools runs our tools on a configuration directory.
type ourTools struct {
	t   *testing.T
	dir string
}

// safeBuffer is what a tool that goes on prints.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(b)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func (o ourTools) main(ctx context.Context, out *safeBuffer, tool string, args ...string) int {
	env := cli.Environment{
		Program: "meshchatx", Stdin: strings.NewReader(""), Stdout: out, Stderr: out, Context: ctx,
		Getenv: func(k string) string {
			if k == "HOME" {
				return o.dir
			}
			return ""
		},
	}
	return cli.Main(append([]string{tool, "--config", o.dir}, args...), env)
}

// run runs a tool to its end and returns what it printed.
func (o ourTools) run(ctx context.Context, want int, tool string, args ...string) string {
	o.t.Helper()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	out := new(safeBuffer)
	if code := o.main(ctx, out, tool, args...); code != want {
		o.t.Errorf("%s %v: code %d\n%s", tool, args, code, out)
	}
	return out.String()
}

// start runs a tool until the test ends.
func (o ourTools) start(ctx context.Context, tool string, args ...string) *safeBuffer {
	o.t.Helper()
	ctx, cancel := context.WithCancel(ctx)
	out, done := new(safeBuffer), make(chan int, 1)
	go func() { done <- o.main(ctx, out, tool, args...) }()
	o.t.Cleanup(func() {
		cancel()
		if code := <-done; code != 0 {
			o.t.Errorf("%s %v: code %d", tool, args, code)
		}
		if o.t.Failed() {
			o.t.Logf("%s %v:\n%s", tool, args, out)
		}
	})
	return out
}

// toolsLab is the reference and this program, each with a shared instance of its own, joined by TCP.
type toolsLab struct {
	ours   ourTools
	theirs *reference
	keys   string // file of the identity that may manage both
}

func newToolsLab(ctx context.Context, t *testing.T) *toolsLab {
	t.Helper()
	dir := t.TempDir()
	l := &toolsLab{
		ours: ourTools{t, filepath.Join(dir, "ours")}, theirs: &reference{t: t, dir: filepath.Join(dir, "theirs"), path: pythonPath(t)},
		keys: filepath.Join(dir, "manager"),
	}
	alone := ourTools{t, filepath.Join(dir, "alone")}
	var made struct{ Identity rns.Addr }
	parse(t, alone.run(ctx, 0, "rnid", "-g", l.keys, "--json"), &made)
	port := freePort(t)
	l.configure(t, l.ours.dir, "ours", made.Identity, dials("there", port))
	l.configure(t, l.theirs.dir, "theirs", made.Identity, accepts("here", port))
	l.theirs.serve(ctx)
	l.ours.start(ctx, "rnsd", "-v")
	for _, o := range []ourTools{l.ours, {t, l.theirs.dir}} {
		until(ctx, t, "instance of "+o.dir, func() bool { return o.main(ctx, new(safeBuffer), "rnstatus") == 0 })
	}
	return l
}

func (l *toolsLab) configure(t *testing.T, dir, name string, manager rns.Addr, iface string) {
	t.Helper()
	text := fmt.Sprintf("[reticulum]\nenable_transport = yes\nshare_instance = yes\ninstance_name = tools-%d-%s\n"+
		"respond_to_probes = yes\nenable_remote_management = yes\nremote_management_allowed = %x\n[logging]\nloglevel = 5\n[interfaces]\n%s",
		os.Getpid(), name, manager[:], iface)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func parse(t *testing.T, text string, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
}

// find returns the first group of an expression in a text.
func find(t *testing.T, text, expression string) string {
	t.Helper()
	m := regexp.MustCompile(expression).FindStringSubmatch(text)
	if m == nil {
		t.Fatalf("%s is not in\n%s", expression, text)
	}
	return m[1]
}

func writeTemp(t *testing.T, dir, name string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	name = filepath.Join(dir, name)
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// sameFile compares a file. The reference proves a file before it is in its place.
func sameFile(t *testing.T, name string, want []byte) {
	t.Helper()
	until(t.Context(), t, name, func() bool {
		_, err := os.Stat(name)
		return err == nil
	})
	if b, err := os.ReadFile(name); err != nil || !bytes.Equal(b, want) {
		t.Errorf("%s: %d bytes, not the %d that were sent; %v", name, len(b), len(want), err)
	}
}

func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in\n%s", p, text)
		}
	}
}

const (
	transportLine = `Transport Instance <([0-9a-f]{32})> running`
	probeLine     = `Probe responder at <([0-9a-f]{32})> active`
)

// The tools of both sides on the instances of both sides, and from far away. spec: rns-link §12, §13.1, §13.3
func TestLiveToolsStatus(t *testing.T) {
	ctx := t.Context()
	l := newToolsLab(ctx, t)
	foreign := ourTools{t, l.theirs.dir}              // our tools on their instance
	guest := &reference{t, l.ours.dir, l.theirs.path} // their tools on our instance
	until(ctx, t, "their connection", func() bool { return strings.Contains(foreign.run(ctx, 0, "rnstatus"), "Clients   : 1") })
	statusOfOurs, statusOfTheirs := l.ours.run(ctx, 0, "rnstatus", "-A"), foreign.run(ctx, 0, "rnstatus", "-A")
	contains(t, statusOfOurs, "TCPInterface[there/127.0.0.1", "Announces")
	contains(t, statusOfTheirs, "TCPServerInterface[here/127.0.0.1", "Clients   : 1", "Announces")
	ourID, theirID := find(t, statusOfOurs, transportLine), find(t, statusOfTheirs, transportLine)
	ourProbe, theirProbe := find(t, statusOfOurs, probeLine), find(t, statusOfTheirs, probeLine)
	contains(t, guest.run(ctx, "rnstatus", "-A", "-P", "-l", "-t"), "TCPInterface[there/127.0.0.1", ourID, ourProbe, "in link table")
	contains(t, guest.run(ctx, "rnstatus", "-j"), `"transport_id": "`+ourID)

	for name, o := range map[string]ourTools{"our instance": l.ours, "their instance": foreign} {
		probe, hops := theirProbe, "over 1 hop"
		if o == foreign {
			probe = ourProbe
		}
		contains(t, o.run(ctx, 0, "rnprobe", "rnstransport.probe", probe, "-n", "3"), "received 3", hops)
		contains(t, o.run(ctx, 0, "rnpath", probe), "is 1 hop away")
		contains(t, o.run(ctx, 0, "rnpath", "-t"), probe)
		o.run(ctx, 0, "rnpath", "-r")
		contains(t, o.run(ctx, 0, "rnpath", "-d", probe), "Dropped path")
		t.Log(name, "answers")
	}
	contains(t, guest.run(ctx, "rnprobe", "rnstransport.probe", theirProbe), "Valid reply", "packet loss 0.0%")
	contains(t, l.theirs.run(ctx, "rnprobe", "rnstransport.probe", ourProbe), "Valid reply", "packet loss 0.0%")
	contains(t, guest.run(ctx, "rnpath", theirProbe), "Path found")
	contains(t, guest.run(ctx, "rnpath", "-t"), theirProbe)

	contains(t, l.ours.run(ctx, 0, "rnstatus", "-R", theirID, "-i", l.keys, "-l"), "TCPServerInterface[here", "in link table")
	contains(t, l.ours.run(ctx, 0, "rnpath", "-R", theirID, "-i", l.keys, "-t"), ourProbe)
	contains(t, l.theirs.run(ctx, "rnstatus", "-R", ourID, "-i", l.keys, "-l"), "TCPInterface[there", "in link table")
	contains(t, l.theirs.run(ctx, "rnpath", "-R", ourID, "-i", l.keys, "-t"), theirProbe)
}

// Files in both directions, sent and fetched, by both sides; each over its own side's instance. spec: rns-link §13.2
func TestLiveToolsCopy(t *testing.T) {
	ctx := t.Context()
	l := newToolsLab(ctx, t)
	dir := t.TempDir()
	content := vectortest.Payload("live-rncp", 2_200_000)
	small := []byte("a small file that compresses, compresses, compresses\n")
	ourFile, theirFile := writeTemp(t, filepath.Join(dir, "ours"), "large", content), writeTemp(t, filepath.Join(dir, "theirs"), "note", small)
	ourIn, theirIn := filepath.Join(dir, "ourin"), filepath.Join(dir, "theirin")
	for _, d := range []string{ourIn, theirIn} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	var us struct{ Identity, Destination rns.Addr }
	parse(t, l.ours.run(ctx, 0, "rncp", "-p", "--json"), &us)
	them := l.theirs.run(ctx, "rncp", "-p")
	theirs, theirAddr := find(t, them, `Identity     : <([0-9a-f]+)>`), find(t, them, `Listening on : <([0-9a-f]+)>`)
	ourAddr := fmt.Sprintf("%x", us.Destination[:])

	l.ours.start(ctx, "rncp", "-l", "-F", "-j", filepath.Dir(ourFile), "-s", ourIn, "-a", theirs, "-b", "0")
	listener := l.theirs.command(ctx, "rncp", "-l", "-F", "-j", filepath.Dir(theirFile), "-s", theirIn, "-a", fmt.Sprintf("%x", us.Identity[:]), "-b", "0")
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Process.Kill()
		_ = listener.Wait() // it was killed
	})
	until(ctx, t, "their listener", func() bool {
		return l.ours.main(ctx, new(safeBuffer), "rnpath", "-w", "3", theirAddr) == 0
	})
	contains(t, l.ours.run(ctx, 0, "rncp", ourFile, theirAddr), "copied to <"+theirAddr+">")
	sameFile(t, filepath.Join(theirIn, "large"), content)
	contains(t, l.ours.run(ctx, 0, "rncp", "-f", "note", theirAddr, "-s", ourIn), "fetched from")
	sameFile(t, filepath.Join(ourIn, "note"), small)
	contains(t, l.ours.run(ctx, 1, "rncp", "-f", "nothing", theirAddr, "-s", ourIn), "not found")
	contains(t, l.ours.run(ctx, 1, "rncp", "-i", l.keys, ourFile, theirAddr), "not accepted")

	contains(t, l.theirs.run(ctx, "rncp", "-S", theirFile, ourAddr), "copied to")
	sameFile(t, filepath.Join(ourIn, "note.1"), small)
	contains(t, l.theirs.run(ctx, "rncp", "-S", "-f", "large", ourAddr, "-s", theirIn), "fetched from")
	sameFile(t, filepath.Join(theirIn, "large.1"), content)
	contains(t, l.theirs.run(ctx, "rncp", "-S", "-f", "../../etc/passwd", ourAddr, "-s", theirIn), "not allowed")
	contains(t, l.theirs.run(ctx, "rncp", "-S", "-f", "nothing", ourAddr, "-s", theirIn), "not found")
}

// Commands in both directions. spec: rns-link §13.5
func TestLiveToolsExecute(t *testing.T) {
	ctx := t.Context()
	l := newToolsLab(ctx, t)
	var us struct{ Identity, Destination rns.Addr }
	parse(t, l.ours.run(ctx, 0, "rnx", "-p", "--json"), &us)
	them := l.theirs.run(ctx, "rnx", "-p")
	theirs, theirAddr := find(t, them, `Identity     : <([0-9a-f]+)>`), find(t, them, `Listening on : <([0-9a-f]+)>`)
	ourAddr := fmt.Sprintf("%x", us.Destination[:])
	l.ours.start(ctx, "rnx", "-l", "-a", theirs)
	listener := l.theirs.command(ctx, "rnx", "-l", "-a", fmt.Sprintf("%x", us.Identity[:]))
	if err := listener.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = listener.Process.Kill()
		_ = listener.Wait() // it was killed
	})
	until(ctx, t, "their listener", func() bool {
		return l.ours.main(ctx, new(safeBuffer), "rnpath", "-w", "3", theirAddr) == 0
	})
	if out := l.ours.run(ctx, 0, "rnx", theirAddr, `echo "a b" c`); out != "a b c\n" {
		t.Errorf("%q", out)
	}
	l.ours.run(ctx, 7, "rnx", "-m", theirAddr, `sh -c "exit 7"`)
	contains(t, l.ours.run(ctx, 0, "rnx", theirAddr, "cat", "--stdin", "input", "--json"), `"stdout":"input"`)
	l.ours.run(ctx, 248, "rnx", theirAddr, "/nothing/here")
	contains(t, l.ours.run(ctx, 0, "rnx", theirAddr, "head -c 200000 /dev/zero", "-d"), "Remote wrote 200000 bytes to stdout")

	contains(t, l.theirs.run(ctx, "rnx", ourAddr, `echo "a b" c`), "a b c\n")
	contains(t, l.theirs.run(ctx, "rnx", "-d", ourAddr, "cat", "--stdin", "input"), "input", "Remote wrote 5 bytes to stdout")
	contains(t, l.theirs.run(ctx, "rnx", "-d", ourAddr, "head -c 200000 /dev/zero"), "Remote wrote 200000 bytes to stdout")
}

// Files of one side are checked and opened by the other. spec: rns-link §13.4
func TestLiveToolsIdentities(t *testing.T) {
	ctx := t.Context()
	dir := t.TempDir()
	alone := newReference(t, filepath.Join(dir, "theirs"), nil, nil)
	ours := ourTools{t, filepath.Join(dir, "ours")}
	ourKey, theirKey := filepath.Join(dir, "our.rid"), filepath.Join(dir, "their.rid")
	ours.run(ctx, 0, "rnid", "-g", ourKey)
	alone.run(ctx, "rnid", "-g", theirKey)
	content := vectortest.Payload("live-rnid", 17_000_000) // two chunks
	ourFile, theirFile := writeTemp(t, dir, "ours.bin", content), writeTemp(t, dir, "theirs.bin", content[:1000])

	ours.run(ctx, 0, "rnid", "-i", ourKey, "-s", ourFile)
	contains(t, alone.run(ctx, "rnid", "-i", ourKey, "-V", ourFile), "Signature is valid")
	alone.run(ctx, "rnid", "-i", theirKey, "-s", theirFile)
	contains(t, ours.run(ctx, 0, "rnid", "-i", theirKey, "-V", theirFile), "Signature is valid")
	ours.run(ctx, 10, "rnid", "-i", ourKey, "-V", theirFile)
	alone.run(ctx, "rnid", "-f", "-i", theirKey, "--raw", "-s", theirFile)
	contains(t, ours.run(ctx, 0, "rnid", "-i", theirKey, "-V", theirFile), "Signature is valid")

	ours.run(ctx, 0, "rnid", "-i", ourKey, "-e", ourFile)
	alone.run(ctx, "rnid", "-i", ourKey, "-d", ourFile+".rfe", "-w", filepath.Join(dir, "one"))
	sameFile(t, filepath.Join(dir, "one"), content)
	alone.run(ctx, "rnid", "-i", theirKey, "-e", ourFile, "-w", filepath.Join(dir, "two.rfe"))
	ours.run(ctx, 0, "rnid", "-i", theirKey, "-d", filepath.Join(dir, "two.rfe"))
	sameFile(t, filepath.Join(dir, "two"), content)

	meta := writeTemp(t, dir, "meta", []byte("name = thing\nlist = a, b\n[more]\nkey = value\n"))
	ours.run(ctx, 0, "rnid", "-i", ourKey, "-S", "from us", "-E", meta, "-w", filepath.Join(dir, "ours"))
	contains(t, alone.run(ctx, "rnid", "-V", filepath.Join(dir, "ours.rsm"), "--meta"), "from us", "name=thing", "key=value")
	alone.run(ctx, "rnid", "-i", theirKey, "-S", "from them", "-E", meta, "-w", filepath.Join(dir, "theirs"))
	contains(t, ours.run(ctx, 0, "rnid", "-V", filepath.Join(dir, "theirs.rsm"), "--meta"), "from them", "name=thing", "key=value")

	for _, e := range []string{"-F", "-B", "-b", "-U"} {
		text := alone.run(ctx, "rnid", "-i", theirKey, e, "-s", theirFile)
		if err := os.WriteFile(theirFile+".rsg", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		contains(t, ours.run(ctx, 0, "rnid", "-i", theirKey, "-V", theirFile), "Signature is valid")
		block := regexp.MustCompile(`(?s)#### Start.*data ####`)
		if a, b := block.FindString(text), block.FindString(ours.run(ctx, 0, "rnid", "-i", theirKey, e, "-s", theirFile)); a != b || a == "" {
			t.Errorf("%s: texts differ\n%s\n%s", e, a, b)
		}
	}
	for _, args := range [][]string{{"-x"}, {"-x", "-B"}, {"-x", "-b"}, {"-X"}, {"-H", "lxmf.delivery"}} {
		all := append([]string{"-i", ourKey}, args...)
		want := strings.TrimSpace(ours.run(ctx, 0, "rnid", all...))
		contains(t, alone.run(ctx, "rnid", all...), want)
	}
}
