package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/stamp"
)

// hosted is a propagation node of ours, to which others connect.
type hosted struct {
	*propagation.Node
	t      *testing.T
	on     *node.Node
	id     *rns.Identity
	port   int
	conf   propagation.Config
	events feed[propagation.Event]
	stop   func()
}

// cheapNode asks for hardly any work.
func cheapNode() propagation.Settings {
	s := propagation.DefaultSettings()
	s.StampCost, s.Flexibility, s.PeeringCost = 13, 13, 2
	return s
}

// hurried is a node with a schedule for tests.
func hurried() propagation.Params {
	p := propagation.DefaultParams()
	p.Tick, p.SyncTicks, p.AnnounceDelay = 500*time.Millisecond, 4, 500*time.Millisecond
	return p
}

// startHosted runs a propagation node on a transport node with a listener.
func startHosted(ctx context.Context, t *testing.T, change ...func(*propagation.Config)) *hosted {
	t.Helper()
	h := &hosted{t: t, on: startNode(t, node.On, new(node.MemStorage))}
	var err error
	if h.port, err = listen(ctx, h.on, 0, access{}); err != nil {
		t.Fatal(err)
	}
	if h.id, err = rns.NewIdentity(rand.Reader); err != nil {
		t.Fatal(err)
	}
	h.conf = propagation.Config{
		Node: h.on, Identity: h.id, Files: propagation.NewDirFiles(t.TempDir()), State: new(node.MemStorage),
		Settings: cheapNode(), Params: hurried(), OnEvent: h.events.add,
	}
	for _, f := range change {
		f(&h.conf)
	}
	h.start()
	return h
}

func (h *hosted) start() {
	h.t.Helper()
	n, err := propagation.New(h.conf)
	if err != nil {
		h.t.Fatal(err)
	}
	h.Node = n
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := n.Serve(ctx); !errors.Is(err, context.Canceled) {
			h.t.Errorf("propagation node ended: %v", err)
		}
	}()
	h.stop = sync.OnceFunc(func() {
		if h.t.Failed() {
			h.log(ctx)
		}
		cancel()
		<-done
	})
	h.t.Cleanup(h.stop)
}

// log tells what the node has and does.
func (h *hosted) log(ctx context.Context) {
	h.t.Helper()
	s, err := h.Stats(ctx)
	h.t.Logf("%d messages, counters %+v, %v", s.Messages, s.Counters, err)
	for _, p := range s.Peers {
		h.t.Logf("peer %v: %s, %d outstanding, %d offered, %d out, %d in", p.Destination, p.State, p.Outstanding, p.Offered, p.Outgoing, p.Incoming)
	}
	all, _ := h.events.from(0)
	for _, e := range all {
		if e.Err != nil || e.Kind == propagation.EventSync {
			h.t.Logf("%s %v: %d, %v", e.Kind, e.Peer, e.Count, e.Err)
		}
	}
}

// peerOf waits until a node is a peer, and returns what is known of it.
func (h *hosted) peerOf(ctx context.Context, addr rns.Addr, is func(propagation.PeerStats) bool) (p propagation.PeerStats) {
	h.t.Helper()
	until(ctx, h.t, fmt.Sprintf("peer %v", addr), func() bool {
		s, err := h.Stats(ctx)
		if err != nil {
			h.t.Fatal(err)
		}
		i := slices.IndexFunc(s.Peers, func(p propagation.PeerStats) bool { return p.Destination == addr })
		if i >= 0 {
			p = s.Peers[i]
		}
		return i >= 0 && is(p)
	})
	return p
}

// settings are lines of a section of lxmd's configuration.
type settings map[string]any

// daemon is the reference's lxmd as a propagation node.
type daemon struct {
	t      *testing.T
	dir    string
	net    *reference
	id     *rns.Identity
	boss   *rns.Identity // may command it
	log    bytes.Buffer
	stop   func()
	killed func()
}

