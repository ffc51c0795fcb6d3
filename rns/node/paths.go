package node

import (
	"context"
	"errors"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/transport"
)

// Path is the way to a destination.
type Path struct {
	Destination rns.Addr
	// NextHop is the neighbour's transport id, or the destination itself when it is a neighbour.
	NextHop rns.Addr
	Hops    int
	// Interface is where the path leads, with its name and bitrate in bit/s, 0 if unknown.
	Interface     InterfaceID
	InterfaceName string
	Bitrate       int64
	// Backlog is how long the interface will be busy with what waits for it, 0 if unknown.
	Backlog time.Duration
	// Learned is the last update or use, Expires when longer paths may replace it.
	Learned, Expires time.Time
	State            transport.PathState
}

// Known is what announces told about a destination.
type Known struct {
	Destination rns.Addr
	Public      rns.PublicKey
	// AppData is nil if the announce had none.
	AppData []byte
	// Announced is when the newest announce was heard; zero for local destinations.
	Announced time.Time
	// Ratchet tells that messages to it will be encrypted to a ratchet.
	Ratchet bool
	// Local tells that it is a destination of this node.
	Local bool
}

// pathWaiter waits for a path.
type pathWaiter struct{ found chan struct{} }

// HasPath tells whether a path is known. Destinations of this node are always reachable, at 0 hops.
func (n *Node) HasPath(ctx context.Context, dest rns.Addr) bool {
	ok, err := ask(ctx, n, func(time.Time) bool { return n.m.HasPath(dest) || n.dests[dest] != nil })
	return err == nil && ok
}

// HopsTo returns the number of hops, 128 if no path is known.
func (n *Node) HopsTo(ctx context.Context, dest rns.Addr) int {
	h, err := ask(ctx, n, func(time.Time) uint8 {
		if n.dests[dest] != nil {
			return 0
		}
		return n.m.HopsTo(dest)
	})
	if err != nil {
		return rns.MaxHops
	}
	return int(h)
}

// Path returns the path to a destination, ErrNoPath if none is known.
func (n *Node) Path(ctx context.Context, dest rns.Addr) (Path, error) {
	p, err := ask(ctx, n, func(now time.Time) *Path {
		if n.dests[dest] != nil {
			return &Path{Destination: dest, NextHop: dest, Learned: now}
		}
		r, ok := n.m.Path(now, dest)
		if !ok {
			return nil
		}
		p := n.path(r)
		return &p
	})
	if err != nil {
		return Path{}, err
	}
	if p == nil {
		return Path{}, ErrNoPath
	}
	return *p, nil
}

// Paths lists all paths.
func (n *Node) Paths(ctx context.Context) ([]Path, error) {
	var all copied[Path]
	err := n.walk(ctx, &transport.Walk{Path: func(r transport.PathRecord) { all.add(r.Destination, n.path(r)) }}, nil, &all)
	if err != nil {
		return nil, err
	}
	return all.list, nil
}

func (n *Node) path(r transport.PathRecord) Path {
	p := Path{
		Destination: r.Destination, NextHop: r.NextHop, Hops: int(r.Hops), Interface: r.Interface,
		Learned: r.Timestamp, Expires: r.Expires, State: r.State,
	}
	if out, ok := n.ports[r.Interface]; ok {
		p.InterfaceName, p.Bitrate = out.info.Name, out.info.Bitrate
		if p.Bitrate > 0 {
			p.Backlog = time.Duration(float64(8*out.out.queued()) / float64(p.Bitrate) * float64(time.Second))
		}
	}
	return p
}

// RequestPath asks the network for a path, on all interfaces or on one. It does not wait for the answer.
func (n *Node) RequestPath(ctx context.Context, dest rns.Addr, on InterfaceID) error {
	v, err := ask(ctx, n, func(now time.Time) rns.Verdict {
		fx := n.m.RequestPath(now, transport.PathRequest{Destination: dest, Interface: on})
		v := fx.Verdict
		n.apply(now, fx, nil)
		return v
	})
	if err != nil {
		return err
	}
	if !v.Accepted() {
		return v
	}
	return nil
}

// AwaitPath returns the path to a destination; if none is known it asks the network and waits until one is found or ctx
// ends. Without a deadline in ctx it waits for Params.AwaitPath. The error is then ErrNoPath.
func (n *Node) AwaitPath(ctx context.Context, dest rns.Addr) (Path, error) {
	if p, err := n.Path(ctx, dest); err == nil {
		return p, nil
	}
	if ctx.Err() != nil { // otherwise it would be chance whether the network is asked
		return Path{}, waitEnded(ctx)
	}
	stop, found, err := n.watchPath(ctx, dest)
	if err != nil {
		return Path{}, err
	}
	defer stop()
	if err := n.RequestPath(ctx, dest, 0); err != nil {
		return Path{}, err
	}
	var expired <-chan time.Time
	if _, ok := ctx.Deadline(); !ok {
		timer := time.NewTimer(n.cfg.Params.AwaitPath)
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-found:
		return n.Path(ctx, dest)
	case <-expired:
		return Path{}, ErrNoPath
	case <-n.gone:
		return Path{}, ErrClosed
	case <-ctx.Done():
		return Path{}, waitEnded(ctx)
	}
}

// waitEnded is why a wait for a path ended: a deadline means that there is none.
func waitEnded(ctx context.Context) error {
	if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
		return ErrNoPath
	}
	return context.Cause(ctx)
}

