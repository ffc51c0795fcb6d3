package propagation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/settings"
	pn "meshchatx/lxmf/propagation"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Errors a caller can act on.
var (
	// ErrOff: our own propagation node is switched off, or not up yet.
	ErrOff = errors.New("the propagation node of this program is off")
	// ErrUnknownPeer: the node is not a peer.
	ErrUnknownPeer = pn.ErrUnknown
)

// Names inside the directory of the hosted node, which no identity owns.
const (
	keyName      = "identity"
	messagesName = "messagestore"
	dirMode      = 0o700
)

// HostConfig is what a Host needs. Node may be nil if the stack did not start.
type HostConfig struct {
	Node     *node.Node
	Dir      string // for its key, messages and peers
	Settings *settings.Set
	Bus      *event.Bus
	Now      func() time.Time
	Log      *slog.Logger
	// Local takes a sealed message for one of our own identities; see the field of the same name in lxmf/propagation.
	Local func(sealed []byte) (mine bool, err error)
	// Params are the times of the node; zero takes the defaults.
	Params HostParams
}

// HostParams are the times of a Host.
type HostParams struct {
	Node pn.Params
	// Retry is the wait after the node could not be started, Tell the least time between two events about its figures.
	Retry, Tell time.Duration
}

// DefaultHostParams are the production times.
func DefaultHostParams() HostParams {
	return HostParams{Node: pn.DefaultParams(), Retry: 30 * time.Second, Tell: time.Second}
}

// Host is the propagation node that this program is for others, while its owner
// wants that. It is safe for concurrent use. Serve must run.
type Host struct {
	conf HostConfig
	wake chan struct{} // settings changed
	news chan struct{} // figures changed

	mu      sync.Mutex
	node    *pn.Node // while it runs
	since   time.Time
	problem error
	synced  map[rns.Addr]Sync
}

// Sync is how the last synchronisation with a peer ended.
type Sync struct {
	At   time.Time
	Sent int
	Err  error // nil: well
}

// NewHost makes the host. Nothing runs before Serve.
func NewHost(conf HostConfig) *Host {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	if conf.Params.Node.Tick == 0 {
		conf.Params = DefaultHostParams()
	}
	h := &Host{conf: conf, wake: make(chan struct{}, 1), news: make(chan struct{}, 1), synced: make(map[rns.Addr]Sync)}
	conf.Settings.Verify(verifyHost)
	conf.Settings.Subscribe(func(old, now settings.Values) {
		if concernsHost(old, now) {
			nudge(h.wake)
		}
	})
	return h
}

