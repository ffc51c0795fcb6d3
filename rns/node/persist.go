package node

import (
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/transport"
)

// Names in the storage. Those without a comment are files of the reference. spec: rns-core §19, §23.2
const (
	fileIdentity  = "transport_identity"
	fileKnown     = "known_destinations"
	filePaths     = "destination_table"
	fileTunnels   = "tunnels"
	fileHashes    = "packet_hashlist.raw"
	dirBlackhole  = "blackhole"
	fileBlackhole = dirBlackhole + "/local"
	dirRatchets   = "ratchets"
	dirAnnounces  = "cache/announces"

	fileAnnounces = "announces"         // all cached announces in one file
	fileRatchets  = "received_ratchets" // all received ratchets in one file
)

// loadKnown fills the machine from the storage. It runs before the loop. What cannot be read is reported and left out.
func (n *Node) loadKnown() {
	now := n.env.now()
	load(n, fileKnown, rns.ParseKnownDestinations, func(k rns.KnownDestination) {
		n.m.SeedKnown(now, transport.KnownDestination{
			Destination: k.Dest, Announced: k.LastAnnounce, PacketHash: k.PacketHash, Public: k.Public, AppData: k.AppData,
			Used: k.LastUsed, Retained: k.Retained,
		})
	})
	n.loadBlackhole(now)
	n.loadRatchets(now)
	if n.cfg.Transport {
		n.loadPaths(now)
		load(n, fileHashes, func(b []byte) ([]rns.Hash, error) { return rns.ParsePacketHashes(b), nil }, n.m.SeedPacketHash)
	}
}

// load reads a file and gives each of its entries to seed.
func load[T any](n *Node, name string, parse func([]byte) ([]T, error), seed func(T)) {
	b, err := n.env.storage.Read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	if err == nil {
		var list []T
		if list, err = parse(b); err == nil {
			for _, v := range list {
				seed(v)
			}
			return
		}
	}
	n.storageProblem(name, err)
}

func (n *Node) storageProblem(name string, err error) {
	n.env.log.Warn("storage", slog.String("name", name), slog.Any("error", err))
	n.publish(Event{Kind: EventStorage, Name: name, Err: err})
}

// loadRatchets reads the received ratchets, ours and those in files of the reference. The newer counts. spec: rns-core §4.5
func (n *Node) loadRatchets(now time.Time) {
	seen := make(map[rns.Addr]time.Time)
	load(n, fileRatchets, parseRatchets, func(r transport.ReceivedRatchet) {
		seen[r.Destination] = r.Received
		_ = n.m.SeedRatchet(now, r)
	})
	names, err := n.env.storage.List(dirRatchets)
	if err != nil {
		n.storageProblem(dirRatchets, err)
	}
	for _, name := range names {
		dest, err := rns.ParseAddr(name)
		if err != nil {
			continue
		}
		b, err := n.env.storage.Read(dirRatchets + "/" + name)
		if err != nil {
			n.storageProblem(name, err)
			continue
		}
		if r, err := rns.ParseReceivedRatchet(b); err == nil && r.Usable(now) && r.Received.Truncate(time.Second).After(seen[dest]) {
			n.m.SeedRatchet(now, transport.ReceivedRatchet{Destination: dest, Ratchet: r.Ratchet, Received: r.Received})
		}
	}
}

// loadPaths reads the path table and the tunnels. Paths wait in n.stored until their interface is there, tunnels until
// their peer comes back. spec: rns-core §19.2, §19.5
func (n *Node) loadPaths(now time.Time) {
	c := announceCache{node: n, packets: make(map[rns.Hash][]byte), newest: make(map[rns.Addr]rns.Hash)}
	load(n, fileAnnounces, parseAnnounces, c.add)
	n.stored = make(map[rns.Hash][]transport.PathRecord)
	load(n, filePaths, rns.ParsePathTable, func(r rns.PathRecord) {
		if p, ok := c.path(r); ok {
			n.stored[r.Interface] = append(n.stored[r.Interface], p)
		}
	})
	load(n, fileTunnels, rns.ParseTunnels, func(r rns.TunnelRecord) {
		t := transport.TunnelRecord{ID: r.ID, Expires: r.Expires}
		for _, p := range r.Paths {
			if p, ok := c.path(p); ok {
				t.Paths = append(t.Paths, p)
			}
		}
		if err := n.m.SeedTunnel(now, t); err != nil {
			n.env.log.Debug("stored tunnel", slog.Any("tunnel", r.ID), slog.Any("error", err))
		}
	})
}

