package bridge

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/link"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Looking at nodes: interfaces, access codes, ratchets, keys, management.
func lookCommands() map[string]handler {
	return map[string]handler{
		"wire_interface_hw_mtu":          onPeer(hardwareMTU),
		"wire_interface_bitrate":         onPeer(bitrate),
		"wire_ifac_signature":            onPeer(ifacSignature),
		"wire_ifac_compute":              onPeer(ifacCompute),
		"wire_read_ratchets":             onPeer(readRatchets),
		"wire_get_adopted_ratchet":       onPeer(adoptedRatchet),
		"wire_encrypt_to_remote":         onPeer(encryptToRemote),
		"wire_identity_encrypt":          pure(wireEncrypt),
		"wire_identity_decrypt":          pure(wireDecrypt),
		"wire_rpc_authkey":               onPeer(controlKey),
		"wire_mgmt_destinations":         onPeer(management),
		"wire_link_key_material":         onPeer(keyMaterial),
		"wire_link_signalling_bytes":     pure(signalling),
		"wire_send_oversize_link_packet": onPeer(sendOversize),
	}
}

// primary is the configured interface of a peer.
func (p *peer) primary(ctx context.Context) (node.InterfaceStatus, error) {
	return p.node.InterfaceStatus(ctx, p.main)
}

func hardwareMTU(ctx context.Context, n *peer, _ none) (any, error) {
	s, err := n.primary(ctx)
	if err != nil {
		return nil, err
	}
	i := s.Transport.Info
	out := obj{
		"hw_mtu": nil, "link_mtu_discovery": n.node.Config().LinkMTUDiscovery, "reticulum_mtu": rns.MTU,
		"autoconfigure_mtu": s.Info.MTUClass == iface.MTUAuto, "fixed_mtu": s.Info.MTUClass == iface.MTUFixed,
	}
	class, err := fresh("TCPClientInterface", blocks["TCPClientInterface"])
	out["class_hw_mtu"] = class.MTU
	if i.HardwareMTU > 0 {
		out["hw_mtu"] = i.HardwareMTU
	}
	return out, err
}

func bitrate(ctx context.Context, n *peer, _ none) (any, error) {
	s, err := n.primary(ctx)
	guess, gerr := fresh("TCPClientInterface", blocks["TCPClientInterface"])
	return obj{"bitrate": s.Info.Bitrate, "bitrate_guess": guess.Bitrate, "minimum_bitrate": config.MinBitrate}, errors.Join(err, gerr)
}

// code is the access code of the configured interface.
func (p *peer) code() (*rns.IFAC, int, error) {
	for _, i := range p.conf.Interfaces {
		size := probeIFAC
		if i.AccessCodeSize > 0 {
			size = i.AccessCodeSize
		}
		c, err := rns.NewIFAC(i.NetworkName, i.Passphrase, size)
		if err == nil {
			return c, size, nil
		}
	}
	return nil, 0, rns.ErrIFACEmpty
}

func ifacSignature(ctx context.Context, n *peer, _ none) (any, error) {
	c, size, err := n.code()
	if err != nil {
		return nil, err
	}
	s, err := n.primary(ctx)
	if err != nil {
		return nil, err
	}
	if c.DisplaySignature() != s.AccessCode {
		return nil, errors.New("the running interface has another access code")
	}
	return obj{
		"ifac_signature": hexed(s.AccessCode[:]), "ifac_key": hexed(c.Key()), "ifac_size": size, "default_ifac_size": s.Info.AccessCodeSize,
	}, nil
}

func ifacCompute(_ context.Context, n *peer, p struct {
	Data hexed `json:"packet_data"`
	Size *int  `json:"ifac_size"`
}) (any, error) {
	c, size, err := n.code()
	if err != nil {
		return nil, err
	}
	if p.Size != nil {
		size = *p.Size
	}
	id, err := rns.ParseIdentity(c.Key())
	if err != nil || size < 1 || size > rns.SignatureSize {
		return nil, errors.Join(err, errParam)
	}
	sig := id.Sign(p.Data)
	return obj{"ifac_key": hexed(c.Key()), "ifac_size": size, "signature": hexed(sig[:]), "ifac": hexed(sig[len(sig)-size:])}, nil
}

func readRatchets(ctx context.Context, n *peer, p destParam) (any, error) {
	d, err := n.destination(p.Dest)
	if err != nil {
		return nil, err
	}
	keys, err := n.ownRatchets(d)
	if err != nil {
		return nil, err
	}
	params := n.node.Config().Params
	out := obj{
		"ratchet_count": len(keys), "current_ratchet_id": nil, "previous_ratchet_id": nil, "latest_ratchet_id": nil,
		"ratchet_interval": int(params.RatchetInterval.Seconds()), "retained_ratchets": params.RetainedRatchets, "latest_ratchet_time": nil,
	}
	for i, key := range []string{"current_ratchet_id", "previous_ratchet_id"} {
		if i < len(keys) {
			out[key] = keys[i].Public().ID().Hex()
		}
	}
	s, _, err := record(ctx, n.node, func(s *node.Snapshot) []node.DestinationStatus { return s.Destinations },
		func(s node.DestinationStatus) bool { return s.Addr == d.Addr() })
	out["latest_ratchet_time"] = epoch(s.Rotated)
	return out, err
}

// ratchetOf is the ratchet that a destination announced.
func (p *peer) ratchetOf(ctx context.Context, dest rns.Addr) (r rns.RatchetPublic, ok bool, err error) {
	err = p.node.Drive(ctx, func(now time.Time, m *transport.Machine) *transport.Effects {
		r, ok = m.Ratchet(now, dest)
		return nil
	})
	return r, ok, err
}

