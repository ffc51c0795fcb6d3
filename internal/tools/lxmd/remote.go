package lxmd

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// Remote asks the propagation node of a daemon as one of its operators. The zero value is not useful.
type Remote struct {
	Node *node.Node
	// Identity is the operator's.
	Identity *rns.Identity
	// Target is the identity of the daemon's.
	Target rns.Addr
	// Timeout bounds a question as a whole.
	Timeout time.Duration
	// OnStep, if set, is told how far it is.
	OnStep func(stack.Step)
}

// Errors of asking. Those of finding the node come on top, and lxmf.ErrorCode for what it refuses.
var (
	// ErrTimeout means that no answer came in time. A node that does not know the operator says nothing either.
	ErrTimeout = errors.New("no answer in time")
	// ErrAnswer means that the answer is not what the question has.
	ErrAnswer = errors.New("answer makes no sense")
)

// Find names the identity behind the propagation destination of a node.
func Find(ctx context.Context, n *node.Node, addr rns.Addr, timeout time.Duration) (rns.Addr, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, ErrTimeout)
	defer cancel()
	_, known, err := stack.Find(ctx, n, stack.Peer{Addr: addr, Name: lxmf.PropagationName})
	if err != nil {
		return rns.Addr{}, err
	}
	return known.Public.Hash(), nil
}

// Sync has the node synchronise with a peer now. spec: lxmf §13
func (r *Remote) Sync(ctx context.Context, peer rns.Addr) error {
	return r.command(ctx, lxmf.PathSync, peer)
}

// Unpeer has the node leave a peer. spec: lxmf §13
func (r *Remote) Unpeer(ctx context.Context, peer rns.Addr) error {
	return r.command(ctx, lxmf.PathUnpeer, peer)
}

func (r *Remote) command(ctx context.Context, path string, peer rns.Addr) error {
	v, err := r.ask(ctx, path, msgpack.Bin(peer[:]))
	if err != nil {
		return err
	}
	if done, ok := v.Bool(); !ok || !done {
		return fmt.Errorf("%w: %v", ErrAnswer, v)
	}
	return nil
}

// Stats asks for statistics. spec: lxmf §13
func (r *Remote) Stats(ctx context.Context) (Report, error) {
	v, err := r.ask(ctx, lxmf.PathStats, msgpack.Nil())
	if err != nil {
		return Report{}, err
	}
	return ParseReport(v)
}

func (r *Remote) ask(ctx context.Context, path string, data msgpack.Value) (msgpack.Value, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout, ErrTimeout)
	defer cancel()
	l, err := stack.Link(ctx, r.Node, stack.Peer{
		Addr: rns.DestinationHash(lxmf.ControlName, r.Target), Name: lxmf.ControlName, Identity: r.Identity, Timeout: r.Timeout, OnStep: r.OnStep,
	}, node.LinkHandler{})
	if err != nil {
		return msgpack.Value{}, r.late(ctx, err)
	}
	defer l.Close()
	if r.OnStep != nil {
		r.OnStep(stack.StepAsk)
	}
	v, err := l.RequestValue(ctx, path, data, node.RequestOptions{Timeout: r.Timeout})
	if err != nil {
		return v, r.late(ctx, err)
	}
	if code, ok := v.Uint(); ok {
		return v, lxmf.ErrorCode(min(code, 0xFF))
	}
	if v.IsNil() {
		return v, fmt.Errorf("%w: it is empty", ErrAnswer)
	}
	return v, nil
}

// late tells a time that has run out from other errors.
func (r *Remote) late(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrTimeout) || errors.Is(err, rns.VerdictTimeout) {
		return fmt.Errorf("%w: %w", ErrTimeout, err)
	}
	return err
}
