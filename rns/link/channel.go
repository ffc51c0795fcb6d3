package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
)

// ErrNotReady means that the channel's window is full; [ChannelReady] follows.
var ErrNotReady = fmt.Errorf("channel not ready: %w", rns.VerdictWindowFull)

// Outlet is what a [Channel] sends through: a link, or a fake in tests. Every call makes a new packet.
type Outlet interface {
	// Transmit encrypts and sends an envelope and returns the hash of the packet, which a proof will name.
	Transmit(now time.Time, envelope []byte) (rns.Hash, error)
}

// Message is a received channel message.
type Message struct {
	Type     uint16
	Sequence uint16
	Data     []byte
}

// Channel sends messages reliably and in order over packets that are proved. A link has at most one; see
// [Link.OpenChannel]. Not safe for concurrent use. spec: rns-link §9
type Channel struct {
	params ChannelParams
	rtt    time.Duration
	mdu    int // largest data of a message
	window channelWindow

	nextTx uint16
	ring   []*flying // not proved, in order of sequence
	own    ownPackets

	nextRx   uint16
	buffered map[uint16]buffered // ahead of nextRx
	unread   []Message
}

// flying is a message in flight.
type flying struct {
	sequence uint16
	envelope []byte
	packet   rns.Hash // of the latest transmission
	tries    int
	sent     time.Time
	timeout  time.Duration
}

func (f *flying) due() time.Time { return f.sent.Add(f.timeout) }

// buffered is a message that arrived ahead of its turn; a discarded one only takes its turn.
type buffered struct {
	message Message
	discard bool
}

// ownPackets are the latest packets that a channel transmitted. Both ends of a link use the same keys, so an echo of the medium
// looks like a packet of the peer. Packet filters let packets of channels pass. spec: rns-core §11.4
//
// The beginnings of the hashes are enough: a packet taken for an echo by chance is repeated with another hash.
//
// differs: the reference takes an echo for the message of its peer with the same number.
type ownPackets struct {
	hashes [64]uint64 // more than a window
	next   int
}

func (o *ownPackets) add(h rns.Hash) {
	o.hashes[o.next%len(o.hashes)] = binary.LittleEndian.Uint64(h[:])
	o.next++
}

func (o *ownPackets) has(h rns.Hash) bool {
	return slices.Contains(o.hashes[:min(o.next, len(o.hashes))], binary.LittleEndian.Uint64(h[:]))
}

// NewChannel makes a channel for packets with this MDU and round-trip time.
func NewChannel(p ChannelParams, mdu int, rtt time.Duration) *Channel {
	return &Channel{
		params: p, rtt: rtt, mdu: min(mdu-envelopeHeader, 0xFFFF), window: newChannelWindow(&p, rtt),
		buffered: make(map[uint16]buffered),
	}
}

// MDU is the largest data of one message in bytes.
func (c *Channel) MDU() int { return c.mdu }

// Ready reports whether another message may be sent.
//
// differs: the reference goes on while an early message is still being repeated, and its receivers prove and drop what is
// too far ahead of that one. The oldest unproved message therefore also limits how far the sender gets.
func (c *Channel) Ready() bool {
	return len(c.ring) < c.window.size &&
		(len(c.ring) == 0 || int(c.nextTx-c.ring[0].sequence) <= c.params.MaxAhead)
}

// Send sends a message and returns its sequence number. Errors are [ErrTooLarge], [ErrNotReady] and those of the outlet, after
// which the sequence number is free again. spec: rns-link §9.2
func (c *Channel) Send(now time.Time, o Outlet, msgType uint16, data []byte) (uint16, error) {
	if len(data) > c.mdu {
		return 0, fmt.Errorf("%d bytes: %w", len(data), ErrTooLarge)
	}
	if !c.Ready() {
		return 0, ErrNotReady
	}
	f := &flying{sequence: c.nextTx, tries: 1, sent: now}
	f.envelope = Envelope{Type: msgType, Sequence: f.sequence, Data: data}.Append(make([]byte, 0, envelopeHeader+len(data)))
	packet, err := o.Transmit(now, f.envelope)
	if err != nil {
		return 0, err
	}
	f.packet = packet
	c.own.add(packet)
	c.nextTx++
	c.ring = append(c.ring, f)
	c.raiseTimeouts()
	return f.sequence, nil
}

