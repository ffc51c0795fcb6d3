package stack

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

// DefaultTimeout is how long a path and a link are waited for. spec: rns-core §15.2
const DefaultTimeout = 15 * time.Second

// Errors of reaching somebody.
var (
	// ErrOther means that an address does not belong to the destination a tool talks to.
	ErrOther = errors.New("address is that of another kind of destination")
	// ErrNoLink means that no link came about in time.
	ErrNoLink = errors.New("no link could be established")
)

// Step is how far reaching somebody has come.
type Step uint8

// The steps, in order.
const (
	// StepPath asks the network for a path. It is left out if one is known.
	StepPath Step = iota
	// StepLink establishes a link.
	StepLink
	// StepAsk sends what the tool is for: a request, or the offer of a file.
	StepAsk
	// StepTransfer transfers.
	StepTransfer
)

// Peer says whom to reach and how.
type Peer struct {
	Addr rns.Addr
	// Name is the full name of the destination: an address that belongs to another is refused.
	Name string
	// Identity is proved to the peer once the link is there, unless it is nil.
	Identity *rns.Identity
	// Timeout bounds the wait for path and link together, 0 for DefaultTimeout.
	Timeout time.Duration
	// OnStep, if set, is told how far it is.
	OnStep func(Step)
}

// Told tells a step to whoever wants to know.
func (p Peer) Told(s Step) {
	if p.OnStep != nil {
		p.OnStep(s)
	}
}

// Find waits for a path and the keys of the peer. Errors are node.ErrNoPath, node.ErrUnknownIdentity and ErrOther.
func Find(ctx context.Context, n *node.Node, p Peer) (node.Path, node.Known, error) {
	if !n.HasPath(ctx, p.Addr) {
		p.Told(StepPath)
		if _, err := n.AwaitPath(ctx, p.Addr); err != nil {
			return node.Path{}, node.Known{}, err
		}
	}
	known, err := n.Recall(ctx, p.Addr)
	if err != nil {
		return node.Path{}, known, err
	}
	if p.Name != "" && rns.DestinationHash(p.Name, known.Public.Hash()) != p.Addr {
		return node.Path{}, known, fmt.Errorf("%w: %s is not %s", ErrOther, p.Addr, p.Name)
	}
	path, err := n.Path(ctx, p.Addr)
	if errors.Is(err, node.ErrNoPath) && known.Local {
		err = nil
	}
	return path, known, err
}

// Link finds the peer, opens a link, and proves the identity. Close the link.
func Link(ctx context.Context, n *node.Node, p Peer, h node.LinkHandler) (*node.Link, error) {
	limit := p.Timeout
	if limit <= 0 {
		limit = DefaultTimeout
	}
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	if _, _, err := Find(within, n, p); err != nil {
		return nil, err
	}
	p.Told(StepLink)
	l, err := n.OpenLink(within, p.Addr, h)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case err != nil:
		return nil, fmt.Errorf("%w with %s: %w", ErrNoLink, p.Addr, err)
	}
	if p.Identity != nil {
		if err := l.Identify(ctx, p.Identity); err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}