// watchPath registers a waiter whose channel is closed when a path is found.
func (n *Node) watchPath(ctx context.Context, dest rns.Addr) (stop func(), found <-chan struct{}, err error) {
	w := &pathWaiter{found: make(chan struct{})}
	_, err = ask(ctx, n, func(time.Time) struct{} {
		if n.m.HasPath(dest) { // found since the caller looked
			close(w.found)
			return struct{}{}
		}
		n.waiters[dest] = append(n.waiters[dest], w)
		return struct{}{}
	})
	stop = func() {
		n.post(func(time.Time) {
			all := n.waiters[dest]
			for i, o := range all {
				if o == w {
					n.waiters[dest] = append(all[:i:i], all[i+1:]...)
					break
				}
			}
			if len(n.waiters[dest]) == 0 {
				delete(n.waiters, dest)
			}
		})
	}
	return stop, w.found, err
}

// pathFound wakes those who wait for a path. It runs on the loop.
func (n *Node) pathFound(dest rns.Addr) {
	for _, w := range n.waiters[dest] {
		close(w.found)
	}
	delete(n.waiters, dest)
}

// wakeWaiters looks who waits for a path that has come without an announce. It runs on the loop.
func (n *Node) wakeWaiters() {
	for dest := range n.waiters {
		if n.m.HasPath(dest) {
			n.pathFound(dest)
		}
	}
}

// DropPath forgets a path. A client tells the shared instance to do the same.
func (n *Node) DropPath(ctx context.Context, dest rns.Addr) error {
	n.tell(func(ctx context.Context, s control.Service) error {
		_, err := s.DropPath(ctx, dest)
		return err
	})
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		n.apply(now, n.m.DropPath(now, dest), nil)
		return struct{}{}
	})
	return err
}

// DropPathsVia forgets all paths through a neighbour.
func (n *Node) DropPathsVia(ctx context.Context, via rns.Addr) error {
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		n.apply(now, n.m.DropPathsVia(now, via), nil)
		return struct{}{}
	})
	return err
}

// DropAnnounceQueues empties the announce queues of all interfaces and returns how many announces were dropped.
func (n *Node) DropAnnounceQueues(ctx context.Context) (int, error) {
	return ask(ctx, n, func(time.Time) int { return n.m.DropAnnounceQueues() })
}

// SetPathState records what an application found out about a path. spec: rns-core §15.5
func (n *Node) SetPathState(ctx context.Context, dest rns.Addr, s transport.PathState) error {
	_, err := ask(ctx, n, func(time.Time) struct{} {
		n.m.SetPathState(dest, s)
		return struct{}{}
	})
	return err
}

// Recall returns what is known of a destination and marks it as used, so that it is remembered. The error is
// ErrUnknownIdentity.
func (n *Node) Recall(ctx context.Context, dest rns.Addr) (Known, error) {
	n.tellUsed(dest)
	return n.recall(ctx, func(now time.Time) *Known {
		k, ok := n.known(now, dest)
		if ok && !k.Local {
			n.m.MarkUsed(now, dest)
		}
		return found(k, ok)
	})
}

// RecallIdentity returns a destination of an identity. It looks at every known destination.
func (n *Node) RecallIdentity(ctx context.Context, identity rns.Addr) (Known, error) {
	return n.recall(ctx, func(now time.Time) *Known {
		for _, d := range n.dests {
			if d.conf.Identity != nil && d.conf.Identity.Hash() == identity {
				return found(n.known(now, d.addr))
			}
		}
		r, ok := n.m.RecallIdentity(identity)
		if !ok {
			return nil
		}
		return found(n.known(now, r.Destination))
	})
}

func found(k Known, ok bool) *Known {
	if !ok {
		return nil
	}
	return &k
}

func (n *Node) recall(ctx context.Context, f func(now time.Time) *Known) (Known, error) {
	k, err := ask(ctx, n, f)
	if err != nil {
		return Known{}, err
	}
	if k == nil {
		return Known{}, ErrUnknownIdentity
	}
	return *k, nil
}

// known looks a destination up among the heard and the local ones. It runs on the loop. spec: rns-core §3.5
func (n *Node) known(now time.Time, dest rns.Addr) (Known, bool) {
	if d := n.dests[dest]; d != nil && d.conf.Identity != nil {
		return d.known(), true
	}
	if r, ok := n.m.Recall(dest); ok {
		_, ratchet := n.m.Ratchet(now, dest)
		return Known{
			Destination: dest, Public: r.Public, AppData: r.AppData, Announced: r.Announced, Ratchet: ratchet,
		}, true
	}
	return Known{}, false
}

// known is what others in this node may know of the destination.
func (d *Destination) known() Known {
	d.mu.Lock()
	defer d.mu.Unlock()
	return Known{
		Destination: d.addr, Public: d.conf.Identity.Public(), AppData: d.lastData, Announced: d.announced,
		Ratchet: len(d.ratchets.all()) > 0, Local: true,
	}
}

// Retain keeps what is known of a destination for ever, Unretain until it is long unused.
func (n *Node) Retain(ctx context.Context, dest rns.Addr) error {
	n.tell(func(ctx context.Context, s control.Service) error {
		_, err := s.RetainDestination(ctx, dest)
		return err
	})
	ok, err := ask(ctx, n, func(time.Time) bool { return n.m.Retain(dest) })
	return knownOr(ok, err)
}

// Unretain ends Retain.
func (n *Node) Unretain(ctx context.Context, dest rns.Addr) error {
	n.tell(func(ctx context.Context, s control.Service) error {
		_, err := s.UnretainDestination(ctx, dest)
		return err
	})
	ok, err := ask(ctx, n, func(now time.Time) bool { return n.m.Unretain(now, dest) })
	return knownOr(ok, err)
}

func knownOr(ok bool, err error) error {
	if err == nil && !ok {
		return ErrUnknownIdentity
	}
	return err
}