func nudge(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (h *Host) wanted() bool { return h.conf.Node != nil && h.conf.Settings.Bool(settings.KeyHostNode) }

// Serve runs the node whenever it is wanted, until ctx ends.
func (h *Host) Serve(ctx context.Context) error {
	var crew sync.WaitGroup
	defer crew.Wait()
	crew.Go(func() { h.teller(ctx) })
	for ctx.Err() == nil {
		var again <-chan time.Time
		if h.wanted() {
			err := h.run(ctx)
			h.ended(ctx, err)
			if err != nil {
				again = time.After(h.conf.Params.Retry)
			}
		}
		if h.wanted() && again == nil {
			continue // switched on again meanwhile
		}
		select {
		case <-ctx.Done():
		case <-h.wake:
		case <-again:
		}
	}
	return context.Cause(ctx)
}

// run serves the node until it is no longer wanted or fails.
func (h *Host) run(ctx context.Context) error {
	id, err := h.identity()
	if err != nil {
		return err
	}
	params := h.conf.Params.Node
	params.AnnounceInterval = time.Duration(h.conf.Settings.Int(settings.KeyHostAnnounceHours)) * time.Hour
	n, err := pn.New(pn.Config{
		Node: h.conf.Node, Identity: id, Files: pn.NewDirFiles(filepath.Join(h.conf.Dir, messagesName)),
		State: node.NewDirStorage(h.conf.Dir), Settings: HostSettings(h.conf.Settings.Values()), Params: params,
		Local: h.conf.Local, OnEvent: h.happened,
	})
	if err != nil {
		return err
	}
	live, cancel := context.WithCancel(ctx)
	defer cancel()
	h.began(n)
	served := make(chan error, 1)
	var crew sync.WaitGroup
	crew.Go(func() { served <- n.Serve(live) })
	defer crew.Wait()
	for {
		select {
		case err := <-served:
			return err
		case <-h.wake:
			if !h.wanted() {
				cancel()
				<-served
				return nil
			}
			if err := n.Configure(live, HostSettings(h.conf.Settings.Values())); err != nil && ctx.Err() == nil {
				h.conf.Log.Warn("settings of the propagation node do not act yet", "error", err)
			}
			nudge(h.news)
		}
	}
}

// identity reads the key of the node, which is made when it is first needed.
func (h *Host) identity() (*rns.Identity, error) {
	if err := os.MkdirAll(h.conf.Dir, dirMode); err != nil {
		return nil, fmt.Errorf("directory of the propagation node: %w", err)
	}
	name := filepath.Join(h.conf.Dir, keyName)
	id, err := keyfile.Read(name)
	if !errors.Is(err, os.ErrNotExist) {
		return id, err
	}
	if id, err = rns.NewIdentity(h.conf.Node.Random()); err != nil {
		return nil, err
	}
	return id, keyfile.Create(name, id)
}

func (h *Host) began(n *pn.Node) {
	h.mu.Lock()
	h.node, h.since, h.problem = n, h.conf.Now(), nil
	h.mu.Unlock()
	nudge(h.news)
}

func (h *Host) ended(ctx context.Context, err error) {
	h.mu.Lock()
	h.node, h.problem = nil, nil
	if err != nil && ctx.Err() == nil {
		h.problem = err
		h.conf.Log.Error("propagation node does not run", "error", err)
	}
	h.mu.Unlock()
	nudge(h.news)
}

// happened takes an event of the node. It must not block.
func (h *Host) happened(e pn.Event) {
	switch e.Kind {
	case pn.EventSync:
		h.mu.Lock()
		h.synced[e.Peer] = Sync{At: h.conf.Now(), Sent: e.Count, Err: e.Err}
		h.mu.Unlock()
	case pn.EventStorage:
		h.conf.Log.Error("propagation node cannot store", "error", e.Err)
	case pn.EventRefused:
		h.conf.Log.Debug("propagation node refused a transfer", "peer", e.Peer, "error", e.Err)
	case pn.EventStored, pn.EventServed, pn.EventCleaned, pn.EventPeers:
	}
	nudge(h.news)
}

// teller reports to the browsers that figures changed, not faster than they can be read.
func (h *Host) teller(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-h.news:
		}
		h.conf.Bus.Publish(event.Event{Type: event.PropagationChanged})
		pause := time.NewTimer(h.conf.Params.Tell)
		select {
		case <-ctx.Done():
		case <-pause.C:
		}
		pause.Stop()
	}
}

func (h *Host) running() (*pn.Node, time.Time, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.node, h.since, h.problem
}

// SyncPeer starts an exchange with a peer now; an event tells when it has ended.
func (h *Host) SyncPeer(ctx context.Context, peer rns.Addr) error {
	n, _, _ := h.running()
	if n == nil {
		return ErrOff
	}
	return n.SyncPeer(ctx, peer)
}

// Unpeer ends a peering. Listed peers stay: they are taken out of the list.
func (h *Host) Unpeer(ctx context.Context, peer rns.Addr) error {
	n, _, _ := h.running()
	if n == nil {
		return ErrOff
	}
	defer nudge(h.news)
	return n.Unpeer(ctx, peer)
}

// Announce tells the network that the node is there, soon.
func (h *Host) Announce() error {
	n, _, _ := h.running()
	if n == nil {
		return ErrOff
	}
	n.RequestAnnounce()
	return nil
}
