package node

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/transport"
)

// Announce tells the network that the destination exists: ratchets are rotated if due, the announce is built, signed and
// sent. The error is ErrNotSent if there is no interface to send on. spec: rns-core §6.3
func (d *Destination) Announce(ctx context.Context, o AnnounceOptions) error {
	data, p, ratchet, err := d.announcement(o)
	if err != nil {
		return err
	}
	v, err := ask(ctx, d.node, func(now time.Time) rns.Verdict { return d.emit(now, p, ratchet, o.Interface) })
	if err != nil {
		return err
	}
	if !v.Accepted() {
		return fmt.Errorf("announce %s: %w: %w", d.conf.Name, ErrNotSent, v)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.announced, d.lastData = d.node.env.now(), data
	return nil
}

// announcement makes what Announce sends.
func (d *Destination) announcement(o AnnounceOptions) ([]byte, rns.Packet, *rns.RatchetPublic, error) {
	if o.Answer != nil {
		a, err := d.pathAnswer(string(o.Answer))
		return a.data, a.packet, a.ratchet, err
	}
	data := o.AppData
	if data == nil && d.conf.AppData != nil {
		data = d.conf.AppData()
	}
	p, ratchet, err := d.buildAnnounce(data, rns.ContextNone)
	return data, p, ratchet, err
}

// buildAnnounce makes a signed announce packet. spec: rns-core §6
func (d *Destination) buildAnnounce(data []byte, c rns.Context) (rns.Packet, *rns.RatchetPublic, error) {
	if d.kind != rns.DestSingle {
		return rns.Packet{}, nil, fmt.Errorf("announce %s: %w", d.conf.Name, ErrNeedsIdentity)
	}
	now := d.node.env.now()
	ratchet, err := d.ratchets.current(now, rotateWhenDue)
	if err != nil {
		return rns.Packet{}, nil, fmt.Errorf("announce %s: %w", d.conf.Name, err)
	}
	limit := rns.MaxAppData
	if ratchet != nil {
		limit = rns.MaxAppDataKeyed
	}
	if len(data) > limit {
		return rns.Packet{}, nil, fmt.Errorf("announce %s: %w: %d of %d bytes", d.conf.Name, ErrAppDataSize, len(data), limit)
	}
	a, err := rns.NewAnnounce(d.node.env.rand, d.conf.Identity, rns.NameHashOf(d.conf.Name), ratchet, data, now)
	if err != nil {
		return rns.Packet{}, nil, fmt.Errorf("announce %s: %w", d.conf.Name, err)
	}
	return a.Packet(c), ratchet, nil
}

// emit sends an announce and remembers its ratchet, as those who hear it do. It runs on the loop. spec: rns-core §4.4
func (d *Destination) emit(now time.Time, p rns.Packet, ratchet *rns.RatchetPublic, on InterfaceID) rns.Verdict {
	if d.node.dests[d.addr] != d {
		return rns.VerdictClosed
	}
	raw, err := p.Pack(rns.MTU)
	if err != nil {
		return rns.VerdictTooLong
	}
	if ratchet != nil {
		d.node.m.SeedRatchet(now, transport.ReceivedRatchet{Destination: d.addr, Ratchet: *ratchet, Received: now})
	}
	_, v := d.node.out(now, transport.OutPacket{Raw: raw, Attached: on})
	return v
}

// pathAnswer is a path response kept for repeated requests with the same tag. spec: rns-core §6.4
type pathAnswer struct {
	at      time.Time
	packet  rns.Packet
	ratchet *rns.RatchetPublic
	data    []byte
}

// answerPath announces the destination in path response form on the interface that asked. It runs on the destination's own
// executor, because it signs and may write a ratchet.
func (d *Destination) answerPath(e transport.PathRequested) {
	answer, err := d.pathAnswer(string(e.Tag))
	if err != nil {
		d.node.env.log.Warn("path response", slog.Any("destination", d.addr), slog.Any("error", err))
		return
	}
	d.node.post(func(now time.Time) { _ = d.emit(now, answer.packet, answer.ratchet, e.Interface) })
}

func (d *Destination) pathAnswer(tag string) (pathAnswer, error) {
	now := d.node.env.now()
	d.mu.Lock()
	for t, a := range d.answers {
		if now.Sub(a.at) > d.node.cfg.Params.PathResponseMemory {
			delete(d.answers, t)
		}
	}
	kept, ok := d.answers[tag]
	d.mu.Unlock()
	if ok {
		return kept, nil
	}
	var data []byte
	if d.conf.AppData != nil {
		data = d.conf.AppData()
	}
	p, ratchet, err := d.buildAnnounce(data, rns.ContextPathResponse)
	if err != nil {
		return pathAnswer{}, err
	}
	a := pathAnswer{at: now, packet: p, ratchet: ratchet, data: data}
	d.mu.Lock()
	defer d.mu.Unlock()
	for len(d.answers) >= maxAnswers {
		d.forgetAnswer()
	}
	d.answers[tag], d.lastData = a, data
	return a, nil
}

// maxAnswers bounds the kept path responses of a destination: anybody may ask, with any number of tags.
const maxAnswers = 64

// forgetAnswer drops the oldest path response. The caller holds the lock.
func (d *Destination) forgetAnswer() {
	oldest, at := "", time.Time{}
	for t, a := range d.answers {
		if at.IsZero() || a.at.Before(at) {
			oldest, at = t, a.at
		}
	}
	delete(d.answers, oldest)
}

// Announced is an announce that was heard and updated the path table.
type Announced struct {
	Destination rns.Addr
	Identity    rns.PublicKey
	Name        rns.NameHash
	// AppData is nil if there was none.
	AppData []byte
	// Ratchet is set if there was one.
	Ratchet    *rns.RatchetPublic
	PacketHash rns.Hash
	Hops       int
	Interface  InterfaceID
	// InterfaceName is the configured name of the interface.
	InterfaceName string
	Signal        iface.Signal
	// Emitted is the sender's clock, Received this node's.
	Emitted, Received time.Time
	// PathResponse tells that it answered a path request.
	PathResponse bool
}

// AnnounceHandler says which announces a subscriber wants.
type AnnounceHandler struct {
	// Name limits to announces of destinations with this full dotted name; empty for all.
	Name string
	// PathResponses includes answers to path requests.
	PathResponses Switch
	// Handle is called for each, in order.
	Handle func(Announced)
}

// announceBacklog is the number of announces that may wait for one handler.
const announceBacklog = 16_384

// listener is a registered announce handler.
type listener struct {
	run  *serial
	conf AnnounceHandler
	name rns.NameHash
}

// OnAnnounce registers a handler for announces, until stop is called. spec: rns-core §14.11
func (n *Node) OnAnnounce(h AnnounceHandler) (stop func()) {
	l := &listener{run: newSerial(&n.crew, announceBacklog), conf: h}
	if h.Name != "" {
		l.name = rns.NameHashOf(h.Name)
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	n.bus.listeners = append(slices.Clone(n.bus.listeners), l)
	return func() {
		n.bus.mu.Lock()
		defer n.bus.mu.Unlock()
		n.bus.listeners = slices.DeleteFunc(slices.Clone(n.bus.listeners), func(o *listener) bool { return o == l })
		l.run.close()
	}
}

// heard gives an announce to those who wait for its path and to the handlers. It runs on the loop.
func (n *Node) heard(now time.Time, e transport.AnnounceReceived) {
	n.pathFound(e.Destination)
	n.publish(Event{Kind: EventPathFound, Destination: e.Destination, Hops: int(e.Hops), Interface: e.Interface})
	n.bus.mu.Lock()
	listeners := n.bus.listeners
	n.bus.mu.Unlock()
	if len(listeners) == 0 {
		return
	}
	a := Announced{
		Destination: e.Destination, Identity: e.Identity, Name: e.Name, AppData: e.AppData, Ratchet: e.Ratchet,
		PacketHash: e.PacketHash, Hops: int(e.Hops), Interface: e.Interface, Signal: iface.Signal(e.Signal),
		Emitted: time.Unix(e.Emitted, 0), Received: now, PathResponse: e.Response == transport.AnnouncePathResponse,
	}
	if p, ok := n.ports[e.Interface]; ok {
		a.InterfaceName = p.info.Name
	}
	for _, l := range listeners {
		if (l.name.IsZero() || l.name == e.Name) && (!a.PathResponse || bool(l.conf.PathResponses)) {
			l.run.do(func() { l.conf.Handle(a) })
		}
	}
}

// happened spreads an event of the machine. It runs on the loop.
func (n *Node) happened(now time.Time, e transport.Event) {
	switch e := e.(type) {
	case transport.AnnounceReceived:
		n.heard(now, e)
	case transport.PathRequested:
		if d, ok := n.dests[e.Destination]; ok {
			d.work.do(func() { d.answerPath(e) })
		}
	case transport.PathLost:
		n.publish(Event{Kind: EventPathLost, Destination: e.Destination})
	case transport.PacketProved:
		n.proved(now, e)
	case transport.ReceiptFailed:
		n.unproved(now, e)
	case transport.RatchetReceived:
		n.dirty |= transport.TableRatchets
	case transport.KnownForgotten:
		n.dirty |= transport.TableRatchets
	case transport.KeyConflict:
		n.env.log.Error("destination announced with another key, refused", slog.Any("destination", e.Destination))
		n.publish(Event{
			Kind: EventKeyConflict, Destination: e.Destination, Interface: e.Interface,
			Err: rns.VerdictKeyMismatch,
		})
	case transport.TunnelAttached:
		n.wakeWaiters()
		n.publish(Event{Kind: EventTunnel, Interface: e.Interface, Restored: e.Restored})
	case transport.LinkUnproved:
	}
}
