package agent_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/rnstest"
)

// media stands for the interfaces of a node: what is connected is an endpoint in memory.
type media struct {
	node      *rnstest.Node
	mu        sync.Mutex
	offers    []discovery.Offer
	endpoints []discovery.Endpoint
	made      map[string]*mem.Endpoint // by host
	order     []string
	bootstrap int
	refuse    error
}

func (m *media) Connect(_ context.Context, r discovery.Record) (node.InterfaceID, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refuse != nil {
		return 0, m.refuse
	}
	if m.made == nil {
		m.made = make(map[string]*mem.Endpoint)
	}
	e := mem.New(fmt.Sprint("auto ", r.Name))
	m.made[r.ReachableOn] = e
	m.order = append(m.order, r.ReachableOn)
	return m.node.AddInterface(e, rnstest.Open())
}

func (m *media) Endpoints(context.Context) []discovery.Endpoint {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.endpoints
}

func (m *media) Offers(context.Context) []discovery.Offer {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.offers
}

func (m *media) Bootstrap(context.Context) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.bootstrap
}

func (m *media) StartBootstrap(context.Context) { m.setBootstrap(1) }
func (m *media) StopBootstrap(context.Context)  { m.setBootstrap(0) }

func (m *media) setBootstrap(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.bootstrap = n
}

func (m *media) connected() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.order...)
}

// run runs an agent until the returned function is called.
func run(t *testing.T, conf agent.Config) (*agent.Agent, func()) {
	t.Helper()
	a := agent.New(conf)
	ctx, cancel := context.WithCancelCause(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel(errDone)
		if err := <-ended; !errors.Is(err, errDone) {
			t.Errorf("agent ended with %v", err)
		}
	})
	t.Cleanup(stop)
	synctest.Wait()
	return a, stop
}

var errDone = errors.New("done")

func offer(name, host string) discovery.Offer {
	return discovery.Offer{
		Name: name, Interval: 5 * time.Minute, Cost: 8,
		Info: discovery.Info{Type: discovery.TypeBackbone, Name: name, ReachableOn: host, Port: 4242},
	}
}

func found(t *testing.T, a *agent.Agent) []string {
	t.Helper()
	list, err := a.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, f := range list {
		all = append(all, fmt.Sprintf("%s %s:%d %s heard again %d connected %v %s", f.Name, f.ReachableOn, f.Port, f.Status, f.HeardCount,
			f.Interface != 0, f.Decision))
	}
	return all
}

// TestPublishDiscoverConnect goes the whole way: one node publishes, another one hears, stores and connects, monitors and
// gives up, and finds its records again after a restart. spec: rns-core §22.1, §22.4, §22.5, §22.6
func TestPublishDiscoverConnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 1)
		publisher, listener := w.Transport("publisher"), w.Node("listener")
		w.Connect(publisher, listener, mem.Conditions{Delay: time.Millisecond})
		offers := &media{offers: []discovery.Offer{offer("First", "one.example.org"), offer("Second", "192.0.2.2")}}
		run(t, agent.Config{Node: publisher.Node, Interfaces: offers})
		mine := &media{node: listener, bootstrap: 1}
		conf := agent.Config{Node: listener.Node, Listen: node.On, Required: 8, Connect: 2, Interfaces: mine}
		a, stop := run(t, conf)
		w.Run(59 * time.Second)
		if got := found(t, a); got != nil {
			t.Fatalf("published too early: %v", got)
		}
		w.Run(2 * time.Second)
		if d := cmp.Diff([]string{"First one.example.org:4242 available heard again 0 connected true exists"}, found(t, a)); d != "" {
			t.Fatal(d)
		}
		w.Run(time.Minute)
		if d := cmp.Diff([]string{"one.example.org", "192.0.2.2"}, mine.connected()); d != "" {
			t.Fatal(d)
		}
		w.Run(10 * time.Second)
		if n := mine.Bootstrap(t.Context()); n != 0 {
			t.Error("bootstrap interface is kept although enough others are connected")
		}
		w.Run(5 * time.Minute)
		if got := found(t, a); len(got) != 2 || got[0][len(got[0])-len("full"):] != "full" {
			t.Errorf("%q", got)
		}
		mine.made["192.0.2.2"].Break(errors.New("gone"))
		w.Run(10 * time.Second)
		if n := len(interfaces(t, listener)); n != 3 {
			t.Errorf("%d interfaces while one is down for a short time", n)
		}
		offers.mu.Lock()
		offers.offers = nil
		offers.mu.Unlock()
		w.Run(9 * time.Second)
		if n := len(mine.connected()); n != 2 {
			t.Errorf("connected %d times", n)
		}
		w.Run(10 * time.Second) // the monitor gives up, and tries one that is still heard of
		if got := mine.connected(); len(got) != 3 {
			t.Errorf("connected to %v", got)
		}
		stop()
		listener = listener.Restart()
		mine = &media{node: listener}
		conf.Node, conf.Interfaces, conf.Params = listener.Node, mine, agent.DefaultParams()
		conf.Params.Monitor = time.Hour // a week passes below
		a, _ = run(t, conf)
		if n := len(mine.connected()); n != 2 {
			t.Errorf("connected to %d stored records", n)
		}
		w.Run(25 * time.Hour)
		if got := found(t, a); len(got) != 2 || got[0] != "First one.example.org:4242 unknown heard again 1 connected true full" {
			t.Errorf("%q", got)
		}
		w.Run(7 * 24 * time.Hour)
		names, err := listener.Storage.List(agent.Directory)
		if got := found(t, a); got != nil || err != nil || len(names) != 2 {
			t.Errorf("kept %v, files %d, %v", got, len(names), err)
		}
		if names, err = listener.Storage.List(agent.Directory); len(names) != 0 || err != nil {
			t.Errorf("files %v, %v", names, err)
		}
	})
}

