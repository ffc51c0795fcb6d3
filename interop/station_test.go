package interop

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
	"meshchatx/tools/peer"
)

// echoName is the destination that both sides open for links, quietName one that reports nothing.
const (
	echoName  = "interop.echo"
	quietName = "interop.quiet"
)

// access are the access codes of an interface; the zero value has none.
type access struct{ network, passphrase string }

func (a access) config() node.InterfaceConfig {
	return node.InterfaceConfig{IngressControl: transport.LimitOff, NetworkName: a.network, Passphrase: a.passphrase}
}

func (a access) args(args peer.Args) peer.Args {
	if a != (access{}) {
		args["networkname"], args["passphrase"] = a.network, a.passphrase
	}
	return args
}

// startNode runs one of our nodes.
func startNode(t *testing.T, forward node.Switch, storage node.Storage) *node.Node {
	t.Helper()
	c := node.DefaultConfig()
	c.Transport = forward
	n, err := node.New(c, node.WithStorage(storage))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := n.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return n
}

// listen opens a TCP listener on a node and returns its port.
func listen(ctx context.Context, n *node.Node, port int, a access) (int, error) {
	s, err := tcp.NewServer(tcp.ServerConfig{Name: "server", Host: "127.0.0.1", Port: port})
	if err != nil {
		return 0, err
	}
	id, err := attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(s, a.config()) })
	if err != nil {
		return 0, err
	}
	status, err := n.InterfaceStatus(ctx, id)
	if err != nil {
		return 0, err
	}
	_, text, err := net.SplitHostPort(status.Address)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// dial connects a node to a TCP listener and waits until it is.
func dial(ctx context.Context, n *node.Node, port int, a access) error {
	c, err := tcp.NewClient(tcp.ClientConfig{Name: "client", Host: "127.0.0.1", Port: port})
	if err != nil {
		return err
	}
	_, err = attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(c, a.config()) })
	return err
}

// attach adds an interface and waits until it is up.
func attach(ctx context.Context, n *node.Node, add func() (node.InterfaceID, error)) (node.InterfaceID, error) {
	var states feed[node.Event]
	stop := n.OnEvent(states.add)
	defer stop()
	id, err := add()
	if err != nil {
		return 0, err
	}
	_, err = states.wait(ctx, 0, func(e node.Event) bool {
		return e.Kind == node.EventInterfaceState && e.Interface == id && e.State.Word == node.StateUp
	})
	return id, err
}

// station is our side: a node with an LXMF identity, and a destination for links.
type station struct {
	node      *node.Node
	id        *rns.Identity
	router    *router.Router
	echo      *node.Destination
	quiet     *node.Destination
	inbox     inbox
	outbound  feed[router.Event]
	announces feed[node.Announced]
	links     feed[*node.Link]
	seen      seen

	stampCost     atomic.Int64
	enforceStamps atomic.Bool
	clock         atomic.Int64 // so that no two messages have the same time
}

// seen is what arrived on links, whoever opened them.
type seen struct {
	datagrams  feed[arrival]
	packets    feed[arrival]
	resources  feed[arrival]
	messages   feed[arrival]
	identified feed[arrival]
	closed     feed[arrival]
	// Packets and resources are only counted on links to the quiet destination.
	quietPackets, quietResources atomic.Int64
}

// arrival is a packet, resource, channel message or identity on a link.
type arrival struct {
	link     rns.Addr
	data     []byte
	kind     uint16
	metadata msgpack.Value
	err      error
	identity rns.PublicKey
}

