package i2p

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// Config describes an I2PInterface. Name is required, and peers or an endpoint. spec: rns-interfaces §14
type Config struct {
	Name string
	// Peers are connected to: names that end in .i2p, or destinations in base 64.
	Peers []string
	// Connectable offers an endpoint, whose key is kept in KeyFile.
	Connectable bool
	KeyFile     string
	// Router is the address of the SAM interface, DefaultRouter if empty.
	Router string
	// Random makes names of sessions, nil for the system's.
	Random io.Reader
	// Dial replaces the connection to the router, for tests.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Params replaces the times of the protocol when not nil.
	Params *Params
}

// DefaultRouter is where I2P routers listen. spec: rns-interfaces §14
const DefaultRouter = "127.0.0.1:7656"

// Params are the times and limits of an I2PInterface. spec: rns-interfaces §1.5, §14
type Params struct {
	// ReplyTimeout bounds simple answers of the router, LookupTimeout that about a name, SessionTimeout the building of
	// tunnels, ConnectTimeout that of a stream.
	ReplyTimeout, LookupTimeout, SessionTimeout, ConnectTimeout time.Duration
	// Retry is waited before the endpoint is set up again.
	Retry time.Duration
	// Check is the interval of supervision. After Keepalive without writing an empty frame is sent, after Stale without
	// reading the tunnel counts as unresponsive, after Silence the connection is closed.
	Check, Keepalive, Stale, Silence time.Duration
	// MaxPeers bounds the connections to the endpoint.
	MaxPeers int
}

// DefaultParams returns the values of the protocol.
func DefaultParams() Params {
	return Params{
		ReplyTimeout: 30 * time.Second, LookupTimeout: 2 * time.Minute, SessionTimeout: 5 * time.Minute, ConnectTimeout: 3 * time.Minute,
		Retry: 15 * time.Second, Check: time.Second, Keepalive: 10 * time.Second, Stale: 20 * time.Second,
		Silence: 110 * time.Second, MaxPeers: 256,
	}
}

// Values of I2P interfaces. spec: rns-interfaces §1.2
const (
	hardwareMTU    = 1064
	bitrateGuess   = 256_000
	accessCodeSize = 16

	// DefaultReconnect is waited before a peer is connected to again. spec: rns-interfaces §1.5
	DefaultReconnect = 15 * time.Second
	// maxConfigured bounds the peers of a configuration.
	maxConfigured = 256
)

var (
	errNothing = errors.New("neither peers nor an endpoint are set")
	errNoKey   = errors.New("an endpoint needs a file for its key")
	errPeers   = errors.New("more than 256 peers")
)

// Interface is an I2PInterface: the parent of its peers. Use New.
type Interface struct {
	conf Config
	info iface.Info

	mu    sync.Mutex
	point iface.Endpoint
}

// New returns an interface. It opens nothing before it is served.
func New(c Config) (*Interface, error) {
	var err error
	switch {
	case len(c.Peers) == 0 && !c.Connectable:
		err = errNothing
	case c.Connectable && c.KeyFile == "":
		err = errNoKey
	case len(c.Peers) > maxConfigured:
		err = errPeers
	}
	for _, p := range c.Peers {
		if e := CheckPeer(p); e != nil {
			err = fmt.Errorf("%w: %q", e, p)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	if c.Router == "" {
		c.Router = DefaultRouter
	}
	if c.Random == nil {
		c.Random = rand.Reader
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	if c.Params == nil {
		p := DefaultParams()
		c.Params = &p
	}
	i := &Interface{conf: c, info: describe(c.Name, iface.RoleListener)}
	i.info.Label, i.info.Type = "I2PInterface["+c.Name+"]", "I2PInterface"
	i.point.Connectable = c.Connectable
	return i, nil
}

// describe is what the interface and its peers have in common. spec: rns-interfaces §1.2, §1.7
func describe(name string, role iface.Role) iface.Info {
	return iface.Info{
		Name: name, Label: "I2PInterfacePeer[" + name + "]", Type: "I2PInterfacePeer", Bitrate: bitrateGuess, MTU: hardwareMTU,
		AccessCodeSize: accessCodeSize, Role: role,
	}
}

// Info describes the interface.
func (i *Interface) Info() iface.Info { return i.info }

// Send does nothing: peers are interfaces of their own.
func (i *Interface) Send([]byte) error { return nil }

// Config is what the interface was made of, with defaults filled in.
func (i *Interface) Config() Config { return i.conf }

// Endpoint tells the own address and its state.
func (i *Interface) Endpoint() iface.Endpoint {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.point
}

// Address is the own address while the endpoint is up.
func (i *Interface) Address() string {
	if e := i.Endpoint(); e.State == iface.TunnelActive {
		return e.Address
	}
	return ""
}

func (i *Interface) setEndpoint(address string, s iface.TunnelState) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.point.Address, i.point.State = address, s
}

// Serve connects to the peers and offers the endpoint until ctx ends. Without peers it ends when the endpoint does.
func (i *Interface) Serve(ctx context.Context, h iface.Host) error {
	ctx, cancel := context.WithCancel(ctx)
	var peers []*outgoing
	defer func() {
		cancel()
		for _, p := range peers {
			p.close()
		}
	}()
	for _, address := range i.conf.Peers {
		p := newOutgoing(&i.conf, address)
		peers = append(peers, p)
		h.Spawn(p)
	}
	if !i.conf.Connectable {
		h.Up()
		<-ctx.Done()
		return context.Cause(ctx)
	}
	up := sync.OnceFunc(h.Up)
	for {
		err := i.endpoint(ctx, h, up)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if len(peers) == 0 {
			return err
		}
		h.Note(fmt.Errorf("endpoint: %w", err))
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(i.conf.Params.Retry):
		}
	}
}

// key reads the key of the endpoint, and makes one where there is none.
func (i *Interface) key(ctx context.Context) (string, error) {
	key, err := loadKey(i.conf.KeyFile)
	if !missing(err) {
		return key, err
	}
	if key, err = i.conf.generate(ctx); err != nil {
		return "", err
	}
	return key, saveKey(i.conf.KeyFile, key)
}

// endpoint takes streams until the session ends.
func (i *Interface) endpoint(ctx context.Context, h iface.Host, up func()) error {
	key, err := i.key(ctx)
	if err != nil {
		return err
	}
	address, err := Address(key)
	if err != nil {
		return err
	}
	i.setEndpoint(address, iface.TunnelInit)
	s, err := i.conf.open(ctx, key)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	i.setEndpoint(address, iface.TunnelActive)
	defer i.setEndpoint(address, iface.TunnelInit)
	up()
	var crew sync.WaitGroup
	crew.Go(func() {
		select {
		case <-s.dead:
			cancel(ErrInvalidID)
		case <-ctx.Done():
		}
	})
	err = i.acceptAll(ctx, h, s, &crew)
	cancel(err)
	s.close()
	crew.Wait()
	return err
}

// acceptAll spawns an interface for every stream. One that ends leaves room for another.
func (i *Interface) acceptAll(ctx context.Context, h iface.Host, s *session, crew *sync.WaitGroup) error {
	room := make(chan struct{}, i.conf.Params.MaxPeers)
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		conn, err := i.conf.accept(ctx, s)
		if err != nil {
			return err
		}
		done := h.Spawn(newIncoming(&i.conf, conn))
		crew.Go(func() {
			<-done
			_ = conn.Close()
			<-room
		})
	}
}
