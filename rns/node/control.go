package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/control"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/transport"
)

// Bounds of the control server.
const (
	// controlStep is how long a caller may take for each message.
	controlStep = 3 * time.Second
	// controlConns is how many calls are under way at once; further ones wait to be accepted.
	controlConns = 64
	// controlPause is waited after a failed accept.
	controlPause = 100 * time.Millisecond
)

// controlKey is the key of control calls. spec: rns-link §12.2
func (n *Node) controlKey() []byte {
	if n.cfg.Shared.Key != nil {
		return n.cfg.Shared.Key
	}
	return control.Key(n.ident.persistent)
}

func (n *Node) controlPolicy() control.Policy {
	if n.cfg.Shared.RefuseMD5 {
		return control.RefuseMD5
	}
	return control.AllowMD5
}

// serveControl accepts calls until ctx ends. spec: rns-link §12.1
func (n *Node) serveControl(ctx context.Context, l net.Listener) {
	closed := make(chan struct{})
	context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = l.Close()
	})
	var calls sync.WaitGroup
	defer calls.Wait()
	room := make(chan struct{}, controlConns)
	for {
		select {
		case room <- struct{}{}:
		case <-ctx.Done():
			<-closed
			return
		}
		conn, err := l.Accept()
		if err != nil {
			<-room
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				<-ctx.Done()
				<-closed
				return
			}
			n.env.log.Warn("control socket", slog.Any("error", err))
			n.pause(ctx, controlPause)
			continue
		}
		calls.Go(func() {
			defer func() { <-room }()
			if err := n.serveCall(ctx, conn); err != nil && ctx.Err() == nil {
				n.env.log.Debug("control call", slog.Any("error", err))
			}
		})
	}
}

func (n *Node) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// serveCall serves one connection: authentication, a request, a response. spec: rns-link §12.1, §12.3
func (n *Node) serveCall(ctx context.Context, conn net.Conn) error {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	defer func() { _ = conn.Close() }()
	c := patient{conn}
	h, first, err := control.NewListener(n.controlKey(), n.controlPolicy(), n.env.rand)
	if err != nil {
		return err
	}
	if _, err := c.Write(control.AppendMessage(nil, first)); err != nil {
		return err
	}
	if err := control.Authenticate(c, h); err != nil {
		return err
	}
	b, err := control.ReadMessage(c, control.MaxRequest)
	if err != nil {
		return err
	}
	request, err := control.ParseRequest(b)
	if err != nil {
		return err
	}
	answer, err := control.Answer(ctx, ownTables{n}, request)
	if err != nil {
		return err
	}
	_, err = c.Write(control.AppendMessage(nil, answer))
	return err
}

// patient gives every read and write its own deadline.
type patient struct{ net.Conn }

func (p patient) Read(b []byte) (int, error) {
	if err := p.SetReadDeadline(time.Now().Add(controlStep)); err != nil {
		return 0, err
	}
	local.QuickAck(p.Conn) // it holds for a while only
	return p.Conn.Read(b)
}

// writePortion is how much must be taken within a deadline.
const writePortion = 256 << 10

func (p patient) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		if err := p.SetWriteDeadline(time.Now().Add(controlStep)); err != nil {
			return done, err
		}
		k, err := p.Conn.Write(b[done:min(done+writePortion, len(b))])
		if done += k; err != nil {
			return done, err
		}
	}
	return done, nil
}

// ownTables answers control calls from the tables of the node. What the node has in the same form it has by embedding.
type ownTables struct{ *Node }

var _ control.Service = ownTables{}

// NextHopInterface returns the display string of the interface towards a destination.
func (o ownTables) NextHopInterface(ctx context.Context, dest rns.Addr) (string, error) {
	return ask(ctx, o.Node, func(time.Time) string {
		next, ok := o.m.NextHop(dest)
		if p := o.ports[next.Interface]; ok && p != nil {
			return p.info.Label
		}
		return ""
	})
}

