package auto

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// Interface is an AutoInterface. Use New.
type Interface struct {
	conf   Config
	params Params
	info   iface.Info
	group  netip.Addr
	sys    system

	mu    sync.Mutex
	host  iface.Host
	start time.Time
	links map[string]*adopted  // by device name
	peers map[netip.Addr]*peer // by address
	seen  *recent
	wg    sync.WaitGroup
}

// adopted is a device in use.
type adopted struct {
	device
	sockets *sockets
	echo    time.Time // of the own announcement
	opened  time.Time
	silent  bool // carrier lost, reported
}

// New returns an interface. It opens nothing before it is served.
func New(c Config) (*Interface, error) { return newInterface(c, hostSystem{}) }

func newInterface(c Config, sys system) (*Interface, error) {
	c, p, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	return &Interface{
		conf: c, params: p, sys: sys, group: MulticastAddress(c.GroupID, c.AddressType, c.Scope),
		info: iface.Info{
			Name: c.Name, Label: fmt.Sprintf("AutoInterface[%s]", c.Name), Type: "AutoInterface", Bitrate: bitrateGuess,
			MTU: hardwareMTU, MTUClass: iface.MTUFixed, AccessCodeSize: accessCodeSize, Role: iface.RoleListener,
		},
	}, nil
}

// Config is what the interface was made of, with defaults filled in.
func (a *Interface) Config() Config { return a.conf }

// Info describes the interface.
func (a *Interface) Info() iface.Info { return a.info }

// Send does nothing: peers are interfaces of their own.
func (a *Interface) Send([]byte) error { return nil }

// Serve announces on every suitable device and spawns an interface for every peer, until ctx ends.
func (a *Interface) Serve(ctx context.Context, h iface.Host) error {
	a.mu.Lock()
	a.host, a.start = h, time.Now()
	a.links, a.peers = make(map[string]*adopted), make(map[netip.Addr]*peer)
	a.seen = newRecent(a.params.Duplicates, a.params.DuplicateTime)
	a.mu.Unlock()
	defer a.shut()
	a.rescan()
	a.announce()
	announce, jobs := time.NewTicker(a.params.Announce), time.NewTicker(a.params.Jobs)
	defer announce.Stop()
	defer jobs.Stop()
	up := time.NewTimer(a.params.StartWait)
	defer up.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-up.C:
			h.Up()
		case <-announce.C:
			a.announce()
		case <-jobs.C:
			a.rescan()
			a.checkCarriers()
			a.cullPeers()
			a.announceToPeers()
		}
	}
}

// shut closes everything and waits for the readers.
func (a *Interface) shut() {
	a.mu.Lock()
	for _, l := range a.links {
		l.sockets.close()
	}
	for _, p := range a.peers {
		p.leave()
	}
	a.host, a.links, a.peers = nil, nil, nil
	a.mu.Unlock()
	a.wg.Wait()
}

// rescan adopts devices that have appeared, reopens those whose address has changed, and drops those that have gone.
//
// differs: the reference looks for devices once, at the start. spec: rns-interfaces §5.3, §5.6
func (a *Interface) rescan() {
	found, err := a.sys.devices()
	if err != nil {
		a.note(err)
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	present := make(map[string]bool)
	for _, d := range found {
		if !a.conf.wanted(d.name, goos) {
			continue
		}
		present[d.name] = true
		if old, ok := a.links[d.name]; ok {
			if old.addr == d.addr && old.index == d.index {
				continue
			}
			old.sockets.close()
			delete(a.links, d.name)
		}
		a.adopt(d)
	}
	for name, l := range a.links {
		if !present[name] {
			l.sockets.close()
			delete(a.links, name)
		}
	}
}

// adopt opens a device. A device that cannot be opened is skipped until the next round.
func (a *Interface) adopt(d device) {
	s, err := a.sys.open(d, a.group, a.conf.DiscoveryPort, a.conf.DataPort)
	if err != nil {
		a.host.Note(fmt.Errorf("device %s: %w", d.name, err))
		return
	}
	l := &adopted{device: d, sockets: s, opened: time.Now()}
	a.links[d.name] = l
	if s.multicast != nil {
		a.read(s.multicast, func(from netip.Addr, b []byte) { a.heard(l, from, b) })
	}
	a.read(s.unicast, func(from netip.Addr, b []byte) { a.heard(l, from, b) })
	a.read(s.data, a.data)
}

// read starts a reader that ends when its socket is closed.
func (a *Interface) read(c net.PacketConn, f func(from netip.Addr, b []byte)) {
	a.wg.Add(1)
	go func() {
		defer a.wg.Done()
		buf := make([]byte, hardwareMTU+iface.MaxAccessCodeSize+1)
		for {
			n, from, err := c.ReadFrom(buf)
			if err != nil {
				if errors.Is(err, net.ErrClosed) {
					return
				}
				continue // an ICMP error of something sent before
			}
			if addr, ok := sourceOf(from); ok {
				f(addr, buf[:n])
			}
		}
	}()
}

// sourceOf is the sender of a datagram, without scope.
func sourceOf(a net.Addr) (netip.Addr, bool) {
	u, ok := a.(*net.UDPAddr)
	if !ok {
		return netip.Addr{}, false
	}
	return descope(u.AddrPort().Addr()), true
}

// announce sends the token of every device to the group. spec: rns-interfaces §5.5
func (a *Interface) announce() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.links {
		a.sendToken(l, l.sockets.unicast, a.group, a.conf.DiscoveryPort)
	}
}

