package node

import (
	"context"
	"errors"
	"fmt"
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
	fileHashes    = "packet_hashlist.raw"
	fileBlackhole = "blackhole/local"
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
	load(n, fileBlackhole, rns.ParseBlackholes, func(b rns.Blackhole) {
		n.m.SeedBlackhole(now, transport.Blackhole{
			Identity: b.Identity, Source: n.TransportID(), Until: b.Until, Reason: b.Reason,
		})
	})
	n.loadRatchets(now)
	if n.cfg.Transport {
		n.loadPaths()
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

// loadRatchets reads the received ratchets, ours first and then files of the reference. spec: rns-core §4.5
func (n *Node) loadRatchets(now time.Time) {
	seen := make(map[rns.Addr]bool)
	load(n, fileRatchets, parseRatchets, func(r transport.ReceivedRatchet) {
		seen[r.Destination] = true
		_ = n.m.SeedRatchet(now, r)
	})
	names, err := n.env.storage.List(dirRatchets)
	if err != nil {
		n.storageProblem(dirRatchets, err)
	}
	for _, name := range names {
		dest, err := rns.ParseAddr(name)
		if err != nil || seen[dest] {
			continue
		}
		b, err := n.env.storage.Read(dirRatchets + "/" + name)
		if err != nil {
			n.storageProblem(name, err)
			continue
		}
		if r, err := rns.ParseReceivedRatchet(b); err == nil && r.Usable(now) {
			n.m.SeedRatchet(now, transport.ReceivedRatchet{Destination: dest, Ratchet: r.Ratchet, Received: r.Received})
		}
	}
}

// loadPaths reads the path table. Paths wait in n.stored until their interface is there. spec: rns-core §19.2
func (n *Node) loadPaths() {
	announces := make(map[rns.Hash][]byte)
	load(n, fileAnnounces, parseAnnounces, func(raw []byte) { announces[rns.PacketHash(raw)] = raw })
	n.stored = make(map[rns.Hash][]transport.PathRecord)
	load(n, filePaths, rns.ParsePathTable, func(r rns.PathRecord) {
		raw, ok := announces[r.Announce]
		if !ok {
			raw, ok = n.cachedAnnounce(r.Announce)
		}
		if !ok {
			return
		}
		p := transport.PathRecord{
			Destination: r.Dest, Timestamp: r.Learned, Expires: r.Expires, NextHop: r.NextHop, Hops: r.Hops,
			PacketHash: r.Announce, Announce: raw,
		}
		for _, b := range r.Blobs {
			p.Blobs = append(p.Blobs, transport.Blob(b))
		}
		n.stored[r.Interface] = append(n.stored[r.Interface], p)
	})
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
}

// Save writes all tables now.
func (n *Node) Save(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return n.save()
}

// save writes the tables. Saves never run at the same time.
func (n *Node) save() error {
	n.saving.Lock()
	defer n.saving.Unlock()
	files, err := ask(context.Background(), n, func(now time.Time) map[string][]byte {
		n.dirty = 0
		return n.tables(now)
	})
	if err != nil {
		return err
	}
	var errs []error
	for name, b := range files {
		if err := n.env.storage.Write(name, b); err != nil {
			n.storageProblem(name, err)
			errs = append(errs, fmt.Errorf("save %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// tables encodes what is stored. It runs on the loop.
func (n *Node) tables(now time.Time) map[string][]byte {
	files := make(map[string][]byte)
	var known []rns.KnownDestination
	for k := range n.m.KnownDestinations() {
		known = append(known, rns.KnownDestination{
			Dest: k.Destination, LastAnnounce: k.Announced, PacketHash: k.PacketHash, Public: k.Public, AppData: k.AppData,
			LastUsed: k.Used, Retained: k.Retained,
		})
	}
	files[fileKnown] = rns.AppendKnownDestinations(nil, known)
	files[fileRatchets] = n.appendRatchets(now)
	files[filePaths], files[fileAnnounces] = n.appendPaths(now)
	if n.cfg.Transport {
		var hashes []rns.Hash
		for h := range n.m.PacketHashes() {
			hashes = append(hashes, h)
		}
		files[fileHashes] = rns.AppendPacketHashes(nil, hashes)
	}
	var black []rns.Blackhole
	for b := range n.m.Blackholed() {
		if b.Source == n.TransportID() {
			black = append(black, rns.Blackhole{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
		}
	}
	files[fileBlackhole] = rns.AppendBlackholes(nil, black)
	return files
}

// appendPaths encodes the path table and the announces it comes from. Paths whose interface has not come back since the
// start are kept.
func (n *Node) appendPaths(now time.Time) (table, announces []byte) {
	var paths []rns.PathRecord
	var raws [][]byte
	add := func(r transport.PathRecord, hash rns.Hash) {
		if r.Announce == nil {
			return
		}
		p := rns.PathRecord{
			Dest: r.Destination, Learned: r.Timestamp, NextHop: r.NextHop, Hops: r.Hops, Expires: r.Expires,
			Interface: hash, Announce: r.PacketHash,
		}
		for _, b := range r.Blobs {
			p.Blobs = append(p.Blobs, b)
		}
		paths = append(paths, p)
		raws = append(raws, r.Announce)
	}
	for r := range n.m.Paths(now) {
		if p, ok := n.ports[r.Interface]; ok {
			add(r, rns.FullHash([]byte(p.info.Label)))
		}
	}
	for hash, list := range n.stored {
		for _, r := range list {
			add(r, hash)
		}
	}
	announces = msgpack.AppendArrayHeader(nil, len(raws))
	for _, raw := range raws {
		announces = msgpack.AppendBin(announces, raw)
	}
	return rns.AppendPathTable(nil, paths), announces
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

// appendRatchets encodes the received ratchets: an array of [destination, key, time received].
func (n *Node) appendRatchets(now time.Time) []byte {
	var list []transport.ReceivedRatchet
	for r := range n.m.Ratchets() {
		if (rns.ReceivedRatchet{Received: r.Received}).Usable(now) {
			list = append(list, r)
		}
	}
	b := msgpack.AppendArrayHeader(nil, len(list))
	for _, r := range list {
		b = msgpack.AppendArrayHeader(b, 3)
		b = msgpack.AppendBin(b, r.Destination[:])
		b = msgpack.AppendBin(b, r.Ratchet[:])
		b = msgpack.AppendInt(b, r.Received.Unix())
	}
	return b
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

// saver saves after changes, not sooner than SaveDelay and in any case every SaveInterval. The more a save costs, the rarer
// it is.
func (n *Node) saver(ctx context.Context) {
	last := n.env.now()
	delay := n.cfg.Params.SaveDelay
	timer := time.NewTimer(delay)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		changed, err := ask(ctx, n, func(time.Time) transport.Tables { return n.dirty })
		if err != nil {
			return
		}
		begin := n.env.now()
		if changed != 0 || begin.Sub(last) >= n.cfg.Params.SaveInterval {
			_ = n.save()
			last = n.env.now()
			delay = max(n.cfg.Params.SaveDelay, 200*last.Sub(begin))
		}
		timer.Reset(delay)
	}
}
