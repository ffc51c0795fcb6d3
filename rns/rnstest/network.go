package rnstest

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Network is a set of nodes and the media between them. It belongs to one test and closes its nodes at the end.
type Network struct {
	t     testing.TB
	seed  uint64
	nodes []*Node
	links int
	local Sockets
}

// Node is one node of a network.
type Node struct {
	*node.Node
	Name    string
	Storage node.Storage
	net     *Network
	conf    node.Config
	seed    uint64
}

// New returns an empty network. seed starts all chance in it.
func New(tb testing.TB, seed uint64) *Network {
	tb.Helper()
	w := &Network{t: tb, seed: seed}
	tb.Cleanup(w.Close)
	return w
}

// Random is a reader of repeatable bytes, safe for concurrent use.
func Random(seed uint64) io.Reader {
	var key [32]byte
	binary.LittleEndian.PutUint64(key[:], seed)
	return &lockedReader{r: rand.NewChaCha8(key)}
}

type lockedReader struct {
	mu sync.Mutex
	r  io.Reader
}

func (l *lockedReader) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.r.Read(p)
}

// Node starts a node that does not forward for others.
func (w *Network) Node(name string, change ...func(*node.Config)) *Node {
	w.t.Helper()
	conf := node.DefaultConfig()
	conf.Params.Verifiers = 1
	for _, f := range change {
		f(&conf)
	}
	return w.start(&Node{Name: name, Storage: new(node.MemStorage), net: w, conf: conf})
}

// Transport starts a node that forwards for others.
func (w *Network) Transport(name string, change ...func(*node.Config)) *Node {
	w.t.Helper()
	return w.Node(name, append([]func(*node.Config){func(c *node.Config) { c.Transport = node.On }}, change...)...)
}

func (w *Network) start(n *Node) *Node {
	w.t.Helper()
	w.links++
	n.seed = w.seed<<20 + uint64(w.links)
	inner, err := node.New(n.conf, node.WithRandom(Random(n.seed)), node.WithStorage(n.Storage), node.WithLocalSockets(&n.net.local))
	if err != nil {
		w.t.Fatal(err)
	}
	if err := inner.Start(context.Background()); err != nil {
		w.t.Fatal(err)
	}
	n.Node = inner
	w.nodes = append(w.nodes, n)
	return n
}

// Restart closes a node and returns a new one on the same storage, without interfaces.
func (n *Node) Restart() *Node {
	n.net.t.Helper()
	if err := n.Close(); err != nil {
		n.net.t.Fatal(err)
	}
	return n.net.start(&Node{Name: n.Name, Storage: n.Storage, net: n.net, conf: n.conf})
}

// Open is an interface configuration without ingress limits, as tests mostly want it.
func Open(change ...func(*node.InterfaceConfig)) node.InterfaceConfig {
	c := node.InterfaceConfig{IngressControl: transport.LimitOff}
	for _, f := range change {
		f(&c)
	}
	return c
}

// Add attaches an interface and waits until it is up.
func (n *Node) Add(d iface.Interface, c node.InterfaceConfig) node.InterfaceID {
	n.net.t.Helper()
	id, err := n.AddInterface(d, c)
	if err != nil {
		n.net.t.Fatal(err)
	}
	synctest.Wait()
	return id
}

// Cable is a connection of two nodes.
type Cable struct {
	A, B   *mem.Endpoint
	OnA    node.InterfaceID
	OnB    node.InterfaceID
	first  *Node
	second *Node
}

// Connect joins two nodes by a pair of interfaces named after each other.
func (w *Network) Connect(a, b *Node, c mem.Conditions, opts ...mem.Option) *Cable {
	w.t.Helper()
	w.links++
	c.Seed ^= w.seed<<20 + uint64(w.links)
	x, y := mem.Pair(a.Name+"-"+b.Name, b.Name+"-"+a.Name, c, opts...)
	cable := &Cable{A: x, B: y, first: a, second: b}
	cable.OnA, cable.OnB = a.Add(x, Open()), b.Add(y, Open())
	return cable
}

// Cut removes the interfaces at both ends.
func (c *Cable) Cut() {
	for _, err := range []error{
		c.first.RemoveInterface(context.Background(), c.OnA), c.second.RemoveInterface(context.Background(), c.OnB),
	} {
		if err != nil {
			c.first.net.t.Fatal(err)
		}
	}
}

// Hub joins nodes by a shared medium.
func (w *Network) Hub(c mem.Conditions, nodes ...*Node) *mem.Hub {
	w.t.Helper()
	w.links++
	c.Seed ^= w.seed<<20 + uint64(w.links)
	h := mem.NewHub(c)
	for _, n := range nodes {
		n.Add(h.Attach(fmt.Sprintf("hub%d-%s", w.links, n.Name)), Open())
	}
	return h
}

// Settle returns when nothing is under way in any node without time passing.
func (w *Network) Settle() { synctest.Wait() }

// Run lets time pass, and then settles.
func (w *Network) Run(d time.Duration) {
	time.Sleep(d) // virtual time: the test runs in a bubble
	synctest.Wait()
}

// Close closes all nodes.
func (w *Network) Close() {
	for _, n := range w.nodes {
		if err := n.Close(); err != nil {
			w.t.Errorf("close %s: %v", n.Name, err)
		}
	}
	w.nodes = nil
}

// Identity makes an identity from a seed.
func (w *Network) Identity(seed uint64) *rns.Identity {
	w.t.Helper()
	id, err := rns.NewIdentity(Random(w.seed<<32 + seed))
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// Inbox is a destination that keeps what arrives.
type Inbox struct {
	*node.Destination
	mu      sync.Mutex
	packets []*node.Packet
}

// Inbox registers a destination that proves everything and keeps what arrives.
func (n *Node) Inbox(name string, change ...func(*node.DestinationConfig)) *Inbox {
	n.net.t.Helper()
	in := new(Inbox)
	n.net.links++
	conf := node.DestinationConfig{
		Identity: n.net.Identity(uint64(n.net.links)), Name: name, Proofs: node.ProveAll,
		OnPacket: func(p *node.Packet) {
			in.mu.Lock()
			defer in.mu.Unlock()
			in.packets = append(in.packets, p)
		},
	}
	for _, f := range change {
		f(&conf)
	}
	d, err := n.Register(conf)
	if err != nil {
		n.net.t.Fatal(err)
	}
	in.Destination = d
	return in
}

// Packets is what has arrived so far.
func (in *Inbox) Packets() []*node.Packet {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.packets)
}

// Texts is what has arrived so far, as text.
func (in *Inbox) Texts() []string {
	var all []string
	for _, p := range in.Packets() {
		all = append(all, string(p.Data))
	}
	return all
}

// Announce announces a destination, or fails the test.
func (in *Inbox) Announce() {
	if err := in.Destination.Announce(context.Background(), node.AnnounceOptions{}); err != nil {
		in.Node().Logger().Error("announce", "error", err)
	}
}
