package node

import (
	"context"
	"time"

	"meshchatx/rns/link"
	"meshchatx/rns/transport"
)

// Drive runs f on the loop of the node with its transport machine and carries out the effects that f returns, nil for none.
// It is the way below the API for laboratories, tests and tools: to seed tables, to ask what the machine would do, to put an
// event into it. f must not block and must not keep the machine; a call of f that names an interface the node does not have
// has no effect outside.
func (n *Node) Drive(ctx context.Context, f func(now time.Time, m *transport.Machine) *transport.Effects) error {
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		if fx := f(now, n.m); fx != nil {
			n.apply(now, fx, nil)
		}
		return struct{}{}
	})
	return err
}

// Drive runs f on the goroutine of the link with its machine and carries out the effects that f returns, nil for none. Like
// Node.Drive it is the way below the API for laboratories, tests and tools: f must not block and must not keep the machine.
func (l *Link) Drive(ctx context.Context, f func(now time.Time, m *link.Link) (*link.Effects, error)) error {
	return l.do(ctx, func(now time.Time) (*link.Effects, error) { return f(now, l.m) })
}