// raiseTimeouts adapts running timeouts to the length of the ring; they never get shorter.
func (c *Channel) raiseTimeouts() {
	for _, f := range c.ring {
		f.timeout = max(f.timeout, c.params.Timeout(f.tries, c.rtt, len(c.ring)))
	}
}

// awaits reports whether a proof of this packet is of use.
func (c *Channel) awaits(packet rns.Hash) bool {
	return slices.ContainsFunc(c.ring, func(f *flying) bool { return f.packet == packet })
}

// Proved takes the proof of a packet. It returns the sequence number of the message it delivered; ok is false for packets
// that are not awaited, earlier transmissions among them.
func (c *Channel) Proved(packet rns.Hash) (sequence uint16, ok bool) {
	for i, f := range c.ring {
		if f.packet == packet {
			c.ring = slices.Delete(c.ring, i, i+1)
			c.window.delivered(&c.params, c.rtt)
			return f.sequence, true
		}
	}
	return 0, false
}

// Deadline is when [Channel.Expire] has something to do, zero for never.
func (c *Channel) Deadline() time.Time {
	var m time.Time
	for _, f := range c.ring {
		m = earliest(m, f.due())
	}
	return m
}

// Expire retransmits what was not proved in time. The error is [ErrChannelFailed] when a message has had its last try, or
// that of the outlet.
func (c *Channel) Expire(now time.Time, o Outlet) error {
	for _, f := range c.ring {
		if now.Before(f.due()) {
			continue
		}
		if err := c.resend(now, o, f); err != nil {
			return err
		}
	}
	return nil
}

// resend transmits a message once more, as a new packet.
func (c *Channel) resend(now time.Time, o Outlet, f *flying) error {
	if f.tries >= c.params.MaxTries {
		return fmt.Errorf("message %d: %w", f.sequence, ErrChannelFailed)
	}
	packet, err := o.Transmit(now, f.envelope)
	if err != nil {
		return err
	}
	c.own.add(packet)
	f.packet, f.sent, f.timeout = packet, now, 0
	f.tries++
	c.raiseTimeouts()
	c.window.timedOut()
	return nil
}

// Receive takes the plaintext of a CHANNEL packet. The packet must be proved, duplicates too, unless the verdict is
// [rns.VerdictOverload] because too much is unread, or [rns.VerdictOutsideWindow] because the message is too far ahead: then
// the peer should try again. spec: rns-link §9.4
//
// differs: a message that cannot be decoded takes its turn and is discarded; in the reference it stalls the channel. The
// reference proves what is too far ahead, and so loses it.
func (c *Channel) Receive(envelope []byte) rns.Verdict {
	e, err := ParseEnvelope(envelope)
	if errors.Is(err, rns.VerdictTooShort) {
		return rns.VerdictTooShort
	}
	switch ahead := int(e.Sequence - c.nextRx); {
	case ahead >= 1<<15:
		return rns.VerdictAlreadyHeld
	case ahead > c.params.MaxAhead:
		return rns.VerdictOutsideWindow
	}
	if _, dup := c.buffered[e.Sequence]; dup {
		return rns.VerdictAlreadyHeld
	}
	if len(c.unread)+len(c.buffered) >= c.params.MaxUnread {
		return rns.VerdictOverload
	}
	c.buffered[e.Sequence] = buffered{
		message: Message(e), discard: err != nil,
	}
	for {
		b, ok := c.buffered[c.nextRx]
		if !ok {
			break
		}
		delete(c.buffered, c.nextRx)
		c.nextRx++
		if !b.discard {
			c.unread = append(c.unread, b.message)
		}
	}
	if err != nil {
		return rns.VerdictMalformed
	}
	return rns.VerdictDelivered
}

// Read returns the next message; ok is false if there is none.
func (c *Channel) Read() (m Message, ok bool) {
	if len(c.unread) == 0 {
		return Message{}, false
	}
	m = c.unread[0]
	c.unread[0] = Message{}
	c.unread = c.unread[1:]
	return m, true
}
