package node

import (
	"context"

	"meshchatx/rns"
)

// Export writes the tables to a storage in the form of the reference implementation, one file for each announce and each
// ratchet, so that it can go on with them. The transport identity is part of it: keep the result private.
func (n *Node) Export(ctx context.Context, to Storage) error {
	t, err := ask(ctx, n, n.gather)
	if err != nil {
		return err
	}
	files := t.shared()
	files[fileIdentity] = n.ident.persistent.Bytes()
	for _, p := range t.paths {
		files[dirAnnounces+"/"+p.PacketHash.Hex()] = rns.AppendCachedAnnounce(nil, rns.CachedAnnounce{
			Raw: p.Announce, Interface: p.label,
		})
	}
	for _, r := range t.ratchets {
		files[dirRatchets+"/"+r.Destination.Hex()] = rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{
			Ratchet: r.Ratchet, Received: r.Received,
		})
	}
	for name, b := range files {
		if err := to.Write(name, b); err != nil {
			return err
		}
	}
	return nil
}