func adoptedRatchet(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	r, ok, err := n.ratchetOf(ctx, dest)
	if err != nil || !ok {
		return obj{"found": false, "ratchet_public": nil, "ratchet_id": nil}, err
	}
	return obj{"found": true, "ratchet_public": hexed(r[:]), "ratchet_id": r.ID().Hex()}, nil
}

func encryptToRemote(ctx context.Context, n *peer, p struct {
	destParam
	Plaintext hexed
	Use       *bool `json:"use_ratchet"`
}) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	k, err := n.node.Recall(ctx, dest)
	if err != nil {
		return nil, err
	}
	r, ok, err := n.ratchetOf(ctx, dest)
	if err != nil {
		return nil, err
	}
	out := obj{"used_ratchet": false, "ratchet_id": nil, "ratchet_public": nil}
	var ratchet *rns.RatchetPublic
	if ok && (p.Use == nil || *p.Use) {
		ratchet = &r
		out["used_ratchet"], out["ratchet_id"], out["ratchet_public"] = true, r.ID().Hex(), hexed(r[:])
	}
	c, err := k.Public.Encrypt(n.node.Random(), p.Plaintext, ratchet)
	out["ciphertext"] = bin(c)
	return out, err
}

type wireKeyParams struct {
	keyParams
	Ratchet  hexed   `json:"ratchet_pub"`
	Ratchets []hexed `json:"ratchets"`
}

func wireEncrypt(p wireKeyParams) (any, error) {
	if len(p.Ratchet) == 0 {
		return identityEncrypt(p.keyParams)
	}
	p.RatchetPub = p.Ratchet
	return ratchetEncrypt(p.keyParams)
}

func wireDecrypt(p wireKeyParams) (any, error) {
	p.keyParams.Ratchets = p.Ratchets
	out, err := ratchetDecrypt(p.keyParams)
	if o, ok := out.(obj); ok {
		return obj{"plaintext": o["plaintext"], "decrypted": o["plaintext"] != nil}, err
	}
	return out, err
}

func controlKey(_ context.Context, n *peer, _ none) (any, error) {
	key := n.node.Config().Shared.Key
	if key == nil {
		key = control.Key(n.node.PersistentIdentity())
	}
	return obj{"rpc_key": hexed(key), "transport_private_key": hexed(n.node.PersistentIdentity().Bytes())}, nil
}

// management shows the destinations that the node registered for itself.
func management(ctx context.Context, n *peer, _ none) (any, error) {
	s, err := n.node.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	id := n.node.NetworkIdentity().Hash()
	app, _, _ := strings.Cut(rns.NameProbe, ".")
	out := obj{
		"transport_identity_hash": id.Hex(), "app_name": app, "probe": obj{"present": false}, "remote_management": obj{"present": false},
	}
	for _, d := range s.Destinations {
		own := obj{"present": true, "hash": d.Addr.Hex(), "name": d.Name + "." + id.Hex(), "in_mgmt_destinations": d.Service, "in_mgmt_hashes": d.Service}
		switch d.Name {
		case rns.NameProbe:
			own["proof_strategy"], own["accepts_links"] = strategyNumber(d.Proofs), d.Links != node.RefuseLinks
			out["probe"] = own
		case rns.NameRemoteManagement:
			handlers := []obj{}
			for _, r := range d.Requests {
				hash := rns.RequestPathHash(r.Path)
				handlers = append(handlers, obj{
					"path": r.Path, "path_hash": hash.Hex(), "allow": r.Policy, "allowed_hashes": hashes(r.Allow),
					"allowed_list_is_acl": slices.Equal(r.Allow, s.Config.Management.Allowed),
				})
			}
			own["request_handlers"] = handlers
			out["remote_management"] = own
		}
	}
	return out, nil
}

func keyMaterial(ctx context.Context, n *peer, p linkParam) (any, error) {
	l, err := n.anyLink(p.Link)
	if err != nil {
		return nil, err
	}
	s, err := l.Snapshot(ctx)
	return obj{
		"status": stateNumber(s.State), "status_name": stateName(s.State), "derived_key_present": s.HasDerivedKey,
		"shared_key_present": s.HasDerivedKey, "prv_present": s.HasExchangeKey, "pub_present": s.HasExchangeKey,
	}, err
}

func signalling(p struct {
	MTU  int
	Mode uint8
}) (any, error) {
	enabled := []int{int(link.ModeAES256CBC)}
	raised := link.Mode(p.Mode) != link.ModeAES256CBC
	out := obj{
		"mtu": p.MTU, "mode": p.Mode, "signalling_bytes": nil, "raised": raised, "mtu_bytemask": link.MaxMTU, "mode_bytemask": 0xE0,
		"enabled_modes": enabled, "mode_default": link.ModeAES256CBC, "link_mtu_size": link.SignallingSize,
	}
	if !raised {
		out["signalling_bytes"] = hexed(link.AppendSignalling(nil, link.Signalling{Mode: link.Mode(p.Mode), MTU: p.MTU}))
	}
	return out, nil
}

func sendOversize(ctx context.Context, n *peer, p struct {
	linkParam
	Size int
}) (any, error) {
	l, err := n.link(p.Link)
	if err != nil {
		return nil, err
	}
	out := obj{
		"size": p.Size, "mtu": l.MTU(), "mdu": l.MDU(), "packet_mtu": l.MTU(), "sent": false, "rejected": false, "error": nil, "raw_len": nil,
	}
	_, err = l.Send(ctx, make([]byte, max(0, min(p.Size, 1<<20))), node.SendOptions{})
	if err != nil {
		out["rejected"], out["error"] = true, fmt.Sprintf("%v: the MTU of the link is %d", err, l.MTU())
		return out, nil
	}
	out["sent"], out["raw_len"] = true, rns.HeaderMinSize+rns.TokenSize(p.Size)
	return out, nil
}
