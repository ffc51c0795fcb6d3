package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface/udp"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// hub is what stands between the two sides.
type hub uint8

const (
	noHub hub = iota
	pythonHub
	ourHub
	udpPair     // nothing, over UDP
	sameMachine // nothing, over the socket of a shared instance
)

// way is how the two sides are connected.
type way struct {
	name   string
	hub    hub
	access access
	// urgent makes the partner run before other programs.
	urgent bool
	// partner are more parameters of the partner's node.
	partner peer.Args
}

var codes = access{network: "interop", passphrase: "correct horse"}

// ways are the columns of the matrix.
var ways = []way{
	{name: "plain"},
	{name: "via Python", hub: pythonHub},
	{name: "via ours", hub: ourHub},
	{name: "IFAC plain", access: codes},
	{name: "IFAC via Python", hub: pythonHub, access: codes},
	{name: "IFAC via ours", hub: ourHub, access: codes},
	{name: "UDP", hub: udpPair},
}

// hops is the distance of the two sides.
func (w way) hops() int {
	if w.hub == sameMachine {
		return 0
	}
	if w.hub == noHub || w.hub == udpPair {
		return 1
	}
	return 2
}

// lab is one running connection of our side and the partner.
type lab struct {
	way   way
	ours  *station
	peer  *peer.Process
	info  peer.Info
	lxmf  rns.Addr // of the partner
	echo  rns.Addr
	quiet rns.Addr
	hubID rns.Addr
}

// startPartner runs a partner that is killed at the end at the latest.
func startPartner(t *testing.T, dir string) *peer.Process {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	p, err := peer.Start(ctx, peer.Config{PythonPath: pythonPath(t), Dir: dir})
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
	return p
}

// showLog shows the end of what the partner's libraries said.
func showLog(t *testing.T, p *peer.Process) {
	t.Helper()
	b, err := os.ReadFile(p.Log())
	if err != nil {
		t.Log(err)
		return
	}
	const keep = 4000
	t.Logf("end of the partner's log:\n%s", b[max(0, len(b)-keep):])
}

// newLab connects the two sides and makes them known to each other.
func newLab(t *testing.T, w way) *lab {
	t.Helper()
	l := &lab{way: w}
	dir := t.TempDir()
	l.peer = startPartner(t, filepath.Join(dir, "partner"))
	if w.urgent {
		prefer(t, l.peer.PID()) // now, so that all its threads are
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), 2*time.Minute, errors.New("lab did not come up"))
	defer cancel()
	ourNode := startNode(t, node.Off, new(node.MemStorage))
	args := partnerArgs(w.access.args(l.connect(ctx, t, ourNode, filepath.Join(dir, "hub"))))
	maps.Copy(args, w.partner)
	var err error
	if l.info, err = l.peer.Open(ctx, args); err != nil {
		t.Fatal(err)
	}
	l.ours = startStation(t, ourNode)
	l.lxmf = addr(t, l.info.Delivery)
	l.echo = l.openDestination(ctx, t, echoName, false)
	l.quiet = l.openDestination(ctx, t, quietName, true)
	l.introduce(ctx, t)
	return l
}

// partnerArgs are the parameters of a partner with one interface.
func partnerArgs(iface peer.Args) peer.Args {
	level := os.Getenv("MESHCHATX_LIVE_LOGLEVEL")
	if level == "" {
		level = "4"
	}
	return peer.Args{
		"display_name": "Partner", "processing_interval": 0.5, "interfaces": []peer.Args{iface}, "loglevel": level,
	}
}

// connect makes the way between the sides and returns the partner's interface.
func (l *lab) connect(ctx context.Context, t *testing.T, ours *node.Node, dir string) peer.Args {
	t.Helper()
	var port int
	var err error
	switch l.way.hub {
	case udpPair:
		return connectUDP(ctx, t, ours, l.way.access)
	case noHub:
		if port, err = listen(ctx, ours, 0, l.way.access); err != nil {
			t.Fatal(err)
		}
		return peer.Args{"type": "tcp_client", "port": port}
	case ourHub:
		hubNode := startNode(t, node.On, new(node.MemStorage))
		l.hubID = hubNode.TransportID()
		if port, err = listen(ctx, hubNode, 0, l.way.access); err != nil {
			t.Fatal(err)
		}
	case pythonHub:
		port = freePort(t)
		l.startHub(ctx, t, dir, port)
	}
	if err := dial(ctx, ours, port, l.way.access); err != nil {
		t.Fatal(err)
	}
	return peer.Args{"type": "tcp_client", "port": port}
}

// startHub runs the reference as a transport node.
func (l *lab) startHub(ctx context.Context, t *testing.T, dir string, port int) {
	t.Helper()
	p := startPartner(t, dir)
	// Scenarios announce more often than a transport node passes on unasked.
	args := partnerArgs(l.way.access.args(peer.Args{
		"type": "tcp_server", "port": port, "announce_rate_target": 1, "announce_rate_grace": 1_000_000,
	}))
	args["transport"], args["lxmf"] = true, false
	info, err := p.Open(ctx, args)
	if err != nil {
		t.Fatal(err)
	}
	l.hubID = addr(t, info.TransportID)
}

