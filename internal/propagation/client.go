package propagation

import (
	"context"
	"encoding/hex"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// Router is the part of lxmf/router that uses propagation nodes.
type Router interface {
	UseNode(mode router.NodeMode, fixed rns.Addr)
	Nodes(ctx context.Context) ([]router.NodeRecord, router.NodeMode, router.Choice, error)
	Sync(ctx context.Context, o router.SyncOptions) error
	CancelSync()
	SyncEvery(interval time.Duration)
	SyncStatus(ctx context.Context) (router.SyncStatus, error)
}

// Bus tells the browsers what changed.
type Bus interface {
	Publish(event.Type, event.IDs)
}

// ClientConfig is what a Client needs. Router may be nil: without a network.
type ClientConfig struct {
	Router   Router
	Settings *settings.Set
	Bus      Bus
	// Announce tells the network that the identity is there, before messages are fetched: a node without a path back
	// could not answer. It may be nil.
	Announce func(ctx context.Context) error
}

// Client is the propagation node of one identity as people see it: which, why,
// and fetching from it. It is safe for concurrent use.
type Client struct {
	conf ClientConfig

	mu       sync.Mutex
	last     router.SyncState
	percent  int
	received int
}

// NewClient makes the client. Follow settings with Changed.
func NewClient(conf ClientConfig) *Client {
	conf.Settings.Verify(verifyNode)
	return &Client{conf: conf}
}

func verifyNode(v settings.Values) error {
	text := v.Get(settings.KeyNode).Text()
	if text == "" {
		return nil
	}
	if _, err := rns.ParseAddr(text); err != nil {
		return &settings.KeyError{Key: settings.KeyNode, Err: settings.ErrAddress}
	}
	return nil
}

// Mode is which propagation node the settings ask for.
func Mode(v settings.Values) (router.NodeMode, rns.Addr) {
	switch v.Get(settings.KeyNodeMode).Text() {
	case settings.NodeAuto:
		return router.NodeAuto, rns.Addr{}
	case settings.NodeFixed:
		if a, err := rns.ParseAddr(v.Get(settings.KeyNode).Text()); err == nil {
			return router.NodeFixed, a
		}
	}
	return router.NodeOff, rns.Addr{}
}

// Fallback is what the settings let a message do when the way it was to go does not work.
func Fallback(v settings.Values) router.Fallback {
	switch v.Get(settings.KeyFallback).Text() {
	case settings.FallbackDirect:
		return router.FallbackDirect
	case settings.FallbackNever:
		return router.FallbackNever
	}
	return router.FallbackNode
}

// Interval is the time between fetches that happen by themselves, 0 for none.
func Interval(v settings.Values) time.Duration {
	return time.Duration(v.Get(settings.KeySyncInterval).Int()) * time.Second
}

// Changed lets new settings act.
func (c *Client) Changed(old, now settings.Values) {
	if c.conf.Router == nil {
		return
	}
	if old.Get(settings.KeyNodeMode) != now.Get(settings.KeyNodeMode) || old.Get(settings.KeyNode) != now.Get(settings.KeyNode) {
		c.conf.Router.UseNode(Mode(now))
		c.tell()
	}
	if Interval(old) != Interval(now) {
		c.conf.Router.SyncEvery(Interval(now))
		c.tell()
	}
}

func (c *Client) tell() { c.conf.Bus.Publish(event.PropagationChanged, event.IDs{}) }

// Happened takes a notice of the router. It does not block.
func (c *Client) Happened(n router.Notice) {
	changed, is := n.(router.SyncChanged)
	if !is {
		c.tell()
		return
	}
	st := changed.Status
	c.mu.Lock()
	// Every step is told, but of a long transfer only every twentieth part.
	const part = 5
	news := st.State != c.last || st.Received != c.received || st.Percent/part != c.percent/part
	c.last, c.percent, c.received = st.State, st.Percent, st.Received
	c.mu.Unlock()
	if news {
		c.tell()
	}
}

// Status is how an identity stands to propagation nodes.
type Status struct {
	Mode   router.NodeMode
	Choice router.Choice
	Nodes  []router.NodeRecord // what was experienced with them
	Sync   router.SyncStatus
}

// Status tells the node in use and the fetch under way, or the last one. Without a network it is what the settings say.
func (c *Client) Status(ctx context.Context) (Status, error) {
	var s Status
	s.Mode, s.Choice.Node = Mode(c.conf.Settings.Values())
	s.Choice.Reason = router.ReasonNone
	if s.Mode == router.NodeFixed {
		s.Choice.Reason = router.ReasonFixed
	}
	if c.conf.Router == nil {
		return s, nil
	}
	nodes, mode, choice, err := c.conf.Router.Nodes(ctx)
	if err != nil {
		return s, err
	}
	s.Nodes, s.Mode, s.Choice = nodes, mode, choice
	s.Sync, err = c.conf.Router.SyncStatus(ctx)
	return s, err
}

// Choose decides which node is used from now on. With NodeFixed the address need not have been heard.
func (c *Client) Choose(ctx context.Context, mode router.NodeMode, fixed rns.Addr) error {
	words := map[router.NodeMode]string{
		router.NodeAuto: settings.NodeAuto, router.NodeFixed: settings.NodeFixed, router.NodeOff: settings.NodeNone,
	}
	changes := settings.Changes{settings.KeyNodeMode: settings.StringValue(words[mode])}
	if mode == router.NodeFixed {
		if fixed.IsZero() {
			return &settings.KeyError{Key: settings.KeyNode, Err: settings.ErrAddress}
		}
		changes[settings.KeyNode] = settings.StringValue(hex.EncodeToString(fixed[:]))
	}
	return c.conf.Settings.Change(ctx, changes)
}

// Sync begins to fetch messages; events tell how it goes on. Limit is the most messages, 0 for what the settings say.
func (c *Client) Sync(ctx context.Context, limit int) error {
	if c.conf.Router == nil {
		return router.ErrNoNode
	}
	if limit == 0 {
		limit = int(c.conf.Settings.Int(settings.KeySyncMax))
	}
	if c.conf.Announce != nil {
		_ = c.conf.Announce(ctx) // without an interface the fetch fails too, and says so
	}
	return c.conf.Router.Sync(ctx, router.SyncOptions{Max: limit})
}

// CancelSync stops fetching. What is not stored yet stays on the node.
func (c *Client) CancelSync() {
	if c.conf.Router != nil {
		c.conf.Router.CancelSync()
	}
}
