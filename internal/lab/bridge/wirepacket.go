package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

func wirePacketCommands() map[string]handler {
	return map[string]handler{
		"wire_send_packet":                    onPeer(sendPacket),
		"wire_send_opportunistic":             onPeer(sendOpportunistic),
		"wire_send_packet_with_proof_request": onPeer(sendForProof),
		"wire_packet_receipt_status":          onPeer(receiptStatus),
		"wire_get_received_packets":           onPeer(receivedPackets),
		"wire_group_create":                   onPeer(groupCreate),
		"wire_group_encrypt":                  onPeer(groupEncrypt),
		"wire_group_decrypt":                  onPeer(groupDecrypt),
		"wire_plain_encrypt":                  onPeer(plainEncrypt),
		"wire_plain_decrypt":                  onPeer(plainDecrypt),
		"wire_identity_keypair":               command(identityPair),
		"wire_ratchet_keypair":                command(ratchetPair),
	}
}

type sendParams struct {
	destParam
	AppName string `json:"app_name"`
	Aspects names
	Data    hexed
	Receipt *bool `json:"create_receipt"`
}

// send sends to a known destination. The receipt is nil if no interface took the packet.
func (p *peer) send(ctx context.Context, q sendParams, o node.SendOptions) (rns.Addr, *node.Receipt, error) {
	dest, err := address(q.Dest)
	if err != nil {
		return dest, nil, err
	}
	r, err := p.node.SendPacket(ctx, dest, q.Data, o)
	if errors.Is(err, node.ErrNotSent) {
		return dest, nil, nil
	}
	return dest, r, err
}

func sendPacket(ctx context.Context, n *peer, p sendParams) (any, error) {
	o := node.SendOptions{}
	if p.Receipt != nil && !*p.Receipt {
		o.Receipt = node.NoReceipt
	}
	dest, r, err := n.send(ctx, p, o)
	if err != nil {
		return nil, err
	}
	out := obj{"sent": true, "receipt_id": nil, "hops": n.node.HopsTo(ctx, dest)}
	switch {
	case r != nil && o.Receipt == node.WantReceipt:
		out["receipt_id"] = n.keep(r)
	case r == nil && o.Receipt == node.WantReceipt:
		out["sent"], out["hops"] = false, nil
	}
	return out, nil
}

// proved waits for the end of a receipt.
func proved(r *node.Receipt, timeout time.Duration) bool {
	wait(timeout, func() bool { return r.Status().State != node.ReceiptSent })
	return r.Status().State == node.ReceiptDelivered
}

func sendOpportunistic(ctx context.Context, n *peer, p sendParams) (any, error) {
	_, r, err := n.send(ctx, p, node.SendOptions{})
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return obj{"sent": false, "delivered": false, "status": "send_failed"}, nil
	}
	// A failed receipt is waited out like a missing one.
	if wait(p.within(5*time.Second), func() bool { return r.Status().State == node.ReceiptDelivered }) {
		return obj{"sent": true, "delivered": true, "status": "delivered"}, nil
	}
	return obj{"sent": true, "delivered": false, "status": "timeout"}, nil
}

func sendForProof(ctx context.Context, n *peer, p sendParams) (any, error) {
	dest, r, err := n.send(ctx, p, node.SendOptions{})
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return obj{"sent": false, "receipt_id": nil, "hops": nil, "delivered": false}, nil
	}
	delivered := proved(r, p.within(10*time.Second))
	hash := r.Hash()
	out := obj{
		"sent": true, "receipt_id": n.keep(r), "hops": n.node.HopsTo(ctx, dest), "delivered": delivered, "proved": delivered,
		"implicit_proof_config": n.node.Config().ImplicitProofs, "impl_length": rns.ImplicitProofSize, "expl_length": rns.ExplicitProofSize,
		"proved_packet_hash": hash.Hex(), "proof_data": nil, "proof_len": nil, "proof_is_implicit": nil, "proof_is_explicit": nil, "proof_raw": nil,
	}
	records, _ := n.tap.Since(0)
	for _, t := range records {
		if delivered && t.Direction == node.In && t.ParseErr == nil && t.Packet.Type == rns.PacketProof && t.Packet.Dest == hash.Addr() {
			size := len(t.Packet.Data)
			out["proof_data"], out["proof_raw"], out["proof_len"] = bin(t.Packet.Data), bin(t.Raw), size
			out["proof_is_implicit"], out["proof_is_explicit"] = size == rns.ImplicitProofSize, size == rns.ExplicitProofSize
		}
	}
	return out, nil
}

// The states of a receipt as the reference numbers and names them.
func receiptNumber(s node.ReceiptStatus) (int, string) {
	switch {
	case s.State == node.ReceiptSent:
		return 1, "SENT"
	case s.State == node.ReceiptDelivered:
		return 2, "DELIVERED"
	case errors.Is(s.Err, node.ErrCulled):
		return 255, "CULLED"
	default:
		return 0, "FAILED"
	}
}

