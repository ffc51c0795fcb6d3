package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// mock is a node with interfaces in memory and a clock that can be set forward.
type mock struct {
	node   *node.Node
	ahead  *atomic.Int64 // of the wall clock, in nanoseconds
	shape  attachParams  // what interfaces take that do not say otherwise
	ifaces map[string]*mockInterface
	dests  map[rns.Addr]*deliveries
	heard  map[string]*announceLog
	stop   []func()
	// later is how far the clock is set forward before the next housekeeping: the age of records that the suite seeds old.
	// Seeded with that age at once they would not live to be looked at.
	later time.Duration
	// due are the announces that the suite made due. They are sent by the next housekeeping and not before: the reference looks
	// once a second, and the suite counts on coming first.
	due map[rns.Addr]bool
	// far is the time by which the suite means never, where it lies beyond the times that the stack reckons with.
	far float64
}

type mockInterface struct {
	end  *mem.Endpoint
	id   node.InterfaceID
	hash rns.Hash
	name string
	code *rns.IFAC
}

type deliveries struct {
	mu   sync.Mutex
	data []hexed
}

func newMock(ctx context.Context, c node.Config, identity *rns.Identity) (*mock, error) {
	m := &mock{
		ahead: new(atomic.Int64), ifaces: make(map[string]*mockInterface), dests: make(map[rns.Addr]*deliveries),
		heard: make(map[string]*announceLog), due: make(map[rns.Addr]bool),
	}
	storage := new(node.MemStorage)
	if identity != nil {
		if err := storage.Write(identityFile, identity.Bytes()); err != nil {
			return nil, err
		}
	}
	n, err := node.New(c, node.WithStorage(storage), node.WithNow(func() time.Time {
		return time.Now().Add(time.Duration(m.ahead.Load()))
	}))
	if err != nil {
		return nil, err
	}
	m.node = n
	return m, n.Start(ctx)
}

// identityFile is where a node keeps its transport identity. spec: rns-core §11.1
const identityFile = "transport_identity"

func (m *mock) advance(d time.Duration) { m.ahead.Add(int64(d)) }

func (m *mock) close() {
	for _, stop := range m.stop {
		stop()
	}
	_ = m.node.Close()
}

type attachParams struct {
	Handle      string
	Name        string
	Mode        string
	MTU         *int
	LocalClient bool     `json:"local_client"`
	NetworkName *string  `json:"ifac_netname"`
	NetworkKey  *string  `json:"ifac_netkey"`
	IFACSize    *int     `json:"ifac_size"`
	Target      *float64 `json:"announce_rate_target"`
	Grace       *int     `json:"announce_rate_grace"`
	Penalty     *float64 `json:"announce_rate_penalty"`
	Cap         *float64 `json:"announce_cap"`
	Bitrate     *int64
}

var mockModes = map[string]transport.Mode{
	"": transport.ModeFull, "FULL": transport.ModeFull, "POINT_TO_POINT": transport.ModePointToPoint,
	"ACCESS_POINT": transport.ModeAccessPoint, "ROAMING": transport.ModeRoaming, "BOUNDARY": transport.ModeBoundary,
	"GATEWAY": transport.ModeGateway,
}

