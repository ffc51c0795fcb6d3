package interop

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/i2p/samtest"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// add adds an interface to a node as a configuration file would, and waits until it is up.
func add(ctx context.Context, n *node.Node, b *interfaces.Builder, lines ...string) (node.InterfaceID, error) {
	text := "[interfaces]\n[[ours]]\nenabled = yes\ningress_control = no\n" + strings.Join(lines, "\n") + "\n"
	c, err := config.Parse([]byte(text))
	if err != nil {
		return 0, err
	}
	d, conf, err := b.Build(c.Interfaces[0])
	if err != nil {
		return 0, err
	}
	return attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(d, conf) })
}

// block is add for the goroutine of the test.
func block(ctx context.Context, t *testing.T, n *node.Node, b *interfaces.Builder, lines ...string) node.InterfaceID {
	t.Helper()
	id, err := add(ctx, n, b, lines...)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// driverLab connects our side and a partner by a medium. python replaces the partner's interpreter when not empty.
func driverLab(ctx context.Context, t *testing.T, python string, connect func(*node.Node) peer.Args) *lab {
	t.Helper()
	p, err := peer.Start(ctx, peer.Config{PythonPath: pythonPath(t), Dir: filepath.Join(t.TempDir(), "partner"), Python: python})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 10*time.Second)
		defer cancel()
		p.Close(ctx)
		if t.Failed() {
			showLog(t, p)
		}
	})
	l := &lab{peer: p, way: ways[0]}
	ourNode := startNode(t, node.Off, new(node.MemStorage))
	args := connect(ourNode)
	if l.info, err = p.Open(ctx, partnerArgs(args)); err != nil {
		t.Fatal(err)
	}
	until(ctx, t, "an interface that sends", func() bool { return sends(ctx, t, ourNode) })
	l.ours = startStation(t, ourNode)
	l.lxmf = addr(t, l.info.Delivery)
	l.echo = l.openDestination(ctx, t, echoName, false)
	l.quiet = l.openDestination(ctx, t, quietName, true)
	l.introduce(ctx, t)
	return l
}

