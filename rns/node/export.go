package node

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// Export writes the tables to a storage in the form of the reference implementation, one file for each announce and each
// ratchet, so that it can go on with them. The transport identity is part of it: keep the result private.
func (n *Node) Export(ctx context.Context, to Storage) error {
	type copied struct {
		files    map[string][]byte
		paths    []transport.PathRecord
		labels   map[InterfaceID]string
		ratchets []transport.ReceivedRatchet
	}
	c, err := ask(ctx, n, func(now time.Time) copied {
		c := copied{files: n.tables(now), labels: make(map[InterfaceID]string)}
		for id, p := range n.ports {
			c.labels[id] = p.info.Label
		}
		collect(&c.paths, n.m.Paths(now))
		collect(&c.ratchets, n.m.Ratchets())
		return c
	})
	if err != nil {
		return err
	}
	delete(c.files, fileAnnounces)
	delete(c.files, fileRatchets)
	c.files[fileIdentity] = n.ident.persistent.Bytes()
	for _, p := range c.paths {
		if p.Announce != nil {
			c.files[dirAnnounces+"/"+p.PacketHash.Hex()] = rns.AppendCachedAnnounce(nil, rns.CachedAnnounce{
				Raw: p.Announce, Interface: c.labels[p.Interface],
			})
		}
	}
	for _, r := range c.ratchets {
		c.files[dirRatchets+"/"+r.Destination.Hex()] = rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{
			Ratchet: r.Ratchet, Received: r.Received,
		})
	}
	for name, b := range c.files {
		if err := to.Write(name, b); err != nil {
			return err
		}
	}
	return nil
}
