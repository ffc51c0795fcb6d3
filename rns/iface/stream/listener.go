package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// DefaultMaxPeers bounds the connections of one listener.
const DefaultMaxPeers = 1024

// acceptPause is waited after a failed accept, which usually means that descriptors ran out.
const acceptPause = 100 * time.Millisecond

// errNoListen is about settings.
var errNoListen = errors.New("listen_ip or device is required")

// Listener accepts connections and hands each to the node as an interface of its own. Fill its fields before Serve; its
// methods may be called from any goroutine. spec: rns-interfaces §1.4
type Listener struct {
	// Host is the address or host name to listen on, Device a system interface instead. Port 0 takes any free port.
	Host, Device string
	Port         int
	// Prefer chooses among several addresses.
	Prefer Family
	// MaxPeers bounds the accepted connections, 0 for DefaultMaxPeers.
	MaxPeers int
	// Listen replaces the network when not nil.
	Listen func(ctx context.Context, network, address string) (net.Listener, error)
	// Admit says whether a connection from an address is taken; nil takes all.
	Admit func(from netip.Addr) bool
	// Peer makes the interface of a connection.
	Peer func(conn net.Conn) iface.Interface
	// Ended is called when a connection has ended, when not nil.
	Ended func(from netip.Addr, lasted time.Duration)

	mu    sync.Mutex
	bound string
}

// Check reports settings that cannot work.
func (l *Listener) Check() error {
	if l.Host == "" && l.Device == "" {
		return errNoListen
	}
	return CheckPort(l.Port)
}

// ErrPort is about settings.
var ErrPort = errors.New("port is not between 0 and 65535")

// CheckPort reports a number that is no port.
func CheckPort(port int) error {
	if port < 0 || port > 65535 {
		return ErrPort
	}
	return nil
}

// Shown is the host of a label: that of the device as it is now, if it can be told. spec: rns-interfaces §1.7
func (l *Listener) Shown() string {
	if l.Device == "" {
		return Bracket(l.Host)
	}
	host, err := DeviceHost(l.Device, l.Prefer)
	if err != nil {
		return l.Device
	}
	return Bracket(host)
}

// Address is where the listener is bound, empty while it does not listen.
func (l *Listener) Address() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.bound
}

func (l *Listener) setAddress(a string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bound = a
}

// Serve listens until ctx ends or the socket fails.
func (l *Listener) Serve(ctx context.Context, h iface.Host) error {
	host, err := l.host(ctx)
	if err != nil {
		return err
	}
	listen := l.Listen
	if listen == nil {
		listen = new(net.ListenConfig).Listen
	}
	socket, err := listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(l.Port)))
	if err != nil {
		return err
	}
	l.setAddress(socket.Addr().String())
	defer l.setAddress("")
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = socket.Close()
		close(closed)
	})
	h.Up()
	err = l.accept(ctx, h, socket)
	if stop() {
		_ = socket.Close()
	} else {
		<-closed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func (l *Listener) host(ctx context.Context) (string, error) {
	if l.Device != "" {
		return DeviceHost(l.Device, l.Prefer)
	}
	return ChooseHost(ctx, l.Host, l.Prefer)
}

// accept spawns an interface for every connection.
func (l *Listener) accept(ctx context.Context, h iface.Host, socket net.Listener) error {
	most := l.MaxPeers
	if most <= 0 {
		most = DefaultMaxPeers
	}
	room := make(chan struct{}, most)
	var peers sync.WaitGroup
	defer peers.Wait()
	for {
		conn, err := socket.Accept()
		if err != nil {
			if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
				return err
			}
			h.Note(err)
			select {
			case <-ctx.Done():
				return err
			case <-time.After(acceptPause):
			}
			continue
		}
		from, _ := Remote(conn)
		if l.Admit != nil && !l.Admit(from) {
			_ = conn.Close()
			continue
		}
		select {
		case room <- struct{}{}:
		default:
			h.Note(fmt.Errorf("connection from %s refused: %d peers are connected", conn.RemoteAddr(), most))
			_ = conn.Close()
			continue
		}
		began := time.Now()
		done := h.Spawn(l.Peer(conn))
		peers.Add(1)
		go func() {
			defer peers.Done()
			<-done
			_ = conn.Close()
			if l.Ended != nil && ctx.Err() == nil {
				l.Ended(from, time.Since(began))
			}
			<-room
		}()
	}
}

// Peer is the interface of one accepted connection.
type Peer struct {
	*Stream
	info iface.Info
}

// NewPeer returns the interface of an accepted connection, framed like HDLC. What an unfinished packet may hold is bounded
// by maxPacket, the MTU if that is 0.
func NewPeer(conn net.Conn, t Timeouts, info iface.Info, maxPacket int) *Peer {
	Tune(conn, t)
	if maxPacket <= 0 {
		maxPacket = info.MTU
	}
	return &Peer{Stream: New(conn, HDLC, maxPacket), info: info}
}

// Info describes the interface.
func (p *Peer) Info() iface.Info { return p.info }

// Serve runs until the connection ends.
func (p *Peer) Serve(ctx context.Context, h iface.Host) error {
	h.Up()
	return p.Run(ctx, h)
}

// Send writes one frame.
func (p *Peer) Send(frame []byte) error { return p.Stream.Send(frame) }

// SendBatch writes several frames.
func (p *Peer) SendBatch(frames [][]byte) error { return p.Stream.Send(frames...) }
