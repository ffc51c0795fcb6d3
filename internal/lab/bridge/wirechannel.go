package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
)

func channelCommands() map[string]handler {
	return map[string]handler{
		"wire_channel_send":            onPeer(channelSend),
		"wire_channel_received":        onPeer(channelReceived),
		"wire_channel_window":          onPeer(channelWindow),
		"wire_channel_inject":          onPeer(channelInject),
		"wire_channel_emit_capture":    onPeer(channelCapture),
		"wire_channel_envelope_pack":   pure(envelopePack),
		"wire_channel_timeout_formula": onPeer(channelTimeout),
		"wire_channel_profile":         onPeer(channelProfile),
		"wire_listener_proof_log":      onPeer(proofLog),
		"wire_listener_channel_rx":     onPeer(listenerChannel),
	}
}

// Numbers of the exceptions of the reference.
const (
	notReady = 3
	tooBig   = 5
)

// suiteMessage is the type of the messages of the suite.
const suiteMessage = 257

// channel opens the channel of a link that this peer opened.
func (p *peer) channel(ctx context.Context, id []byte) (*node.Link, error) {
	l, err := p.link(id)
	if err != nil {
		return nil, err
	}
	if l.State() == link.Dead {
		return l, nil
	}
	return l, l.OpenChannel(ctx)
}

// onMessage keeps channel messages of the suite that came over links this peer opened.
func (p *peer) onMessage(l *node.Link, m node.ChannelMessage) {
	if m.Type != suiteMessage {
		return
	}
	p.more.mu.Lock()
	defer p.more.mu.Unlock()
	p.more.messages[l.ID()] = append(p.more.messages[l.ID()], bin(m.Data))
}

// window is the state of the channel of a link.
func window(ctx context.Context, l *node.Link) (link.ChannelSnapshot, link.Snapshot, error) {
	s, err := l.Snapshot(ctx)
	if err != nil || s.Channel == nil {
		return link.ChannelSnapshot{}, s, err
	}
	return *s.Channel, s, nil
}

func channelSend(ctx context.Context, n *peer, p struct {
	linkParam
	Channel hexed    `json:"channel_id"`
	Drop    bool     `json:"drop_acks"`
	Fail    bool     `json:"fail_outlet"`
	Type    *uint16  `json:"msgtype"`
	Timeout *float64 `json:"timeout_ms"`
}) (any, error) {
	if p.Drop && n.fault == nil || p.Fail {
		return nil, fmt.Errorf("%w: wire_channel_send with a broken outlet", ErrUnknownCommand)
	}
	if p.Link == nil {
		p.Link = p.Channel
	}
	if p.Type != nil && *p.Type >= link.FirstSystemType {
		return nil, fmt.Errorf("%w: wire_channel_send of a system message", ErrUnknownCommand)
	}
	l, err := n.channel(ctx, p.Link)
	if err != nil {
		return nil, err
	}
	if p.Drop {
		n.fault.loseProofs(l.ID())
	}
	limit := within(p.Timeout, 20*time.Second)
	end := time.Now().Add(limit)
	sctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	before, _, err := window(ctx, l)
	if err != nil {
		return nil, err
	}
	delivered, err := l.SendMessage(sctx, node.ChannelMessage{Type: suiteMessage, Data: p.Data})
	out := obj{"tries": 0, "sequence": nil, "sent": false, "delivered": false}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		out["ready"] = false
	case errors.Is(err, node.ErrTooLarge):
		out["rejected"], out["error"], out["ce_type"] = true, err.Error(), tooBig
	case err != nil:
		out["rejected"], out["error"], out["ce_type"] = true, err.Error(), notReady
	default:
		out["sent"], out["rejected"], out["sequence"], out["tries"] = true, false, before.NextTx, 1
		out["delivered"], out["tries"] = awaitMessage(ctx, l, before.NextTx, delivered, time.Until(end))
	}
	after, s, err := window(ctx, l)
	out["next_sequence"], out["window"], out["window_max"] = after.NextTx, after.Window, after.WindowMax
	out["link_status"] = stateNumber(s.State)
	return out, err
}

