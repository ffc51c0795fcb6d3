package interop

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"meshchatx/rns"
)

// reference is a configuration directory of the reference, and its programs run on it.
type reference struct {
	t    *testing.T
	dir  string
	path string // of its modules
}

// newReference writes a configuration: lines for the general section, and interfaces.
func newReference(t *testing.T, dir string, general, interfaces []string) *reference {
	t.Helper()
	r := &reference{t: t, dir: dir, path: pythonPath(t)}
	text := "[reticulum]\nshare_instance = No\n" + strings.Join(general, "\n") +
		"\n[logging]\nloglevel = 6\n[interfaces]\n" + strings.Join(interfaces, "\n") + "\n"
	if err := os.MkdirAll(filepath.Join(dir, "storage"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// dials is the section of a TCP client, accepts that of a listener.
func dials(name string, port int) string {
	return fmt.Sprintf("[[%s]]\ntype = TCPClientInterface\nenabled = yes\ntarget_host = 127.0.0.1\ntarget_port = %d\ningress_control = no\n", name, port)
}

func accepts(name string, port int) string {
	return fmt.Sprintf("[[%s]]\ntype = TCPServerInterface\nenabled = yes\nlisten_ip = 127.0.0.1\nlisten_port = %d\ningress_control = no\n", name, port)
}

// identity gives the reference a transport identity known beforehand.
func (r *reference) identity(id *rns.Identity) *reference {
	r.t.Helper()
	if err := os.WriteFile(r.file("storage", "transport_identity"), id.Bytes(), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return r
}

func (r *reference) file(name ...string) string {
	return filepath.Join(append([]string{r.dir}, name...)...)
}

func (r *reference) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	all := append([]string{"-m", "RNS.Utilities." + program, "--config", r.dir}, args...)
	c := exec.CommandContext(ctx, "python3", all...)
	c.Env = append(os.Environ(), "PYTHONPATH="+r.path, "PYTHONUNBUFFERED=1")
	return c
}

// run runs a program to its end and returns what it printed. The programs wait for ever when an answer overtakes them on a
// busy machine (spec: rns-link §6.1, §7.4), or when their link does not come up; then they are run again.
func (r *reference) run(ctx context.Context, program string, args ...string) string {
	r.t.Helper()
	for try := 1; ; try++ {
		once, cancel := context.WithTimeout(ctx, 40*time.Second)
		out, err := r.command(once, program, args...).CombinedOutput()
		late := once.Err() != nil
		cancel()
		switch {
		case err == nil:
			return string(out)
		case !late || try == 3 || ctx.Err() != nil:
			r.t.Errorf("%s %v: %v\n%s", program, args, err, out)
			return string(out)
		}
		r.t.Logf("%s %v hangs:\n%s", program, args, out)
	}
}

// serve runs rnsd until the returned function stops it as a service manager would, so that it saves what it knows.
func (r *reference) serve(ctx context.Context) (stop func()) {
	r.t.Helper()
	c := r.command(context.WithoutCancel(ctx), "rnsd")
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Wait() // by a signal
	}()
	stop = func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			_ = c.Process.Kill()
			<-done
		}
	}
	r.t.Cleanup(func() {
		stop()
		if r.t.Failed() {
			b := log.Bytes()
			r.t.Logf("end of the daemon's log:\n%s", b[max(0, len(b)-4000):])
		}
	})
	return stop
}

// waitListening waits until a port of the loopback accepts connections.
func waitListening(ctx context.Context, t *testing.T, port int) {
	t.Helper()
	until(ctx, t, fmt.Sprintf("port %d", port), func() bool {
		c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// until polls what no event tells.
func until(ctx context.Context, t *testing.T, what string, f func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, context.Cause(ctx))
		}
	}
}
