package bridge

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
)

func linkCommands() map[string]handler {
	return map[string]handler{
		"wire_link_open":             onPeer(openLink),
		"wire_link_send":             onPeer(sendOnLink),
		"wire_send_link_data":        onPeer(sendLinkData),
		"wire_send_over_closed_link": onPeer(sendAfterClose),
		"wire_link_identify":         onPeer(identify),
		"wire_link_status":           onPeer(linkStatusOf),
		"wire_link_await_status":     onPeer(awaitStatus),
		"wire_link_teardown":         onPeer(teardown),
		"wire_link_mtu":              onPeer(linkMTU),
	}
}

type linkParam struct {
	Link hexed `json:"link_id"`
	Data hexed
}

// link finds a link that this peer opened.
func (p *peer) link(id []byte) (*node.Link, error) {
	addr, err := address(id)
	if err != nil {
		return nil, err
	}
	l, ok := p.links[addr]
	if !ok {
		return nil, fmt.Errorf("%w: no link %s", errHandle, addr.Hex())
	}
	return l, nil
}

// anyLink finds a link of either role, also one that is just coming in.
func (p *peer) anyLink(id []byte) (found *node.Link, err error) {
	addr, err := address(id)
	if err != nil {
		return nil, err
	}
	ok := wait(3*time.Second, func() bool {
		if l, ok := p.links[addr]; ok {
			found = l
		}
		for _, li := range p.listeners {
			for _, l := range li.incoming() {
				if l.ID() == addr {
					found = l
				}
			}
		}
		return found != nil
	})
	if !ok {
		return nil, fmt.Errorf("%w: no link %s", errHandle, addr.Hex())
	}
	return found, nil
}

func openLink(ctx context.Context, n *peer, p struct {
	destParam
	AppName string `json:"app_name"`
	Aspects names
}) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.within(10*time.Second))
	defer cancel()
	l, err := n.node.OpenLink(ctx, dest, n.linkHandler())
	if err != nil {
		return nil, fmt.Errorf("link to %s: %w", dest.Hex(), err)
	}
	n.links[l.ID()] = l
	return obj{"link_id": l.ID().Hex()}, nil
}

// linkHandler serves the links that this peer opens.
func (p *peer) linkHandler() node.LinkHandler { return node.LinkHandler{OnMessage: p.onMessage} }

func sendOnLink(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	_, err = l.Send(ctx, p.Data, node.SendOptions{})
	return obj{"sent": err == nil}, err
}

// keep remembers a receipt under a new handle.
func (p *peer) keep(r *node.Receipt) string {
	h := handle()
	p.receipts[h] = r
	return h
}

// sendLinkData sends with or without receipt. A closed link takes nothing, which is an answer and not an error.
func sendLinkData(ctx context.Context, n *peer, p struct {
	linkParam
	Receipt *bool `json:"create_receipt"`
}) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	out := obj{"sent": true, "receipt_id": nil}
	if p.Receipt != nil && !*p.Receipt {
		err = l.SendContext(ctx, rns.ContextNone, p.Data)
	} else {
		var r *node.Receipt
		if r, err = l.Send(ctx, p.Data, node.SendOptions{}); err == nil {
			out["receipt_id"] = n.keep(r)
		}
	}
	if errors.Is(err, node.ErrLinkClosed) {
		return obj{"sent": false, "receipt_id": nil}, nil
	}
	return out, err
}

func sendAfterClose(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	before, err := l.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	if len(p.Data) == 0 {
		p.Data = []byte("after-close")
	}
	_, err = l.Send(ctx, p.Data, node.SendOptions{})
	sent := err == nil
	after, err := l.Snapshot(ctx)
	return obj{
		"link_status": stateNumber(after.State), "link_status_name": stateName(after.State), "sent": sent,
		"bytes_transmitted": after.Counters.TxBytes - before.Counters.TxBytes,
	}, err
}

