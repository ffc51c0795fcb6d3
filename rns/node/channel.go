package node

import (
	"context"
	"errors"
	"time"

	"meshchatx/rns/link"
)

// channelSide is what the node keeps of a link's channel. It belongs to the link's goroutine.
type channelSide struct {
	open    bool
	reading bool // a message is with the application
	ready   chan struct{}
	sent    map[uint16]chan struct{}
	streams map[uint16]*Stream
}

// OpenChannel opens the channel of an established link: from now on OnMessage receives messages, and SendMessage sends
// them. Opening twice does nothing. spec: rns-link §9.1
func (l *Link) OpenChannel(ctx context.Context) error {
	merr, err := linkAsk(ctx, l, func(time.Time) error { return l.openChannel() })
	return errors.Join(err, merr)
}

func (l *Link) openChannel() error {
	if err := l.m.OpenChannel(); err != nil {
		return err
	}
	if !l.channel.open {
		l.channel = channelSide{
			open: true, ready: make(chan struct{}), sent: make(map[uint16]chan struct{}),
			streams: make(map[uint16]*Stream),
		}
	}
	return nil
}

// SendMessage sends a message on the open channel, when its window has room. The returned channel is closed when the peer
// has proved the message, and also when the link ends. spec: rns-link §9.2
func (l *Link) SendMessage(ctx context.Context, m ChannelMessage) (<-chan struct{}, error) {
	var delivered chan struct{}
	err := l.whenReady(ctx, func(now time.Time) (*link.Effects, error) {
		seq, fx, err := l.m.SendMessage(now, m.Type, m.Data)
		if err == nil {
			delivered = make(chan struct{})
			l.channel.sent[seq] = delivered
		}
		return fx, err
	})
	return delivered, err
}

// whenReady repeats a call that fails with link.ErrNotReady when the channel is ready again.
func (l *Link) whenReady(ctx context.Context, f func(now time.Time) (*link.Effects, error)) error {
	for {
		var ready chan struct{}
		err := l.do(ctx, func(now time.Time) (*link.Effects, error) {
			ready = l.channel.ready
			return f(now)
		})
		if !errors.Is(err, link.ErrNotReady) {
			return err
		}
		select {
		case <-ready:
		case <-l.done:
			return l.closedErr()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// channelReady wakes those who wait for the window.
func (l *Link) channelReady() {
	if l.channel.open {
		close(l.channel.ready)
		l.channel.ready = make(chan struct{})
	}
}

// messageDelivered tells the sender of a message that it was proved.
func (l *Link) messageDelivered(e link.MessageDelivered) {
	if c, ok := l.channel.sent[e.Sequence]; ok {
		delete(l.channel.sent, e.Sequence)
		close(c)
	}
}

// readChannel gives the next message to its stream or to the application, one at a time: what is not read yet is not
// proved when too much of it waits, which slows the peer down. It runs on the link's goroutine.
func (l *Link) readChannel() {
	for !l.channel.reading {
		m, ok := l.m.ReadMessage()
		if !ok {
			return
		}
		if s, ok := l.toStream(m); ok {
			l.channel.reading = s.full()
			continue
		}
		l.channel.reading = true
		l.calls.do(func() {
			if f := l.handler.OnMessage; f != nil {
				f(l, ChannelMessage{Type: m.Type, Data: m.Data})
			}
			l.inbox.call(func(time.Time) {
				l.channel.reading = false
				l.readChannel()
			})
		})
	}
}

// closeChannel releases those who wait when the link has ended.
func (l *Link) closeChannel() {
	if !l.channel.open {
		return
	}
	close(l.channel.ready)
	for _, c := range l.channel.sent {
		close(c)
	}
	for _, s := range l.channel.streams {
		s.end(ErrLinkClosed)
	}
	l.channel = channelSide{}
}
