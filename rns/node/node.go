package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// InterfaceID names an interface of a node. It is never used twice.
type InterfaceID = transport.InterfaceID

// ErrClosed means that the node is closed or not started. It Is net.ErrClosed.
var ErrClosed error = closedError{}

type closedError struct{}

func (closedError) Error() string        { return "node is closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// ErrStarted means that the node was started before.
var ErrStarted = errors.New("node was already started")

// Node is one running stack. It is safe for concurrent use. Use New.
type Node struct {
	cfg     Config
	env     environment
	crew    crew
	pool    verifiers
	workers workers
	stocks  [2]stock // of link keys, by role
	tap     tap
	bus     bus
	ident   nodeIdentity
	shared  shared
	black   atomic.Pointer[map[rns.Addr]time.Time] // refused identities and until when

	// What follows belongs to the loop.
	m        *transport.Machine
	ports    map[InterfaceID]*port
	dests    map[rns.Addr]*Destination
	links    map[linkKey]*Link
	receipts map[rns.Hash]*Receipt
	waiters  map[rns.Addr][]*pathWaiter
	touched  []*port  // with frames queued since the last flush
	pending  int      // incoming links not yet established
	sending  priority // of the packets under way in apply
	proofs   []heldProof
	dirty    transport.Tables
	stored   map[rns.Hash][]transport.PathRecord // loaded paths whose interface is not there yet
	nextID   InterfaceID

	calls   chan call
	frames  chan *batch
	checked chan []checkedJob
	checks  int           // signature checks under way, belongs to the loop
	queued  atomic.Int64  // bytes that wait for all interfaces
	unread  atomic.Int64  // bytes of link packets that wait for the application
	gone    chan struct{} // closed when the loop has ended

	life struct {
		sync.Mutex
		started, closed bool
		since           time.Time
		stopLoop        context.CancelFunc
		stopPorts       context.CancelFunc
		services        []*Destination // of the node about itself
		// add attaches an interface that lives until stopPorts; nil before the start.
		add func(iface.Interface, InterfaceConfig) (InterfaceID, error)
	}
	saving  sync.Mutex // held while the tables are saved
	listing sync.Mutex // held while the blackhole list is saved
}

// nodeIdentity holds the two transport identities. spec: rns-core §11.1
type nodeIdentity struct {
	persistent, network *rns.Identity
	// community is the identity of the network this node belongs to, nil without one. spec: rns-core §21.3
	community *rns.Identity
	// unsaved is a persistent identity that is not in the storage yet.
	unsaved bool
}

// New makes a node and loads its transport identity. It opens nothing before Start.
func New(cfg Config, opts ...Option) (*Node, error) {
	n := &Node{
		cfg: cfg, env: newEnvironment(opts),
		ports: make(map[InterfaceID]*port), dests: make(map[rns.Addr]*Destination), links: make(map[linkKey]*Link),
		receipts: make(map[rns.Hash]*Receipt), waiters: make(map[rns.Addr][]*pathWaiter),
		calls: make(chan call, 256), frames: make(chan *batch, 64), checked: make(chan []checkedJob, 64),
		gone: make(chan struct{}), workers: newWorkers(cfg.Params.Verifiers),
	}
	n.crew.panics = n.panicked
	n.cfg.Params.Link.Resource.Both = n.both
	for r := range n.stocks {
		n.stocks[r].node, n.stocks[r].role, n.stocks[r].size = n, link.Role(r), cfg.Params.LinkKeys
	}
	n.bus.node = n
	if n.env.sockets == nil {
		n.env.sockets = systemSockets{cfg.Shared.owners()}
	}
	if err := n.loadIdentity(); err != nil {
		return nil, err
	}
	if err := n.loadNetworkIdentity(); err != nil {
		return nil, err
	}
	delta, err := n.drawHopsDelta()
	if err != nil {
		return nil, err
	}
	n.makeMachine(delta)
	return n, nil
}

// loadIdentity reads or makes the persistent identity, and chooses the one used on the network. spec: rns-core §11.1
func (n *Node) loadIdentity() error {
	id, err := n.readIdentity()
	if err != nil {
		level := slog.LevelWarn
		if errors.Is(err, fs.ErrNotExist) {
			level = slog.LevelDebug // the first start
		}
		n.env.log.Log(context.Background(), level, "transport identity is new", slog.Any("reason", err))
		if id, err = rns.NewIdentity(n.env.rand); err != nil {
			return fmt.Errorf("make transport identity: %w", err)
		}
		if n.ident.unsaved = true; n.cfg.Shared.Mode == SharedOff {
			if err := n.saveIdentity(id); err != nil {
				return err
			}
		}
	}
	n.ident.persistent, n.ident.network = id, id
	if n.cfg.Transport || n.cfg.StaticIdentity {
		return nil
	}
	if n.ident.network, err = rns.NewIdentity(n.env.rand); err != nil {
		return fmt.Errorf("make network identity: %w", err)
	}
	return nil
}

// saveIdentity stores the persistent identity if it is new.
func (n *Node) saveIdentity(id *rns.Identity) error {
	if !n.ident.unsaved {
		return nil
	}
	if err := n.env.storage.Write(fileIdentity, id.Bytes()); err != nil {
		return fmt.Errorf("store transport identity: %w", err)
	}
	n.ident.unsaved = false
	return nil
}

func (n *Node) readIdentity() (*rns.Identity, error) {
	b, err := n.env.storage.Read(fileIdentity)
	if err != nil {
		return nil, err
	}
	return rns.ParseIdentity(b)
}

// drawHopsDelta draws 2 to 7 if the disguise is on. spec: rns-core §11.2
func (n *Node) drawHopsDelta() (uint8, error) {
	if !n.cfg.HopsDelta {
		return 0, nil
	}
	var b [1]byte
	if _, err := io.ReadFull(n.env.rand, b[:]); err != nil {
		return 0, fmt.Errorf("draw hops delta: %w", err)
	}
	return b[0]%6 + 2, nil
}

// TransportID is the identity hash this node uses on the network.
func (n *Node) TransportID() rns.Addr { return n.ident.network.Hash() }

// PersistentIdentity is the stored transport identity.
func (n *Node) PersistentIdentity() *rns.Identity { return n.ident.persistent }

// NetworkIdentity is the transport identity used on the network.
func (n *Node) NetworkIdentity() *rns.Identity { return n.ident.network }

// Config is the configuration in effect.
func (n *Node) Config() Config { return n.cfg }

// Now is the node's clock.
func (n *Node) Now() time.Time { return n.env.now() }

// Random is the node's source of randomness.
func (n *Node) Random() io.Reader { return n.env.rand }

// Logger is the node's logger.
func (n *Node) Logger() *slog.Logger { return n.env.log }

// Storage is where the node keeps its tables.
func (n *Node) Storage() Storage { return n.env.storage }

// Start loads the stored tables and begins to work. The node runs until Close; ctx only lends its values. Problems with
// stored files are reported as events and do not stop the start.
func (n *Node) Start(ctx context.Context) error {
	if err := n.begin(ctx); err != nil {
		return err
	}
	if err := n.openShared(); err != nil {
		return errors.Join(err, n.Close())
	}
	return n.offer()
}

// begin starts the goroutines of the node.
func (n *Node) begin(ctx context.Context) error {
	n.life.Lock()
	defer n.life.Unlock()
	switch {
	case n.life.closed:
		return ErrClosed
	case n.life.started:
		return ErrStarted
	}
	if err := n.join(ctx); err != nil {
		return err
	}
	n.life.started = true
	n.life.since = n.env.now()
	ctx = context.WithoutCancel(ctx) // everything ends in Close, in its order
	loopCtx, stopLoop := context.WithCancel(ctx)
	portsCtx, stopPorts := context.WithCancel(ctx)
	n.life.stopLoop, n.life.stopPorts = stopLoop, stopPorts
	n.life.add = func(d iface.Interface, c InterfaceConfig) (InterfaceID, error) { return n.addInterface(portsCtx, d, c) }
	for _, b := range n.cfg.Blackhole {
		n.m.SeedBlackhole(n.env.now(), b)
	}
	n.loadKnown()
	n.noteBlackholed()
	n.pool.start(&n.crew, n.cfg.Params.Verifiers, n.checked, n.gone)
	n.crew.run(func() { n.loop(loopCtx) })
	n.crew.run(func() { n.saver(portsCtx) })
	n.share(portsCtx)
	n.crew.run(func() { n.announceServices(portsCtx) })
	if len(n.cfg.Management.BlackholeSources) > 0 {
		n.crew.run(func() { n.updateBlackhole(portsCtx) })
	}
	return nil
}

// Close ends everything: links are torn down, interfaces detached, tables saved. It is idempotent, and when it returns no
// goroutine, socket or timer of the node is left.
func (n *Node) Close() error {
	n.life.Lock()
	if n.life.closed {
		n.life.Unlock()
		<-n.gone
		n.crew.wait()
		return nil
	}
	n.life.closed = true
	started := n.life.started
	n.life.Unlock()
	if !started {
		close(n.gone)
		return nil
	}
	n.closeLinks()
	err := n.save() // before the interfaces go, and the paths with them
	n.life.stopPorts()
	n.waitPorts()
	n.life.stopLoop()
	<-n.gone
	n.pool.stop()
	n.bus.close()
	n.crew.wait()
	return err
}

// closeLinks tears down all links and lets their last packets leave.
func (n *Node) closeLinks() {
	links, err := ask(context.Background(), n, func(time.Time) []*Link {
		all := make([]*Link, 0, len(n.links))
		for _, l := range n.links {
			all = append(all, l)
		}
		return all
	})
	if err != nil || len(links) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), n.cfg.Params.CloseGrace)
	defer cancel()
	for _, l := range links {
		l.Close()
	}
	for _, l := range links {
		select {
		case <-l.Done():
		case <-ctx.Done():
			return
		}
	}
	_ = n.flushPorts(ctx)
}

// Quiesce returns when everything caused by earlier inputs has been processed up to the next timer: frames taken from
// interfaces, calls, signature checks, packets on links, callbacks, queues of interfaces that are up.
func (n *Node) Quiesce(ctx context.Context) error { return n.crew.flight.wait(ctx) }

// Maintain runs one synchronous pass of all housekeeping, ignoring the intervals between rounds, and saves the tables.
func (n *Node) Maintain(ctx context.Context) error {
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		n.apply(now, n.m.Maintain(now), nil)
		return struct{}{}
	})
	return errors.Join(err, n.save())
}
