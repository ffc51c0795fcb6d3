package bridge

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Genuine packets, damaged, and given to the real machines.
func craftCommands() map[string]handler {
	return map[string]handler{
		"wire_inject_tampered_link_data":    onPeer(tamperedData),
		"wire_inject_crafted_link_identify": onPeer(craftedIdentify),
		"wire_inject_closed_link_data":      onPeer(closedData),
		"wire_send_forged_link_close":       onPeer(forgedClose),
		"wire_send_undecryptable":           onPeer(sendUndecryptable),
	}
}

// received counts the data packets of the listener that has a link.
func (p *peer) receivedOn(l *node.Link) (*listener, int) {
	for _, li := range p.listeners {
		if slices.Contains(li.incoming(), l) {
			li.mu.Lock()
			defer li.mu.Unlock()
			return li, len(li.data)
		}
	}
	return nil, 0
}

var errNotIncoming = errors.New("not an incoming link of a listener")

func tamperedData(ctx context.Context, n *peer, p struct {
	linkParam
	Corruption string
}) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	li, before := n.receivedOn(l)
	if li == nil {
		return nil, errNotIncoming
	}
	change := map[string]func(raw []byte) []byte{
		"ciphertext": func(raw []byte) []byte { raw[rns.HeaderMinSize+4]++; return raw },
		"hmac":       func(raw []byte) []byte { raw[len(raw)-1]++; return raw },
		"truncate":   func(raw []byte) []byte { return raw[:len(raw)-1] },
		"none":       nil, "": nil,
	}
	f, ok := change[p.Corruption]
	switch {
	case p.Corruption == "foreign_interface":
		err = fromElsewhere(ctx, l, p.Data)
	case !ok:
		return nil, fmt.Errorf("%w: corruption %q", errParam, p.Corruption)
	default:
		_, err = fromPeer(ctx, l, rns.ContextNone, p.Data, f)
	}
	if err != nil {
		return nil, err
	}
	if err := n.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	_, after := n.receivedOn(l)
	s, err := l.Snapshot(ctx)
	return obj{
		"corruption": p.Corruption, "unpacked": true, "delivered": after > before, "link_active": s.State == link.Active,
		"status_name": stateName(s.State),
	}, err
}

// fromElsewhere gives a link a genuine packet on an interface it is not attached to.
func fromElsewhere(ctx context.Context, l *node.Link, data []byte) error {
	return l.Drive(ctx, func(now time.Time, m *link.Link) (*link.Effects, error) {
		fx, err := m.SendContext(now, rns.ContextNone, data)
		if err != nil || len(fx.Send) == 0 {
			return nil, errors.Join(err, errNothingSent)
		}
		raw := slices.Clone(fx.Send[0].Raw)
		packet, err := rns.ParsePacket(raw)
		if err != nil {
			return nil, err
		}
		packet.Hops++
		return m.Receive(now, raw, packet, m.Snapshot().Interface+1000), nil
	})
}

func craftedIdentify(ctx context.Context, n *peer, p struct {
	linkParam
	Variant string
}) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	claimed, err := rns.NewIdentity(n.node.Random())
	other, oerr := rns.NewIdentity(n.node.Random())
	if err := errors.Join(err, oerr); err != nil {
		return nil, err
	}
	public, id := claimed.Public(), l.ID()
	signed := append(id[:], public[:]...)
	signature := claimed.Sign(signed)
	payload := append(public[:], signature[:]...)
	switch p.Variant {
	case "valid":
	case "forged_signature":
		signature = other.Sign(signed)
		payload = append(public[:], signature[:]...)
	case "wrong_signed_data":
		_, _ = rand.Read(signed)
		signature = claimed.Sign(signed)
		payload = append(public[:], signature[:]...)
	case "wrong_length":
		payload = payload[:len(payload)-rns.SignatureSize/2]
	default:
		return nil, fmt.Errorf("%w: variant %q", errParam, p.Variant)
	}
	if _, err := fromPeer(ctx, l, rns.ContextLinkIdentify, payload, nil); err != nil {
		return nil, err
	}
	if err := n.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	s, err := l.Snapshot(ctx)
	out := obj{
		"variant": p.Variant, "claimed_identity_hash": claimed.Hash().Hex(), "remote_identity_after": nil, "adopted": false,
		"initiator": s.Role == link.Initiator,
	}
	if s.Identified && s.Role == link.Responder {
		out["remote_identity_after"], out["adopted"] = s.Remote.Hash().Hex(), s.Remote == public
	}
	return out, err
}