func identify(ctx context.Context, n *peer, p struct {
	linkParam
	Key hexed `json:"private_key"`
}) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	id, err := rns.ParseIdentity(p.Key)
	if err != nil {
		return nil, err
	}
	return obj{"identified": true, "identity_hash": id.Hash().Hex()}, l.Identify(ctx, id)
}

// The states of a link as the reference numbers and names them.
var stateNames = []string{"PENDING", "HANDSHAKE", "ACTIVE", "STALE", "CLOSED"}

func stateNumber(s link.State) int {
	switch s {
	case link.Pending:
		return 0
	case link.Handshake:
		return 1
	case link.Active:
		return 2
	case link.Stale:
		return 3
	default:
		return 4
	}
}

func stateName(s link.State) string { return stateNames[stateNumber(s)] }

var reasons = map[link.CloseReason]int{
	link.ReasonTimeout: 1, link.ReasonInitiatorClosed: 2, link.ReasonDestinationClosed: 3,
}

var reasonNames = map[int]string{1: "TIMEOUT", 2: "INITIATOR_CLOSED", 3: "DESTINATION_CLOSED"}

// since is the age of a moment in milliseconds, null if it has not come.
func since(now, then time.Time) any {
	if then.IsZero() {
		return nil
	}
	return max(0, now.Sub(then)).Milliseconds()
}

func linkStatus(ctx context.Context, l *node.Link) (obj, error) {
	s, err := l.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	now := l.Node().Now()
	out := obj{
		"status": stateNumber(s.State), "status_name": stateName(s.State), "teardown_reason": nil, "teardown_reason_name": nil,
		"no_inbound_for_ms": since(now, s.LastInbound), "last_keepalive_ago_ms": since(now, s.LastKeepalive),
		"keepalive_s": s.Keepalive.Seconds(), "stale_time_s": s.StaleTime.Seconds(), "rtt": nil,
		"mtu": nil, "mdu": nil, "mode": s.Mode, "remote_identity_hash": nil, "remote_identified": false,
	}
	if s.State == link.Active {
		out["mtu"], out["mdu"] = s.MTU, s.MDU
	}
	if r, ok := reasons[s.Reason]; ok && s.State == link.Dead {
		out["teardown_reason"], out["teardown_reason_name"] = r, reasonNames[r]
	}
	if s.RTT > 0 {
		out["rtt"] = s.RTT.Seconds()
	}
	// The reference does not count what the initiator knows of the destination as identification.
	if s.Identified && s.Role == link.Responder {
		out["remote_identity_hash"], out["remote_identified"] = s.Remote.Hash().Hex(), true
	}
	return out, nil
}

func linkStatusOf(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	return linkStatus(ctx, l)
}

func awaitStatus(ctx context.Context, n *peer, p struct {
	linkParam
	Target  any      `json:"target_status"`
	Timeout *float64 `json:"timeout_ms"`
}) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	target := -1
	switch t := p.Target.(type) {
	case float64:
		target = int(t)
	case string:
		for i, name := range stateNames {
			if strings.EqualFold(name, t) {
				target = i
			}
		}
	}
	if target < 0 {
		return nil, fmt.Errorf("%w: status %v", errParam, p.Target)
	}
	reached := wait(within(p.Timeout, 15*time.Second), func() bool { return stateNumber(l.State()) >= target })
	out, err := linkStatus(ctx, l)
	if err != nil {
		return nil, err
	}
	out["reached"] = reached
	return out, nil
}

func teardown(_ context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	l.Close()
	select {
	case <-l.Done():
	case <-time.After(time.Second):
	}
	return obj{"torn_down": true}, nil
}

func linkMTU(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	s, err := l.Snapshot(ctx)
	return obj{
		"mtu": s.MTU, "mdu": s.MDU, "mode": s.Mode, "status": stateNumber(s.State), "status_name": stateName(s.State),
	}, err
}
