package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/transport"
)

// ErrNoInterface means that there is no such interface.
var ErrNoInterface = errors.New("no such interface")

// InterfaceConfig is what a configuration says about an interface beyond its driver. The zero value is an ordinary
// interface in mode full. spec: rns-core §10.1, §23.6
type InterfaceConfig struct {
	// Mode is the propagation mode, zero for full.
	Mode transport.Mode
	// ReceiveOnly is "outgoing = no".
	ReceiveOnly Switch
	// NetworkName and Passphrase protect the interface with an access code of AccessCodeSize bytes, 0 for the
	// driver's default.
	NetworkName, Passphrase string
	AccessCodeSize          int
	// Bitrate replaces the driver's guess, in bit/s.
	Bitrate int64
	// AnnounceCap is the share of bandwidth for announces, 0 for the default.
	AnnounceCap float64
	// AnnounceRate, Gravity, IngressControl, EgressControl, Ingress, RecursiveRequests, BlockInternalAnnounces and
	// AnnouncesToInternal are those of transport.InterfaceInfo.
	AnnounceRate           transport.AnnounceRate
	Gravity                int
	IngressControl         transport.Limit
	EgressControl          transport.Limit
	Ingress                *transport.IngressParams
	RecursiveRequests      Switch
	BlockInternalAnnounces Switch
	AnnouncesToInternal    Switch
	// MaxTries ends an interface after that many failed attempts in a row, 0 never.
	MaxTries int
	// Reconnect replaces Params.Reconnect.
	Reconnect time.Duration
	// AutoconnectSource is the identity that published what the interface leads to, if it was connected to because of that.
	// spec: rns-core §22.6
	AutoconnectSource rns.Addr
}

// StateWord is the state of an interface in one word.
type StateWord uint8

// The states of an interface.
const (
	StateConnecting StateWord = iota
	StateUp
	StateError
	StateOff
)

// String returns the word.
func (w StateWord) String() string {
	return [...]string{"connecting", "up", "error", "off"}[min(w, StateOff)]
}

// InterfaceState is the state of an interface with its reason.
type InterfaceState struct {
	Word StateWord
	// Err is why the interface is in error; the next attempt follows by itself.
	Err error
	// Since is when the state began.
	Since time.Time
}

// InterfaceStatus is a copy of all that is known of an interface.
type InterfaceStatus struct {
	ID     InterfaceID
	Parent InterfaceID
	Info   iface.Info
	Config InterfaceConfig
	State  InterfaceState
	// Address is where a listener is bound.
	Address string
	// Driver is for the optional abilities of the driver that concern status, such as iface.Tunnelled, iface.Reachable,
	// iface.Blocker and those of radios. Nothing else may be called.
	Driver iface.Interface
	// AccessCode is the display signature of the access code, zero without one, AccessCodeSize its size in bytes.
	AccessCode     rns.Signature
	AccessCodeSize int
	// Count is the traffic so far.
	Count InterfaceCounters
	// Transport is what the transport machine counts for the interface.
	Transport transport.InterfaceStatus
	// QueuedBytes wait to be sent.
	QueuedBytes int
	// RxRate and TxRate are the present traffic in bit/s.
	RxRate, TxRate float64
}

// InterfaceCounters are the traffic of an interface. Bytes are frames without framing.
type InterfaceCounters struct {
	RxBytes, TxBytes, RxPackets, TxPackets uint64
	// SendErrors counts rows of failed sends.
	SendErrors uint64
	// Verdicts counts what became of received packets, and of packets dropped before sending.
	Verdicts [rns.VerdictCount]uint64
}

// counters are the live form of InterfaceCounters.
type counters struct {
	rxBytes, txBytes, rxPackets, txPackets, sendErrors atomic.Uint64
	sessions                                           atomic.Uint64
	verdicts                                           [rns.VerdictCount]atomic.Uint64
}

func (c *counters) verdict(v rns.Verdict) { c.verdicts[int(v)%rns.VerdictCount].Add(1) }

func (c *counters) sent(packets, bytes int) {
	c.txPackets.Add(uint64(packets))
	c.txBytes.Add(uint64(bytes))
}

