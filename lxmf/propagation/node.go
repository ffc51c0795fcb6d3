package propagation

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Errors of a node.
var (
	ErrServed  = errors.New("propagation node was already served")
	ErrClosed  = errors.New("propagation node is closed")
	ErrUnknown = errors.New("no such peer")
)

// Node is a propagation node. It is safe for concurrent use. Use New.
type Node struct {
	cfg   Config
	calls chan func(now time.Time)
	done  chan struct{}
	m     *machine // owned by the loop, or by New before it
	// wishes are peers to synchronise with at once; owned by the loop.
	wishes []rns.Addr
	crew   sync.WaitGroup
	check  chan struct{} // a place for each Checker
	// settings are those in effect, for announces: they are made where the loop must not be waited for.
	settings atomic.Pointer[Settings]

	announceAsked chan struct{}

	life struct {
		sync.Mutex
		served  bool
		dest    *node.Destination
		control *node.Destination
	}
}

// New reads the store and returns a node that is not yet heard. The time goes with the number of stored messages: their
// names are read, not their contents.
func New(cfg Config) (*Node, error) {
	if cfg.Settings.StampCost == 0 && cfg.Settings.SyncLimit == 0 {
		cfg.Settings = DefaultSettings()
	}
	if cfg.Params.Tick == 0 {
		cfg.Params = DefaultParams()
	}
	var seed [16]byte
	if _, err := io.ReadFull(cfg.random(), seed[:]); err != nil {
		return nil, fmt.Errorf("propagation node: %w", err)
	}
	n := &Node{
		cfg: cfg, calls: make(chan func(time.Time)), done: make(chan struct{}), announceAsked: make(chan struct{}, 1),
		check: make(chan struct{}, max(cfg.Params.Checkers, 1)),
	}
	n.m = newMachine(cfg.Node.Now(), cfg.Identity.Hash(), cfg.Settings, cfg.Params,
		[2]uint64{binary.LittleEndian.Uint64(seed[:8]), binary.LittleEndian.Uint64(seed[8:])})
	n.publish()
	if err := n.load(); err != nil {
		return nil, err
	}
	return n, nil
}

// Serve runs the node until ctx ends. It can be called once. When it returns, the destinations are gone, the state is
// saved and no goroutine of the node is left.
func (n *Node) Serve(ctx context.Context) error {
	n.life.Lock()
	served := n.life.served
	n.life.served = true
	n.life.Unlock()
	if served {
		return ErrServed
	}
	if err := n.register(); err != nil {
		close(n.done)
		return err
	}
	stop := n.cfg.Node.OnAnnounce(node.AnnounceHandler{Name: lxmf.PropagationName, PathResponses: node.On, Handle: func(a node.Announced) {
		n.announced(ctx, a)
	}})
	inner, cancel := context.WithCancel(ctx)
	n.crew.Go(func() { n.announcer(inner) })
	if n.cfg.Params.AnnounceAtStart {
		n.RequestAnnounce()
	}
	n.loop(inner)
	close(n.done) // who asks from now on is told so
	cancel()
	stop()
	err := n.deregister(context.WithoutCancel(ctx)) // they must go even though ctx has ended
	n.crew.Wait()
	return errors.Join(context.Cause(ctx), err, n.save(n.cfg.Node.Now()))
}

// loop owns the machine.
func (n *Node) loop(ctx context.Context) {
	tick := time.NewTicker(n.cfg.Params.Tick)
	defer tick.Stop()
	saved := n.cfg.Node.Now()
	for ticks := 1; ; {
		select {
		case <-ctx.Done():
			return
		case call := <-n.calls:
			now := n.cfg.Node.Now()
			call(now)
			for _, addr := range n.wishes {
				n.start(ctx, now, addr)
			}
			n.wishes = n.wishes[:0]
		case <-tick.C:
			now := n.cfg.Node.Now()
			n.ticked(ctx, now, ticks)
			ticks++
			if since := now.Sub(saved); n.m.changed && since >= n.cfg.Params.SaveInterval || n.m.joined && since >= n.cfg.Params.SaveSoon {
				n.storage(n.save(now))
				saved = now
			}
		}
	}
}