// announceCache finds the announces of stored paths.
type announceCache struct {
	node    *Node
	packets map[rns.Hash][]byte
	newest  map[rns.Addr]rns.Hash
}

func (c *announceCache) add(raw []byte) {
	if p, err := rns.ParsePacket(raw); err == nil {
		hash := rns.PacketHash(raw)
		c.packets[hash], c.newest[p.Dest] = raw, hash
	}
}

// path completes a stored path with its announce. A crash between the writing of two files can leave a path and a newer
// announce of the same destination: that will do. spec: rns-core §19.2
func (c *announceCache) path(r rns.PathRecord) (transport.PathRecord, bool) {
	raw, ok := c.packets[r.Announce]
	if !ok {
		if raw, ok = c.node.cachedAnnounce(r.Announce); !ok {
			if r.Announce, ok = c.newest[r.Dest]; !ok {
				return transport.PathRecord{}, false
			}
			raw = c.packets[r.Announce]
		}
	}
	p := transport.PathRecord{
		Destination: r.Dest, Timestamp: r.Learned, Expires: r.Expires, NextHop: r.NextHop, Hops: r.Hops,
		PacketHash: r.Announce, Announce: raw,
	}
	for _, b := range r.Blobs {
		p.Blobs = append(p.Blobs, transport.Blob(b))
	}
	return p, true
}

// cachedAnnounce reads a cached announce of the reference. spec: rns-core §19.4
func (n *Node) cachedAnnounce(h rns.Hash) ([]byte, bool) {
	b, err := n.env.storage.Read(dirAnnounces + "/" + h.Hex())
	if err != nil {
		return nil, false
	}
	a, err := rns.ParseCachedAnnounce(b)
	return a.Raw, err == nil && len(a.Raw) >= rns.HeaderMinSize && rns.PacketHash(a.Raw) == h
}

// portAdded gives a new interface the stored paths that lead over it. It runs on the loop.
func (n *Node) portAdded(now time.Time, p *port) {
	hash := rns.FullHash([]byte(p.info.Label))
	for _, r := range n.stored[hash] {
		r.Interface = p.id
		if err := n.m.SeedPath(now, r); err != nil {
			n.env.log.Debug("stored path", slog.Any("destination", r.Destination), slog.Any("error", err))
		}
	}
	delete(n.stored, hash)
	n.wakeWaiters()
}

// parseAnnounces reads our file of announces.
func parseAnnounces(b []byte) ([][]byte, error) {
	d := msgpack.NewDecoder(b)
	count, err := d.ReadArrayHeader()
	if err != nil {
		return nil, err
	}
	var list [][]byte
	for range count {
		raw, err := d.ReadBin()
		if err != nil {
			return nil, err
		}
		if len(raw) >= rns.HeaderMinSize {
			list = append(list, raw)
		}
	}
	return list, nil
}

// parseRatchets reads our file of received ratchets.
func parseRatchets(b []byte) ([]transport.ReceivedRatchet, error) {
	d := msgpack.NewDecoder(b)
	count, err := d.ReadArrayHeader()
	if err != nil {
		return nil, err
	}
	var list []transport.ReceivedRatchet
	for range count {
		var r transport.ReceivedRatchet
		fields, err1 := d.ReadArrayHeader()
		dest, err2 := d.ReadBin()
		key, err3 := d.ReadBin()
		at, err4 := d.ReadInt()
		if err := errors.Join(err1, err2, err3, err4); err != nil {
			return nil, err
		}
		if fields != 3 || len(dest) != len(r.Destination) || len(key) != len(r.Ratchet) {
			return nil, rns.ErrBadFile
		}
		copy(r.Destination[:], dest)
		copy(r.Ratchet[:], key)
		r.Received = time.Unix(at, 0)
		list = append(list, r)
	}
	return list, nil
}
