package bridge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// lxmfCommands are those of the public suite torlando-tech/lxmf-conformance, which speaks the same protocol.
func lxmfCommands() map[string]handler {
	return map[string]handler{
		"lxmf_init":                          command(startMail),
		"lxmf_add_tcp_server_interface":      onMail((*mail).listen),
		"lxmf_add_tcp_client_interface":      onMail((*mail).connect),
		"lxmf_announce":                      onMail((*mail).announce),
		"lxmf_send_opportunistic":            onMail((*mail).sendOpportunistic),
		"lxmf_send_direct":                   onMail((*mail).sendDirect),
		"lxmf_send_propagated":               onMail((*mail).sendPropagated),
		"lxmf_get_message_state":             onMail((*mail).stateOf),
		"lxmf_get_received_messages":         onMail((*mail).received),
		"lxmf_has_path":                      onMail((*mail).hasPath),
		"lxmf_request_path":                  onMail((*mail).requestPath),
		"lxmf_set_outbound_propagation_node": onMail((*mail).useNode),
		"lxmf_sync_inbound":                  onMail((*mail).sync),
		"lxmf_shutdown":                      command(stopMail),
	}
}

var (
	errNoMail   = errors.New("lxmf_init must come first")
	errMailRuns = errors.New("lxmf_init was called before")
)

// mail is the messenger of a bridge, and perhaps a propagation node.
type mail struct {
	node   *node.Node
	id     *rns.Identity
	router *router.Router
	host   *propagation.Node // nil for none
	dir    string
	cancel context.CancelFunc
	served sync.WaitGroup

	mu     sync.Mutex
	inbox  []obj
	states map[rns.Hash]string
}

// onMail makes a handler of a method of the messenger.
func onMail[P any](f func(m *mail, ctx context.Context, p P) (any, error)) handler {
	return command(func(ctx context.Context, s *session, p P) (any, error) {
		if s.mail == nil {
			return nil, errNoMail
		}
		return f(s.mail, ctx, p)
	})
}

type mailParams struct {
	Name    string `json:"display_name"`
	Storage string `json:"storage_path"`
	Host    bool   `json:"enable_propagation_node"`
}

// startMail runs a node without interfaces and a messenger on it.
func startMail(ctx context.Context, s *session, p mailParams) (any, error) {
	if s.mail != nil {
		return nil, errMailRuns
	}
	if p.Name == "" {
		p.Name = "lxmf-conformance-peer"
	}
	dir, err := os.MkdirTemp("", "rnslab-lxmf-")
	if err != nil {
		return nil, err
	}
	s.trash = append(s.trash, dir)
	if p.Storage == "" {
		p.Storage = filepath.Join(dir, "lxmf")
	}
	m := &mail{dir: dir, states: make(map[rns.Hash]string)}
	conf := node.DefaultConfig()
	conf.Transport = node.Switch(p.Host)
	if m.node, err = node.New(conf, node.WithStorage(node.NewDirStorage(filepath.Join(dir, "rns")))); err != nil {
		return nil, err
	}
	if err := m.start(ctx, s, p); err != nil {
		return nil, errors.Join(err, m.node.Close())
	}
	s.mail = m
	out := obj{
		"identity_hash": m.id.Hash().Hex(), "delivery_destination_hash": m.router.Address().Hex(), "config_dir": dir, "storage_path": p.Storage,
	}
	if m.host != nil {
		out["propagation_destination_hash"] = m.host.Addr().Hex()
		out["propagation_stamp_cost"] = propagation.DefaultSettings().StampCost
	}
	return out, nil
}

func (m *mail) start(ctx context.Context, s *session, p mailParams) (err error) {
	if err = m.node.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	if m.id, err = rns.NewIdentity(s.rand); err != nil {
		return err
	}
	m.router, err = router.New(router.Config{
		Node: m.node, Identity: m.id, Inbox: m, Events: m.happened, DisplayName: func() string { return p.Name },
		Fallback: func() router.Fallback { return router.FallbackNever },
		SpoolDir: filepath.Join(p.Storage, "spool"),
	})
	if err != nil {
		return err
	}
	if p.Host {
		m.host, err = propagation.New(propagation.Config{
			Node: m.node, Identity: m.id, Files: propagation.NewDirFiles(filepath.Join(p.Storage, "messagestore")),
			State: node.NewDirStorage(p.Storage),
		})
		if err != nil {
			return err
		}
	}
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m.cancel = cancel
	m.served.Go(func() { _ = m.router.Serve(run) }) // it ends when the bridge does
	if m.host != nil {
		m.served.Go(func() { _ = m.host.Serve(run) })
	}
	return nil
}

// close ends everything.
func (m *mail) close() {
	m.cancel()
	m.served.Wait()
	_ = m.node.Close()
	_ = os.RemoveAll(m.dir)
}

func stopMail(_ context.Context, s *session, _ struct{}) (any, error) {
	if s.mail == nil {
		return obj{"stopped": false}, nil
	}
	s.mail.close()
	s.mail = nil
	return obj{"stopped": true}, nil
}

type tcpParams struct {
	Port   int    `json:"bind_port"`
	Host   string `json:"target_host"`
	Target int    `json:"target_port"`
	Name   string `json:"name"`
}

func (m *mail) listen(ctx context.Context, p tcpParams) (any, error) {
	if p.Name == "" {
		p.Name = "tcpserver"
	}
	d, err := tcp.NewServer(tcp.ServerConfig{Name: p.Name, Host: "127.0.0.1", Port: p.Port})
	if err != nil {
		return nil, err
	}
	id, err := m.attach(ctx, d)
	if err != nil {
		return nil, err
	}
	st, err := m.node.InterfaceStatus(ctx, id)
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(st.Address)
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(port)
	return obj{"port": n, "interface_name": p.Name}, err
}