// connectUDP connects the sides by datagrams.
func connectUDP(ctx context.Context, t *testing.T, ours *node.Node, a access) peer.Args {
	t.Helper()
	here, there := freeDatagramPort(t), freeDatagramPort(t)
	d, err := udp.New(udp.Config{
		Name: "udp", ListenIP: "127.0.0.1", ListenPort: here, ForwardIP: "127.0.0.1", ForwardPort: there,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attach(ctx, ours, func() (node.InterfaceID, error) { return ours.AddInterface(d, a.config()) }); err != nil {
		t.Fatal(err)
	}
	return peer.Args{"type": "udp", "port": there, "forward_port": here}
}

func freeDatagramPort(t *testing.T) int {
	t.Helper()
	c, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).Port
}

// freePort is a port that was free a moment ago, for a program that cannot choose one itself.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// openDestination makes the partner listen for links.
func (l *lab) openDestination(ctx context.Context, t *testing.T, name string, quiet bool) rns.Addr {
	t.Helper()
	var r peer.Event
	l.call(ctx, t, "dest_start", peer.Args{
		"name": name, "quiet": quiet, "ratchets": true, "announce": false, "channel_echo": !quiet, "msgtypes": []int{messageType},
		"buffer_echo": !quiet, "requests": peer.Args{"/echo": "echo", "/big": peer.Args{"gen": bigSize, "seed": "big"}},
	}, &r)
	return addr(t, r.Hash)
}

// introduce announces all destinations of both sides until the other side knows them.
func (l *lab) introduce(ctx context.Context, t *testing.T) {
	t.Helper()
	l.call(ctx, t, "wait_online", nil, nil)
	for _, d := range []*node.Destination{l.ours.echo, l.ours.quiet} {
		l.announceUntil(ctx, t, func() error { return d.Announce(ctx, node.AnnounceOptions{}) }, l.partnerHears(d.Addr()))
	}
	l.announceUntil(ctx, t, func() error { return l.ours.router.Announce(ctx) }, l.partnerHears(l.ours.router.Address()))
	for _, h := range []rns.Addr{l.echo, l.quiet, l.lxmf} {
		args := peer.Args{"what": "dest", "hash": h.Hex()}
		if h == l.lxmf {
			args = nil
		}
		l.announceUntil(ctx, t, func() error { return l.peer.Call(ctx, "announce", args, nil) }, l.weHear(h))
	}
}

// announceUntil announces again and again until it is heard: announces of one destination in the same second do not
// replace each other.
func (l *lab) announceUntil(ctx context.Context, t *testing.T, announce func() error, heard func(context.Context) error) {
	t.Helper()
	for {
		if err := announce(); err != nil {
			t.Fatal(err)
		}
		try, cancel := context.WithTimeout(ctx, 4*time.Second)
		err := heard(try)
		cancel()
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			t.Fatalf("announce was not heard: %v", err)
		}
	}
}

// partnerHears waits for the next announce of ours at the partner.
func (l *lab) partnerHears(h rns.Addr) func(context.Context) error {
	mark := l.peer.Mark()
	return func(ctx context.Context) error {
		_, err := l.peer.Wait(ctx, "announce", mark, func(e peer.Event) bool { return e.Hash == h.Hex() })
		return err
	}
}

// weHear waits for the next announce of the partner here.
func (l *lab) weHear(h rns.Addr) func(context.Context) error {
	mark := l.ours.announces.mark()
	return func(ctx context.Context) error {
		_, err := l.ours.announces.wait(ctx, mark, func(a node.Announced) bool { return a.Destination == h })
		return err
	}
}

// call gives the partner a command that must not fail.
func (l *lab) call(ctx context.Context, t *testing.T, command string, args peer.Args, out any) {
	t.Helper()
	if err := l.peer.Call(ctx, command, args, out); err != nil {
		t.Fatal(err)
	}
}

// wait waits for an event of the partner.
func (l *lab) wait(ctx context.Context, t *testing.T, event string, mark int, match func(peer.Event) bool) peer.Event {
	t.Helper()
	e, err := l.peer.Wait(ctx, event, mark, match)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// expect waits for an entry of a feed of ours.
func expect[T any](ctx context.Context, t *testing.T, f *feed[T], mark int, match func(T) bool) T {
	t.Helper()
	v, err := f.wait(ctx, mark, match)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func addr(t *testing.T, s string) rns.Addr {
	t.Helper()
	a, err := rns.ParseAddr(s)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// same compares large data without printing it.
func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: %d bytes %.16s, want %d bytes %.16s", what, len(got), peer.Digest(got), len(want), peer.Digest(want))
	}
}

// sameDigest compares what the partner got.
func sameDigest(t *testing.T, what string, length int, digest string, want []byte) {
	t.Helper()
	if length != len(want) || digest != peer.Digest(want) {
		t.Errorf("%s: %d bytes %.16s, want %d bytes %.16s", what, length, digest, len(want), peer.Digest(want))
	}
}

func rate(size int, d time.Duration) string {
	return fmt.Sprintf("%.1f MB/s", float64(size)/1e6/d.Seconds())
}
