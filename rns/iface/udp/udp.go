package udp

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
)

// Config describes a UDPInterface. It needs somewhere to listen, somewhere to send, or a device. spec: rns-interfaces §6
type Config struct {
	Name string
	// ListenIP and ListenPort receive if both are set.
	ListenIP   string
	ListenPort int
	// ForwardIP and ForwardPort are where packets go.
	ForwardIP   string
	ForwardPort int
	// Port is the default of both ports.
	Port int
	// Device is a system interface whose broadcast address is the default of both addresses.
	Device string
}

// Values of UDP interfaces. spec: rns-interfaces §1.2
const (
	hardwareMTU    = 1064
	bitrateGuess   = 10_000_000
	accessCodeSize = 16
)

var (
	errNothing   = errors.New("neither listen nor forward address and port are set")
	errPort      = errors.New("port is not between 0 and 65535")
	errBroadcast = errors.New("device has no broadcast address")
)

// Interface is a UDP interface. Use New.
type Interface struct {
	conf Config
	info iface.Info
	live atomic.Pointer[sockets]
}

// sockets are those of a running interface.
type sockets struct {
	conn    *net.UDPConn
	forward netip.AddrPort
}

// New returns an interface. It opens nothing before it is served.
func New(c Config) (*Interface, error) {
	if c.ListenPort == 0 {
		c.ListenPort = c.Port
	}
	if c.ForwardPort == 0 {
		c.ForwardPort = c.Port
	}
	for _, p := range []int{c.ListenPort, c.ForwardPort} {
		if p < 0 || p > 65535 {
			return nil, fmt.Errorf("interface %s: %w", c.Name, errPort)
		}
	}
	if c.Device == "" && (c.ListenIP == "" || c.ListenPort == 0) && (c.ForwardIP == "" || c.ForwardPort == 0) {
		return nil, fmt.Errorf("interface %s: %w", c.Name, errNothing)
	}
	host := c.ListenIP
	if host == "" {
		host = c.Device
		if b, err := broadcastOf(c.Device); err == nil {
			host = b.String() // as the reference shows it
		}
	}
	return &Interface{conf: c, info: iface.Info{
		Name: c.Name, Label: fmt.Sprintf("UDPInterface[%s/%s:%d]", c.Name, host, c.ListenPort), Type: "UDPInterface",
		Bitrate: bitrateGuess, MTU: hardwareMTU, AccessCodeSize: accessCodeSize,
	}}, nil
}

// Info describes the interface.
func (u *Interface) Info() iface.Info { return u.info }

// Config is what the interface was made of, with the port that stands for both filled in.
func (u *Interface) Config() Config { return u.conf }

// Address is where the interface listens.
func (u *Interface) Address() string {
	if s := u.live.Load(); s != nil {
		return s.conn.LocalAddr().String()
	}
	return ""
}

// Serve opens the socket and receives until ctx ends. Errors of sending do not end it. spec: rns-interfaces §1.5
func (u *Interface) Serve(ctx context.Context, h iface.Host) error {
	listen, forward, err := u.addresses(ctx)
	if err != nil {
		return err
	}
	pc, err := new(net.ListenConfig).ListenPacket(ctx, "udp4", listen) // broadcast is on by default
	if err != nil {
		return err
	}
	conn := pc.(*net.UDPConn)
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = conn.Close()
		close(closed)
	})
	u.live.Store(&sockets{conn: conn, forward: forward})
	h.Up()
	err = u.receive(ctx, conn, h)
	u.live.Store(nil)
	if stop() {
		_ = conn.Close()
	} else {
		<-closed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// receive delivers datagrams.
func (u *Interface) receive(ctx context.Context, conn *net.UDPConn, h iface.Host) error {
	if u.conf.ListenPort == 0 || (u.conf.ListenIP == "" && u.conf.Device == "") {
		<-ctx.Done() // send only
		return nil
	}
	buf := make([]byte, hardwareMTU+iface.MaxAccessCodeSize+1)
	frame := make([]iface.Frame, 1)
	self := own{bound: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
	for {
		n, from, err := conn.ReadFromUDPAddrPort(buf)
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return err
			}
			continue // an ICMP error of something sent before
		}
		if n >= iface.MinFrameSize && n < len(buf) && !self.sent(from) {
			frame[0] = iface.Frame{Data: buf[:n]}
			h.Receive(frame)
		}
	}
}