// sends tells whether a node has an interface that is up and transmits.
func sends(ctx context.Context, t *testing.T, n *node.Node) bool {
	t.Helper()
	all, err := n.Interfaces(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return slices.ContainsFunc(all, func(s node.InterfaceStatus) bool {
		return s.State.Word == node.StateUp && s.Info.Role != iface.RoleListener
	})
}

// both runs links and short messages both ways over a medium, and returns figures worth showing.
func both(ctx context.Context, t *testing.T, l *lab) []string {
	t.Helper()
	figures := linkOut(ctx, t, l)
	figures = append(figures, linkIn(ctx, t, l)...)
	return append(figures, directPacket(ctx, t, l)...)
}

// mtuOf is the MTU of a link from us to the partner.
func mtuOf(ctx context.Context, t *testing.T, l *lab) int {
	t.Helper()
	link, err := l.ours.node.OpenLink(ctx, l.echo, node.LinkHandler{})
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	return link.MTU()
}

// TestLiveBackbone: a Backbone listener and client, each on either side. spec: rns-interfaces §4
func TestLiveBackbone(t *testing.T) {
	pythonPath(t)
	for _, way := range []string{"we listen", "they listen"} {
		t.Run(way, func(t *testing.T) {
			record(t, "backbone", way, 3*time.Minute, func(ctx context.Context) []string {
				port := freePort(t)
				l := driverLab(ctx, t, "", func(n *node.Node) peer.Args {
					if way == "we listen" {
						block(ctx, t, n, new(interfaces.Builder), "type = BackboneInterface", "listen_on = 127.0.0.1", fmt.Sprint("port = ", port))
						return peer.Args{"type": "BackboneInterface", "remote": "127.0.0.1", "port": port}
					}
					later(t, func(ctx context.Context) error {
						_, err := add(ctx, n, new(interfaces.Builder), "type = BackboneClientInterface", "target_host = 127.0.0.1", fmt.Sprint("target_port = ", port))
						return err
					})
					return peer.Args{"type": "BackboneInterface", "listen_ip": "127.0.0.1", "listen_port": port}
				})
				// The client's side has the smaller MTU, and it wins.
				if got := mtuOf(ctx, t, l); got != 16_384 {
					t.Errorf("MTU of a link is %d", got)
				}
				return both(ctx, t, l)
			})
		})
	}
}

// later runs something beside the test that waits for the partner, and makes the test wait for it.
func later(t *testing.T, run func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	go func() {
		defer close(done)
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	}()
}

// relay joins the two programs of a pair of pipes: each connects to it.
func relay(t *testing.T) (port int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() {
		_ = l.Close()
		<-done
	})
	go func() {
		defer close(done)
		a, err := l.Accept()
		if err != nil {
			return
		}
		defer a.Close()
		b, err := l.Accept()
		if err != nil {
			return
		}
		defer b.Close()
		back := make(chan struct{})
		go func() {
			defer close(back)
			_, _ = io.Copy(a, b)
			_, _ = a.Close(), b.Close()
		}()
		_, _ = io.Copy(b, a)
		_, _ = a.Close(), b.Close()
		<-back
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// pipeProgram copies between its standard streams and a port.
const pipeProgram = `import os, socket, sys, threading
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
def out():
    while True:
        b = s.recv(65536)
        if not b: os._exit(0)
        sys.stdout.buffer.write(b); sys.stdout.buffer.flush()
threading.Thread(target=out, daemon=True).start()
while True:
    b = os.read(0, 65536)
    if not b: break
    s.sendall(b)
`

// TestLivePipe: a program on each side, joined. spec: rns-interfaces §8
func TestLivePipe(t *testing.T) {
	pythonPath(t)
	record(t, "pipe", "program to program", 3*time.Minute, func(ctx context.Context) []string {
		program := filepath.Join(t.TempDir(), "a program.py")
		if err := os.WriteFile(program, []byte(pipeProgram), 0o600); err != nil {
			t.Fatal(err)
		}
		command := fmt.Sprintf("python3 -u '%s' %d", program, relay(t))
		l := driverLab(ctx, t, "", func(n *node.Node) peer.Args {
			block(ctx, t, n, new(interfaces.Builder), "type = PipeInterface", "command = "+command)
			return peer.Args{"type": "PipeInterface", "command": command}
		})
		if got := mtuOf(ctx, t, l); got != rns.MTU {
			t.Errorf("MTU of a link is %d", got)
		}
		return both(ctx, t, l)
	})
}

// TestLiveI2P: an endpoint and a peer on either side, through a router of ours that both ask. spec: rns-interfaces §14
func TestLiveI2P(t *testing.T) {
	pythonPath(t)
	for _, way := range []string{"our endpoint", "their endpoint"} {
		t.Run(way, func(t *testing.T) {
			record(t, "i2p", way, 4*time.Minute, func(ctx context.Context) []string {
				router := new(samtest.Router)
				t.Cleanup(router.Close)
				address, err := router.Listen()
				if err != nil {
					t.Fatal(err)
				}
				t.Setenv("I2P_SAM_ADDRESS", address)
				b := &interfaces.Builder{I2PRouter: address, Storage: t.TempDir()}
				l := driverLab(ctx, t, "", func(n *node.Node) peer.Args {
					b.Identity = n.TransportID
					if way == "our endpoint" {
						id := block(ctx, t, n, b, "type = I2PInterface", "connectable = yes")
						return peer.Args{"type": "I2PInterface", "peers": endpoint(ctx, t, n, id)}
					}
					later(t, func(ctx context.Context) error {
						name, err := awaitName(ctx, router)
						if err == nil {
							_, err = add(ctx, n, b, "type = I2PInterface", "peers = "+name+",")
						}
						return err
					})
					return peer.Args{"type": "I2PInterface", "connectable": "yes"}
				})
				return both(ctx, t, l)
			})
		})
	}
}

// endpoint is the address of an I2P interface of ours.
func endpoint(ctx context.Context, t *testing.T, n *node.Node, id node.InterfaceID) string {
	t.Helper()
	st, err := n.InterfaceStatus(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	return st.Driver.(iface.Reachable).Endpoint().Address
}

// awaitName waits until somebody offers an endpoint.
func awaitName(ctx context.Context, r *samtest.Router) (string, error) {
	for {
		if names := r.Waiting(); len(names) > 0 {
			return names[0], nil
		}
		select {
		case <-ctx.Done():
			return "", context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// wire is a network namespace for the partner, joined to ours by a pair of virtual Ethernet devices.
type wire struct{ namespace, near, far string }

// ip runs the program of that name.
func ip(args string) error {
	out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("ip %s: %w: %s", args, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// newWire makes both ends. It skips the test where that cannot be done.
func newWire(t *testing.T) wire {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root: run as root to test AutoInterface and UDP with the reference")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("network namespaces need the program ip: install iproute2")
	}
	id := fmt.Sprintf("%d", os.Getpid()%100_000)
	w := wire{namespace: "meshchatx-live-" + id, near: "mxn" + id, far: "mxf" + id}
	if err := ip("netns add " + w.namespace); err != nil {
		t.Skipf("no network namespace: %v", err)
	}
	t.Cleanup(func() {
		_ = ip("link del " + w.near) // it goes with the namespace too
		if err := ip("netns del " + w.namespace); err != nil {
			t.Error(err)
		}
	})
	for _, args := range []string{
		"link add " + w.near + " type veth peer name " + w.far + " netns " + w.namespace,
		"link set " + w.near + " addrgenmode none", "-n " + w.namespace + " link set " + w.far + " addrgenmode none", // one address each
		"addr add 198.18.254.1/30 broadcast 198.18.254.3 dev " + w.near, "link set " + w.near + " up",
		"-n " + w.namespace + " link set lo up",
		"-n " + w.namespace + " addr add 198.18.254.2/30 broadcast 198.18.254.3 dev " + w.far, "-n " + w.namespace + " link set " + w.far + " up",
	} {
		if err := ip(args); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// python is an interpreter within the namespace.
func (w wire) python(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "python")
	script := "#!/bin/sh\nexec ip netns exec " + w.namespace + " /usr/bin/python3 \"$@\"\n"
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestLiveUDPBetweenHosts: datagrams by broadcast. spec: rns-interfaces §6
func TestLiveUDPBetweenHosts(t *testing.T) {
	pythonPath(t)
	w := newWire(t)
	record(t, "udp", "host to host", 3*time.Minute, func(ctx context.Context) []string {
		l := driverLab(ctx, t, w.python(t), func(n *node.Node) peer.Args {
			block(ctx, t, n, new(interfaces.Builder), "type = UDPInterface", "listen_ip = 198.18.254.1", "forward_ip = 198.18.254.2", "port = 4710")
			return peer.Args{"type": "UDPInterface", "listen_ip": "198.18.254.2", "forward_ip": "198.18.254.1", "port": 4710}
		})
		return both(ctx, t, l)
	})
	// With broadcast the reference hears its own channel packets and takes them for those of the other side: no channels here.
	record(t, "udp", "broadcast", 3*time.Minute, func(ctx context.Context) []string {
		l := driverLab(ctx, t, w.python(t), func(n *node.Node) peer.Args {
			block(ctx, t, n, new(interfaces.Builder), "type = UDPInterface", "device = "+w.near, "port = 4711")
			return peer.Args{"type": "UDPInterface", "device": w.far, "port": 4711}
		})
		return append(announces(ctx, t, l), directPacket(ctx, t, l)...)
	})
}

// TestLiveAutoBetweenHosts: two hosts on one wire find each other. spec: rns-interfaces §5
func TestLiveAutoBetweenHosts(t *testing.T) {
	pythonPath(t)
	w := newWire(t)
	for end, args := range []string{"addr add fe80::a1/64 dev " + w.near + " nodad", "-n " + w.namespace + " addr add fe80::a2/64 dev " + w.far + " nodad"} {
		if err := ip(args); err != nil {
			t.Skipf("AutoInterface needs IPv6 at end %d: %v", end, err)
		}
	}
	record(t, "auto", "one wire", 3*time.Minute, func(ctx context.Context) []string {
		l := driverLab(ctx, t, w.python(t), func(n *node.Node) peer.Args {
			block(ctx, t, n, new(interfaces.Builder), "type = AutoInterface", "group_id = live", "devices = "+w.near)
			return peer.Args{"type": "AutoInterface", "group_id": "live", "devices": w.far}
		})
		if got := mtuOf(ctx, t, l); got != 1196 {
			t.Errorf("MTU of a link is %d", got)
		}
		return both(ctx, t, l)
	})
}