func (c *counters) addReceived(frames []iface.Frame) {
	bytes := 0
	for i := range frames {
		bytes += len(frames[i].Data)
	}
	c.rxPackets.Add(uint64(len(frames)))
	c.rxBytes.Add(uint64(bytes))
}

func (c *counters) copy() InterfaceCounters {
	out := InterfaceCounters{
		RxBytes: c.rxBytes.Load(), TxBytes: c.txBytes.Load(), RxPackets: c.rxPackets.Load(),
		TxPackets: c.txPackets.Load(), SendErrors: c.sendErrors.Load(),
	}
	for i := range c.verdicts {
		out.Verdicts[i] = c.verdicts[i].Load()
	}
	return out
}

// AddInterface attaches a driver and starts it. Errors are those of the configuration; a medium that cannot be opened
// shows in the interface's state and is tried again.
func (n *Node) AddInterface(d iface.Interface, conf InterfaceConfig) (InterfaceID, error) {
	n.life.Lock()
	add, closed := n.life.add, n.life.closed
	n.life.Unlock()
	if add == nil || closed {
		return 0, ErrClosed
	}
	if n.shared.role == RoleClient {
		return 0, ErrClientRole
	}
	return add(d, conf)
}

func (n *Node) addInterface(ctx context.Context, d iface.Interface, conf InterfaceConfig) (InterfaceID, error) {
	p, pctx, err := n.attach(ctx, d, conf, nil)
	if err != nil {
		return 0, err
	}
	n.crew.run(func() {
		p.run(pctx)
		p.stop() // one that gave up stays, so that its state can be read, until it is removed
	})
	return p.id, nil
}

// attach registers a port with the loop and the machine.
func (n *Node) attach(ctx context.Context, d iface.Interface, conf InterfaceConfig, parent *port) (*port, context.Context, error) {
	type result struct {
		p   *port
		err error
	}
	pctx, stop := context.WithCancel(ctx)
	r, err := ask(ctx, n, func(now time.Time) result {
		n.nextID++
		p, err := n.newPort(n.nextID, d, conf, parent)
		if err != nil {
			return result{err: err}
		}
		p.stop = stop
		if err := n.m.AddInterface(now, p.describe()); err != nil {
			return result{err: fmt.Errorf("interface %s: %w", p.info.Name, err)}
		}
		n.ports[p.id] = p
		if p.info.Locality == iface.Network { // programs that connect have nothing to do with those of the last run
			n.portAdded(now, p)
		}
		return result{p: p}
	})
	if err := errors.Join(err, r.err); err != nil {
		stop()
		return nil, nil, err
	}
	return r.p, pctx, nil
}

// runChild serves a peer of a listener from beginning to end.
func (n *Node) runChild(ctx context.Context, d iface.Interface, parent *port) {
	p, pctx, err := n.attach(ctx, d, inherited(parent.conf), parent)
	if err != nil {
		if ctx.Err() == nil {
			parent.Note(err)
		}
		return
	}
	defer p.stop()
	p.run(pctx)
	n.detach(p)
}

// inherited is the configuration of a spawned interface: all of it. A peer is served once whatever it says; a child that is
// an endpoint, such as a configured peer of an I2P interface, is served again like any other as long as its parent runs.
// spec: rns-core §10.1, rns-interfaces §1.4
func inherited(c InterfaceConfig) InterfaceConfig { return c }

// detach removes a port that has ended.
func (n *Node) detach(p *port) {
	n.post(func(now time.Time) {
		if n.ports[p.id] != p {
			return
		}
		delete(n.ports, p.id)
		n.detachLinks(p.id)
		n.apply(now, n.m.RemoveInterface(now, p.id), nil)
	})
	n.publish(Event{Kind: EventInterfaceGone, Interface: p.id, Name: p.info.Name})
}

