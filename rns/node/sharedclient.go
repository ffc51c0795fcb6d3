package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/transport"
)

// Times of a client. spec: rns-link §11.4
const (
	// registeredAnnounce is the wait before the instance is told of a new destination, reconnectAnnounce before it is told
	// of all of them again.
	registeredAnnounce = 250 * time.Millisecond
	reconnectAnnounce  = 10 * time.Second
	// controlInterval is the time between two looks at the instance's list of refused identities, controlRefused the one
	// after the key was refused: each attempt leaves a line in the log of the instance.
	controlInterval = time.Minute
	controlRefused  = 10 * time.Minute
	// controlRetry is the first wait after a call that failed for another reason; each further one is twice as long. An
	// instance that has just started may accept programs before it answers calls.
	controlRetry = time.Second
)

// instanceState notes that the connection to the shared instance came up or went. It runs on the port's goroutine.
func (n *Node) instanceState(p *port, s InterfaceState) {
	up := s.Word == StateUp
	n.shared.mu.Lock()
	was, again := n.shared.connected, n.shared.before
	if was != up {
		n.shared.since = s.Since
	}
	if s.Word != StateConnecting {
		n.shared.connected, n.shared.err = up, s.Err
	}
	n.shared.before = again || up
	n.shared.mu.Unlock()
	switch {
	case up:
		wait := registeredAnnounce
		if again {
			wait = reconnectAnnounce
		}
		n.after(wait, n.announceAll)
		select {
		case n.shared.news <- struct{}{}:
		default:
		}
	case was && s.Word != StateConnecting:
		n.post(func(now time.Time) { n.lostInstance(now, p) })
	}
}

// lostInstance ends all links and forgets what came through the connection. It runs on the loop. spec: rns-link §11.4
func (n *Node) lostInstance(now time.Time, p *port) {
	for _, l := range n.links {
		if l.mate == nil {
			l.inbox.call(func(now time.Time) { l.fail(now, ErrInterfaceGone) })
		}
	}
	if n.ports[p.id] != p {
		return
	}
	n.apply(now, n.m.RemoveInterface(now, p.id), nil)
	if err := n.m.AddInterface(now, p.describe()); err != nil {
		n.env.log.Error("interface", slog.String("interface", p.info.Label), slog.Any("error", err))
	}
	n.shared.hops.forget()
}

// after calls f later, unless the interfaces end before.
func (n *Node) after(wait time.Duration, f func()) {
	n.shared.spawn(func(ctx context.Context) {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
			f()
		case <-ctx.Done():
		}
	})
}

// registered tells the instance of a new destination.
func (n *Node) registered(d *Destination) {
	if n.shared.role == RoleClient && d.kind == rns.DestSingle {
		n.after(registeredAnnounce, d.tellInstance)
	}
}

// announceAll tells the instance of every destination.
func (n *Node) announceAll() {
	n.post(func(time.Time) {
		for _, d := range n.dests {
			if d.kind == rns.DestSingle {
				d.tellInstance()
			}
		}
	})
}

// tellInstance announces the destination in the form that the instance keeps to itself. spec: rns-link §11.4
func (d *Destination) tellInstance() {
	d.work.do(func() {
		var data []byte
		if d.conf.AppData != nil {
			data = d.conf.AppData()
		}
		p, ratchet, err := d.buildAnnounce(data, rns.ContextPathResponse)
		if err != nil {
			d.node.env.log.Warn("announce to the shared instance", slog.Any("destination", d.addr), slog.Any("error", err))
			return
		}
		d.node.post(func(now time.Time) { _ = d.emit(now, p, ratchet, 0) })
	})
}

// Service is the set of control calls for the tables that count on this machine: those of the shared instance for a
// client, the node's own otherwise.
func (n *Node) Service() control.Service {
	if n.shared.role == RoleClient {
		return n.shared.remote
	}
	return ownTables{n}
}

// watchInstance looks after the control connection until ctx ends: it shows whether calls work, and takes over the list of
// refused identities. Nothing waits for it.
func (n *Node) watchInstance(ctx context.Context) {
	t := time.NewTimer(controlInterval)
	defer t.Stop()
	retry := controlRetry
	var refused time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-n.shared.news:
			retry, refused = controlRetry, time.Time{}
		case <-t.C:
		}
		wait := controlInterval
		n.shared.mu.Lock()
		up := n.shared.connected
		n.shared.mu.Unlock()
		if n.reloadKey() || refused.IsZero() || n.env.now().Sub(refused) >= controlRefused {
			refused = time.Time{}
		}
		if up && refused.IsZero() {
			list, err := n.shared.remote.BlackholedIdentities(ctx)
			if ctx.Err() != nil {
				return
			}
			if n.controlState(err); err == nil {
				n.takeBlackhole(list)
				retry = controlRetry
			} else if errors.Is(err, control.ErrAuth) {
				refused = n.env.now()
			}
		}
		if n.controlFails() {
			wait = retry
			retry = min(2*retry, controlInterval)
		}
		t.Reset(wait)
	}
}

// reloadKey reads the key again, which the instance may have made after this node looked for it, and reports whether it
// is another one now.
func (n *Node) reloadKey() bool {
	if n.cfg.Shared.Key != nil {
		return false
	}
	id, err := n.readIdentity()
	if err != nil {
		return false
	}
	key := control.Key(id)
	if n.shared.remote.HasKey(key) {
		return false
	}
	n.shared.remote.SetKey(key)
	return true
}