// PacketRSSI returns what a radio measured of a packet, in dBm.
func (o ownTables) PacketRSSI(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	s, _ := o.SignalOf(ctx, packet)
	return s.RSSI, s.HasRSSI, nil
}

// PacketSNR returns what a radio measured of a packet, in dB.
func (o ownTables) PacketSNR(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	s, _ := o.SignalOf(ctx, packet)
	return s.SNR, s.HasSNR, nil
}

// PacketQuality returns what a radio measured of a packet, in percent.
func (o ownTables) PacketQuality(ctx context.Context, packet rns.Hash) (float64, bool, error) {
	s, _ := o.SignalOf(ctx, packet)
	return s.Quality, s.HasQuality, nil
}

// DropPath forgets a path.
func (o ownTables) DropPath(ctx context.Context, dest rns.Addr) (bool, error) {
	return ask(ctx, o.Node, func(now time.Time) bool {
		had := o.m.HasPath(dest)
		o.apply(now, o.m.DropPath(now, dest), nil)
		return had
	})
}

// DropAllVia forgets all paths through a transport node.
func (o ownTables) DropAllVia(ctx context.Context, via rns.Addr) (int, error) {
	return ask(ctx, o.Node, func(now time.Time) int {
		before := o.m.PathCount()
		o.apply(now, o.m.DropPathsVia(now, via), nil)
		return before - o.m.PathCount()
	})
}

// DropAnnounceQueues empties the announce queues.
func (o ownTables) DropAnnounceQueues(ctx context.Context) error {
	_, err := o.Node.DropAnnounceQueues(ctx)
	return err
}

// BlackholedIdentities lists the refused identities.
func (o ownTables) BlackholedIdentities(ctx context.Context) ([]control.BlackholeEntry, error) {
	all, err := o.Blackholed(ctx)
	list := make([]control.BlackholeEntry, 0, len(all))
	for _, b := range all {
		list = append(list, control.BlackholeEntry{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
	}
	return list, err
}

// IsBlackholed tells whether an identity is refused.
func (o ownTables) IsBlackholed(_ context.Context, identity rns.Addr) (bool, error) {
	return o.refuses(identity), nil
}

// BlackholeIdentity refuses an identity.
func (o ownTables) BlackholeIdentity(ctx context.Context, identity rns.Addr, until time.Time, reason string) (bool, error) {
	if o.refuses(identity) {
		return false, nil
	}
	return true, o.Blackhole(ctx, transport.Blackhole{Identity: identity, Until: until, Reason: reason})
}

// UnblackholeIdentity accepts an identity again.
func (o ownTables) UnblackholeIdentity(ctx context.Context, identity rns.Addr) (bool, error) {
	return o.LiftBlackhole(ctx, identity)
}

// UseDestination marks a destination as used.
func (o ownTables) UseDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return ask(ctx, o.Node, func(now time.Time) bool {
		_, ok := o.m.Recall(dest)
		if ok {
			o.m.MarkUsed(now, dest)
		}
		return ok
	})
}

// RetainDestination keeps a destination.
func (o ownTables) RetainDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return isKnown(o.Retain(ctx, dest))
}

// UnretainDestination ends RetainDestination.
func (o ownTables) UnretainDestination(ctx context.Context, dest rns.Addr) (bool, error) {
	return isKnown(o.Unretain(ctx, dest))
}

// RetainIdentity keeps every destination of an identity.
func (o ownTables) RetainIdentity(ctx context.Context, identity rns.Addr) (bool, error) {
	return ask(ctx, o.Node, func(time.Time) bool {
		var all []rns.Addr
		for k := range o.m.KnownDestinations() {
			if k.Public.Hash() == identity {
				all = append(all, k.Destination)
			}
		}
		for _, dest := range all {
			o.m.Retain(dest)
		}
		return len(all) > 0
	})
}

// isKnown turns the error of an unknown destination into false.
func isKnown(err error) (bool, error) {
	if errors.Is(err, ErrUnknownIdentity) {
		return false, nil
	}
	return err == nil, err
}
