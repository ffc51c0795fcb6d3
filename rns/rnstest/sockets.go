package rnstest

import (
	"context"
	"net"
	"sync"
	"syscall"

	"meshchatx/rns/iface/local"
)

// Sockets are the local sockets of a machine that all nodes of a network run on: those with a shared instance in their
// configuration find each other. The zero value is ready for use. It is safe for concurrent use.
type Sockets struct {
	mu    sync.Mutex
	bound map[local.Address]*socket
}

// Listen binds an address.
func (s *Sockets) Listen(_ context.Context, a local.Address) (net.Listener, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bound[a] != nil {
		return nil, &net.OpError{Op: "listen", Net: a.Network, Addr: socketAddr{a}, Err: syscall.EADDRINUSE}
	}
	if s.bound == nil {
		s.bound = make(map[local.Address]*socket)
	}
	l := &socket{of: s, addr: a, conns: make(chan net.Conn), closed: make(chan struct{})}
	s.bound[a] = l
	return l, nil
}

// Dial connects to an address.
func (s *Sockets) Dial(ctx context.Context, a local.Address) (net.Conn, error) {
	s.mu.Lock()
	l := s.bound[a]
	s.mu.Unlock()
	refused := &net.OpError{Op: "dial", Net: a.Network, Addr: socketAddr{a}, Err: syscall.ECONNREFUSED}
	if l == nil {
		return nil, refused
	}
	near, far := net.Pipe()
	select {
	case l.conns <- far:
		return near, nil
	case <-l.closed:
		return nil, refused
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// socket is a bound address.
type socket struct {
	of     *Sockets
	addr   local.Address
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (l *socket) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *socket) Close() error {
	l.once.Do(func() {
		l.of.mu.Lock()
		defer l.of.mu.Unlock()
		delete(l.of.bound, l.addr)
		close(l.closed)
	})
	return nil
}

func (l *socket) Addr() net.Addr { return socketAddr{l.addr} }

// socketAddr is an address in the terms of package net.
type socketAddr struct{ at local.Address }

func (a socketAddr) Network() string { return a.at.Network }
func (a socketAddr) String() string  { return a.at.Address }

// ErrInUse is the error of an address that is bound.
var ErrInUse error = syscall.EADDRINUSE

// Sockets are the local sockets of the machine that the nodes of the network run on.
func (w *Network) Sockets() *Sockets { return &w.local }