// awaitMessage waits for the proof of a message, and tells how often it was sent.
func awaitMessage(ctx context.Context, l *node.Link, sequence uint16, delivered <-chan struct{}, limit time.Duration) (bool, int) {
	tries, done := 1, false
	wait(limit, func() bool {
		select {
		case <-delivered:
			done = true
		default:
		}
		if s, err := l.Snapshot(ctx); err == nil && s.Channel != nil {
			if e, ok := find(s.Channel.Ring, func(e link.RingEntry) bool { return e.Sequence == sequence }); ok {
				tries = e.Tries
			}
		}
		return done
	})
	return done && l.State() != link.Dead, tries
}

func channelReceived(_ context.Context, n *peer, p linkParam) (any, error) {
	id, err := address(p.Link)
	if err != nil {
		return nil, err
	}
	if _, ok := n.links[id]; ok {
		n.more.mu.Lock()
		defer n.more.mu.Unlock()
		out := append([]hexed{}, n.more.messages[id]...)
		delete(n.more.messages, id)
		return obj{"messages": out}, nil
	}
	for _, li := range n.listeners {
		if slices.ContainsFunc(li.incoming(), func(l *node.Link) bool { return l.ID() == id }) {
			li.mu.Lock()
			defer li.mu.Unlock()
			out := append([]hexed{}, li.inbox.messages...)
			li.inbox.messages = nil
			return obj{"messages": out}, nil
		}
	}
	return obj{"messages": []hexed{}}, nil
}

func channelWindow(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.channel(ctx, p.Link)
	if err != nil {
		return nil, err
	}
	c, s, err := window(ctx, l)
	most := 0
	ring := []obj{}
	for _, e := range c.Ring {
		ring = append(ring, obj{"sequence": e.Sequence, "tries": e.Tries})
		most = max(most, e.Tries)
	}
	return obj{
		"window": c.Window, "window_min": c.WindowMin, "window_max": c.WindowMax, "window_flexibility": c.Flexibility,
		"next_rx_sequence": c.NextRx, "next_sequence": c.NextTx, "rx_ring": c.Buffered, "tx_ring": len(c.Ring), "tx_tries": most,
		"tx_envelopes": ring, "mdu": c.MDU, "outlet_mdu": s.MDU, "message_handlers": number(s.State != link.Dead), "medium_rate_rounds": c.MediumRounds,
		"fast_rate_rounds": c.FastRounds,
	}, err
}

// fromPeer gives a link a packet as its peer would have sent it: both ends of a link have the same keys, so the link seals it
// itself and receives it instead of sending it.
func fromPeer(ctx context.Context, l *node.Link, c rns.Context, plaintext []byte, change func(raw []byte) []byte) (v rns.Verdict, err error) {
	err = l.Drive(ctx, func(now time.Time, m *link.Link) (*link.Effects, error) {
		fx, err := m.SendContext(now, c, plaintext)
		if err != nil {
			return nil, err
		}
		if len(fx.Send) == 0 {
			return nil, errNothingSent
		}
		raw := slices.Clone(fx.Send[len(fx.Send)-1].Raw)
		if change != nil {
			raw = change(raw)
		}
		packet, err := rns.ParsePacket(raw)
		if err != nil {
			return nil, err
		}
		packet.Hops++
		in := m.Receive(now, raw, packet, m.Snapshot().Interface)
		v = in.Verdict
		return in, nil
	})
	return v, err
}

var errNothingSent = errors.New("the link sent nothing")

func channelInject(ctx context.Context, n *peer, p struct {
	linkParam
	Envelopes []struct {
		Sequence int
		Data     hexed
		Type     *uint16 `json:"msgtype"`
		Raw      hexed
	}
}) (any, error) {
	l, err := n.channel(ctx, p.Link)
	if err != nil {
		return nil, err
	}
	injected := []int{}
	for _, e := range p.Envelopes {
		raw := []byte(e.Raw)
		if raw == nil {
			kind := uint16(suiteMessage)
			if e.Type != nil {
				kind = *e.Type
			}
			raw = link.Envelope{Type: kind, Sequence: uint16(e.Sequence), Data: e.Data}.Append(nil)
		}
		v, err := fromPeer(ctx, l, rns.ContextChannel, raw, nil)
		for err == nil && v == rns.VerdictOverload { // until the application has read what waits
			if err = n.node.Quiesce(ctx); err == nil {
				v, err = fromPeer(ctx, l, rns.ContextChannel, raw, nil)
			}
		}
		if err != nil {
			return nil, err
		}
		injected = append(injected, e.Sequence)
	}
	return obj{"injected": injected}, n.node.Quiesce(ctx)
}