// newDaemon prepares an lxmd that dials a port and asks for hardly any work.
func newDaemon(t *testing.T, dir string, port int, change settings) *daemon {
	t.Helper()
	d := &daemon{t: t, dir: dir, net: newReference(t, filepath.Join(dir, "rns"), nil, []string{dials("out", port)})}
	var err error
	if d.id, err = rns.NewIdentity(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if d.boss, err = rns.NewIdentity(rand.Reader); err != nil {
		t.Fatal(err)
	}
	conf := settings{
		"enable_node": "yes", "node_name": "Reference", "announce_at_start": "yes", "autopeer": "yes",
		"propagation_stamp_cost_target": 13, "propagation_stamp_cost_flexibility": 13, "peering_cost": 2,
		"control_allowed": d.boss.Hash().Hex(),
	}
	maps.Copy(conf, change)
	var text strings.Builder
	text.WriteString("[propagation]\n")
	for k, v := range conf {
		fmt.Fprintf(&text, "%s = %v\n", k, v)
	}
	text.WriteString("[lxmf]\ndisplay_name = Reference\n[logging]\nloglevel = 6\n")
	d.write("config", []byte(text.String()))
	d.write("identity", d.id.Bytes())
	return d
}

func (d *daemon) write(name string, b []byte) {
	d.t.Helper()
	path := filepath.Join(d.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, b, 0o600)); err != nil {
		d.t.Fatal(err)
	}
}

// addr is the propagation destination of the daemon.
func (d *daemon) addr() rns.Addr { return rns.DestinationHash(lxmf.PropagationName, d.id.Hash()) }

// hurry makes the daemon's schedule eight times as fast, and runs it.
const hurry = `
import LXMF, LXMF.Utilities.lxmd as lxmd
LXMF.LXMRouter.PROCESSING_INTERVAL = 0.5
LXMF.LXMRouter.NODE_ANNOUNCE_DELAY = 0.5
lxmd.DEFFERED_JOBS_DELAY = 1
lxmd.main()
`

// serve runs the daemon until it is stopped or killed.
func (d *daemon) serve() {
	d.t.Helper()
	c := exec.Command("python3", "-c", hurry, "--config", d.dir, "--rnsconfig", d.net.dir)
	c.Env = append(os.Environ(), "PYTHONPATH="+d.net.path, "PYTHONUNBUFFERED=1")
	c.Stdout, c.Stderr = &d.log, &d.log
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // its stamp workers are processes of their own
	if err := c.Start(); err != nil {
		d.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.Wait() // by a signal
	}()
	d.killed = sync.OnceFunc(func() {
		_ = syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
		<-done
	})
	killed := d.killed
	d.stop = sync.OnceFunc(func() {
		_ = c.Process.Signal(syscall.SIGTERM)
		select {
		case <-done:
		case <-time.After(20 * time.Second):
		}
		killed()
	})
	stop := d.stop
	d.t.Cleanup(func() {
		stop()
		if d.t.Failed() {
			b := d.log.Bytes()
			d.t.Logf("end of the daemon's log:\n%s", b[max(0, len(b)-6000):])
		}
	})
}

