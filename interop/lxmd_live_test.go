package interop

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/tools/peer"
)

// programVariable makes the test binary be the program itself, which can be killed.
const programVariable = "MESHCHATX_LIVE_PROGRAM"

// ourDaemon is our lxmd as a program of its own.
type ourDaemon struct {
	t    *testing.T
	dir  string
	id   *rns.Identity
	log  safeBuffer
	stop func() // as a service manager does
	kill func() // as a crash does
}

// newOurDaemon prepares an lxmd of ours with a listener, of which the configuration is that of the reference's.
func newOurDaemon(t *testing.T, dir string, port int, change settings) *ourDaemon {
	t.Helper()
	d := newDaemon(t, dir, port, change)
	d.net = newReference(t, filepath.Join(dir, "rns"), []string{"enable_transport = yes"}, []string{accepts("in", port)})
	return &ourDaemon{t: t, dir: dir, id: d.id}
}

// ours runs one of our tools as a program.
func ours(ctx context.Context, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	c := exec.CommandContext(ctx, self, args...)
	c.Env = append(os.Environ(), programVariable+"=1")
	return c
}

func (d *ourDaemon) serve(args ...string) {
	d.t.Helper()
	c := ours(context.Background(), append([]string{"lxmd", "--config", d.dir, "--rnsconfig", filepath.Join(d.dir, "rns"), "-v"}, args...)...)
	c.Stdout, c.Stderr = &d.log, &d.log
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	var failed error
	done := make(chan struct{})
	go func() {
		defer close(done)
		failed = c.Wait()
	}()
	d.kill = sync.OnceFunc(func() {
		_ = c.Process.Kill()
		<-done
	})
	kill := d.kill
	d.stop = sync.OnceFunc(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
			if failed != nil && failed.Error() != "signal: killed" {
				d.t.Errorf("our lxmd ended: %v", failed)
			}
		case <-time.After(20 * time.Second):
			d.t.Error("our lxmd does not end")
			kill()
		}
	})
	stop := d.stop
	d.t.Cleanup(func() {
		stop()
		if d.t.Failed() {
			b := d.log.String()
			d.t.Logf("end of our daemon's log:\n%s", b[max(0, len(b)-6000):])
		}
	})
}

func (d *ourDaemon) addr() rns.Addr { return lxmf.PropagationHash(d.id.Hash()) }

func (d *ourDaemon) stored() int {
	list, _ := os.ReadDir(filepath.Join(d.dir, "storage", "lxmf", "messagestore"))
	n := 0
	for _, f := range list {
		if !strings.HasSuffix(f.Name(), ".part") {
			n++
		}
	}
	return n
}

// tool runs lxmd to its end, ours or that of the reference.
func tool(ctx context.Context, t *testing.T, c *exec.Cmd, want int) string {
	t.Helper()
	out, err := c.CombinedOutput()
	if code := c.ProcessState.ExitCode(); code != want {
		t.Errorf("%v: code %d, want %d, %v\n%s", c.Args[1:], code, want, err, out)
	}
	return string(out)
}