// startStation runs our side on a node.
func startStation(t *testing.T, n *node.Node) *station {
	t.Helper()
	id, err := rns.NewIdentity(n.Random())
	if err != nil {
		t.Fatal(err)
	}
	s := &station{node: n, id: id}
	t.Cleanup(n.OnAnnounce(node.AnnounceHandler{PathResponses: node.On, Handle: s.announces.add}))
	s.router, err = router.New(router.Config{
		Node: n, Identity: id, Inbox: &s.inbox, Events: s.outbound.add,
		DisplayName:   func() string { return "Our station" },
		StampCost:     func() int { return int(s.stampCost.Load()) },
		EnforceStamps: s.enforceStamps.Load,
		SpoolDir:      t.TempDir(),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	var served sync.WaitGroup
	served.Go(func() {
		if err := s.router.Serve(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("router ended: %v", err)
		}
	})
	t.Cleanup(func() {
		cancel()
		served.Wait()
	})
	s.echo = s.register(t, echoName, s.handler)
	s.quiet = s.register(t, quietName, s.quietHandler)
	return s
}

func (s *station) register(t *testing.T, name string, h func(*node.Link) node.LinkHandler) *node.Destination {
	t.Helper()
	d, err := s.node.Register(node.DestinationConfig{
		Identity: s.id, Name: name, Proofs: node.ProveAll, Ratchets: node.Ratchets{Name: name},
		OnPacket: func(p *node.Packet) { s.seen.datagrams.add(arrival{data: p.Data}) },
		OnLink: func(l *node.Link) node.LinkHandler {
			s.links.add(l)
			return h(l)
		},
		Requests: []node.RequestHandler{
			{Path: "/echo", Policy: node.AllowAll, Serve: func(r *node.Request) (*node.Response, error) {
				return &node.Response{Value: r.Data}, nil
			}},
			{Path: "/big", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
				return node.BytesResponse(peer.Generate(bigSize, "big", peer.Random)), nil
			}},
			{Path: "/file", Policy: node.AllowAll, Serve: func(*node.Request) (*node.Response, error) {
				meta := msgpack.Map(msgpack.Pair{Key: msgpack.Str("name"), Value: msgpack.Bin([]byte("big.bin"))})
				return node.FileResponse(peer.Generate(bigSize, "big", peer.Random), meta), nil
			}},
			{Path: "/list", Policy: node.AllowList, Serve: func(*node.Request) (*node.Response, error) {
				return node.BytesResponse([]byte("secret")), nil
			}},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// handler records everything, proves everything, and echoes channel messages.
func (s *station) handler(l *node.Link) node.LinkHandler {
	h := node.LinkHandler{
		OnPacket: func(l *node.Link, p *node.LinkPacket) {
			s.seen.packets.add(arrival{link: l.ID(), data: p.Data, err: p.Prove()})
		},
		OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
			return &node.ResourceAcceptance{Conclude: func(l *node.Link, r node.IncomingResource) error {
				s.seen.resources.add(arrival{link: l.ID(), data: r.Data, metadata: r.Metadata, err: r.Err})
				return nil
			}}
		},
		OnIdentified: func(l *node.Link, key rns.PublicKey) {
			s.seen.identified.add(arrival{link: l.ID(), identity: key})
		},
		OnMessage: func(l *node.Link, m node.ChannelMessage) {
			s.seen.messages.add(arrival{link: l.ID(), kind: m.Type, data: bytes.Clone(m.Data)})
		},
		OnClosed: func(l *node.Link, err error) { s.seen.closed.add(arrival{link: l.ID(), err: err}) },
	}
	return h
}

// quietHandler proves and counts.
func (s *station) quietHandler(*node.Link) node.LinkHandler {
	return node.LinkHandler{
		OnPacket: func(_ *node.Link, p *node.LinkPacket) {
			if p.Prove() == nil {
				s.seen.quietPackets.Add(1)
			}
		},
		OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
			return &node.ResourceAcceptance{Sink: io.Discard, Conclude: func(_ *node.Link, r node.IncomingResource) error {
				if r.Err == nil {
					s.seen.quietResources.Add(1)
				}
				return nil
			}}
		},
		OnClosed: func(l *node.Link, err error) { s.seen.closed.add(arrival{link: l.ID(), err: err}) },
	}
}

// message writes a message of ours.
func (s *station) message(to rns.Addr, title, content string) *lxmf.Message {
	at := max(time.Now().UnixMicro(), s.clock.Load()+1)
	s.clock.Store(at)
	return lxmf.New(to, s.router.Address(), time.UnixMicro(at), []byte(title), []byte(content))
}

// inbox keeps incoming messages.
type inbox struct{ feed[router.Inbound] }

func (in *inbox) Receive(_ context.Context, m router.Inbound) error {
	in.add(m)
	return nil
}