// announceToPeers repeats the token to each known peer, for links that carry multicast one way only.
func (a *Interface) announceToPeers() {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.peers {
		if l, ok := a.links[p.device]; ok && now.Sub(p.told) >= a.params.Reverse {
			p.told = now
			a.sendToken(l, l.sockets.unicast, p.addr, a.conf.DiscoveryPort+1)
		}
	}
}

func (a *Interface) sendToken(l *adopted, c net.PacketConn, to netip.Addr, port int) {
	token := Token(a.conf.GroupID, l.addr)
	dest := net.UDPAddrFromAddrPort(netip.AddrPortFrom(to.WithZone(l.name), uint16(port)))
	_, _ = c.WriteTo(token[:], dest) // the next one follows soon
}

// heard takes an announcement that arrived on a device.
func (a *Interface) heard(l *adopted, from netip.Addr, b []byte) {
	now := time.Now()
	expected := Token(a.conf.GroupID, from)
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.host == nil || now.Sub(a.start) < a.params.StartWait || len(b) < tokenSize || !bytes.Equal(b[:tokenSize], expected[:]) {
		return
	}
	for _, own := range a.links {
		if own.addr == from {
			own.echo = now
			return
		}
	}
	if p, ok := a.peers[from]; ok {
		p.heard = now
		return
	}
	if len(a.peers) >= a.params.MaxPeers {
		return
	}
	p := newPeer(a, from, l.name, now)
	a.peers[from] = p
	p.ended = a.host.Spawn(p)
}

// data takes a packet of a peer. Data of others is dropped. spec: rns-interfaces §5.5, §5.8
func (a *Interface) data(from netip.Addr, b []byte) {
	now := time.Now()
	a.mu.Lock()
	p, ok := a.peers[from]
	if !ok || len(b) < iface.MinFrameSize || len(b) > hardwareMTU+iface.MaxAccessCodeSize || a.seen.has(now, b) {
		a.mu.Unlock()
		return
	}
	p.heard = now
	a.mu.Unlock()
	p.deliver(b)
}

// cullPeers removes peers that have fallen silent.
func (a *Interface) cullPeers() {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for addr, p := range a.peers {
		if now.Sub(p.heard) > a.params.PeerTimeout || p.over() {
			delete(a.peers, addr)
			p.leave()
		}
	}
}

// checkCarriers reports devices on which the own announcements are not heard. spec: rns-interfaces §5.6
func (a *Interface) checkCarriers() {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range a.links {
		last := l.echo
		if last.IsZero() {
			last = l.opened
		}
		lost := now.Sub(last) > a.params.EchoTimeout
		if lost && !l.silent {
			a.host.Note(fmt.Errorf("device %s: %w", l.name, errNoEcho))
		}
		l.silent = lost
	}
}

// errNoEcho means that multicast does not work on a device.
var errNoEcho = errors.New("own multicast announcements are not heard: no carrier, or a firewall blocks them")

func (a *Interface) note(err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.host != nil {
		a.host.Note(err)
	}
}

// sendData sends a packet to a peer.
func (a *Interface) sendData(p *peer, frame []byte) error {
	a.mu.Lock()
	l, ok := a.links[p.device]
	a.mu.Unlock()
	if !ok {
		return iface.ErrOffline
	}
	to := netip.AddrPortFrom(p.addr.WithZone(l.name), uint16(a.conf.DataPort))
	_, err := l.sockets.data.WriteTo(frame, net.UDPAddrFromAddrPort(to))
	return err
}
