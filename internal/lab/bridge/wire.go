package bridge

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func wireCommands() map[string]handler {
	return map[string]handler{
		"wire_start_tcp_server":   command(startServer),
		"wire_start_tcp_client":   command(startClient),
		"wire_start_local_client": command(startLocalClient),
		"wire_stop":               command(stopPeer),
		"wire_instance_posture":   onPeer(posture),
		"wire_transport_enabled":  onPeer(transportEnabled),
		"wire_set_interface_mode": onPeer(setMode),
		"wire_tx_bytes":           onPeer(txBytes),
	}
}

// peer is a node made of the text of a configuration file, with TCP interfaces.
type peer struct {
	node *node.Node
	dir  string
	conf config.Config
	main node.InterfaceID // the configured interface, 0 for none
	tap  *node.Tap
	// fault is the medium of the configured interface, nil for a listener.
	fault *fault

	dests     map[rns.Addr]*node.Destination
	groups    map[rns.Addr]*rns.Token
	listeners map[rns.Addr]*listener
	links     map[rns.Addr]*node.Link // opened by this peer
	receipts  map[string]*node.Receipt
	more      extras
}

// extras is what requests, channels and resources keep per peer.
type extras struct {
	served  map[handledPath]*served
	sending map[string]*sending
	crafted map[string]rns.Hash // packets of receipts that the node does not know of

	mu       sync.Mutex
	messages map[rns.Addr][]hexed
}

// tapSize is how many frames a peer remembers.
const tapSize = 1024

// onPeer makes a handler of a function on one node.
func onPeer[P any](f func(ctx context.Context, n *peer, p P) (any, error)) handler {
	return command(func(ctx context.Context, s *session, both withHandle[P]) (any, error) {
		n, ok := s.nodes[both.Handle]
		if !ok {
			return nil, fmt.Errorf("%w: %s", errHandle, both.Handle)
		}
		return f(ctx, n, both.P)
	})
}

func startServer(ctx context.Context, s *session, p startParams) (any, error) {
	if p.BindPort == 0 {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p.BindPort = port
	}
	p.ShareType = strings.ToLower(p.ShareType)
	if p.Share && p.ShareType == "tcp" {
		if err := p.shareByTCP(); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "rnslab-server-")
	if err != nil {
		return nil, err
	}
	instance := "rnslab_" + filepath.Base(dir)
	var t text
	p.general(&t, instance)
	fmt.Fprintf(&t, "[interfaces]\n[[Wire TCP Server]]\ntype = TCPServerInterface\nenabled = yes\nlisten_ip = 127.0.0.1\nlisten_port = %d\n", p.BindPort)
	p.block(&t)
	h, n, err := s.start(ctx, dir, t.String())
	if err != nil {
		return nil, err
	}
	out := obj{
		"handle": h, "port": p.BindPort, "identity_hash": n.node.TransportID().Hex(), "transport_enabled": bool(n.node.Config().Transport),
	}
	if p.Share {
		out["instance_name"], out["share_instance_type"] = instance, p.ShareType
		out["shared_instance_port"], out["instance_control_port"], out["rpc_key"] = p.SharedPort, p.ControlPort, p.RPCKey
	}
	return out, nil
}

func startClient(ctx context.Context, s *session, p startParams) (any, error) {
	dir, err := os.MkdirTemp("", "rnslab-client-")
	if err != nil {
		return nil, err
	}
	var t text
	p.general(&t, "")
	fmt.Fprintf(&t, "[interfaces]\n[[Wire TCP Client]]\ntype = TCPClientInterface\nenabled = yes\ntarget_host = %s\ntarget_port = %d\n", p.Host, p.Port)
	p.block(&t)
	h, n, err := s.start(ctx, dir, t.String())
	if err != nil {
		return nil, err
	}
	time.Sleep(settleClient)
	return obj{"handle": h, "identity_hash": n.node.TransportID().Hex()}, nil
}

// settleClient is how long a client waits after it has connected: the other side is still attaching its end, and the suite
// has it announce at once.
const settleClient = 250 * time.Millisecond

func startLocalClient(ctx context.Context, s *session, p startParams) (any, error) {
	if p.SharedPort == nil {
		return nil, fmt.Errorf("%w: shared_instance_port is missing", errParam)
	}
	p.Share, p.ShareType, p.Transport.line = true, "tcp", "no"
	dir, err := os.MkdirTemp("", "rnslab-local-")
	if err != nil {
		return nil, err
	}
	var t text
	p.general(&t, "")
	h, n, err := s.start(ctx, dir, t.String())
	if err != nil {
		return nil, err
	}
	if n.node.Role() != node.RoleClient {
		_, _ = stopPeer(ctx, s, handleParam{h})
		return nil, node.ErrNoInstance
	}
	return obj{"handle": h, "identity_hash": n.node.TransportID().Hex()}, nil
}

