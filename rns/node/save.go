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
// one portion only. begin runs on the loop before the first portion; the callbacks of w run on the loop, and give what they
// see to lists made by collectInto, which grow outside of it.
func (n *Node) walk(ctx context.Context, w *transport.Walk, begin func(now time.Time), lists ...settler) error {
	w.Start(n.m)
	more, err := ask(ctx, n, func(now time.Time) bool {
		if begin != nil {
			begin(now)
		}
		return w.Next(now, n.cfg.Params.SavePortion)
	})
	for more && err == nil {
		for _, l := range lists {
			l.settle()
		}
		more, err = ask(ctx, n, func(now time.Time) bool { return w.Next(now, n.cfg.Params.SavePortion) })
	}
	if err != nil {
		if !n.post(func(time.Time) { w.Close() }) { // a turn may still be under way
			w.Close()
		}
		return err
	}
	for _, l := range lists {
		l.settle()
	}
	return nil
}

// settler takes over what one turn of a walk has left.
type settler interface{ settle() }

// Save writes all tables now.
func (n *Node) Save(ctx context.Context) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return n.save()
}

// save writes the tables. Saves never run at the same time. spec: rns-core §19.1
func (n *Node) save() error {
	if n.shared.role == RoleClient { // the files belong to the shared instance; spec: rns-core §19
		return nil
	}
	n.saving.Lock()
	defer n.saving.Unlock()
	var errs []error
	for _, what := range [...]tableSet{setPaths, setKnown} { // one after the other: half as much memory
		t, err := n.copyTables(context.Background(), what)
		if err != nil {
			return errors.Join(append(errs, err)...)
		}
		for _, f := range t.files() {
			if err := n.env.storage.Write(f.name, f.content()); err != nil {
				n.storageProblem(f.name, err)
				errs = append(errs, fmt.Errorf("save %s: %w", f.name, err))
			}
		}
		errs = append(errs, n.exchange(t))
	}
	return errors.Join(append(errs, n.saveBlackhole())...)
}

// tableSet says which tables belong together.
type tableSet uint8

const (
	// setPaths are paths with their announces, tunnels and packet hashes.
	setPaths tableSet = 1 << iota
	// setKnown are known destinations with their ratchets.
	setKnown
	setAll = setPaths | setKnown
)

// tables is a copy of what is stored.
type tables struct {
	set      tableSet
	at       time.Time
	known    copied[transport.KnownDestination]
	ratchets copied[transport.ReceivedRatchet]
	paths    copied[storedPath]
	hashes   copiedHashes
	tunnels  copiedTunnels
	relaying bool
}

// copied is a list of which the last entry of each destination counts. The zero value is empty.
type copied[T any] struct {
	list []T
	at   map[rns.Addr]int
	turn []keyed[T] // of the turn under way
}

type keyed[T any] struct {
	dest rns.Addr
	v    T
}

// add notes an entry during a turn of the loop: large lists are made to grow outside of it.
func (c *copied[T]) add(dest rns.Addr, v T) { c.turn = append(c.turn, keyed[T]{dest, v}) }

// settle takes over what the turn has noted.
func (c *copied[T]) settle() {
	if c.at == nil {
		c.at = make(map[rns.Addr]int)
	}
	for _, e := range c.turn {
		if i, ok := c.at[e.dest]; ok {
			c.list[i] = e.v
			continue
		}
		c.at[e.dest] = len(c.list)
		c.list = append(c.list, e.v)
	}
	clear(c.turn)
	c.turn = c.turn[:0]
}

// copiedHashes is a list of packet hashes.
type copiedHashes struct{ list, turn []rns.Hash }

func (c *copiedHashes) settle() {
	c.list = append(c.list, c.turn...)
	c.turn = c.turn[:0]
}

// tunneled is a path of a tunnel.
type tunneled struct {
	tunnel rns.Hash
	transport.PathRecord
}

// copiedTunnels holds tunnels by id.
type copiedTunnels struct {
	byID map[rns.Hash]*storedTunnel
	turn []tunneled
}

