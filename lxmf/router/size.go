package router

import (
	"bytes"
	"slices"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// methodAuto lets the router choose.
const methodAuto lxmf.Method = 0

// pack encodes the message with its present stamp. Nothing but the stamp ever changes, so that the id stays.
// spec: lxmf §3.3
func (d *delivery) pack() {
	if d.packed != nil && bytes.Equal(d.packedFor, d.msg.Stamp) {
		return
	}
	d.packedFor = slices.Clone(d.msg.Stamp)
	d.packed, _ = d.msg.Pack(make([]byte, 0, d.msg.PackedSize())) // never fails: the message is signed
}

// fitsPacket tells whether the message fits a single packet to its recipient. Over more than one hop the transport header
// needs 16 bytes of it. spec: lxmf §5.2, §19 pitfall 9
func (d *delivery) fitsPacket(w way) bool {
	if w.path && w.hops > 1 {
		return len(d.packed)-rns.AddrSize <= rns.EncryptedMDU
	}
	return d.msg.ContentSize() <= lxmf.MaxOpportunistic
}