func (m *mail) connect(ctx context.Context, p tcpParams) (any, error) {
	if p.Host == "" {
		p.Host = "127.0.0.1"
	}
	if p.Name == "" {
		p.Name = "tcpclient"
	}
	d, err := tcp.NewClient(tcp.ClientConfig{Name: p.Name, Host: p.Host, Port: p.Target})
	if err != nil {
		return nil, err
	}
	_, err = m.attach(ctx, d)
	return obj{"interface_name": p.Name}, err
}

// attachWait bounds the wait for an interface to come up.
const attachWait = 10 * time.Second

// attach adds an interface and waits until it is up.
func (m *mail) attach(ctx context.Context, d iface.Interface) (node.InterfaceID, error) {
	ctx, cancel := context.WithTimeout(ctx, attachWait)
	defer cancel()
	up := make(chan node.InterfaceID, 16)
	stop := m.node.OnEvent(func(e node.Event) {
		if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
			select {
			case up <- e.Interface:
			default:
			}
		}
	})
	defer stop()
	id, err := m.node.AddInterface(d, node.InterfaceConfig{IngressControl: transport.LimitOff})
	for err == nil {
		select {
		case got := <-up:
			if got == id {
				return id, nil
			}
		case <-ctx.Done():
			err = fmt.Errorf("interface does not come up: %w", ctx.Err())
		}
	}
	return id, err
}

func (m *mail) announce(ctx context.Context, _ struct{}) (any, error) {
	if m.host != nil {
		m.host.RequestAnnounce()
	}
	return obj{"delivery_destination_hash": m.router.Address().Hex()}, m.router.Announce(ctx)
}

// addrIn is the address in a parameter.
func addrIn(b hexed) (rns.Addr, error) {
	if len(b) != rns.AddrSize {
		return rns.Addr{}, fmt.Errorf("destination_hash has %d bytes", len(b))
	}
	return rns.Addr(b), nil
}

type mailDest struct {
	Dest hexed `json:"destination_hash"`
}

func (m *mail) hasPath(ctx context.Context, p mailDest) (any, error) {
	to, err := addrIn(p.Dest)
	if err != nil {
		return nil, err
	}
	_, err = m.node.Recall(ctx, to)
	path, recalled := m.node.HasPath(ctx, to), err == nil
	return obj{"has_path": path && recalled, "transport_has_path": path, "identity_recalled": recalled}, nil
}

func (m *mail) requestPath(ctx context.Context, p mailDest) (any, error) {
	to, err := addrIn(p.Dest)
	if err == nil {
		err = m.node.RequestPath(ctx, to, 0)
	}
	return obj{"requested": true}, err
}

// useNode chooses the propagation node. Its cost is known from its announce: a cost that is told is not needed.
func (m *mail) useNode(_ context.Context, p mailDest) (any, error) {
	to, err := addrIn(p.Dest)
	if err == nil {
		m.router.UseNode(router.NodeFixed, to)
	}
	return obj{"ok": true}, err
}

type syncParams struct {
	Timeout *float64 `json:"timeout_sec"`
}

// syncLook is how often a fetch is looked at.
const syncLook = 50 * time.Millisecond

// sync fetches messages from the propagation node and waits for the end of it.
func (m *mail) sync(ctx context.Context, p syncParams) (any, error) {
	wait := 30 * time.Second
	if p.Timeout != nil {
		wait = time.Duration(*p.Timeout * float64(time.Second))
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	m.router.AcknowledgeSync()
	if err := m.router.Sync(ctx, router.SyncOptions{}); err != nil {
		return nil, err
	}
	tick := time.NewTicker(syncLook)
	defer tick.Stop()
	for {
		st, err := m.router.SyncStatus(ctx)
		if err == nil && !st.State.Active() {
			return syncResult(st), nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return obj{"final_state": int(st.State)}, nil
		}
	}
}

// syncResult is the end of a fetch in the words of the suite.
func syncResult(st router.SyncStatus) obj {
	out := obj{"final_state": int(st.State), "received": st.Stored}
	if st.State == router.SyncNoPath {
		out["error"] = "noPath"
	}
	if st.State == router.SyncComplete {
		out["final_state"] = 0 // the reference has left this state when it is asked
	}
	return out
}

// Receive implements router.Inbox.
func (m *mail) Receive(_ context.Context, in router.Inbound) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	msg := in.Message
	m.inbox = append(m.inbox, obj{
		"seq": len(m.inbox) + 1, "message_hash": msg.Hash.Hex(), "source_hash": msg.Source.Hex(), "destination_hash": msg.Destination.Hex(),
		"title": string(msg.Title), "content": string(msg.Content), "method": methodName(in.Method), "ack_status": "received",
		"received_at_ms": in.Received.UnixMilli(), "fields": fieldsOut(msg.Fields),
	})
	return nil
}

type sinceParams struct {
	Since int `json:"since_seq"`
}

func (m *mail) received(_ context.Context, p sinceParams) (any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	from := min(max(p.Since, 0), len(m.inbox))
	return obj{"messages": append([]obj{}, m.inbox[from:]...), "last_seq": len(m.inbox)}, nil
}

func methodName(m lxmf.Method) string {
	switch m {
	case lxmf.MethodOpportunistic:
		return "opportunistic"
	case lxmf.MethodDirect:
		return "direct"
	case lxmf.MethodPropagated:
		return "propagated"
	}
	return "unknown"
}
