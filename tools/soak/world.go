package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// world is three nodes and what loads them.
type world struct {
	port                int
	client, hub, server *node.Node
	echo                *node.Destination
	from, to            *mail
	people              []*rns.Identity
	loads               sync.WaitGroup
	heap                string // where profiles of the heap go
	profiled            int

	announces, links, resources, forwarded, messages, failed atomic.Int64
}

func newWorld(ctx context.Context, dir string, size scale) (w *world, err error) {
	w = new(world)
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	if w.port, err = freePort(); err != nil {
		return w, err
	}
	server, err := tcp.NewServer(tcp.ServerConfig{Name: "hub", Host: "127.0.0.1", Port: w.port})
	if err != nil {
		return w, err
	}
	if w.hub, err = begin(ctx, filepath.Join(dir, "hub"), size, true, server); err != nil {
		return w, err
	}
	for name, n := range map[string]**node.Node{"client": &w.client, "server": &w.server} {
		c, err := tcp.NewClient(tcp.ClientConfig{Name: name, Host: "127.0.0.1", Port: w.port})
		if err != nil {
			return w, err
		}
		if *n, err = begin(ctx, filepath.Join(dir, name), size, false, c); err != nil {
			return w, err
		}
	}
	if err := w.serve(ctx); err != nil {
		return w, err
	}
	if w.from, err = newMail(ctx, w.client, filepath.Join(dir, "from.db")); err != nil {
		return w, err
	}
	if w.to, err = newMail(ctx, w.server, filepath.Join(dir, "to.db")); err != nil {
		return w, err
	}
	for range size.people {
		id, err := rns.NewIdentity(rand.Reader)
		if err != nil {
			return w, err
		}
		w.people = append(w.people, id)
	}
	return w, w.meet(ctx)
}

// begin starts a node that keeps its tables in dir.
func begin(ctx context.Context, dir string, size scale, relays bool, d iface.Interface) (*node.Node, error) {
	conf := node.DefaultConfig()
	conf.Transport = node.Switch(relays)
	if size.hashes > 0 {
		conf.Params.Transport.Limits.PacketHashes = size.hashes
		conf.Params.Transport.Limits.Reverse = size.hashes / 4 // ways back of forwarded packets, kept for 8 minutes
	}
	n, err := node.New(conf, node.WithStorage(node.NewDirStorage(dir)))
	if err != nil {
		return nil, err
	}
	if err := n.Start(ctx); err != nil {
		return nil, err
	}
	_, err = n.AddInterface(d, node.InterfaceConfig{IngressControl: transport.LimitOff})
	return n, err
}

// serve answers packets and takes resources.
func (w *world) serve(ctx context.Context) error {
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		return err
	}
	w.echo, err = w.server.Register(node.DestinationConfig{
		Identity: id, Name: "soak.echo", Proofs: node.ProveAll,
		OnLink: func(*node.Link) node.LinkHandler {
			return node.LinkHandler{
				OnPacket: func(l *node.Link, p *node.LinkPacket) {
					_ = l.SendContext(ctx, rns.ContextNone, p.Data)
					_ = p.Prove()
				},
				OnResource: func(*node.Link, node.ResourceOffer) *node.ResourceAcceptance {
					return &node.ResourceAcceptance{Sink: io.Discard}
				},
			}
		},
	})
	return err
}

// meet announces both ends until the client knows the server.
func (w *world) meet(ctx context.Context) error {
	for range 60 {
		if err := errors.Join(w.echo.Announce(ctx, node.AnnounceOptions{}), w.to.Announce(ctx), w.from.Announce(ctx)); err != nil {
			return err
		}
		select {
		case <-time.After(2 * time.Second):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if w.client.HasPath(ctx, w.echo.Addr()) && w.client.HasPath(ctx, w.to.Address()) && w.server.HasPath(ctx, w.from.Address()) {
			return nil
		}
	}
	return errors.New("the nodes do not hear each other")
}

func (w *world) counts() counts {
	return counts{
		w.announces.Load(), w.links.Load(), w.resources.Load(), w.forwarded.Load(), w.messages.Load(), w.failed.Load(),
	}
}

func (w *world) close() error {
	var errs []error
	for _, m := range []*mail{w.from, w.to} {
		if m != nil {
			errs = append(errs, m.close())
		}
	}
	for _, n := range []*node.Node{w.client, w.server, w.hub} {
		if n != nil {
			errs = append(errs, n.Close())
		}
	}
	return errors.Join(errs...)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, fmt.Errorf("find a port: %w", err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