// own recognises what this socket sent itself, which broadcasts bring back: transport does not drop all of it, and a link
// takes its own channel packets for those of its peer.
//
// differs: the reference delivers them. spec: rns-interfaces §6
type own struct {
	bound netip.AddrPort
	addrs map[netip.Addr]bool
	read  time.Time
}

// ownFresh is how long the addresses of this machine are believed.
const ownFresh = 5 * time.Second

// sent tells whether a datagram comes from this socket: from its port, at the address it is bound to, or, where it is bound
// to no address of one machine, at any of this one.
func (o *own) sent(from netip.AddrPort) bool {
	if from.Port() != o.bound.Port() {
		return false
	}
	if now := time.Now(); o.addrs == nil || now.Sub(o.read) > ownFresh {
		o.addrs, o.read = make(map[netip.Addr]bool), now
		addrs, _ := net.InterfaceAddrs() // without them nothing is dropped
		for _, a := range addrs {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				o.addrs[p.Addr().Unmap()] = true
			}
		}
	}
	if bound := o.bound.Addr().Unmap(); o.addrs[bound] || bound.IsLoopback() {
		return from.Addr().Unmap() == bound
	}
	return o.addrs[from.Addr().Unmap()]
}

// addresses resolves where to listen and where to send.
func (u *Interface) addresses(ctx context.Context) (listen string, forward netip.AddrPort, err error) {
	listenIP, forwardIP := u.conf.ListenIP, u.conf.ForwardIP
	if u.conf.Device != "" && (listenIP == "" || forwardIP == "") {
		b, err := broadcastOf(u.conf.Device)
		if err != nil {
			return "", forward, err
		}
		if listenIP == "" {
			listenIP = b.String()
		}
		if forwardIP == "" {
			forwardIP = b.String()
		}
	}
	port := u.conf.ListenPort
	if listenIP == "" {
		port = 0
	}
	if forwardIP != "" && u.conf.ForwardPort != 0 {
		ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip4", forwardIP)
		if err != nil {
			return "", forward, err
		}
		forward = netip.AddrPortFrom(ips[0].Unmap(), uint16(u.conf.ForwardPort))
	}
	return net.JoinHostPort(listenIP, strconv.Itoa(port)), forward, nil
}

// broadcastOf is the IPv4 broadcast address of a system interface.
func broadcastOf(device string) (netip.Addr, error) {
	dev, err := net.InterfaceByName(device)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("device %s: %w", device, err)
	}
	addrs, err := dev.Addrs()
	if err != nil {
		return netip.Addr{}, fmt.Errorf("device %s: %w", device, err)
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().Is4() {
			return broadcast(p), nil
		}
	}
	return netip.Addr{}, fmt.Errorf("device %s: %w", device, errBroadcast)
}

// broadcast is the last address of a network.
func broadcast(p netip.Prefix) netip.Addr {
	b := p.Addr().As4()
	for bit := p.Bits(); bit < 32; bit++ {
		b[bit/8] |= 0x80 >> (bit % 8)
	}
	return netip.AddrFrom4(b)
}

// Send sends one datagram. An interface without forward address drops it.
func (u *Interface) Send(frame []byte) error {
	s := u.live.Load()
	if s == nil {
		return iface.ErrOffline
	}
	if !s.forward.IsValid() {
		return nil
	}
	_, err := s.conn.WriteToUDPAddrPort(frame, s.forward)
	return err
}