// TestLiveLxmd: our lxmd is found, asked and commanded by the reference's tool and by ours, and takes messages.
func TestLiveLxmd(t *testing.T) {
	path := pythonPath(t)
	record(t, "lxmd of ours", "tools and messages", 6*time.Minute, func(ctx context.Context) []string {
		dir, port := t.TempDir(), freePort(t)
		taken := filepath.Join(dir, "taken it")
		if err := os.Mkdir(taken, 0o700); err != nil {
			t.Fatal(err)
		}
		d := newOurDaemon(t, filepath.Join(dir, "ours"), port, settings{"announce_interval": 1})
		boss := filepath.Join(dir, "boss")
		id, err := rns.NewIdentity(rnsRandom{})
		if err == nil {
			err = os.WriteFile(boss, id.Bytes(), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		d2 := newDaemon(t, filepath.Join(dir, "theirs"), port, settings{"control_allowed": id.Hash().Hex()})
		conf, err := os.ReadFile(filepath.Join(d.dir, "config"))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(string(conf), "display_name", "announce_at_start = yes\nannounce_interval = 1\ndisplay_name", 1)
		text = controlled(text, id.Hash())
		if err := os.WriteFile(filepath.Join(d.dir, "config"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		d.serve("-i", fmt.Sprintf("cp -t '%s'", taken))
		waitListening(ctx, t, port)
		d2.serve()
		a, _ := partnerAt(ctx, t, filepath.Join(dir, "alice"), port)
		to := lxmf.DeliveryHash(d.id.Hash())
		until(ctx, t, "keys of our lxmd", func() bool {
			_ = a.Call(ctx, "request_path", peer.Args{"hash": to.Hex(), "timeout": 5}, nil)
			return a.Call(ctx, "recall", peer.Args{"hash": to.Hex()}, nil) == nil
		})
		var sent struct{ State, Hash string }
		call(ctx, t, a, "send", peer.Args{"to": to.Hex(), "method": "direct", "content": "to the daemon", "wait": 60}, &sent)
		if sent.State != "delivered" {
			t.Errorf("a direct message is %q", sent.State)
		}
		call(ctx, t, a, "request_path", peer.Args{"hash": d.addr().Hex(), "timeout": 10}, nil)
		call(ctx, t, a, "send", peer.Args{
			"to": to.Hex(), "method": "propagated", "propagation_node": d.addr().Hex(), "content": "by way of the node", "wait": 90,
		}, &sent)
		if sent.State != "sent" {
			t.Errorf("a propagated message is %q", sent.State)
		}
		until(ctx, t, "files of messages", func() bool {
			list, err := os.ReadDir(taken)
			return err == nil && len(list) == 2
		})
		for _, name := range []string{sent.Hash} {
			b, err := os.ReadFile(filepath.Join(taken, name))
			c, perr := lxmf.ParseContainer(b)
			if err != nil || perr != nil || c.Method != lxmf.MethodPropagated || !bytes.Contains(c.Packed, []byte("by way of the node")) {
				t.Errorf("the file of the message has %+v, %v, %v", c, err, perr)
			}
		}

		client := newReference(t, filepath.Join(dir, "client"), nil, []string{dials("out", port)})
		theirs := func(args ...string) *exec.Cmd {
			c := exec.CommandContext(ctx, "python3", append([]string{"-m", "LXMF.Utilities.lxmd", "--rnsconfig", client.dir, "--identity", boss}, args...)...)
			c.Env = append(os.Environ(), "PYTHONPATH="+path)
			return c
		}
		mine := func(args ...string) *exec.Cmd {
			return ours(ctx, append([]string{"lxmd", "--rnsconfig", client.dir, "--identity", boss, "--timeout", "30"}, args...)...)
		}
		until(ctx, t, "peering", func() bool {
			return strings.Contains(tool(ctx, t, mine("--status", "--remote", d2.addr().Hex()), 0), "1 total") &&
				strings.Contains(tool(ctx, t, mine("--status", "--remote", d.addr().Hex()), 0), "1 total")
		})
		for name, status := range map[string]string{
			"their tool, our node": tool(ctx, t, theirs("--status", "--peers", "--timeout", "30", "--remote", d.addr().Hex()), 0),
			"our tool, our node":   tool(ctx, t, mine("--status", "--peers", "--remote", d.addr().Hex()), 0),
			"our tool, their node": tool(ctx, t, mine("--status", "--peers", "--remote", d2.addr().Hex()), 0),
		} {
			for _, line := range []string{"LXMF Propagation Node running on", "Peering cost is 2", "1 total", "Discovered peer"} {
				if !strings.Contains(status, line) {
					t.Errorf("%s: %q is missing in\n%s", name, line, status)
				}
			}
		}
		tool(ctx, t, mine("--sync", d.addr().Hex(), "--remote", d2.addr().Hex()), 0)
		tool(ctx, t, theirs("--sync", d2.addr().Hex(), "--timeout", "30", "--remote", d.addr().Hex()), 0)
		tool(ctx, t, mine("--sync", strings.Repeat("0", 32), "--remote", d.addr().Hex()), 206)
		tool(ctx, t, theirs("--break", d2.addr().Hex(), "--timeout", "30", "--remote", d.addr().Hex()), 0)
		tool(ctx, t, mine("--break", d.addr().Hex(), "--remote", d2.addr().Hex()), 0)
		tool(ctx, t, mine("--break", "xyz"), 203)
		return nil
	})
}

// controlled adds an operator to a configuration.
func controlled(conf string, operator rns.Addr) string {
	lines := strings.Split(conf, "\n")
	for i, l := range lines {
		if strings.HasPrefix(l, "control_allowed") {
			lines[i] = "control_allowed = " + operator.Hex()
		}
	}
	return strings.Join(lines, "\n")
}

// TestLiveLxmdKill kills one of two peers in the middle of their exchange and starts it again: nothing is lost.
func TestLiveLxmdKill(t *testing.T) {
	pythonPath(t)
	for _, victim := range []string{"ours", "theirs"} {
		t.Run(victim, func(t *testing.T) {
			record(t, "kill -9 while peers exchange", victim, 8*time.Minute, func(ctx context.Context) []string {
				const half = 100
				dir, port := t.TempDir(), freePort(t)
				a := newOurDaemon(t, filepath.Join(dir, "ours"), port, settings{"announce_interval": 1})
				a.serve()
				waitListening(ctx, t, port)
				// No static peers: the reference never synchronises with one whose keys it did not know when it started.
				b := newDaemon(t, filepath.Join(dir, "theirs"), slow(t, port), settings{"announce_interval": 1})
				b.serve()
				r := newReader(ctx, t, port)
				all := r.letters(2*half, 3000, 1)
				until(ctx, t, "peering", func() bool { return b.peers(ctx, r) > 0 })
				r.upload(ctx, a.addr(), all[:half])
				r.upload(ctx, b.addr(), all[half:])
				// What was told to be stored must survive; the exchange is under way when something has arrived.
				until(ctx, t, "beginning of the exchange", func() bool { return a.stored() > half || b.stored() > half })
				if victim == "ours" {
					a.kill()
					if n := a.stored(); n < half {
						t.Errorf("%d of %d messages are on our disk", n, half)
					}
					a.serve()
				} else {
					b.killed()
					b.serve()
				}
				waitListening(ctx, t, port)
				began := time.Now()
				// Ours is handed everything. The reference proves a transfer before it stores it, so what it was storing is lost
				// to it; but the exchange goes on.
				want := b.stored() + 1
				if victim == "theirs" {
					r.upload(ctx, a.addr(), r.letters(1, 3000, 1))
				}
				until(ctx, t, "exchange", func() bool {
					if victim == "ours" {
						return a.stored() == 2*half
					}
					return b.stored() >= want
				})
				return []string{fmt.Sprintf("%d messages, %.0f s after the kill ours has %d, theirs %d", 2*half, time.Since(began).Seconds(), a.stored(), b.stored())}
			})
		})
	}
}