func receiptStatus(ctx context.Context, n *peer, p struct {
	Receipt string   `json:"receipt_id"`
	Timeout *float64 `json:"timeout_ms"`
}) (any, error) {
	if hash, ok := n.more.crafted[p.Receipt]; ok {
		return n.craftedReceipt(ctx, hash, within(p.Timeout, 0))
	}
	r, ok := n.receipts[p.Receipt]
	if !ok {
		return nil, fmt.Errorf("%w: no receipt %s", errHandle, p.Receipt)
	}
	done := proved(r, within(p.Timeout, 0))
	number, name := receiptNumber(r.Status())
	return obj{"status": number, "status_name": name, "delivered": done, "proved": done}, nil
}

// receivedPackets is what the tap saw come in.
func receivedPackets(_ context.Context, n *peer, p struct {
	Since uint64 `json:"since_seq"`
}) (any, error) {
	records, _ := n.tap.Since(p.Since)
	packets, last := []obj{}, p.Since
	for _, t := range records {
		last = t.Seq
		if t.Direction != node.In {
			continue
		}
		out := obj{
			"seq": t.Seq, "timestamp_ms": millis(t.At), "raw_hex": bin(t.Raw), "packet_type": nil, "destination_hash_hex": nil,
			"context": nil, "interface_name": t.Name,
		}
		if t.ParseErr == nil {
			out["packet_type"], out["destination_hash_hex"], out["context"] = t.Packet.Type, t.Packet.Dest.Hex(), t.Packet.Context
		}
		packets = append(packets, out)
	}
	return obj{"packets": packets, "highest_seq": last}, nil
}

func groupCreate(_ context.Context, n *peer, p struct {
	AppName string `json:"app_name"`
	Aspects names
	Key     hexed
}) (any, error) {
	name, err := rns.JoinName(p.AppName, p.Aspects...)
	if err != nil {
		return nil, err
	}
	if len(p.Key) == 0 {
		p.Key = make([]byte, 64)
		if _, err := n.node.Random().Read(p.Key); err != nil {
			return nil, err
		}
	}
	token, err := rns.NewToken(p.Key)
	if err != nil {
		return nil, err
	}
	d, err := n.node.Register(node.DestinationConfig{Name: name, GroupKey: p.Key})
	if err != nil {
		return nil, err
	}
	n.dests[d.Addr()], n.groups[d.Addr()] = d, token
	return obj{"destination_hash": d.Addr().Hex(), "key": p.Key}, nil
}

type cipherParams struct {
	Dest       hexed  `json:"destination_hash"`
	AppName    string `json:"app_name"`
	Aspects    names
	Plaintext  hexed
	Ciphertext hexed
}

func (p *peer) group(dest []byte) (*rns.Token, error) {
	addr, err := address(dest)
	if err != nil {
		return nil, err
	}
	t, ok := p.groups[addr]
	if !ok {
		return nil, fmt.Errorf("%w: no group %s", errHandle, addr.Hex())
	}
	return t, nil
}

func groupEncrypt(_ context.Context, n *peer, p cipherParams) (any, error) {
	t, err := n.group(p.Dest)
	if err != nil {
		return nil, err
	}
	c, err := t.Encrypt(n.node.Random(), nil, p.Plaintext)
	return obj{"ciphertext": bin(c)}, err
}

func groupDecrypt(_ context.Context, n *peer, p cipherParams) (any, error) {
	t, err := n.group(p.Dest)
	if err != nil {
		return nil, err
	}
	plain, err := t.Decrypt(nil, p.Ciphertext)
	if err != nil {
		return obj{"plaintext": nil, "decrypted": false}, nil //nolint:nilerr // the answer says it
	}
	return obj{"plaintext": bin(plain), "decrypted": true}, nil
}

// plain packs data for a PLAIN destination and takes it out again: what is between is what travels.
func plain(app string, aspects names, data []byte) ([]byte, error) {
	name, err := rns.JoinName(app, aspects...)
	if err != nil {
		return nil, err
	}
	packet := rns.Packet{DestType: rns.DestPlain, Dest: rns.PlainHash(name), Data: data}
	raw, err := packet.Pack(rns.MTU)
	if err != nil {
		return nil, err
	}
	parsed, err := rns.ParsePacket(raw)
	return parsed.Data, err
}

func plainEncrypt(_ context.Context, _ *peer, p cipherParams) (any, error) {
	c, err := plain(p.AppName, p.Aspects, p.Plaintext)
	return obj{"ciphertext": bin(c), "passthrough": string(c) == string(p.Plaintext)}, err
}

func plainDecrypt(_ context.Context, _ *peer, p cipherParams) (any, error) {
	c, err := plain(p.AppName, p.Aspects, p.Ciphertext)
	return obj{"plaintext": bin(c), "passthrough": string(c) == string(p.Ciphertext)}, err
}

func identityPair(_ context.Context, s *session, _ none) (any, error) {
	id, err := rns.NewIdentity(s.rand)
	if err != nil {
		return nil, err
	}
	public := id.Public()
	return obj{"private_key": hexed(id.Bytes()), "public_key": hexed(public[:]), "hash": id.Hash().Hex()}, nil
}

func ratchetPair(_ context.Context, s *session, _ none) (any, error) {
	key, err := rns.NewRatchet(s.rand)
	if err != nil {
		return nil, err
	}
	public := key.Public()
	return obj{"private_key": hexed(key.Bytes()), "public_key": hexed(public[:])}, nil
}
