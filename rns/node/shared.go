package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/transport"
)

// SharedMode says what a node does about the shared instance of its machine. spec: rns-link §11.2
type SharedMode uint8

// The modes.
const (
	// SharedOff stands alone: no socket is opened or looked for.
	SharedOff SharedMode = iota
	// SharedAuto becomes the shared instance, or a client of the one that runs; if neither is possible it stands alone.
	SharedAuto
	// SharedServe becomes the shared instance. Start fails if another one runs.
	SharedServe
	// SharedAttach becomes a client. Start fails with ErrNoInstance if no shared instance runs.
	SharedAttach
)

// Shared configures the shared instance. The zero value is off.
type Shared struct {
	Mode SharedMode
	// Endpoint is where the shared instance listens.
	Endpoint local.Endpoint
	// Key authenticates control calls. Nil derives it from the persistent transport identity. spec: rns-link §12.2
	Key []byte
	// RefuseMD5 speaks no control connection with programs that can only authenticate by MD5: Python up to 3.11.
	RefuseMD5 Switch
	// AnyOwner joins a shared instance of another user, too. Otherwise only one of the same user or of root is joined.
	AnyOwner Switch
	// Bitrate simulates a slow connection, in bit/s; 0 for none.
	Bitrate int64
}

func (s *Shared) owners() local.Owners {
	if s.AnyOwner {
		return local.AnyUser
	}
	return local.OwnUser
}

// Role is what a node is to the other programs of its machine. spec: rns-link §11.2
type Role uint8

// The roles.
const (
	// RoleStandalone has interfaces of its own and no local clients.
	RoleStandalone Role = iota
	// RoleInstance has interfaces of its own and shares them with local clients.
	RoleInstance
	// RoleClient has one interface, the connection to the shared instance.
	RoleClient
)

// String returns the role in words.
func (r Role) String() string {
	return [...]string{"standalone", "shared instance", "client"}[min(r, RoleClient)]
}

// Errors of the shared instance.
var (
	// ErrNoInstance means that no shared instance runs.
	ErrNoInstance = errors.New("no shared instance is running")
	// ErrClientRole means that another program owns the interfaces.
	ErrClientRole = errors.New("another program owns the interfaces: this one is its client")
)

// LocalSockets are the sockets between the programs of a machine. They are replaced in simulations.
type LocalSockets interface {
	Listen(ctx context.Context, a local.Address) (net.Listener, error)
	Dial(ctx context.Context, a local.Address) (net.Conn, error)
}

// shared is what a node knows of the shared instance.
type shared struct {
	role            Role
	packets, listen net.Listener                // bound by join, at an instance
	remote          *control.Client             // at a client
	spawn           func(func(context.Context)) // runs a function of the crew until the interfaces end
	news            chan struct{}               // the connection came up
	hops            hopMemory

	mu         sync.Mutex
	connected  bool
	before     bool // it was connected before
	since      time.Time
	err        error
	controlErr error
}

// SharedStatus is the state of the connection between the programs of this machine.
type SharedStatus struct {
	Role Role
	// Address is the packet socket in the form of display strings; empty for a node that stands alone.
	Address string
	// Clients counts the connected programs at a shared instance.
	Clients int
	// Connected is whether a client reaches its shared instance, Since when that changed, Err why it does not.
	Connected bool
	Since     time.Time
	Err       error
	// ControlErr is why control calls of a client do not work, nil if they do. Packets are not affected.
	ControlErr error
}

// Role is what the node became at its start.
func (n *Node) Role() Role { return n.shared.role }

// SharedStatus tells how the node stands to the other programs of its machine.
func (n *Node) SharedStatus(ctx context.Context) (SharedStatus, error) {
	clients, err := ask(ctx, n, func(time.Time) int {
		count := 0
		for _, p := range n.ports {
			if p.info.Locality == iface.LocalClient {
				count++
			}
		}
		return count
	})
	s := SharedStatus{Role: n.shared.role, Clients: clients}
	if s.Role == RoleStandalone {
		return s, err
	}
	s.Address = n.cfg.Shared.Endpoint.String()
	n.shared.mu.Lock()
	defer n.shared.mu.Unlock()
	s.Connected, s.Since, s.Err, s.ControlErr = n.shared.connected, n.shared.since, n.shared.err, n.shared.controlErr
	return s, err
}

// join finds out the role of the node and binds the sockets of an instance. It runs before everything else.
func (n *Node) join(ctx context.Context) error {
	if err := n.chooseRole(ctx); err != nil {
		return err
	}
	if n.shared.role == RoleClient { // the file of the identity is the instance's, which may be about to write it
		return nil
	}
	if err := n.saveIdentity(n.ident.persistent); err != nil {
		if n.shared.role == RoleInstance {
			err = errors.Join(err, n.shared.packets.Close(), n.shared.listen.Close())
		}
		return err
	}
	return nil
}