// controlFails tells whether the last call did not work.
func (n *Node) controlFails() bool {
	n.shared.mu.Lock()
	defer n.shared.mu.Unlock()
	return n.shared.controlErr != nil
}

// controlState notes whether calls work.
func (n *Node) controlState(err error) {
	n.shared.mu.Lock()
	changed := (n.shared.controlErr == nil) != (err == nil)
	n.shared.controlErr = err
	n.shared.mu.Unlock()
	if changed && err != nil {
		n.env.log.Warn("control calls to the shared instance do not work", slog.Any("error", err))
	}
}

// callable reports whether calls are worth a try.
func (n *Node) callable() bool {
	if n.shared.role != RoleClient {
		return false
	}
	n.shared.mu.Lock()
	defer n.shared.mu.Unlock()
	return n.shared.connected && n.shared.controlErr == nil
}

// takeBlackhole makes the own list that of the instance.
func (n *Node) takeBlackhole(list []control.BlackholeEntry) {
	n.post(func(now time.Time) {
		keep := make(map[rns.Addr]bool, len(list))
		for _, e := range list {
			keep[e.Identity] = true
			b := transport.Blackhole{Identity: e.Identity, Source: e.Source, Until: e.Until, Reason: e.Reason}
			n.apply(now, n.m.Blackhole(now, b), nil)
		}
		var gone []rns.Addr
		for b := range n.m.Blackholed() {
			if !keep[b.Identity] {
				gone = append(gone, b.Identity)
			}
		}
		for _, id := range gone {
			n.m.LiftBlackhole(id)
		}
		n.noteBlackholed()
	})
}

// hopMemory remembers what the instance said of first hops, and what it was told.
type hopMemory struct {
	mu    sync.Mutex
	first map[rns.Addr]hopAnswer
	used  map[rns.Addr]time.Time
}

type hopAnswer struct {
	wait time.Duration
	at   time.Time
}

// Bounds of what a client asks on behalf of its packets.
const (
	hopLife   = time.Minute            // of an answer
	hopWait   = 250 * time.Millisecond // that a packet waits for the answer
	usedAgain = time.Hour              // between two notes that a destination is used
	maxHops   = 4096                   // destinations remembered
)

func (h *hopMemory) get(dest rns.Addr, now time.Time) (time.Duration, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a, ok := h.first[dest]
	return a.wait, ok && now.Sub(a.at) < hopLife
}

func (h *hopMemory) put(dest rns.Addr, a hopAnswer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.first == nil || len(h.first) >= maxHops {
		h.first = make(map[rns.Addr]hopAnswer)
	}
	h.first[dest] = a
}

func (h *hopMemory) forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.first, h.used = nil, nil
}

// due reports whether the instance should be told that a destination is used, and notes that it is.
func (h *hopMemory) due(dest rns.Addr, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if at, ok := h.used[dest]; ok && now.Sub(at) < usedAgain {
		return false
	}
	if h.used == nil || len(h.used) >= maxHops {
		h.used = make(map[rns.Addr]time.Time)
	}
	h.used[dest] = now
	return true
}

// extraHop is how much longer the first hop takes at the instance than this node knows: its interfaces may be slow. A
// packet waits a moment for the answer, never for the instance. spec: rns-link §12.6
func (n *Node) extraHop(ctx context.Context, dest rns.Addr) time.Duration {
	if !n.callable() {
		return 0
	}
	base := n.cfg.Params.Transport.PerHopTimeout
	if wait, ok := n.shared.hops.get(dest, n.env.now()); ok {
		return max(0, wait-base)
	}
	answer := make(chan time.Duration, 1)
	n.shared.spawn(func(ctx context.Context) {
		wait, err := n.shared.remote.FirstHopTimeout(ctx, dest)
		if err != nil {
			wait = base
		}
		n.shared.hops.put(dest, hopAnswer{wait, n.env.now()})
		answer <- wait
	})
	t := time.NewTimer(hopWait)
	defer t.Stop()
	select {
	case wait := <-answer:
		return max(0, wait-base)
	case <-t.C:
	case <-ctx.Done():
	}
	return 0
}

// tell makes a call whose answer nobody waits for.
func (n *Node) tell(call func(ctx context.Context, s control.Service) error) {
	if !n.callable() {
		return
	}
	n.shared.spawn(func(ctx context.Context) {
		if err := call(ctx, n.shared.remote); err != nil {
			n.env.log.Debug("control call", slog.Any("error", err))
		}
	})
}

// tellUsed tells the instance that a destination is used, now and then.
func (n *Node) tellUsed(dest rns.Addr) {
	if n.callable() && n.shared.hops.due(dest, n.env.now()) {
		n.tell(func(ctx context.Context, s control.Service) error {
			_, err := s.UseDestination(ctx, dest)
			return err
		})
	}
}

// remoteSignal asks the instance what its radio measured of a packet.
func (n *Node) remoteSignal(ctx context.Context, packet rns.Hash) (transport.Signal, bool) {
	var s transport.Signal
	if !n.callable() {
		return s, false
	}
	var err error
	if s.RSSI, s.HasRSSI, err = n.shared.remote.PacketRSSI(ctx, packet); err != nil {
		return s, false
	}
	if s.SNR, s.HasSNR, err = n.shared.remote.PacketSNR(ctx, packet); err != nil {
		return s, s.HasRSSI
	}
	s.Quality, s.HasQuality, _ = n.shared.remote.PacketQuality(ctx, packet)
	return s, s.HasRSSI || s.HasSNR || s.HasQuality
}
