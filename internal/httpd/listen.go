package httpd

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// Defaults of the address.
const (
	DefaultHost = "127.0.0.1"
	DefaultPort = 8000
)

// Plain says where plain HTTP is served when there is no certificate.
type Plain uint8

// Rules for plain HTTP.
const (
	PlainLoopback Plain = iota // only to this machine
	PlainAnywhere              // to the network too: the owner said so explicitly
)

// Params are the limits of a server.
type Params struct {
	// HeaderTimeout bounds reading a request's headers.
	HeaderTimeout time.Duration
	// StallTimeout is how long a body or an answer may make no progress.
	StallTimeout time.Duration
	// IdleTimeout is how long an unused connection stays open.
	IdleTimeout time.Duration
	// StopTimeout is how long running requests may go on after the end was asked for.
	StopTimeout time.Duration
	// HeaderBytes, BodyBytes bound headers, and bodies where the API sets no limit of its own.
	HeaderBytes int
	BodyBytes   int64
	// Connections bounds those open at a time.
	Connections int
}

// DefaultParams returns the values used in production.
func DefaultParams() Params {
	return Params{
		HeaderTimeout: 10 * time.Second,
		StallTimeout:  60 * time.Second,
		IdleTimeout:   2 * time.Minute,
		StopTimeout:   3 * time.Second,
		HeaderBytes:   32 << 10,
		BodyBytes:     1 << 20,
		Connections:   512,
	}
}

// Config says where and how to listen.
type Config struct {
	// Host is an address or name; "" means DefaultHost. Port 0 takes any free one.
	Host string
	Port int
	// TLS is the certificate; nil means plain HTTP.
	TLS   *tls.Config
	Plain Plain
	// Logger receives errors of connections. Nil discards them.
	Logger *slog.Logger
	// Params are the limits; zero means DefaultParams.
	Params Params
}

// ErrPlainHTTP: the address is open to others and the connection would not be encrypted.
var ErrPlainHTTP = errors.New("refusing plain HTTP to other machines: use HTTPS, or say explicitly that plain HTTP is wanted")

// PortError says that a port is taken. It matches syscall.EADDRINUSE.
type PortError struct {
	Addr string
	// Next is a free port nearby, or 0.
	Next int
	err  error
}

func (e *PortError) Error() string {
	text := fmt.Sprintf("%s is taken by another program", e.Addr)
	if e.Next > 0 {
		text += fmt.Sprintf("; port %d is free", e.Next)
	}
	return text
}

// Unwrap returns the error of the operating system.
func (e *PortError) Unwrap() error { return e.err }

// Server listens on an address. Use Listen, then Serve.
type Server struct {
	conf     Config
	listener net.Listener
	port     int
}

// Listen takes the address. A taken port gives a *PortError.
func Listen(ctx context.Context, c Config) (*Server, error) {
	if c.Host == "" {
		c.Host = DefaultHost
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Params == (Params{}) {
		c.Params = DefaultParams()
	}
	if c.TLS == nil && c.Plain != PlainAnywhere && !Loopback(c.Host) {
		return nil, ErrPlainHTTP
	}
	addr := net.JoinHostPort(c.Host, strconv.Itoa(c.Port))
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if taken(err) {
		return nil, &PortError{Addr: addr, Next: nextFree(ctx, c.Host, c.Port), err: err}
	}
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	s := &Server{conf: c, listener: limit(l, c.Params.Connections)}
	if a, ok := l.Addr().(*net.TCPAddr); ok {
		s.port = a.Port
	}
	return s, nil
}

// Loopback reports whether a host is reached from this machine only.
func Loopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

// windowsAddrInUse is WSAEADDRINUSE.
const windowsAddrInUse = syscall.Errno(10048)

func taken(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windowsAddrInUse)
}

// portsTried is how far nextFree looks.
const portsTried = 20

// nextFree finds a port above a taken one that could be listened on.
func nextFree(ctx context.Context, host string, port int) int {
	var lc net.ListenConfig
	for p := port + 1; p <= min(port+portsTried, 65535); p++ {
		l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(p)))
		if err == nil {
			_ = l.Close()
			return p
		}
	}
	return 0
}

// Port returns the port listened on.
func (s *Server) Port() int { return s.port }

// URL returns the address for a browser on this machine, without a slash at the end.
func (s *Server) URL() string {
	host := s.conf.Host
	if a, err := netip.ParseAddr(host); err == nil && a.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "https"
	if s.conf.TLS == nil {
		scheme = "http"
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(s.port))
}

// Serve answers requests until ctx ends, lets the running ones finish for Params.StopTimeout, and
// returns nil then. Hijacked connections, such as event sockets, are their handler's business.
// Serve may be called once.
func (s *Server) Serve(ctx context.Context, h http.Handler) error {
	p := s.conf.Params
	// Requests outlive ctx for the stop timeout, so they have a context of their own.
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	server := &http.Server{
		Handler: h, TLSConfig: s.conf.TLS, ReadHeaderTimeout: p.HeaderTimeout, IdleTimeout: p.IdleTimeout,
		MaxHeaderBytes: p.HeaderBytes, ErrorLog: slog.NewLogLogger(s.conf.Logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return requests },
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		grace, done := context.WithTimeout(requests, p.StopTimeout)
		defer done()
		if server.Shutdown(grace) != nil {
			cancel()
			_ = server.Close()
		}
	})
	var err error
	if s.conf.TLS != nil {
		err = server.ServeTLS(s.listener, "", "")
	} else {
		err = server.Serve(s.listener)
	}
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return errors.Join(fmt.Errorf("serve %s: %w", s.URL(), err), server.Close())
}

// Close gives the address back if Serve was never called.
func (s *Server) Close() error { return s.listener.Close() }

// limited accepts a new connection only while fewer than its capacity are open.
type limited struct {
	net.Listener
	slots chan struct{}
	ended chan struct{}
	once  sync.Once
}

func limit(l net.Listener, n int) net.Listener {
	return &limited{Listener: l, slots: make(chan struct{}, n), ended: make(chan struct{})}
}

func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.slots <- struct{}{}:
	case <-l.ended:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.slots
		return nil, err
	}
	return &counted{Conn: c, free: sync.OnceFunc(func() { <-l.slots })}, nil
}

func (l *limited) Close() error {
	l.once.Do(func() { close(l.ended) })
	return l.Listener.Close()
}

type counted struct {
	net.Conn
	free func()
}

func (c *counted) Close() error {
	defer c.free()
	return c.Conn.Close()
}