func (n *Node) chooseRole(ctx context.Context) error {
	c := &n.cfg.Shared
	switch c.Mode {
	case SharedOff:
		return nil
	case SharedAttach:
		conn, err := n.env.sockets.Dial(ctx, c.Endpoint.Packets())
		if err != nil {
			return fmt.Errorf("%w: %w", ErrNoInstance, err)
		}
		_ = conn.Close()
		return n.becomeClient()
	}
	err := n.bind(ctx)
	switch {
	case err == nil:
		n.shared.role = RoleInstance
		return nil
	case c.Mode == SharedServe:
		return fmt.Errorf("become the shared instance: %w", err)
	case errors.Is(err, errPacketsInUse):
		return n.becomeClient()
	}
	n.env.log.Error("interfaces are not shared with other programs", slog.Any("error", err))
	return nil
}

// errPacketsInUse means that another program is the shared instance.
var errPacketsInUse = errors.New("another program is the shared instance")

// bind takes both sockets, or none.
func (n *Node) bind(ctx context.Context) error {
	e := n.cfg.Shared.Endpoint
	packets, err := n.env.sockets.Listen(ctx, e.Packets())
	if local.InUse(err) {
		return fmt.Errorf("%w: %w", errPacketsInUse, err)
	}
	if err != nil {
		return err
	}
	calls, err := n.env.sockets.Listen(ctx, e.Control())
	if err != nil {
		return errors.Join(err, packets.Close())
	}
	n.shared.packets, n.shared.listen = packets, calls
	return nil
}

// becomeClient turns off what only the owner of interfaces does. spec: rns-link §11.2, rns-core §20
func (n *Node) becomeClient() error {
	c := &n.cfg
	c.Transport, c.HopsDelta, c.Management = Off, Off, Management{}
	n.ident.community = nil
	if !c.StaticIdentity && n.ident.network == n.ident.persistent {
		id, err := rns.NewIdentity(n.env.rand)
		if err != nil {
			return fmt.Errorf("make network identity: %w", err)
		}
		n.ident.network = id
	}
	n.makeMachine(0)
	n.shared.role, n.shared.news = RoleClient, make(chan struct{}, 1)
	n.shared.remote = control.NewClient(c.Shared.Endpoint, n.controlKey())
	n.shared.remote.Policy, n.shared.remote.Dialer = n.controlPolicy(), n.env.sockets.Dial
	n.shared.err, n.shared.since = iface.ErrOffline, n.env.now()
	return nil
}

// makeMachine makes the transport machine. It runs before the loop.
func (n *Node) makeMachine(delta uint8) {
	n.m = transport.New(transport.Config{
		TransportID: n.ident.network.Hash(), TransportEnabled: bool(n.cfg.Transport), LocalHopsDelta: delta,
		Params: &n.cfg.Params.Transport, Rand: n.env.rand,
	})
}

// share starts what belongs to the role, until ctx ends. The control socket is served before programs are accepted.
// spec: rns-link §12.6
func (n *Node) share(ctx context.Context) {
	n.shared.spawn = func(f func(context.Context)) { n.crew.run(func() { f(ctx) }) }
	switch n.shared.role {
	case RoleInstance:
		n.crew.run(func() { n.serveControl(ctx, n.shared.listen) })
	case RoleClient:
		n.crew.run(func() { n.watchInstance(ctx) })
	case RoleStandalone:
	}
}

// openShared adds the interface that belongs to the role.
func (n *Node) openShared() error {
	c, s := n.cfg.Shared, n.env.sockets
	var driver iface.Interface
	conf := InterfaceConfig{IngressControl: transport.LimitOff, Bitrate: c.Bitrate}
	switch n.shared.role {
	case RoleInstance:
		driver = local.NewListener(local.ListenerConfig{
			Endpoint: c.Endpoint, Socket: n.shared.packets, Bitrate: c.Bitrate,
			Bind: func(ctx context.Context) (net.Listener, error) { return s.Listen(ctx, c.Endpoint.Packets()) },
		})
	case RoleClient:
		conf.Reconnect = local.ReconnectWait
		driver = local.NewClient(local.ClientConfig{
			Endpoint: c.Endpoint, Bitrate: c.Bitrate,
			Dial: func(ctx context.Context) (net.Conn, error) { return s.Dial(ctx, c.Endpoint.Packets()) },
		})
	default:
		return nil
	}
	n.life.Lock()
	add := n.life.add
	n.life.Unlock()
	_, err := add(driver, conf)
	return err
}

// systemSockets are the real sockets.
type systemSockets struct{ owners local.Owners }

func (systemSockets) Listen(ctx context.Context, a local.Address) (net.Listener, error) {
	return local.Listen(ctx, a)
}

func (s systemSockets) Dial(ctx context.Context, a local.Address) (net.Conn, error) {
	return local.Dial(ctx, a, s.owners)
}