// start makes a node of a configuration and waits until its interface is open, as the reference does.
func (s *session) start(ctx context.Context, dir, file string) (string, *peer, error) {
	c, err := config.Parse([]byte(file))
	if err != nil {
		return "", nil, err
	}
	nc := interfaces.NodeConfig(c)
	nc.Params.Link.Resource.Decompress = expand
	n, err := node.New(nc, node.WithStorage(node.NewDirStorage(filepath.Join(dir, "storage"))))
	if err != nil {
		return "", nil, err
	}
	p := &peer{
		node: n, dir: dir, conf: c, dests: make(map[rns.Addr]*node.Destination), groups: make(map[rns.Addr]*rns.Token),
		listeners: make(map[rns.Addr]*listener), links: make(map[rns.Addr]*node.Link), receipts: make(map[string]*node.Receipt),
		more: extras{
			served: make(map[handledPath]*served), sending: make(map[string]*sending), crafted: make(map[string]rns.Hash),
			messages: make(map[rns.Addr][]hexed),
		},
	}
	if err := n.Start(ctx); err != nil {
		p.close()
		return "", nil, err
	}
	p.tap = n.OpenTap(tapSize, nil)
	for _, i := range c.Interfaces {
		if err := p.add(ctx, i); err != nil {
			p.close()
			return "", nil, err
		}
	}
	h := handle()
	s.nodes[h] = p
	return h, p, nil
}

func (p *peer) add(ctx context.Context, i config.Interface) error {
	if i.Err != nil {
		return i.Err
	}
	d, conf, err := interfaces.Drivers(i)
	if err != nil {
		return err
	}
	d, p.fault = withFaults(d)
	if p.main, err = p.node.AddInterface(d, conf); err != nil {
		return err
	}
	wait(5*time.Second, func() bool {
		st, err := p.node.InterfaceStatus(ctx, p.main)
		return err == nil && st.State.Word == node.StateUp
	})
	return nil
}

func (p *peer) close() {
	_ = p.node.Close()
	_ = os.RemoveAll(p.dir)
}

type handleParam struct{ Handle string }

func stopPeer(_ context.Context, s *session, p handleParam) (any, error) {
	n, ok := s.nodes[p.Handle]
	if !ok {
		return obj{"stopped": false}, nil
	}
	delete(s.nodes, p.Handle)
	n.close()
	return obj{"stopped": true}, nil
}

type none struct{}

func hashes(list []rns.Addr) []string {
	out := make([]string, 0, len(list))
	for _, a := range list {
		out = append(out, a.Hex())
	}
	return out
}

// posture is the configuration in effect; what only other parts of a program heed comes from the file.
func posture(_ context.Context, n *peer, _ none) (any, error) {
	c, r := n.node.Config(), n.conf.Reticulum
	return obj{
		"transport_enabled": c.Transport, "remote_management_enabled": c.Management.Remote, "respond_to_probes": c.Management.Probes,
		"should_use_implicit_proof": c.ImplicitProofs, "link_mtu_discovery": c.LinkMTUDiscovery,
		"remote_management_allowed": hashes(c.Management.Allowed), "panic_on_interface_error": r.PanicOnInterfaceError,
		"blackhole_sources": hashes(c.Management.BlackholeSources), "interface_discovery_sources": hashes(r.InterfaceDiscoverySources),
		"is_shared_instance": n.node.Role() == node.RoleInstance, "is_connected_to_shared_instance": n.node.Role() == node.RoleClient,
	}, nil
}

func transportEnabled(_ context.Context, n *peer, _ none) (any, error) {
	return obj{
		"transport_enabled":  n.node.Config().Transport,
		"is_shared_instance": n.node.Role() == node.RoleInstance, "is_connected_to_shared_instance": n.node.Role() == node.RoleClient,
	}, nil
}

func setMode(ctx context.Context, n *peer, p struct{ Mode string }) (any, error) {
	m, ok := config.ParseMode(p.Mode)
	if !ok {
		return nil, fmt.Errorf("%w: mode %q", errParam, p.Mode)
	}
	all, err := n.node.Interfaces(ctx)
	for _, i := range all {
		err = errors.Join(err, n.node.SetInterfaceMode(ctx, i.ID, transport.Mode(m)))
	}
	return obj{"mode": p.Mode}, err
}

func txBytes(ctx context.Context, n *peer, _ none) (any, error) {
	all, err := n.node.Interfaces(ctx)
	var sum uint64
	for _, i := range all {
		sum += i.Count.TxBytes
	}
	return obj{"tx_bytes": sum}, err
}
