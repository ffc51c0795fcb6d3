package link

import (
	"time"

	"meshchatx/rns"
)

// linkOutlet lets the channel of a link send through it.
type linkOutlet struct{ l *Link }

func (o linkOutlet) Transmit(now time.Time, envelope []byte) (rns.Hash, error) {
	f, err := o.l.encrypt(rns.ContextChannel, envelope)
	if err != nil {
		return rns.Hash{}, err
	}
	o.l.behindHeld(now, func(now time.Time) { o.l.emitFrame(now, f) })
	return f.Hash, nil
}

// OpenChannel opens the channel of the link. Messages that arrived before were not proved, so the peer sends them again.
// Opening twice does nothing. Errors are [ErrClosed] and [ErrNotActive]. spec: rns-link §9.1
func (l *Link) OpenChannel() error {
	if err := l.usable(); err != nil {
		return err
	}
	if l.channel == nil {
		l.channel = NewChannel(l.params.Channel, l.MDU(), l.timing.rtt)
	}
	return nil
}

// SendMessage sends a message on the open channel and returns its sequence number, which [MessageDelivered] names when the
// peer has proved it. The peer must know the type. Errors are [ErrNotReady], [ErrTooLarge], [ErrClosed] and [ErrNotActive].
func (l *Link) SendMessage(now time.Time, msgType uint16, data []byte) (uint16, *Effects, error) {
	fx := l.begin()
	if err := l.channelUsable(); err != nil {
		return 0, fx, err
	}
	seq, err := l.channel.Send(now, linkOutlet{l}, msgType, data)
	l.streams.blocked = l.streams.blocked || err != nil || !l.channel.Ready()
	return seq, fx, err
}

func (l *Link) channelUsable() error {
	if err := l.usable(); err != nil {
		return err
	}
	if l.channel == nil {
		return ErrNotActive
	}
	return nil
}

// ReadMessage returns the next message of the channel; ok is false if there is none. It works after the link has closed, too.
// See [ChannelReadable].
func (l *Link) ReadMessage() (m Message, ok bool) {
	if l.channel == nil {
		return Message{}, false
	}
	return l.channel.Read()
}

// ChannelReady reports whether [Link.SendMessage] would accept a message.
func (l *Link) ChannelReady() bool { return l.channelUsable() == nil && l.channel.Ready() }

// channelReceived takes a channel packet and proves it. An echo of an own one is [rns.VerdictDuplicate].
// spec: rns-link §9.4, rns-core §11.4
func (l *Link) channelReceived(now time.Time, r received) rns.Verdict {
	if l.channel == nil {
		return rns.VerdictFeatureOff
	}
	hash := r.hash()
	if l.channel.own.has(hash) {
		return rns.VerdictDuplicate
	}
	before := len(l.channel.unread)
	v := l.channel.Receive(r.plaintext)
	if v != rns.VerdictOverload && v != rns.VerdictOutsideWindow {
		l.answer(now, now, func(now time.Time) { l.sendProof(now, hash) })
	}
	if before == 0 && len(l.channel.unread) > 0 {
		l.fx.emit(ChannelReadable{})
	}
	return v
}

// channelProved concludes a message and lets the next one go.
func (l *Link) channelProved(now time.Time, packet rns.Hash) {
	if seq, ok := l.channel.Proved(packet); ok {
		l.fx.emit(MessageDelivered{Sequence: seq})
	}
	l.pumpStreams(now)
	if l.streams.blocked && l.channel.Ready() {
		l.streams.blocked = false
		l.fx.emit(ChannelReady{})
	}
}

func (l *Link) channelDeadline() time.Time {
	if l.channel == nil || l.state == Dead {
		return time.Time{}
	}
	return l.channel.Deadline()
}

func (l *Link) expireChannel(now time.Time) {
	if l.channel == nil {
		return
	}
	if err := l.channel.Expire(now, linkOutlet{l}); err != nil {
		l.endOurs(now, err)
	}
}

// endChannel stops the channel. What was delivered in order can still be read.
func (l *Link) endChannel() {
	if l.channel != nil {
		l.channel.ring, l.channel.buffered = nil, nil
	}
	l.streams = streams{}
}