func interfaces(t *testing.T, n *rnstest.Node) []node.InterfaceStatus {
	t.Helper()
	all, err := n.Interfaces(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestBootstrapReturns: when nothing is connected any more, the interfaces that help to find others come back.
// spec: rns-core §22.6
func TestBootstrapReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 2)
		n := w.Node("n")
		mine := &media{node: n}
		run(t, agent.Config{Node: n.Node, Listen: node.On, Connect: 1, Interfaces: mine})
		w.Run(6 * time.Second)
		if mine.Bootstrap(t.Context()) != 1 {
			t.Error("no bootstrap interface")
		}
	})
}

// TestEncryptedForTheNetwork: who holds the network identity discovers, others do not, and without one nothing is published.
// spec: rns-core §22.2, §21.3
func TestEncryptedForTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 3)
		publisher, member, stranger := w.Transport("publisher"), w.Node("member"), w.Node("stranger")
		w.Connect(publisher, member, mem.Conditions{})
		w.Connect(publisher, stranger, mem.Conditions{})
		network := w.Identity(77)
		o := offer("Secret", "192.0.2.9")
		o.Secrecy = discovery.Encrypted
		open := offer("Nobody can read it", "192.0.2.8")
		open.Secrecy = discovery.Encrypted
		run(t, agent.Config{Node: publisher.Node, Network: network, Interfaces: &media{offers: []discovery.Offer{o}}})
		run(t, agent.Config{Node: w.Transport("no network").Node, Interfaces: &media{offers: []discovery.Offer{open}}})
		in, _ := run(t, agent.Config{Node: member.Node, Listen: node.On, Required: 8, Network: network})
		out, _ := run(t, agent.Config{Node: stranger.Node, Listen: node.On, Required: 8})
		w.Run(61 * time.Second)
		list, err := in.List(t.Context())
		if err != nil || len(list) != 1 || list[0].NetworkID != network.Hash() || list[0].TransportID != publisher.TransportID() {
			t.Errorf("member found %+v, %v", list, err)
		}
		if len(list) == 1 && (!list[0].Transport || list[0].Decision != discovery.DecisionOff) {
			t.Errorf("%+v", list[0])
		}
		if got := found(t, out); got != nil {
			t.Errorf("stranger found %v", got)
		}
	})
}

// TestBlackholedAreDeleted: records of refused identities go, and so do those whose source is not listened to any more.
// spec: rns-core §22.5
func TestBlackholedAreDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 4)
		n := w.Node("n")
		for i := range 3 {
			write(t, n, record(byte(i+1)))
		}
		a, _ := run(t, agent.Config{Node: n.Node, Listen: node.On, Sources: discovery.Sources{{1}, {2}}})
		if got := found(t, a); len(got) != 2 {
			t.Fatalf("%q", got)
		}
		if err := n.Blackhole(t.Context(), blackhole(rns.Addr{1})); err != nil {
			t.Fatal(err)
		}
		if got := found(t, a); len(got) != 1 {
			t.Errorf("%q", got)
		}
		if names, err := n.Storage.List(agent.Directory); err != nil || len(names) != 1 {
			t.Errorf("files %v, %v", names, err)
		}
	})
}

// TestRecordsAreBounded: the worst record makes room, and a new one that is the worst is not kept. spec: rns-core §22.5
func TestRecordsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 5)
		publisher, listener := w.Transport("publisher"), w.Node("listener")
		w.Connect(publisher, listener, mem.Conditions{})
		for i := range 3 {
			r := record(byte(i + 1))
			r.Value = []int{60, 50, 1}[i]
			write(t, listener, r)
		}
		params := agent.DefaultParams()
		params.MaxRecords = 3
		run(t, agent.Config{Node: publisher.Node, Interfaces: &media{offers: []discovery.Offer{offer("New", "192.0.2.9")}}})
		a, _ := run(t, agent.Config{Node: listener.Node, Listen: node.On, Required: 8, Params: params})
		w.Run(61 * time.Second)
		list, err := a.List(t.Context())
		if err != nil || len(list) != 3 || list[0].Value != 60 || list[1].Value != 50 || list[2].Name != "New" {
			t.Errorf("%v, %v", found(t, a), err)
		}
		if names, err := listener.Storage.List(agent.Directory); err != nil || len(names) != 3 {
			t.Errorf("files %v, %v", names, err)
		}
	})
}

// TestRefusedConnection: an interface that cannot be made is no connection. spec: rns-core §22.6
func TestRefusedConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := rnstest.New(t, 6)
		n := w.Node("n")
		write(t, n, record(1))
		mine := &media{node: n, refuse: errors.New("no driver")}
		a, _ := run(t, agent.Config{Node: n.Node, Listen: node.On, Connect: 1, Interfaces: mine})
		w.Run(20 * time.Second)
		if got := found(t, a); len(got) != 1 || got[0] != "Hub 1 192.0.2.1:4242 available heard again 0 connected false connect" {
			t.Errorf("%q", got)
		}
		mine.mu.Lock()
		mine.refuse = nil
		mine.mu.Unlock()
		w.Run(6 * time.Second)
		if len(mine.connected()) != 1 {
			t.Error("not tried again")
		}
		all := interfaces(t, n)
		if err := n.RemoveInterface(t.Context(), all[0].ID); err != nil {
			t.Fatal(err)
		}
		w.Run(6 * time.Second)
		if len(mine.connected()) != 2 {
			t.Error("not connected again after somebody removed the interface")
		}
	})
}