// channelCapture sends a message and finds its packet among the frames that left.
func channelCapture(ctx context.Context, n *peer, p struct {
	linkParam
	Timeout *float64 `json:"timeout_ms"`
}) (any, error) {
	l, err := n.channel(ctx, p.Link)
	if err != nil {
		return nil, err
	}
	limit := within(p.Timeout, 15*time.Second)
	sctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	records, _ := n.tap.Since(0)
	var last uint64
	if len(records) > 0 {
		last = records[len(records)-1].Seq
	}
	before, _, err := window(ctx, l)
	if err != nil {
		return nil, err
	}
	delivered, err := l.SendMessage(sctx, node.ChannelMessage{Type: suiteMessage, Data: p.Data})
	if err != nil {
		return nil, err
	}
	done, _ := awaitMessage(ctx, l, before.NextTx, delivered, limit)
	out := obj{
		"context": nil, "packet_type": nil, "packet_hash": nil, "delivered": done, "channel_context": rns.ContextChannel,
		"data_context": rns.ContextNone,
	}
	records, _ = n.tap.Since(last)
	for _, r := range records {
		if r.Direction == node.Out && r.ParseErr == nil && r.Packet.Dest == l.ID() && r.Packet.Type == rns.PacketData {
			out["context"], out["packet_type"], out["packet_hash"] = r.Packet.Context, r.Packet.Type, rns.PacketHash(r.Raw).Hex()
		}
	}
	return out, nil
}

func envelopePack(p struct {
	Type     uint16 `json:"msgtype"`
	Sequence uint16
	Data     hexed
}) (any, error) {
	raw := link.Envelope{Type: p.Type, Sequence: p.Sequence, Data: p.Data}.Append(nil)
	return obj{"raw": hexed(raw), "sequence": p.Sequence}, nil
}

type profileParams struct {
	linkParam
	RTT   float64
	Tries int
	Depth int `json:"ring_depth"`
}

func channelTimeout(_ context.Context, n *peer, p profileParams) (any, error) {
	params := n.node.Config().Params.Link.Channel
	t := params.Timeout(p.Tries, seconds(p.RTT), p.Depth)
	return obj{"timeout": t.Seconds(), "rtt": p.RTT, "tries": p.Tries, "ring_depth": p.Depth}, nil
}

func channelProfile(ctx context.Context, n *peer, p profileParams) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	params := n.node.Config().Params.Link.Channel
	c := link.NewChannel(params, l.MDU(), seconds(p.RTT)).Snapshot()
	return obj{
		"rtt": p.RTT, "window": c.Window, "window_min": c.WindowMin, "window_max": c.WindowMax, "window_flexibility": c.Flexibility,
		"rtt_slow": params.SlowRTT.Seconds(),
	}, nil
}

// proofLog tells for which packets of its links a listener sent proofs, by their contexts.
func proofLog(_ context.Context, n *peer, p destParam) (any, error) {
	li, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	links := li.incoming()
	records, _ := n.tap.Since(0)
	came := make(map[rns.Hash]rns.Context)
	contexts, channel := []int{}, 0
	for _, r := range records {
		if r.ParseErr != nil || !slices.ContainsFunc(links, func(l *node.Link) bool { return l.ID() == r.Packet.Dest }) {
			continue
		}
		switch {
		case r.Direction == node.In:
			came[rns.PacketHash(r.Raw)] = r.Packet.Context
		case r.Packet.Type == rns.PacketProof && r.Packet.Context == rns.ContextNone && len(r.Packet.Data) >= rns.HashSize:
			if c, ok := came[rns.Hash(r.Packet.Data[:rns.HashSize])]; ok {
				contexts = append(contexts, int(c))
				channel += number(c == rns.ContextChannel)
			}
		}
	}
	return obj{"contexts": contexts, "channel_proofs": channel, "channel_context": rns.ContextChannel}, nil
}

func listenerChannel(ctx context.Context, n *peer, p destParam) (any, error) {
	li, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	if !wait(4*time.Second, func() bool { return len(li.incoming()) > 0 }) {
		return nil, fmt.Errorf("%w: no inbound channel", errHandle)
	}
	c, _, err := window(ctx, li.incoming()[0])
	return obj{"next_rx_sequence": c.NextRx, "next_sequence": c.NextTx, "rx_ring": c.Buffered}, err
}
