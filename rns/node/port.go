package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/transport"
)

// port is one interface of a node: the driver below, and above it everything that is the same for all media. Its
// supervisor serves the driver and waits between attempts; the driver's reader delivers through Receive; its writer
// empties the queue. The loop owns touched.
type port struct {
	node   *Node
	id     InterfaceID
	driver iface.Interface
	info   iface.Info
	conf   InterfaceConfig
	code   *rns.IFAC
	limit  int // largest frame in bytes, access code included
	parent *port

	out     outQueue
	credit  credit
	count   counters
	rx, tx  meter
	stop    context.CancelFunc
	done    chan struct{} // closed when the port has ended
	touched bool
	copes   atomic.Bool // the neighbour is of our own kind

	mu       sync.Mutex
	state    InterfaceState
	spawn    func(iface.Interface) <-chan struct{} // while Serve runs
	children sync.WaitGroup
}

// newPort prepares a port; run brings it to life.
func (n *Node) newPort(id InterfaceID, d iface.Interface, conf InterfaceConfig, parent *port) (*port, error) {
	info := d.Info()
	p := &port{node: n, id: id, driver: d, info: info, conf: conf, parent: parent, done: make(chan struct{})}
	if conf.Bitrate > 0 {
		p.info.Bitrate = conf.Bitrate
	}
	if conf.NetworkName != "" || conf.Passphrase != "" {
		size := conf.AccessCodeSize
		if size == 0 {
			size = info.AccessCodeSize
		}
		code, err := rns.NewIFAC(conf.NetworkName, conf.Passphrase, size)
		if err != nil {
			return nil, fmt.Errorf("interface %s: %w", info.Name, err)
		}
		p.code = code
	}
	p.limit = p.frameLimit() + p.code.Size()
	p.out.flight, p.out.wake, p.out.total = &n.crew.flight, make(chan struct{}, 1), &n.queued
	pr := &n.cfg.Params
	p.out.setBounds(p.info.Bitrate, pr.QueueBytes, pr.QueueAirtime, bulkAirtime, pr.QueueFrames*rns.MTU, pr.QueueTotal)
	p.credit.limit = pr.VerifyBacklog
	if parent != nil {
		p.credit.limit = max(pr.VerifyBacklog/8, 1)
	}
	p.state = InterfaceState{Word: StateConnecting, Since: n.env.now()}
	return p, nil
}

// bulkAirtime is how much of a medium's time links may fill ahead: what waits behind a resource waits no longer.
const bulkAirtime = 2 * time.Second

// frameLimit is the largest packet in bytes: the automatic MTU, or what the driver carries. spec: rns-interfaces §1.3
func (p *port) frameLimit() int {
	if p.info.MTUClass == iface.MTUAuto {
		if mtu := iface.OptimiseMTU(p.info.Bitrate); mtu > 0 {
			return mtu
		}
	}
	return p.info.MTU
}

// describe is what transport knows of the port.
func (p *port) describe() transport.InterfaceInfo {
	c := &p.conf
	i := transport.InterfaceInfo{
		ID: p.id, Name: p.info.Label, Mode: c.Mode, ReceiveOnly: bool(c.ReceiveOnly), Bitrate: p.info.Bitrate,
		Gravity: c.Gravity, AnnounceCap: c.AnnounceCap, AnnounceRate: c.AnnounceRate,
		IngressControl: c.IngressControl, EgressControl: c.EgressControl, Ingress: c.Ingress,
		NeverLimitAnnounces: p.info.NeverLimited, RecursiveRequests: bool(c.RecursiveRequests),
		BlockInternalAnnounces: bool(c.BlockInternalAnnounces), AnnouncesToInternal: bool(c.AnnouncesToInternal),
	}
	if p.parent != nil {
		i.Parent = p.parent.id
	}
	if l, ok := p.driver.(iface.Listening); ok && l.ReceiveOnly() {
		i.ReceiveOnly = true
	}
	switch p.info.MTUClass {
	case iface.MTUAuto:
		i.MTUPolicy, i.HardwareMTU = transport.MTUAuto, iface.OptimiseMTU(p.info.Bitrate)
	case iface.MTUFixed:
		i.MTUPolicy, i.HardwareMTU = transport.MTUFixed, p.info.MTU
	}
	if p.info.Role == iface.RoleListener {
		i.ReceiveOnly = true // it never transmits itself
	}
	switch p.info.Locality {
	case iface.LocalClient:
		i.Role = transport.RoleLocalClient
	case iface.SharedInstance:
		i.Role = transport.RoleSharedInstance
	case iface.Network, iface.LocalListener:
	}
	i.Offline = p.stateNow().Word != StateUp
	return i
}

