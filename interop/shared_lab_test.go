package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// machine is a shared instance and what its programs need to find it: every test has its own, and none finds that of the
// machine the tests run on.
type machine struct {
	endpoint local.Endpoint
	dir      string // configuration directory of the programs that share the key
}

var machines atomic.Int32

func newMachine(t *testing.T, kind local.Kind) *machine {
	t.Helper()
	m := &machine{dir: filepath.Join(t.TempDir(), "machine"), endpoint: local.Endpoint{
		Kind: kind, Name: fmt.Sprintf("interop-%d-%d", os.Getpid(), machines.Add(1)),
	}}
	if kind == local.KindTCP {
		m.endpoint.Port, m.endpoint.ControlPort = freePort(t), freePort(t)
	}
	if err := os.MkdirAll(filepath.Join(m.dir, "storage"), 0o700); err != nil {
		t.Fatal(err)
	}
	return m
}

// options are the lines of the general section.
func (m *machine) options() peer.Args {
	all := peer.Args{"instance_name": m.endpoint.Name}
	if m.endpoint.Kind == local.KindTCP {
		all["shared_instance_type"] = "tcp"
		all["shared_instance_port"], all["instance_control_port"] = m.endpoint.Port, m.endpoint.ControlPort
	}
	return all
}

// programs is the configuration directory of the reference for programs of the machine.
func (m *machine) programs(t *testing.T, interfaces ...string) *reference {
	t.Helper()
	lines := []string{}
	for k, v := range m.options() {
		lines = append(lines, fmt.Sprintf("%s = %v", k, v))
	}
	r := newReference(t, m.dir, lines, interfaces)
	b, err := os.ReadFile(r.file("config"))
	if err != nil {
		t.Fatal(err)
	}
	// The helper writes one that stands alone.
	text := "[reticulum]\nshare_instance = Yes" + string(b[len("[reticulum]\nshare_instance = No"):])
	if err := os.WriteFile(r.file("config"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return r
}

// join starts a node of ours in a role of the machine.
func (m *machine) join(t *testing.T, mode node.SharedMode, change ...func(*node.Config)) *node.Node {
	t.Helper()
	n, err := m.tryJoin(t, mode, change...)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func (m *machine) tryJoin(t *testing.T, mode node.SharedMode, change ...func(*node.Config)) (*node.Node, error) {
	t.Helper()
	c := node.DefaultConfig()
	c.Shared = node.Shared{Mode: mode, Endpoint: m.endpoint}
	for _, f := range change {
		f(&c)
	}
	n, err := node.New(c, node.WithStorage(node.NewDirStorage(filepath.Join(m.dir, "storage"))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, n.Start(context.WithoutCancel(t.Context()))
}

// partnerOn are the parameters of a partner that is a program of the machine: it has the same key.
func (m *machine) partnerOn(t *testing.T, p *peer.Process, change peer.Args) peer.Args {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(m.dir, "storage", "transport_identity"))
	if err != nil {
		t.Fatal(err)
	}
	dir := p.Dir()
	if err := os.MkdirAll(filepath.Join(dir, "storage"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "storage", "transport_identity"), key, 0o600); err != nil {
		t.Fatal(err)
	}
	args := partnerArgs(nil)
	options := m.options()
	maps.Copy(options, change)
	args["interfaces"], args["share_instance"], args["reticulum"] = []peer.Args{}, true, options
	return args
}

// sharedWay is who is on the machine and who owns the interfaces.
type sharedWay struct {
	name string
	kind local.Kind
	// owner is whose program owns the interfaces.
	owner owner
	// ours and theirs say whether our station and the partner are programs of the machine, or at the other end of a TCP
	// interface of it.
	ours, theirs place
}

type owner uint8

const (
	oursOwns owner = iota
	pythonOwns
)

type place uint8

const (
	onMachine place = iota
	inOwner         // the station is in the program that owns the interfaces
	onNetwork
)

var sharedWays = []sharedWay{
	{"Python on ours", local.KindUnix, oursOwns, onNetwork, onMachine},
	{"Python on ours, TCP", local.KindTCP, oursOwns, onNetwork, onMachine},
	{"Python on ours, near", local.KindUnix, oursOwns, inOwner, onMachine},
	{"ours on Python", local.KindUnix, pythonOwns, onMachine, onNetwork},
	{"ours on Python, TCP", local.KindTCP, pythonOwns, onMachine, onNetwork},
	{"both on ours", local.KindUnix, oursOwns, onMachine, onMachine},
	{"both on Python", local.KindUnix, pythonOwns, onMachine, onMachine},
}

// sharedLab is a lab around a machine.
type sharedLab struct {
	*lab
	machine *machine
	port    int              // of the owner's TCP listener
	owner   *node.Node       // if it is ours
	daemon  *reference       // if it is Python's
	kill    func()           // ends the daemon as a crash would
	client  *node.Node       // ours on the machine, if there is one
	args    func() peer.Args // of the partner
}

// newSharedLab connects the two sides by way of the machine and makes them known to each other.
func newSharedLab(t *testing.T, w sharedWay) *sharedLab {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("lab did not come up"))
	defer cancel()
	l := &sharedLab{lab: &lab{way: way{name: w.name}}, machine: newMachine(t, w.kind), port: freePort(t)}
	if w.ours != onNetwork && w.theirs != onNetwork {
		l.way.hub = sameMachine
	}
	if w.owner == oursOwns {
		l.owner = l.machine.join(t, node.SharedServe)
		if _, err := listen(ctx, l.owner, l.port, access{}); err != nil {
			t.Fatal(err)
		}
	} else {
		l.daemon = l.machine.programs(t, accepts("hub", l.port))
		l.kill = l.daemon.daemon(ctx)
		waitListening(ctx, t, l.port)
		until(ctx, t, "key of the daemon", func() bool {
			b, err := os.ReadFile(filepath.Join(l.machine.dir, "storage", "transport_identity"))
			return err == nil && len(b) == rns.PrivateKeySize
		})
	}
	var ours *node.Node
	switch w.ours {
	case inOwner:
		ours = l.owner
	case onMachine:
		ours = l.machine.join(t, node.SharedAttach)
		l.client = ours
	case onNetwork:
		ours = startNode(t, node.Off, new(node.MemStorage))
		if err := dial(ctx, ours, l.port, access{}); err != nil {
			t.Fatal(err)
		}
	}
	l.peer = startPartner(t, filepath.Join(t.TempDir(), "partner"))
	l.args = func() peer.Args {
		if w.theirs == onMachine {
			return l.machine.partnerOn(t, l.peer, nil)
		}
		return partnerArgs(peer.Args{"type": "tcp_client", "port": l.port})
	}
	var err error
	if l.info, err = l.peer.Open(ctx, l.args()); err != nil {
		t.Fatal(err)
	}
	l.ours = startStation(t, ours)
	l.lxmf = addr(t, l.info.Delivery)
	l.echo = l.openDestination(ctx, t, echoName, false)
	l.quiet = l.openDestination(ctx, t, quietName, true)
	l.introduce(ctx, t)
	return l
}

// daemon runs rnsd until the end of the test, or until the returned function kills it.
func (r *reference) daemon(ctx context.Context) (kill func()) {
	r.t.Helper()
	c := r.command(context.WithoutCancel(ctx), "rnsd")
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		r.t.Fatal(err)
	}
	kill = sync.OnceFunc(func() {
		_ = c.Process.Kill() // an error means that it has ended
		_ = c.Wait()         // by a signal
	})
	r.t.Cleanup(func() {
		kill()
		if r.t.Failed() {
			b := log.Bytes()
			r.t.Logf("end of the daemon's log:\n%s", b[max(0, len(b)-4000):])
		}
	})
	return kill
}