// RemoveInterface stops an interface and its peers and returns when they have ended.
func (n *Node) RemoveInterface(ctx context.Context, id InterfaceID) error {
	p, err := n.port(ctx, id)
	if err != nil {
		return err
	}
	p.stop()
	select {
	case <-p.done:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	n.detach(p)
	return nil
}

func (n *Node) port(ctx context.Context, id InterfaceID) (*port, error) {
	p, err := ask(ctx, n, func(time.Time) *port { return n.ports[id] })
	if err == nil && p == nil {
		err = ErrNoInterface
	}
	return p, err
}

// SetInterfaceMode changes the mode of an interface.
func (n *Node) SetInterfaceMode(ctx context.Context, id InterfaceID, m transport.Mode) error {
	err2, err := ask(ctx, n, func(now time.Time) error {
		p, ok := n.ports[id]
		if !ok {
			return ErrNoInterface
		}
		p.conf.Mode = m
		return n.m.UpdateInterface(now, p.describe())
	})
	return errors.Join(err, err2)
}

// Interfaces lists the interfaces with their state, in the order they were added.
func (n *Node) Interfaces(ctx context.Context) ([]InterfaceStatus, error) {
	return ask(ctx, n, func(now time.Time) []InterfaceStatus {
		counted := make(map[InterfaceID]transport.InterfaceStatus, len(n.ports))
		for s := range n.m.Interfaces(now) {
			counted[s.Info.ID] = s
		}
		out := make([]InterfaceStatus, 0, len(n.ports))
		for id, p := range n.ports {
			s := p.status()
			s.Transport = counted[id]
			out = append(out, s)
		}
		slices.SortFunc(out, func(a, b InterfaceStatus) int { return int(a.ID) - int(b.ID) })
		return out
	})
}

// InterfaceStatus returns the state of one interface.
func (n *Node) InterfaceStatus(ctx context.Context, id InterfaceID) (InterfaceStatus, error) {
	all, err := n.Interfaces(ctx)
	for _, s := range all {
		if s.ID == id {
			return s, err
		}
	}
	return InterfaceStatus{}, errors.Join(err, ErrNoInterface)
}

func (p *port) status() InterfaceStatus {
	s := InterfaceStatus{
		ID: p.id, Info: p.info, Config: p.conf, State: p.stateNow(), Count: p.count.copy(),
		AccessCode: p.code.DisplaySignature(), AccessCodeSize: p.code.Size(), Driver: p.driver,
	}
	now := p.node.env.now()
	s.RxRate, s.TxRate = p.rx.read(now), p.tx.read(now)
	s.Config.Passphrase = "" // never leaves the port
	if p.parent != nil {
		s.Parent = p.parent.id
	}
	if a, ok := p.driver.(iface.Addresser); ok {
		s.Address = a.Address()
	}
	s.QueuedBytes = p.out.queued()
	return s
}

func (p *port) stateNow() InterfaceState {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

// setState records a state and tells transport and observers about it.
func (p *port) setState(s InterfaceState) {
	s.Since = p.node.env.now()
	p.mu.Lock()
	before := p.state
	p.state = s
	p.mu.Unlock()
	if before.Word == s.Word && s.Word != StateError {
		return
	}
	if (before.Word == StateUp) != (s.Word == StateUp) {
		p.node.post(func(now time.Time) {
			if p.node.ports[p.id] == p {
				_ = p.node.m.UpdateInterface(now, p.describe())
			}
		})
	}
	if p.info.Locality == iface.SharedInstance {
		p.node.instanceState(p, s)
	}
	p.node.env.log.Debug("interface state", slog.String("interface", p.info.Label),
		slog.String("state", s.Word.String()), slog.Any("error", s.Err))
	p.node.publish(Event{Kind: EventInterfaceState, Interface: p.id, Name: p.info.Name, State: s, Err: s.Err})
}

// waitPorts returns when every interface has ended.
func (n *Node) waitPorts() {
	ports, err := ask(context.Background(), n, func(time.Time) []*port {
		all := make([]*port, 0, len(n.ports))
		for _, p := range n.ports {
			all = append(all, p)
		}
		return all
	})
	if err != nil {
		return
	}
	for _, p := range ports {
		<-p.done
	}
}

// flushPorts waits until the queues of all interfaces that are up are empty.
func (n *Node) flushPorts(ctx context.Context) error { return n.crew.flight.wait(ctx) }