// run serves the driver until ctx ends. A peer is served once, everything else again after a wait.
func (p *port) run(ctx context.Context) {
	defer close(p.done)
	writing := make(chan struct{})
	wctx, stopWriter := context.WithCancel(context.WithoutCancel(ctx))
	p.node.crew.run(func() {
		defer close(writing)
		p.write(wctx)
	})
	defer func() {
		stopWriter()
		<-writing
	}()
	for tries := 0; ; tries++ {
		p.setState(InterfaceState{Word: StateConnecting})
		err := p.serve(ctx)
		p.down(ctx, err)
		if ctx.Err() != nil || p.info.Role == iface.RolePeer || iface.IsPermanent(err) {
			return
		}
		if p.conf.MaxTries > 0 && tries+1 >= p.conf.MaxTries && !p.wasUp(&tries) {
			return
		}
		select {
		case <-ctx.Done():
			p.setState(InterfaceState{Word: StateOff})
			return
		case <-time.After(p.reconnect()):
		}
	}
}

// wasUp restarts the count of attempts after a connection that worked.
func (p *port) wasUp(tries *int) bool {
	if p.count.sessions.Swap(0) > 0 {
		*tries = 0
		return true
	}
	return false
}

func (p *port) reconnect() time.Duration {
	if p.conf.Reconnect > 0 {
		return p.conf.Reconnect
	}
	return p.node.cfg.Params.Reconnect
}

// serve runs the driver once and then ends what the driver left: children, queue. A driver that panics is an error.
func (p *port) serve(ctx context.Context) (err error) {
	sctx, cancel := context.WithCancel(ctx)
	defer p.children.Wait()
	defer cancel()
	p.setSpawn(func(child iface.Interface) <-chan struct{} { return p.runChild(sctx, child) })
	defer func() {
		p.setSpawn(nil)
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	return p.driver.Serve(sctx, p)
}

// down records the end of a Serve.
func (p *port) down(ctx context.Context, err error) {
	p.out.setOpen(false)
	p.copes.Store(false)
	if ctx.Err() != nil {
		p.setState(InterfaceState{Word: StateOff})
		return
	}
	if err == nil {
		err = errors.New("driver ended without a reason")
	}
	p.setState(InterfaceState{Word: StateError, Err: err})
}

// Up is called by the driver when frames can be sent.
func (p *port) Up() {
	p.count.sessions.Add(1)
	// The queue opens first: who learns that the interface is up may send at once.
	p.out.setOpen(p.info.Role != iface.RoleListener)
	p.setState(InterfaceState{Word: StateUp})
	if p.info.Tunnel {
		p.synthesizeTunnel()
	}
}

// Note is called by the driver for what an operator should know.
func (p *port) Note(err error) {
	p.node.env.log.Warn("interface", slog.String("interface", p.info.Label), slog.Any("error", err))
	p.node.publish(Event{Kind: EventInterfaceNote, Interface: p.id, Name: p.info.Name, Err: err})
}

// Spawn is called by a listener for an accepted peer.
func (p *port) Spawn(child iface.Interface) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.spawn == nil {
		ended := make(chan struct{})
		close(ended)
		return ended
	}
	return p.spawn(child)
}

func (p *port) setSpawn(f func(iface.Interface) <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spawn = f
}

// runChild runs a child on a goroutine of its own.
func (p *port) runChild(ctx context.Context, child iface.Interface) <-chan struct{} {
	ended := make(chan struct{})
	p.children.Add(1)
	p.node.crew.run(func() {
		defer p.children.Done()
		defer close(ended)
		p.node.runChild(ctx, child, p)
	})
	return ended
}

// Receive is called by the driver with received frames. It checks sizes and access codes, and hands the rest to the loop
// as one batch. It blocks while the loop is behind, or while too many signatures of this port wait to be checked.
func (p *port) Receive(frames []iface.Frame) {
	b := newBatch(p)
	taps := p.node.tap.active()
	for i := range frames {
		f := &frames[i]
		p.count.rxPackets.Add(1)
		p.count.rxBytes.Add(uint64(len(f.Data)))
		s := span{from: len(b.buf), signal: f.Signal}
		buf, err := p.open(b.buf, f.Data)
		if err != nil {
			p.refuse(f, err)
			continue
		}
		b.buf, s.to = buf, len(buf)
		if taps && p.code != nil {
			s.wire = append([]byte(nil), f.Data...)
		}
		b.frames = append(b.frames, s)
	}
	p.metered(frames)
	if len(b.frames) == 0 {
		b.release()
		return
	}
	p.node.crew.flight.add(1)
	select {
	case p.node.frames <- b:
	case <-p.node.gone:
		b.release()
		p.node.crew.flight.done()
	}
	p.credit.wait(p.node.gone)
}

// open appends the packet of a frame to dst, without the access code. spec: rns-core §9.3, rns-interfaces §1.1
func (p *port) open(dst, frame []byte) ([]byte, error) {
	if len(frame) < iface.MinFrameSize {
		return nil, rns.VerdictTooShort
	}
	if len(frame) > p.limit {
		return nil, rns.VerdictTooLong
	}
	return p.code.Open(dst, frame)
}

// refuse counts a frame that is not for transport.
func (p *port) refuse(f *iface.Frame, err error) {
	var v rns.Verdict
	if !errors.As(err, &v) {
		v = rns.VerdictMalformed
	}
	p.count.verdict(v)
	if p.node.tap.active() {
		p.node.tap.refused(p, p.node.env.now(), f, v)
	}
}
