package rnx

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/internal/tools/stack"
	"meshchatx/rns/node"
)

// Why there is no result.
var (
	// ErrRequest means that the request was not delivered.
	ErrRequest = errors.New("remote execution could not be requested")
	// ErrNoResult means that no result came in time; usually this identity is not allowed to ask.
	ErrNoResult = errors.New("no result was received")
	// ErrReceive means that the result broke off on its way.
	ErrReceive = errors.New("receiving the result failed")
	// ErrNotRun means that the server could not start the command.
	ErrNotRun = errors.New("the remote could not execute the command")
)

// grace is added to the time a command may take. maxResult bounds a result in bytes.
const (
	grace     = 2 * time.Second
	maxResult = 64 << 20
)

// Client sends commands to a server over one link. Close it. It is not safe for concurrent use.
type Client struct {
	peer stack.Peer
	node *node.Node
	link *node.Link
}

// Dial opens a link to a server. Errors are those of stack.Link.
func Dial(ctx context.Context, n *node.Node, p stack.Peer) (*Client, error) {
	p.Name = DestinationName
	c := &Client{peer: p, node: n}
	return c, c.open(ctx)
}

func (c *Client) open(ctx context.Context) error {
	if c.link != nil && c.link.State() == node.LinkActive {
		return nil
	}
	l, err := stack.Link(ctx, c.node, c.peer, node.LinkHandler{})
	if err == nil {
		c.link = l
	}
	return err
}

// Close ends the link.
func (c *Client) Close() {
	if c.link != nil {
		c.link.Close()
	}
}

// Answer is a result with what its way took.
type Answer struct {
	Result
	// Took is the time from the request to the whole result.
	Took time.Duration
	// Size is the size of the result in bytes.
	Size int64
}

// Execute asks for a command and waits for its result, for which download bounds the time it may take to arrive, 0 for no
// bound. The link is opened again if it has ended. Errors are those of stack.Link, ErrRequest, ErrNoResult, ErrReceive,
// ErrNotRun and ErrMessage.
func (c *Client) Execute(ctx context.Context, cmd Command, download time.Duration, progress func(node.RequestStatus)) (Answer, error) {
	if err := c.open(ctx); err != nil {
		return Answer{}, err
	}
	c.peer.Told(stack.StepAsk)
	wait := stack.DefaultTimeout
	if cmd.Timeout > 0 {
		wait = cmd.Timeout
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var late *time.Timer // of the callbacks
	o := node.RequestOptions{
		Timeout: wait + 4*c.link.RTT() + grace, MaxResponseSize: maxResult,
		OnProgress: func(s node.RequestStatus) {
			if s.State == node.RequestReceiving && download > 0 && late == nil {
				late = time.AfterFunc(download, func() { cancel(ErrReceive) })
			}
			if progress != nil {
				progress(s)
			}
		},
	}
	r, err := c.link.Request(ctx, requestPath, cmd.Value(), o)
	if err != nil {
		return Answer{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	s, err := r.Wait(ctx)
	if err != nil {
		return Answer{}, c.failure(ctx, r, err)
	}
	result, err := ParseResult(s.Response)
	if err != nil {
		return Answer{}, err
	}
	if !result.Executed {
		return Answer{}, ErrNotRun
	}
	return Answer{Result: result, Took: s.Concluded.Sub(s.Sent), Size: s.Size}, nil
}

// failure says why there is no result.
func (c *Client) failure(ctx context.Context, r *node.RequestReceipt, err error) error {
	s := r.Status()
	if ctx.Err() != nil {
		_ = r.Cancel(context.WithoutCancel(ctx))
		return context.Cause(ctx)
	}
	switch {
	case errors.Is(err, node.ErrLinkClosed):
		return fmt.Errorf("%w: the link was closed", ErrRequest)
	case s.Size > 0:
		return fmt.Errorf("%w: %w", ErrReceive, err)
	}
	return fmt.Errorf("%w: %w", ErrNoResult, err)
}
