package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/transport"
)

// walk visits stored tables in portions, each in a turn of the loop of its own: however large they are, packets wait for
// one portion only. begin runs on the loop before the first portion.
func (n *Node) walk(ctx context.Context, w *transport.Walk, begin func(now time.Time)) error {
	w.Start(n.m)
	more, err := ask(ctx, n, func(now time.Time) bool {
		if begin != nil {
			begin(now)
		}
		return w.Next(now, n.cfg.Params.SavePortion)
	})
	for more && err == nil {
		more, err = ask(ctx, n, func(now time.Time) bool { return w.Next(now, n.cfg.Params.SavePortion) })
	}
	if err != nil {
		n.post(func(time.Time) { w.Close() }) // a turn may still be under way
	}
	return err
}

// Save writes all tables now.
func (n *Node) Save(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return n.save()
}

// save writes the tables. Saves never run at the same time. spec: rns-core §19.1
func (n *Node) save() error {
	n.saving.Lock()
	defer n.saving.Unlock()
	t, err := n.copyTables(context.Background())
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range t.files() {
		if err := n.env.storage.Write(f.name, f.content); err != nil {
			n.storageProblem(f.name, err)
			errs = append(errs, fmt.Errorf("save %s: %w", f.name, err))
		}
	}
	return errors.Join(append(errs, n.saveBlackhole())...)
}

// tables is a copy of what is stored.
type tables struct {
	at       time.Time
	known    copied[transport.KnownDestination]
	ratchets copied[transport.ReceivedRatchet]
	paths    copied[storedPath]
	hashes   []rns.Hash
	tunnels  map[rns.Hash]*storedTunnel
	relaying bool
}

// copied is a list of which the last entry of each destination counts.
type copied[T any] struct {
	list []T
	at   map[rns.Addr]int
}

func (c *copied[T]) add(dest rns.Addr, v T) {
	if c.at == nil {
		c.at = make(map[rns.Addr]int)
	}
	if i, ok := c.at[dest]; ok {
		c.list[i] = v
		return
	}
	c.at[dest] = len(c.list)
	c.list = append(c.list, v)
}

// storedPath is a path with the hash of the interface it leads over.
type storedPath struct {
	transport.PathRecord
	iface rns.Hash
	label string
}

// storedTunnel is a tunnel with the hash of its interface.
type storedTunnel struct {
	expires time.Time
	iface   rns.Hash
	paths   copied[transport.PathRecord]
}

// copyTables copies the tables. Paths whose interface has not come back since the start are kept, for as long as a path
// lives.
func (n *Node) copyTables(ctx context.Context) (*tables, error) {
	t := &tables{relaying: bool(n.cfg.Transport), tunnels: make(map[rns.Hash]*storedTunnel)}
	labels := make(map[InterfaceID]rns.Hash)
	label := func(p *port) rns.Hash {
		h, ok := labels[p.id]
		if !ok {
			h = rns.FullHash([]byte(p.info.Label))
			labels[p.id] = h
		}
		return h
	}
	w := transport.Walk{
		Path: func(r transport.PathRecord) {
			if p, ok := n.ports[r.Interface]; ok && r.Announce != nil {
				t.paths.add(r.Destination, storedPath{PathRecord: r, iface: label(p), label: p.info.Label})
			}
		},
		Known: func(k transport.KnownDestination, r *transport.ReceivedRatchet) {
			t.known.add(k.Destination, k)
			if r != nil {
				t.ratchets.add(r.Destination, *r)
			}
		},
		Tunnel: func(r transport.TunnelRecord) {
			tu := &storedTunnel{expires: r.Expires}
			if p, ok := n.ports[r.Interface]; ok {
				tu.iface = label(p)
			}
			t.tunnels[r.ID] = tu
		},
		TunnelPath: func(id rns.Hash, r transport.PathRecord) {
			if tu := t.tunnels[id]; tu != nil && r.Announce != nil {
				tu.paths.add(r.Destination, r)
			}
		},
	}
	if t.relaying {
		w.Hash = func(h rns.Hash) { t.hashes = append(t.hashes, h) }
	}
	err := n.walk(ctx, &w, func(now time.Time) {
		n.dirty, t.at = n.dirty&transport.TableBlackhole, now
		for hash, list := range n.stored {
			for _, r := range list {
				if now.Sub(r.Timestamp) < n.cfg.Params.Transport.PathExpiry {
					t.paths.add(r.Destination, storedPath{PathRecord: r, iface: hash})
				}
			}
		}
	})
	return t, err
}

