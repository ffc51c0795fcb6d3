package bridge

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"meshchatx/rns/node"
)

func listenCommands() map[string]handler {
	return map[string]handler{
		"wire_listen":               onPeer(listen),
		"wire_link_poll":            onPeer(pollLinkData),
		"wire_opportunistic_poll":   onPeer(pollPackets),
		"wire_listener_link_status": onPeer(listenerStatus),
		"wire_set_proof_strategy":   onPeer(setProofs),
	}
}

// listener is a destination that takes links and keeps what arrives.
type listener struct {
	dest     *node.Destination
	strategy string // for resources
	channel  bool
	streams  []uint16

	mu      sync.Mutex
	proofs  int // strategy as the suite numbers it
	packets []hexed
	data    []hexed
	links   []*node.Link
	inbox   intake
}

// intake is what came over links beside packets.
type intake struct {
	messages  []hexed
	streams   map[uint16]*stream
	resources []*receiving
	complete  []hexed
}

type listenParams struct {
	AppName   string `json:"app_name"`
	Aspects   names
	Resources *string  `json:"resource_strategy"`
	Ratchets  bool     `json:"enable_ratchets"`
	Proofs    *string  `json:"proof_strategy"`
	Channel   *bool    `json:"open_channel"`
	Streams   []uint16 `json:"buffer_stream_ids"`
}

var strategyNames = map[string]int{"none": proveNone, "app": proveApp, "all": proveAll}

func listen(ctx context.Context, n *peer, p listenParams) (any, error) {
	l := &listener{strategy: "all", channel: true, streams: p.Streams, proofs: proveNone}
	l.inbox.streams = make(map[uint16]*stream)
	if p.Resources != nil {
		l.strategy = strings.ToLower(*p.Resources)
	}
	switch l.strategy {
	case "all", "none", "app":
	default:
		return nil, fmt.Errorf("%w: resource strategy %q", errParam, l.strategy)
	}
	if p.Channel != nil {
		l.channel = *p.Channel
	}
	if p.Proofs != nil {
		s, ok := strategyNames[strings.ToLower(*p.Proofs)]
		if !ok || s == proveApp {
			return nil, fmt.Errorf("%w: proof strategy %q", errParam, *p.Proofs)
		}
		l.proofs = s
	}
	d, err := n.create(p.AppName, p.Aspects, p.Ratchets, node.DestinationConfig{
		Proofs: strategies[l.proofs], OnPacket: l.packet, OnLink: func(k *node.Link) node.LinkHandler { return l.accept(ctx, k) },
	})
	if err != nil {
		return nil, err
	}
	l.dest = d
	n.listeners[d.Addr()] = l
	if err := announce(ctx, d, node.AnnounceOptions{}); err != nil {
		return nil, err
	}
	public := d.Identity().Public()
	out := obj{
		"destination_hash": d.Addr().Hex(), "identity_hash": d.Identity().Hash().Hex(), "public_key": hexed(public[:]),
		"resource_strategy": l.strategy,
	}
	if p.Ratchets {
		err = n.describeRatchets(out, d)
	}
	return out, err
}

func (l *listener) packet(p *node.Packet) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.packets = append(l.packets, bin(p.Data))
}

// accept keeps an incoming link and what comes over it.
func (l *listener) accept(ctx context.Context, k *node.Link) node.LinkHandler {
	l.mu.Lock()
	l.links = append(l.links, k)
	l.mu.Unlock()
	h := node.LinkHandler{
		OnPacket: l.linkPacket, OnMessage: l.message,
		OnResource: func(k *node.Link, o node.ResourceOffer) *node.ResourceAcceptance { return l.take(ctx, k, o) },
	}
	if !l.channel || k.OpenChannel(ctx) != nil {
		return h
	}
	for _, id := range append([]uint16{0}, l.streams...) {
		if s, err := k.OpenStream(ctx, id, id); err == nil {
			into := new(stream)
			l.mu.Lock()
			l.inbox.streams[id] = into
			l.mu.Unlock()
			go l.read(k, s, into) // ends with the link
		}
	}
	return h
}

func (l *listener) message(_ *node.Link, m node.ChannelMessage) {
	if m.Type != suiteMessage {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.inbox.messages = append(l.inbox.messages, bin(m.Data))
}

// linkPacket proves as the destination's strategy says. With "app" the suite has the first byte decide.
func (l *listener) linkPacket(_ *node.Link, p *node.LinkPacket) {
	l.mu.Lock()
	l.data = append(l.data, bin(p.Data))
	proofs := l.proofs
	l.mu.Unlock()
	if proofs == proveAll || proofs == proveApp && bytes.HasPrefix(p.Data, []byte{1}) {
		_ = p.Prove()
	}
}

// listener finds a listener.
func (p *peer) listener(dest []byte) (*listener, error) {
	addr, err := address(dest)
	if err != nil {
		return nil, err
	}
	l, ok := p.listeners[addr]
	if !ok {
		return nil, fmt.Errorf("%w: no listener on %s", errHandle, addr.Hex())
	}
	return l, nil
}

// poll takes what has arrived, waiting for something.
func poll[T any](mu *sync.Mutex, from *[]T, timeout time.Duration) []T {
	out := []T{}
	wait(timeout, func() bool {
		mu.Lock()
		defer mu.Unlock()
		out = append(out, *from...)
		*from = nil
		return len(out) > 0
	})
	return out
}

func pollLinkData(_ context.Context, n *peer, p destParam) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	return obj{"packets": poll(&l.mu, &l.data, p.within(5*time.Second))}, nil
}

func pollPackets(_ context.Context, n *peer, p destParam) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	return obj{"packets": poll(&l.mu, &l.packets, p.within(5*time.Second))}, nil
}

// incoming are the links that were accepted so far.
func (l *listener) incoming() []*node.Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*node.Link(nil), l.links...)
}

func listenerStatus(ctx context.Context, n *peer, p destParam) (any, error) {
	l, err := n.listener(p.Dest)
	if err != nil {
		return nil, err
	}
	if !wait(p.within(0), func() bool { return len(l.incoming()) > 0 }) {
		return obj{"found": false, "link_count": 0}, nil
	}
	links := l.incoming()
	out, err := linkStatus(ctx, links[len(links)-1])
	if err != nil {
		return nil, err
	}
	out["found"], out["link_count"] = true, len(links)
	return out, nil
}

func setProofs(_ context.Context, n *peer, p struct {
	Dest     hexed `json:"destination_hash"`
	Strategy string
}) (any, error) {
	s, ok := strategyNames[strings.ToLower(p.Strategy)]
	if !ok {
		return nil, fmt.Errorf("%w: proof strategy %q", errParam, p.Strategy)
	}
	d, err := n.destination(p.Dest)
	if err != nil {
		return nil, err
	}
	d.SetProofs(strategies[s])
	if l, ok := n.listeners[d.Addr()]; ok {
		l.mu.Lock()
		l.proofs = s
		l.mu.Unlock()
	}
	return obj{"strategy": strings.ToLower(p.Strategy), "proof_strategy": s}, nil
}

// destination finds a destination of a peer.
func (p *peer) destination(dest []byte) (*node.Destination, error) {
	addr, err := address(dest)
	if err != nil {
		return nil, err
	}
	d, ok := p.dests[addr]
	if !ok {
		return nil, fmt.Errorf("%w: no destination %s", errHandle, addr.Hex())
	}
	return d, nil
}