// ticked runs what is due by the schedule. spec: lxmf §9.1
func (n *Node) ticked(ctx context.Context, now time.Time, ticks int) {
	p := &n.cfg.Params
	if ticks%p.SyncTicks == 0 {
		n.m.flush()
		if addr, ok := n.m.choose(now); ok {
			n.start(ctx, now, addr)
		}
	}
	if ticks%p.CleanTicks == 0 {
		n.clean(n.m.tidy(now))
	}
	if ticks%p.RotateTicks == 0 {
		n.m.rotate()
	}
}

// clean deletes the files of messages that have gone.
func (n *Node) clean(names []string) {
	if len(names) == 0 {
		return
	}
	n.crew.Go(func() {
		for _, name := range names {
			n.storage(n.cfg.Files.Remove(name))
		}
		n.tell(Event{Kind: EventCleaned, Count: len(names)})
	})
}

// ask runs f on the loop and returns its result. The error says that the node or ctx has ended.
func ask[T any](ctx context.Context, n *Node, f func(now time.Time) T) (T, error) {
	out := make(chan T, 1)
	var none T
	select {
	case n.calls <- func(now time.Time) { out <- f(now) }:
		return <-out, nil
	case <-n.done:
		return none, ErrClosed
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// announced hears another node, or this one.
func (n *Node) announced(ctx context.Context, a node.Announced) {
	info, err := lxmf.ParsePropagationInfo(a.AppData)
	if err != nil {
		return
	}
	changed, err := ask(ctx, n, func(now time.Time) bool {
		return n.m.announced(now, a.Destination, a.Identity.Hash(), info, a.Hops, bool(a.PathResponse))
	})
	if err == nil && changed {
		n.tell(Event{Kind: EventPeers, Peer: a.Destination})
	}
}

// Configure replaces the settings; the next announce tells them.
func (n *Node) Configure(ctx context.Context, s Settings) error {
	_, err := ask(ctx, n, func(time.Time) struct{} {
		n.m.configure(s)
		n.publish()
		return struct{}{}
	})
	if err == nil {
		n.RequestAnnounce()
	}
	return err
}

// publish copies the settings for announces.
func (n *Node) publish() {
	s := n.m.set
	n.settings.Store(&s)
}

// Addr is the destination of the node.
func (n *Node) Addr() rns.Addr { return peerAddr(n.cfg.Identity.Hash()) }

// RequestAnnounce announces the node after Params.AnnounceDelay, once for all requests until then.
func (n *Node) RequestAnnounce() {
	select {
	case n.announceAsked <- struct{}{}:
	default:
	}
}

// announcer announces when asked, and at an interval. spec: lxmf §8.2
func (n *Node) announcer(ctx context.Context) {
	interval := n.cfg.Params.AnnounceInterval
	if interval <= 0 {
		interval = 365 * 24 * time.Hour
	}
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for asked := false; ; {
		select {
		case <-ctx.Done():
			return
		case <-n.announceAsked:
			if !asked { // others that ask meanwhile must not put it off
				asked = true
				timer.Reset(n.cfg.Params.AnnounceDelay)
			}
		case <-timer.C:
			asked = false
			n.announce(ctx)
			timer.Reset(interval)
		}
	}
}

func (n *Node) announce(ctx context.Context) {
	n.life.Lock()
	dest, control := n.life.dest, n.life.control
	n.life.Unlock()
	if dest == nil {
		return
	}
	if err := dest.Announce(ctx, node.AnnounceOptions{}); err != nil && !errors.Is(err, node.ErrNotSent) {
		n.storage(err)
	}
	if len(n.settings.Load().Control) > 0 && control != nil {
		_ = control.Announce(ctx, node.AnnounceOptions{}) // without an interface the other one failed too
	}
}

// Announcement is the data of the node's announce now. spec: lxmf §8.2
func (n *Node) Announcement() []byte {
	s := n.settings.Load()
	return lxmf.PropagationInfo{
		Timebase: n.cfg.Node.Now().Unix(), Active: !bool(s.StaticOnly), TransferLimit: s.TransferLimit, SyncLimit: s.SyncLimit,
		StampCost: s.StampCost, Flexibility: s.Flexibility, PeeringCost: s.PeeringCost, Name: s.Name, Named: s.Name != "",
	}.Append(nil)
}