// storageFile is a file to be written.
type storageFile struct {
	name    string
	content []byte
}

// files encodes the tables. Announces come first: a path without its announce is lost, an announce without a path is not.
func (t *tables) files() []storageFile {
	return append([]storageFile{{fileAnnounces, t.appendAnnounces()}, {fileRatchets, t.appendRatchets()}}, t.shared()...)
}

// shared encodes the tables whose files are those of the reference.
func (t *tables) shared() []storageFile {
	known := make([]rns.KnownDestination, 0, len(t.known.list))
	for _, k := range t.known.list {
		known = append(known, rns.KnownDestination{
			Dest: k.Destination, LastAnnounce: k.Announced, PacketHash: k.PacketHash, Public: k.Public, AppData: k.AppData,
			LastUsed: k.Used, Retained: k.Retained,
		})
	}
	paths := make([]rns.PathRecord, 0, len(t.paths.list))
	for _, r := range t.paths.list {
		paths = append(paths, pathOfFile(r.PathRecord, r.iface))
	}
	tunnels := make([]rns.TunnelRecord, 0, len(t.tunnels))
	for _, id := range slices.SortedFunc(maps.Keys(t.tunnels), func(a, b rns.Hash) int { return slices.Compare(a[:], b[:]) }) {
		tu := t.tunnels[id]
		r := rns.TunnelRecord{ID: id, Interface: tu.iface, Expires: tu.expires}
		for _, p := range tu.paths.list {
			r.Paths = append(r.Paths, pathOfFile(p, tu.iface))
		}
		if len(r.Paths) > 0 {
			tunnels = append(tunnels, r)
		}
	}
	files := []storageFile{
		{filePaths, rns.AppendPathTable(nil, paths)}, {fileTunnels, rns.AppendTunnels(nil, tunnels)},
		{fileKnown, rns.AppendKnownDestinations(nil, known)},
	}
	if t.relaying {
		files = append(files, storageFile{fileHashes, rns.AppendPacketHashes(nil, t.hashes)})
	}
	return files
}

// pathOfFile is a path as files hold it.
func pathOfFile(r transport.PathRecord, iface rns.Hash) rns.PathRecord {
	p := rns.PathRecord{
		Dest: r.Destination, Learned: r.Timestamp, NextHop: r.NextHop, Hops: r.Hops, Expires: r.Expires,
		Interface: iface, Announce: r.PacketHash,
	}
	for _, b := range r.Blobs {
		p.Blobs = append(p.Blobs, b)
	}
	return p
}

// announces lists the cached announces of paths and tunnels with the interface they came from, each once.
func (t *tables) announces(yield func(hash rns.Hash, raw []byte, label string)) {
	seen := make(map[rns.Hash]bool, len(t.paths.list))
	for _, p := range t.paths.list {
		if !seen[p.PacketHash] {
			seen[p.PacketHash] = true
			yield(p.PacketHash, p.Announce, p.label)
		}
	}
	for _, tu := range t.tunnels {
		for _, p := range tu.paths.list {
			if !seen[p.PacketHash] {
				seen[p.PacketHash] = true
				yield(p.PacketHash, p.Announce, "")
			}
		}
	}
}

// appendAnnounces encodes the cached announces: an array of packets.
func (t *tables) appendAnnounces() []byte {
	count := 0
	t.announces(func(rns.Hash, []byte, string) { count++ })
	b := msgpack.AppendArrayHeader(nil, count)
	t.announces(func(_ rns.Hash, raw []byte, _ string) { b = msgpack.AppendBin(b, raw) })
	return b
}

// appendRatchets encodes the received ratchets: an array of [destination, key, time received].
func (t *tables) appendRatchets() []byte {
	var list []transport.ReceivedRatchet
	for _, r := range t.ratchets.list {
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