func (c *copiedTunnels) settle() {
	for _, p := range c.turn {
		if t := c.byID[p.tunnel]; t != nil {
			t.paths.add(p.Destination, p.PathRecord)
			t.paths.settle()
		}
	}
	clear(c.turn)
	c.turn = c.turn[:0]
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
func (n *Node) copyTables(ctx context.Context, what tableSet) (*tables, error) {
	t := &tables{set: what, relaying: bool(n.cfg.Transport), tunnels: copiedTunnels{byID: make(map[rns.Hash]*storedTunnel)}}
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
			t.tunnels.byID[r.ID] = tu
		},
		TunnelPath: func(id rns.Hash, r transport.PathRecord) {
			if r.Announce != nil {
				t.tunnels.turn = append(t.tunnels.turn, tunneled{id, r})
			}
		},
	}
	if what&setPaths == 0 {
		w.Path, w.Tunnel, w.TunnelPath = nil, nil, nil
	}
	if what&setKnown == 0 {
		w.Known = nil
	}
	if t.relaying && what&setPaths != 0 {
		w.Hash = func(h rns.Hash) { t.hashes.turn = append(t.hashes.turn, h) }
	}
	var stored map[rns.Hash][]transport.PathRecord
	err := n.walk(ctx, &w, func(now time.Time) {
		t.at = now
		if what&setPaths != 0 { // the first set of a save
			n.dirty &= transport.TableBlackhole
			stored = maps.Clone(n.stored) // the lists in it never change
		}
	}, &t.known, &t.ratchets, &t.paths, &t.hashes, &t.tunnels)
	if err != nil {
		return nil, err
	}
	for hash, list := range stored {
		for _, r := range list {
			if _, back := t.paths.at[r.Destination]; !back && t.at.Sub(r.Timestamp) < n.cfg.Params.Transport.PathExpiry {
				t.paths.add(r.Destination, storedPath{PathRecord: r, iface: hash})
			}
		}
	}
	t.paths.settle()
	t.known.at, t.ratchets.at, t.paths.at = nil, nil, nil // large, and not needed any more
	return t, nil
}

// storageFile is a file to be written. Its content is made when it is.
type storageFile struct {
	name    string
	content func() []byte
}

// files encodes the tables. Announces come first: a path without its announce is lost, an announce without a path is not.
func (t *tables) files() []storageFile {
	var files []storageFile
	if t.set&setPaths != 0 {
		files = append(files, storageFile{fileAnnounces, t.appendAnnounces})
	}
	if t.set&setKnown != 0 {
		files = append(files, storageFile{fileRatchets, t.appendRatchets})
	}
	return append(files, t.shared()...)
}

// shared encodes the tables whose files are those of the reference.
func (t *tables) shared() []storageFile {
	var files []storageFile
	if t.set&setPaths != 0 {
		files = append(files, storageFile{filePaths, t.appendPaths}, storageFile{fileTunnels, t.appendTunnels})
		if t.relaying {
			files = append(files, storageFile{fileHashes, func() []byte { return rns.AppendPacketHashes(nil, t.hashes.list) }})
		}
	}
	if t.set&setKnown != 0 {
		files = append(files, storageFile{fileKnown, t.appendKnown})
	}
	return files
}

func (t *tables) appendKnown() []byte {
	known := make([]rns.KnownDestination, 0, len(t.known.list))
	for _, k := range t.known.list {
		known = append(known, rns.KnownDestination{
			Dest: k.Destination, LastAnnounce: k.Announced, PacketHash: k.PacketHash, Public: k.Public, AppData: k.AppData,
			LastUsed: k.Used, Retained: k.Retained,
		})
	}
	return rns.AppendKnownDestinations(nil, known)
}

func (t *tables) appendPaths() []byte {
	paths := make([]rns.PathRecord, 0, len(t.paths.list))
	for _, r := range t.paths.list {
		paths = append(paths, pathOfFile(r.PathRecord, r.iface))
	}
	return rns.AppendPathTable(nil, paths)
}

func (t *tables) appendTunnels() []byte {
	tunnels := make([]rns.TunnelRecord, 0, len(t.tunnels.byID))
	for _, id := range slices.SortedFunc(maps.Keys(t.tunnels.byID), func(a, b rns.Hash) int { return slices.Compare(a[:], b[:]) }) {
		tu := t.tunnels.byID[id]
		r := rns.TunnelRecord{ID: id, Interface: tu.iface, Expires: tu.expires}
		for _, p := range tu.paths.list {
			r.Paths = append(r.Paths, pathOfFile(p, tu.iface))
		}
		if len(r.Paths) > 0 {
			tunnels = append(tunnels, r)
		}
	}
	return rns.AppendTunnels(nil, tunnels)
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
	for _, tu := range t.tunnels.byID {
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
	const header = 5 // of an array or a string, at most
	count, size := 0, header
	t.announces(func(_ rns.Hash, raw []byte, _ string) { count, size = count+1, size+len(raw)+header })
	b := msgpack.AppendArrayHeader(make([]byte, 0, size), count)
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
