package bridge

import (
	"bytes"
	"crypto/rand"
	"time"

	"meshchatx/rns"
)

func announceCommands() map[string]handler {
	return map[string]handler{
		"announce_build":    pure(announceBuild),
		"announce_validate": pure(announceValidate),
	}
}

func announceBuild(p struct {
	PrivateKey hexed    `json:"private_key"`
	AppName    string   `json:"app_name"`
	Aspects    names    `json:"aspects"`
	AppData    hexed    `json:"app_data"`
	Ratchets   bool     `json:"enable_ratchets"`
	Emission   *float64 `json:"emission_ts"`
}) (any, error) {
	id, err := rns.ParseIdentity(p.PrivateKey)
	if err != nil {
		return nil, err
	}
	name, err := rns.JoinName(p.AppName, p.Aspects...)
	if err != nil {
		return nil, err
	}
	at := time.Now()
	if p.Emission != nil {
		at = fromEpoch(*p.Emission)
	}
	var ratchet *rns.RatchetPublic
	if p.Ratchets {
		key, err := rns.NewRatchet(rand.Reader)
		if err != nil {
			return nil, err
		}
		public := key.Public()
		ratchet = &public
	}
	a, err := rns.NewAnnounce(rand.Reader, id, rns.NameHashOf(name), ratchet, p.AppData, at)
	if err != nil {
		return nil, err
	}
	packet := a.Packet(rns.ContextNone)
	raw, err := packet.Pack(rns.MTU)
	if err != nil {
		return nil, err
	}
	out := obj{
		"raw": hexed(raw), "destination_hash": a.Dest.Hex(), "announce_data": hexed(packet.Data), "public_key": hexed(a.Public[:]),
		"name_hash": a.Name.Hex(), "random_hash": hexed(a.Random[:]), "ratchet": "", "signature": hexed(a.Signature[:]),
		"app_data": bin(bytes.Clone(a.AppData)), "has_ratchet": packet.ContextFlag,
	}
	if a.Ratchet != nil {
		out["ratchet"] = hexed(a.Ratchet[:])
	}
	return out, nil
}

func announceValidate(p struct{ Raw hexed }) (any, error) {
	packet, err := rns.ParsePacket(p.Raw)
	if err != nil {
		return obj{"valid": false, "error": "unpack_failed"}, nil //nolint:nilerr // the answer says it
	}
	if packet.Type != rns.PacketAnnounce {
		return obj{"valid": false, "error": "not_an_announce"}, nil
	}
	out := obj{"valid": false, "destination_hash": packet.Dest.Hex(), "has_ratchet": packet.ContextFlag}
	a, err := rns.ParseAnnounce(packet)
	if err != nil {
		return out, nil //nolint:nilerr // the answer says it
	}
	if a.Ratchet != nil {
		out["ratchet"] = hexed(a.Ratchet[:])
	}
	out["valid"] = a.Verify() == nil && a.VerifyHash() == nil
	return out, nil
}