// closedData seals a packet on a link, closes the link, and lets the packet arrive.
func closedData(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	li, before := n.receivedOn(l)
	if li == nil {
		return nil, errNotIncoming
	}
	var raw []byte
	err = l.Drive(ctx, func(now time.Time, m *link.Link) (*link.Effects, error) {
		fx, err := m.SendContext(now, rns.ContextNone, append([]byte("late "), p.Data...))
		if err == nil && len(fx.Send) > 0 {
			raw = slices.Clone(fx.Send[0].Raw)
		}
		return nil, err
	})
	if err != nil || raw == nil {
		return nil, errors.Join(err, errNothingSent)
	}
	_, early := n.receivedOn(l)
	on := l.Interface()
	l.Close()
	<-l.Done()
	err = n.node.Drive(ctx, func(now time.Time, m *transport.Machine) *transport.Effects {
		return m.Inbound(now, transport.Frame{Interface: on, Raw: raw})
	})
	if err != nil {
		return nil, err
	}
	if err := n.node.Quiesce(ctx); err != nil {
		return nil, err
	}
	_, after := n.receivedOn(l)
	return obj{
		"delivered_before": early > before, "delivered": after > early, "status_name": stateName(l.State()), "link_closed": l.State() == link.Dead,
	}, nil
}

func forgedClose(ctx context.Context, n *peer, p struct {
	linkParam
	Forged hexed `json:"forged_id"`
}) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	before := l.State()
	if _, err := fromPeer(ctx, l, rns.ContextLinkClose, p.Forged, nil); err != nil {
		return nil, err
	}
	wait(200*time.Millisecond, func() bool { return l.State() == link.Dead })
	after := l.State()
	return obj{
		"torn_down": after == link.Dead, "status_before": stateNumber(before), "status_after": stateNumber(after),
		"status_name_after": stateName(after), "forged_id": p.Forged, "real_link_id": l.ID().Hex(),
	}, nil
}

// sendUndecryptable sends a packet of which the ciphertext was damaged, and waits for a proof that must not come.
func sendUndecryptable(ctx context.Context, n *peer, p struct {
	sendParams
	Corruption string
}) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	k, err := n.node.Recall(ctx, dest)
	if err != nil {
		return nil, err
	}
	var ratchet *rns.RatchetPublic
	if r, ok, err := n.ratchetOf(ctx, dest); err != nil {
		return nil, err
	} else if ok {
		ratchet = &r
	}
	sealed, err := k.Public.Encrypt(n.node.Random(), p.Data, ratchet)
	if err != nil {
		return nil, err
	}
	switch p.Corruption {
	case "", "ciphertext":
		sealed[len(sealed)-1]++
	case "truncate":
		sealed = nil
	default:
		return nil, fmt.Errorf("%w: corruption %q", errParam, p.Corruption)
	}
	raw, err := rns.Packet{Dest: dest, Data: sealed}.Pack(rns.MTU)
	if err != nil {
		return nil, err
	}
	sent := false
	err = n.node.Drive(ctx, func(now time.Time, m *transport.Machine) *transport.Effects {
		fx := m.Outbound(now, transport.OutPacket{Raw: raw, Prover: &k.Public})
		sent = fx.Verdict.Accepted()
		return fx
	})
	if err != nil || !sent {
		return obj{"sent": false, "receipt_id": nil, "delivered": false, "status": "send_failed"}, err
	}
	hash := rns.PacketHash(raw)
	h := handle()
	n.more.crafted[h] = hash
	out := obj{"sent": true, "receipt_id": h, "delivered": false, "status": "pending"}
	if limit := p.within(0); limit > 0 {
		out["status"] = "timeout"
		if wait(limit, func() bool { return n.proofCame(hash) }) {
			out["delivered"], out["status"] = true, "delivered"
		}
	}
	return out, nil
}

// proofCame tells whether the tap saw a proof of a packet.
func (p *peer) proofCame(packet rns.Hash) bool {
	records, _ := p.tap.Since(0)
	_, ok := find(records, func(t node.TapRecord) bool {
		return t.Direction == node.In && t.ParseErr == nil && t.Packet.Type == rns.PacketProof && t.Packet.Dest == packet.Addr()
	})
	return ok
}

// craftedReceipt is the state of a receipt that the machine keeps without the node.
func (p *peer) craftedReceipt(ctx context.Context, packet rns.Hash, limit time.Duration) (any, error) {
	done := wait(limit, func() bool { return p.proofCame(packet) })
	_, open, err := record(ctx, p.node, func(s *node.Snapshot) []transport.ReceiptRecord { return s.Receipts },
		func(r transport.ReceiptRecord) bool { return r.Hash == packet })
	out := obj{"status": 0, "status_name": "FAILED", "delivered": done, "proved": done}
	switch {
	case done:
		out["status"], out["status_name"] = 2, "DELIVERED"
	case open:
		out["status"], out["status_name"] = 1, "SENT"
	}
	return out, err
}
