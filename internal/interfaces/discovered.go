package interfaces

import (
	"context"
	"errors"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/node"
)

// Discovered is an interface of another node, as that node published it. Every
// text in it is a stranger's.
type Discovered struct {
	Name, Type   string
	Status       discovery.Status
	Transport    bool // its node forwards for others
	TransportID  rns.Addr
	NetworkID    rns.Addr // who published it
	Value, Hops  int
	Latitude     *float64
	Longitude    *float64
	Height       *float64
	Endpoint     string // host:port or host; empty for radios
	Frequency    int64  // Hz; 0 if not known, like the others
	Bandwidth    int64
	Spreading    int64
	CodingRate   int64
	Modulation   string
	IFAC         bool
	Entry        string // block of a configuration file, for people to read
	Discovered   time.Time
	LastHeard    time.Time
	HeardCount   int
	Connected    State  // of the interface that leads there because of this; empty for none
	WhyConnected string // the decision to connect or not
}

// DiscoveredListing is every discovered interface, the best first.
type DiscoveredListing struct {
	Items []Discovered
	// Listening tells whether announced interfaces are collected, Connect how many are connected to without asking. Both are
	// what the configuration file says. spec: rns-core §23.5
	Listening bool
	Connect   int
}

// discoverer runs the discovery of interfaces for the service.
type discoverer struct {
	begin chan struct{} // closed when the interfaces have been started
	once  sync.Once

	mu    sync.Mutex
	agent *agent.Agent
	conf  config.Reticulum
}

func newDiscoverer() discoverer { return discoverer{begin: make(chan struct{})} }

// beginDiscovery says that the interfaces have been started.
func (s *Service) beginDiscovery() { s.found.once.Do(func() { close(s.found.begin) }) }

// discover publishes and discovers until ctx ends, if the configuration wants
// it. Clients of a shared instance leave that to it. spec: rns-core §23.3
func (s *Service) discover(ctx context.Context) {
	select {
	case <-ctx.Done():
		return
	case <-s.found.begin:
	}
	n, ok := s.opt.Node.(*node.Node)
	if !ok || n.Role() == node.RoleClient {
		return
	}
	s.mu.Lock()
	conf := s.doc.conf.Reticulum
	s.mu.Unlock()
	a := agent.New(agent.Config{
		Node: n, Listen: node.Switch(conf.DiscoverInterfaces), Required: conf.RequiredDiscoveryValue, Sources: conf.InterfaceDiscoverySources,
		Network: n.CommunityIdentity(), Connect: conf.AutoconnectDiscovered, Interfaces: discoveryHost{s},
		OnRecord: func(discovery.Record) { s.opt.Bus.Publish(event.Event{Type: event.InterfaceChanged}) },
		Params:   s.opt.Discovery,
	})
	s.found.mu.Lock()
	s.found.agent, s.found.conf = a, conf
	s.found.mu.Unlock()
	if err := a.Run(ctx); err != nil && ctx.Err() == nil {
		s.opt.Log.Error("discovery of interfaces stopped", "error", err)
	}
}

// Discovered lists the interfaces that other nodes published.
func (s *Service) Discovered(ctx context.Context) (DiscoveredListing, error) {
	s.found.mu.Lock()
	a, conf := s.found.agent, s.found.conf
	s.found.mu.Unlock()
	if a == nil {
		return DiscoveredListing{}, nil
	}
	l := DiscoveredListing{Listening: conf.DiscoverInterfaces, Connect: conf.AutoconnectDiscovered}
	all, err := a.List(ctx)
	if errors.Is(err, node.ErrClosed) {
		return l, nil
	}
	if err != nil {
		return l, err
	}
	live, err := s.live(ctx)
	if err != nil {
		return l, err
	}
	states := make(map[node.InterfaceID]State, len(live))
	for _, i := range live {
		states[i.ID] = stateOf(i.State)
	}
	for _, f := range all {
		l.Items = append(l.Items, discovered(f, states[f.Interface]))
	}
	return l, nil
}

func discovered(f agent.Found, state State) Discovered {
	d := Discovered{
		Name: f.Name, Type: string(f.Type), Status: f.Status, Transport: f.Transport, TransportID: f.TransportID, NetworkID: f.NetworkID,
		Value: f.Value, Hops: f.Hops, Latitude: f.Latitude, Longitude: f.Longitude, Height: f.Height, Endpoint: f.ReachableOn,
		Frequency: number(f.Frequency), Bandwidth: number(f.Bandwidth), Spreading: number(f.SpreadingFactor),
		CodingRate: number(f.CodingRate), Modulation: f.Modulation.String(), IFAC: f.Access != nil && *f.Access != discovery.Access{},
		Entry: f.ConfigEntry(), Discovered: f.Discovered, LastHeard: f.LastHeard, HeardCount: f.HeardCount,
		Connected: state, WhyConnected: f.Decision.String(),
	}
	if f.Port != 0 {
		d.Endpoint = hostPort(f.ReachableOn, f.Port)
	}
	return d
}

func number(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}