// stored counts the files in the daemon's message store.
func (d *daemon) stored() int {
	list, err := os.ReadDir(filepath.Join(d.dir, "storage", "lxmf", "messagestore"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		d.t.Fatal(err)
	}
	return len(list)
}

// reader is a recipient that is a client of propagation nodes at the level of requests.
type reader struct {
	t    *testing.T
	on   *node.Node
	id   *rns.Identity
	from *rns.Identity
}

func newReader(ctx context.Context, t *testing.T, port int) *reader {
	t.Helper()
	r := &reader{t: t, on: startNode(t, node.Off, new(node.MemStorage))}
	var err error
	if r.id, err = rns.NewIdentity(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if r.from, err = rns.NewIdentity(rand.Reader); err != nil {
		t.Fatal(err)
	}
	if err := dial(ctx, r.on, port, access{}); err != nil {
		t.Fatal(err)
	}
	return r
}

// letters makes messages for the reader, with a stamp of a value, 0 for any.
func (r *reader) letters(count, size, value int) []lxmf.Stored {
	r.t.Helper()
	out := make([]lxmf.Stored, count)
	for i := range out {
		text := fmt.Sprintf("letter %d ", i)
		text += strings.Repeat("x", max(0, size-len(text)))
		m := lxmf.New(lxmf.DeliveryHash(r.id.Hash()), lxmf.DeliveryHash(r.from.Hash()), time.Now(), nil, []byte(text))
		m.Sign(r.from)
		sealed, err := m.Seal(rand.Reader, r.id.Public(), nil)
		if err != nil {
			r.t.Fatal(err)
		}
		out[i] = lxmf.Stored{Sealed: sealed}
		if value == 0 {
			_, _ = rand.Read(out[i].Stamp[:]) // never fails
			continue
		}
		found, err := lxmf.PropagationWork(out[i].ID(), 2).Search(r.t.Context(), value, stamp.Options{Workers: 2})
		if err != nil {
			r.t.Fatal(err)
		}
		out[i].Stamp = found.Stamp
	}
	return out
}

// link opens a link to a node.
func (r *reader) link(ctx context.Context, to rns.Addr, as *rns.Identity) *node.Link {
	r.t.Helper()
	if _, err := r.on.AwaitPath(ctx, to); err != nil {
		r.t.Fatal(err)
	}
	l, err := r.on.OpenLink(ctx, to, node.LinkHandler{})
	if err != nil {
		r.t.Fatal(err)
	}
	if as != nil {
		if err := l.Identify(ctx, as); err != nil {
			r.t.Fatal(err)
		}
	}
	return l
}

// upload hands letters to a node, one by one, as a client does.
func (r *reader) upload(ctx context.Context, to rns.Addr, letters []lxmf.Stored) {
	r.t.Helper()
	l := r.link(ctx, to, nil)
	defer l.Close()
	for i, s := range letters {
		err := r.hand(ctx, l, s)
		for try := 1; errors.Is(err, node.ErrNoProof) && try < 20; try++ {
			err = r.hand(ctx, l, s) // checking and storing may take longer than many round trips on the loopback
		}
		if err != nil {
			r.t.Fatalf("upload of letter %d: %v", i, err)
		}
	}
}

// hand transfers letters on a link, as a packet if they fit, and waits for the proof.
func (r *reader) hand(ctx context.Context, l *node.Link, letters ...lxmf.Stored) error {
	data := transferOf(letters)
	if len(data) > l.MDU() {
		return r.handResource(ctx, l, letters...)
	}
	sent, err := l.Send(ctx, data, node.SendOptions{})
	if err != nil {
		return err
	}
	return sent.Wait(ctx)
}

// handResource transfers letters as a resource, and waits for the proof.
func (*reader) handResource(ctx context.Context, l *node.Link, letters ...lxmf.Stored) error {
	data := transferOf(letters)
	sent, err := l.SendResource(ctx, bytes.NewReader(data), int64(len(data)), node.ResourceOptions{})
	if err != nil {
		return err
	}
	return sent.Wait(ctx)
}

func transferOf(letters []lxmf.Stored) []byte {
	t := lxmf.Transfer{Time: float64(time.Now().Unix())}
	for _, s := range letters {
		t.Stored = append(t.Stored, s.Append(nil))
	}
	return t.Append(nil)
}

// request asks a node on a link; the error may be a code of it.
func (r *reader) request(ctx context.Context, l *node.Link, path string, data []byte) (msgpack.Value, error) {
	r.t.Helper()
	v, _, err := msgpack.Parse(data, msgpack.Limits{})
	if err != nil {
		r.t.Fatal(err)
	}
	answer, err := l.RequestValue(ctx, path, v, node.RequestOptions{Timeout: time.Minute})
	if code, ok := answer.Uint(); err == nil && ok {
		return answer, lxmf.ErrorCode(code)
	}
	return answer, err
}

// list names the letters that wait for the reader.
func (r *reader) list(ctx context.Context, at rns.Addr) []rns.Hash {
	r.t.Helper()
	l := r.link(ctx, at, r.id)
	defer l.Close()
	v, err := r.request(ctx, l, lxmf.PathGet, lxmf.Get{}.Append(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	ids, err := lxmf.ParseIDs(v.Append(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	return ids
}
