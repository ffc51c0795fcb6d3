package node

import (
	"context"

	"meshchatx/rns"
)

// Export writes the tables to a storage in the form of the reference implementation, one file for each announce and each
// ratchet, so that it can go on with them. The transport identity is part of it: keep the result private.
// spec: rns-core §4.5, §19
func (n *Node) Export(ctx context.Context, to Storage) error {
	t, err := n.copyTables(ctx, setAll)
	if err != nil {
		return err
	}
	black, err := n.copyBlackhole(ctx)
	if err != nil {
		return err
	}
	is := func(b []byte) func() []byte { return func() []byte { return b } }
	files := append(t.shared(), storageFile{fileIdentity, n.ident.persistent.Bytes}, storageFile{fileBlackhole, is(black)})
	t.announces(func(hash rns.Hash, raw []byte, label string) {
		files = append(files, storageFile{
			dirAnnounces + "/" + hash.Hex(), is(rns.AppendCachedAnnounce(nil, rns.CachedAnnounce{Raw: raw, Interface: label})),
		})
	})
	for _, r := range t.ratchets.list {
		files = append(files, storageFile{
			dirRatchets + "/" + r.Destination.Hex(),
			is(rns.AppendReceivedRatchet(nil, rns.ReceivedRatchet{Ratchet: r.Ratchet, Received: r.Received})),
		})
	}
	for _, f := range files {
		if err := to.Write(f.name, f.content()); err != nil {
			return err
		}
	}
	return nil
}
