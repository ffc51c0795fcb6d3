package node

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"time"

	"meshchatx/rns"
)

// Register adds a local destination. Its own ratchets, if any, are loaded; a damaged ratchet file is an error, because going
// on without it would lose keys that others use. spec: rns-core §5.3
func (n *Node) Register(c DestinationConfig) (*Destination, error) {
	d := &Destination{
		node: n, conf: c, inbox: newSerial(&n.crew, n.cfg.Params.CallbackBacklog), work: newSerial(&n.crew, 256),
		requests: make(map[rns.Addr]RequestHandler), answers: make(map[string]pathAnswer),
	}
	switch {
	case c.GroupKey != nil:
		token, err := rns.NewToken(c.GroupKey)
		if err != nil {
			return nil, fmt.Errorf("register %s: %w", c.Name, err)
		}
		d.kind, d.group = rns.DestGroup, token
	case c.Identity == nil:
		d.kind = rns.DestPlain
	}
	if c.Identity == nil {
		d.addr = rns.PlainHash(c.Name)
	} else {
		d.addr = rns.DestinationHash(c.Name, c.Identity.Hash())
	}
	for _, h := range c.Requests {
		d.requests[rns.RequestPathHash(h.Path)] = h
	}
	if c.Ratchets.Name != "" {
		if c.Identity == nil {
			return nil, fmt.Errorf("register %s with ratchets: %w", c.Name, ErrNeedsIdentity)
		}
		ring, err := n.openRatchets(c.Identity, c.Ratchets)
		if err != nil {
			return nil, fmt.Errorf("register %s: %w", c.Name, err)
		}
		d.ratchets = ring
	}
	return d, n.register(d)
}

func (n *Node) register(d *Destination) error {
	rerr, err := ask(context.Background(), n, func(time.Time) error {
		if _, taken := n.dests[d.addr]; taken {
			return ErrRegistered
		}
		if err := n.m.RegisterDestination(d.addr, d.kind); err != nil {
			return fmt.Errorf("%w: %w", ErrRegistered, err)
		}
		n.dests[d.addr] = d
		n.registered(d)
		return nil
	})
	if err = errors.Join(err, rerr); err != nil {
		return fmt.Errorf("register %s: %w", d.conf.Name, err)
	}
	return nil
}

func (n *Node) deregister(ctx context.Context, d *Destination) error {
	_, err := ask(ctx, n, func(time.Time) struct{} {
		if n.dests[d.addr] == d {
			delete(n.dests, d.addr)
			n.m.DeregisterDestination(d.addr)
		}
		return struct{}{}
	})
	return err
}

// Destination returns a registered destination.
func (n *Node) Destination(ctx context.Context, addr rns.Addr) (*Destination, bool) {
	d, err := ask(ctx, n, func(time.Time) *Destination { return n.dests[addr] })
	return d, err == nil && d != nil
}

// ratchetRing holds the own ratchets of a destination, newest first. It is safe for concurrent use; a nil ring is that of a
// destination without ratchets. spec: rns-core §4.2
type ratchetRing struct {
	node    *Node
	owner   *rns.Identity
	conf    Ratchets
	storage Storage

	mu      sync.Mutex
	keys    []rns.RatchetPrivate
	rotated time.Time
}

// openRatchets loads the ratchets of a destination, or begins without any.
func (n *Node) openRatchets(owner *rns.Identity, c Ratchets) (*ratchetRing, error) {
	r := &ratchetRing{node: n, owner: owner, conf: c, storage: c.Storage}
	if r.storage == nil {
		r.storage = n.env.storage
	}
	if r.conf.Interval <= 0 {
		r.conf.Interval = n.cfg.Params.RatchetInterval
	}
	if r.conf.Retained <= 0 {
		r.conf.Retained = n.cfg.Params.RetainedRatchets
	}
	b, err := r.storage.Read(c.Name)
	if errors.Is(err, fs.ErrNotExist) {
		return r, r.storage.Write(c.Name, rns.AppendRatchetFile(nil, owner, nil))
	}
	if err != nil {
		return nil, fmt.Errorf("read ratchets: %w", err)
	}
	if r.keys, err = rns.ParseRatchetFile(b, owner.Public()); err != nil {
		return nil, fmt.Errorf("read ratchets: %w", err)
	}
	return r, nil
}

// all is the list of keys to try. It must not be changed.
func (r *ratchetRing) all() []rns.RatchetPrivate {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys
}

// newest is the public key that others encrypt to, nil before the first rotation.
func (r *ratchetRing) newest() *rns.RatchetPublic {
	keys := r.all()
	if len(keys) == 0 {
		return nil
	}
	public := keys[0].Public()
	return &public
}

func (r *ratchetRing) policy() rns.RatchetPolicy {
	if r == nil {
		return rns.RatchetsOptional
	}
	return r.conf.Enforce
}

// current rotates if it is time, and returns the newest public key. A new key is on disk before it is returned, or messages
// encrypted to it would be lost after a crash.
func (r *ratchetRing) current(now time.Time, rot rotation) (*rns.RatchetPublic, error) {
	if r == nil {
		return nil, nil //nolint:nilnil // no ratchets, no error
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if rot == rotateNow || len(r.keys) == 0 || r.rotated.IsZero() || now.After(r.rotated.Add(r.conf.Interval)) {
		key, err := rns.NewRatchet(r.node.env.rand)
		if err != nil {
			return nil, fmt.Errorf("make ratchet: %w", err)
		}
		keys := append([]rns.RatchetPrivate{key}, r.keys...)
		keys = keys[:min(len(keys), r.conf.Retained)]
		if err := r.storage.Write(r.conf.Name, rns.AppendRatchetFile(nil, r.owner, keys)); err != nil {
			return nil, fmt.Errorf("store ratchets: %w", err)
		}
		r.keys, r.rotated = keys, now
	}
	public := r.keys[0].Public()
	return &public, nil
}

// rotation says when to rotate.
type rotation uint8

const (
	rotateWhenDue rotation = iota
	rotateNow
)

// RotateRatchet makes and stores a new ratchet, to be announced next.
func (d *Destination) RotateRatchet() error {
	if d.ratchets == nil {
		return ErrNeedsIdentity
	}
	_, err := d.ratchets.current(d.node.env.now(), rotateNow)
	return err
}
