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
	t, err := ask(context.Background(), n, n.gather)
	if err != nil {
		return err
	}
	var errs []error
	for name, b := range t.files() {
		if err := n.env.storage.Write(name, b); err != nil {
			n.storageProblem(name, err)
			errs = append(errs, fmt.Errorf("save %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// tables is a copy of what is stored. The loop only copies; encoding and writing happen elsewhere.
type tables struct {
	at       time.Time
	known    []transport.KnownDestination
	ratchets []transport.ReceivedRatchet
	paths    []storedPath
	hashes   []rns.Hash
	black    []transport.Blackhole
	relaying bool
}

// storedPath is a path with the hash of the interface it leads over.
type storedPath struct {
	transport.PathRecord
	iface rns.Hash
	label string
}

// gather copies the tables. It runs on the loop. Paths whose interface has not come back since the start are kept.
func (n *Node) gather(now time.Time) tables {
	n.dirty = 0
	t := tables{at: now, relaying: bool(n.cfg.Transport)}
	t.known = make([]transport.KnownDestination, 0, n.m.KnownCount())
	collect(&t.known, n.m.KnownDestinations())
	collect(&t.ratchets, n.m.Ratchets())
	t.paths = make([]storedPath, 0, n.m.PathCount())
	hashes := make(map[InterfaceID]rns.Hash, len(n.ports))
	for id, p := range n.ports {
		hashes[id] = rns.FullHash([]byte(p.info.Label))
	}
	for r := range n.m.Paths(now) {
		if p, ok := n.ports[r.Interface]; ok && r.Announce != nil {
			t.paths = append(t.paths, storedPath{PathRecord: r, iface: hashes[r.Interface], label: p.info.Label})
		}
	}
	for hash, list := range n.stored {
		for _, r := range list {
			t.paths = append(t.paths, storedPath{PathRecord: r, iface: hash})
		}
	}
	if t.relaying {
		t.hashes = make([]rns.Hash, 0, n.m.PacketHashCount())
		collect(&t.hashes, n.m.PacketHashes())
	}
	for b := range n.m.Blackholed() {
		if b.Source == n.TransportID() {
			t.black = append(t.black, b)
		}
	}
	return t
}

// files encodes the tables.
func (t *tables) files() map[string][]byte {
	files := t.shared()
	files[fileRatchets] = t.appendRatchets()
	announces := msgpack.AppendArrayHeader(nil, len(t.paths))
	for _, p := range t.paths {
		announces = msgpack.AppendBin(announces, p.Announce)
	}
	files[fileAnnounces] = announces
	return files
}

// shared encodes the tables whose files are those of the reference.
func (t *tables) shared() map[string][]byte {
	known := make([]rns.KnownDestination, 0, len(t.known))
	for _, k := range t.known {
		known = append(known, rns.KnownDestination{
			Dest: k.Destination, LastAnnounce: k.Announced, PacketHash: k.PacketHash, Public: k.Public, AppData: k.AppData,
			LastUsed: k.Used, Retained: k.Retained,
		})
	}
	paths := make([]rns.PathRecord, 0, len(t.paths))
	for _, r := range t.paths {
		p := rns.PathRecord{
			Dest: r.Destination, Learned: r.Timestamp, NextHop: r.NextHop, Hops: r.Hops, Expires: r.Expires,
			Interface: r.iface, Announce: r.PacketHash,
		}
		for _, b := range r.Blobs {
			p.Blobs = append(p.Blobs, b)
		}
		paths = append(paths, p)
	}
	var black []rns.Blackhole
	for _, b := range t.black {
		black = append(black, rns.Blackhole{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
	}
	files := map[string][]byte{
		fileKnown: rns.AppendKnownDestinations(nil, known), filePaths: rns.AppendPathTable(nil, paths),
		fileBlackhole: rns.AppendBlackholes(nil, black),
	}
	if t.relaying {
		files[fileHashes] = rns.AppendPacketHashes(nil, t.hashes)
	}
	return files
}

// appendRatchets encodes the received ratchets: an array of [destination, key, time received].
func (t *tables) appendRatchets() []byte {
	var list []transport.ReceivedRatchet
	for _, r := range t.ratchets {
		if (rns.ReceivedRatchet{Received: r.Received}).Usable(t.at) {
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
