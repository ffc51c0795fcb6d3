package lxmd

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"meshchatx/internal/keyfile"
	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Params are the times and bounds of a daemon. DefaultParams fills them.
type Params struct {
	// StartDelay is how long after the start the messenger announces itself, so that interfaces are connected.
	StartDelay time.Duration
	// HookTime bounds one run of the command, HookQueue the messages that wait for it.
	HookTime  time.Duration
	HookQueue int
	// Node are those of the propagation node.
	Node propagation.Params
}

// DefaultParams returns the values of the protocol and of this implementation. spec: lxmf §9.1
func DefaultParams() Params {
	return Params{StartDelay: 10 * time.Second, HookTime: 5 * time.Minute, HookQueue: 10_000, Node: propagation.DefaultParams()}
}

// Options say what a daemon works with. Node, Dir and Log must be set.
type Options struct {
	Node *node.Node
	// Dir is the directory of the daemon.
	Dir    string
	Config Config
	Log    *slog.Logger
	// Params; zero ones take the defaults.
	Params Params
}

// Daemon is a messenger and perhaps a propagation node. Use New, then Serve. It is safe for concurrent use.
type Daemon struct {
	o      Options
	id     *rns.Identity
	router *router.Router
	node   *propagation.Node // nil for none
	hook   *hook
}

// Identity reads the identity of a directory, and makes one if there is none.
func Identity(dir string) (*rns.Identity, error) {
	name := filepath.Join(dir, IdentityName)
	id, err := keyfile.Read(name)
	if !errors.Is(err, fs.ErrNotExist) {
		return id, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if id, err = rns.NewIdentity(rand.Reader); err != nil {
		return nil, err
	}
	err = keyfile.Create(name, id)
	if errors.Is(err, fs.ErrExist) { // another one was faster
		return keyfile.Read(name)
	}
	return id, err
}

// New reads what the directory has. The daemon is not heard before Serve.
func New(ctx context.Context, o Options) (*Daemon, error) {
	if o.Params.HookTime == 0 {
		o.Params = DefaultParams()
	}
	d := &Daemon{o: o}
	var err error
	if d.id, err = Identity(o.Dir); err != nil {
		return nil, fmt.Errorf("identity: %w", err)
	}
	if d.hook, err = newHook(o.Config.OnInbound, o.Params, o.Log); err != nil {
		return nil, fmt.Errorf("%w: on_inbound: %w", ErrConfig, err)
	}
	messages := filepath.Join(o.Dir, "storage", "messages")
	if err := os.MkdirAll(messages, 0o700); err != nil {
		return nil, err
	}
	kept := node.NewDirStorage(filepath.Join(o.Dir, "storage", "lxmf"))
	remembered, err := openState(ctx, kept, o.Node.Now(), o.Log)
	if err != nil {
		return nil, err
	}
	if err := d.newRouter(messages, kept, remembered); err != nil {
		return nil, err
	}
	if o.Config.Node {
		err = d.newNode(kept)
	}
	return d, err
}

func (d *Daemon) newRouter(messages string, kept node.Storage, remembered *state) (err error) {
	c := &d.o.Config
	d.router, err = router.New(router.Config{
		Node: d.o.Node, Identity: d.id, Inbox: &inbox{messages, d.hook, d.o.Log}, State: remembered,
		DisplayName:   func() string { return c.DisplayName },
		StampCost:     func() int { return c.StampCost },
		EnforceStamps: func() bool { return c.StampCost > 0 },
		DeliveryLimit: func() int64 { return c.DeliveryLimit },
		Ignored:       func(source rns.Addr) bool { return slices.Contains(c.Ignored, source) },
		Ratchets:      node.Ratchets{Storage: kept, Name: "ratchets/" + lxmf.DeliveryHash(d.id.Hash()).Hex() + ".ratchets"},
		SpoolDir:      filepath.Join(d.o.Dir, "storage", "spool"),
	})
	return err
}

func (d *Daemon) newNode(kept node.Storage) (err error) {
	p := d.o.Params.Node
	p.AnnounceInterval, p.AnnounceAtStart = d.o.Config.NodeAnnounce.Interval, propagation.Choice(d.o.Config.NodeAnnounce.AtStart)
	if bool(d.o.Config.Settings.Auth) && len(d.o.Config.Settings.Allowed) == 0 {
		d.o.Log.Warn("only listed identities are served, and none is listed: nobody will get messages", "file", filepath.Join(d.o.Dir, allowedName))
	}
	d.node, err = propagation.New(propagation.Config{
		Node: d.o.Node, Identity: d.id, Settings: d.o.Config.Settings, Params: p, State: kept,
		Files:   propagation.NewDirFiles(filepath.Join(d.o.Dir, "storage", "lxmf", "messagestore")),
		Local:   d.local,
		OnEvent: d.logEvent,
	})
	return err
}

// local gives messages for this messenger to it. One that cannot be opened is no use to anybody else. spec: lxmf §9.7
func (d *Daemon) local(sealed []byte) (mine bool, err error) {
	if rns.Addr(sealed[:rns.AddrSize]) != d.router.Address() {
		return false, nil
	}
	out, err := d.router.Ingest(context.Background(), sealed, lxmf.MethodPropagated)
	d.o.Log.Debug("message for this messenger", "outcome", out.String(), "error", err)
	return true, err
}

// Addr is the address of the messenger.
func (d *Daemon) Addr() rns.Addr { return d.router.Address() }

// NodeAddr is the address of the propagation node, zero without one.
func (d *Daemon) NodeAddr() rns.Addr {
	if d.node == nil {
		return rns.Addr{}
	}
	return d.node.Addr()
}

// Serve runs the daemon until ctx ends or a part of it fails; nothing of it is left when it returns. It can be called once.
func (d *Daemon) Serve(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	var failed [2]error
	run := func(out *error, serve func(context.Context) error) {
		parts.Go(func() {
			defer stop()
			if err := serve(ctx); !errors.Is(err, context.Canceled) {
				*out = err
			}
		})
	}
	run(&failed[0], d.router.Serve)
	if d.node != nil {
		run(&failed[1], d.node.Serve)
	}
	parts.Go(func() { d.hook.serve(ctx) })
	parts.Go(func() { d.announce(ctx) })
	parts.Wait()
	return errors.Join(failed[:]...)
}

// announce announces the messenger as configured.
func (d *Daemon) announce(ctx context.Context) {
	a := d.o.Config.Announce
	if !a.AtStart && a.Interval == 0 {
		return
	}
	next := d.o.Params.StartDelay
	if !a.AtStart {
		next = a.Interval
	}
	for {
		timer := time.NewTimer(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return
		}
		if err := d.router.Announce(ctx); err != nil {
			d.o.Log.Warn("messenger is not announced", "error", err)
		}
		if next = a.Interval; next == 0 {
			return
		}
	}
}

// logEvent logs what the propagation node does.
func (d *Daemon) logEvent(e propagation.Event) {
	log := d.o.Log.With("event", e.Kind.String())
	if !e.Peer.IsZero() {
		log = log.With("peer", e.Peer)
	}
	switch e.Kind {
	case propagation.EventStorage:
		log.Error("propagation node", "error", e.Err)
	case propagation.EventRefused:
		log.Warn("propagation node", "reason", e.Err)
	case propagation.EventSync:
		log.Info("propagation node", "messages", e.Count, "error", e.Err)
	case propagation.EventStored, propagation.EventServed, propagation.EventCleaned:
		log.Info("propagation node", "messages", e.Count)
	case propagation.EventPeers:
		log.Info("propagation node")
	}
}