// or takes the second value where the first is open.
func or[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// inherit fills what an interface leaves open.
func (p attachParams) inherit(q attachParams) attachParams {
	p.Target, p.Grace, p.Penalty = or(p.Target, q.Target), or(p.Grace, q.Grace), or(p.Penalty, q.Penalty)
	p.Cap, p.Bitrate = or(p.Cap, q.Cap), or(p.Bitrate, q.Bitrate)
	return p
}

// attach adds an interface and waits until it is up. Ingress limits are off: the suite injects bursts and tests limits of
// their own only where it holds announces by hand.
func (m *mock) attach(ctx context.Context, p attachParams) (*mockInterface, error) {
	p = p.inherit(m.shape)
	mode, ok := mockModes[p.Mode]
	if !ok {
		mode = transport.ModeFull
	}
	mtu := rns.MTU
	if p.MTU != nil {
		mtu = *p.MTU
	}
	end := mem.New(p.Name, mem.WithInfo(func(i *iface.Info) {
		i.Label, i.MTU, i.MTUClass = "MockInterface["+p.Name+"]", mtu, iface.MTUNone
		if p.Bitrate != nil {
			i.Bitrate = *p.Bitrate
		}
		if p.LocalClient {
			i.Locality = iface.LocalClient
		}
	}))
	c := node.InterfaceConfig{
		Mode: mode, NetworkName: value(p.NetworkName), Passphrase: value(p.NetworkKey), AccessCodeSize: value(p.IFACSize),
		AnnounceCap: value(p.Cap), IngressControl: transport.LimitOff,
		AnnounceRate: transport.AnnounceRate{Target: seconds(value(p.Target)), Grace: value(p.Grace), Penalty: seconds(value(p.Penalty))},
	}
	i := &mockInterface{end: end, name: p.Name}
	if c.NetworkName != "" || c.Passphrase != "" {
		if c.AccessCodeSize == 0 {
			c.AccessCodeSize = probeIFAC
		}
		code, err := rns.NewIFAC(c.NetworkName, c.Passphrase, c.AccessCodeSize)
		if err != nil {
			return nil, err
		}
		i.code = code
	}
	id, err := m.node.AddInterface(end, c)
	if err != nil {
		return nil, err
	}
	i.id = id
	err = m.up(ctx, i)
	m.ifaces[handle()] = i
	return i, err
}

// join makes the node a client of a shared instance: it gets the one interface that clients have.
func (m *mock) join(ctx context.Context) error {
	end := mem.New("instance", mem.WithInfo(func(i *iface.Info) { i.Locality = iface.SharedInstance }))
	id, err := m.node.AddInterface(end, node.InterfaceConfig{})
	if err != nil {
		return err
	}
	return m.up(ctx, &mockInterface{end: end, id: id})
}

var errNotUp = errors.New("interface did not come up")

// up waits for the interface and learns its hash.
func (m *mock) up(ctx context.Context, i *mockInterface) error {
	up := wait(2*time.Second, func() bool {
		s, err := m.node.InterfaceStatus(ctx, i.id)
		i.hash = s.Transport.Info.Hash
		return err == nil && s.State.Word == node.StateUp && !s.Transport.Info.Offline
	})
	if !up {
		return errNotUp
	}
	return m.node.Quiesce(ctx)
}

// destination is the state of a destination, after the node has done what it was told.
func (m *mock) destination(ctx context.Context, d *node.Destination) (node.DestinationStatus, error) {
	if err := m.node.Quiesce(ctx); err != nil {
		return node.DestinationStatus{}, err
	}
	s, _, err := record(ctx, m.node, func(s *node.Snapshot) []node.DestinationStatus { return s.Destinations },
		func(s node.DestinationStatus) bool { return s.Addr == d.Addr() })
	return s, err
}

// key is the name under which the suite knows an interface, "" for none.
func (m *mock) key(id node.InterfaceID) (string, *mockInterface) {
	for k, i := range m.ifaces {
		if i.id == id {
			return k, i
		}
	}
	return "", nil
}

func (m *mock) iface(key string) (*mockInterface, error) {
	i, ok := m.ifaces[key]
	if !ok {
		return nil, fmt.Errorf("%w of an interface: %s", errHandle, key)
	}
	return i, nil
}

var errNoAnnounce = errors.New("no announce left the node")

// announced is the newest announce that left the only interface.
func (m *mock) announced(ctx context.Context) (last rns.Packet, err error) {
	if err := m.node.Quiesce(ctx); err != nil {
		return last, err
	}
	err = errNoAnnounce
	for _, i := range m.ifaces {
		for _, sent := range i.end.Drain() {
			if p, perr := rns.ParsePacket(sent.Data); perr == nil && p.Type == rns.PacketAnnounce {
				last, err = p, nil
			}
		}
	}
	return last, err
}

// drive runs f on the machine of the node.
func (m *mock) drive(ctx context.Context, f func(now time.Time, t *transport.Machine) *transport.Effects) error {
	if err := m.node.Drive(ctx, f); err != nil {
		return err
	}
	return m.node.Quiesce(ctx)
}
