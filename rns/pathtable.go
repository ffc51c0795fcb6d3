package rns

import (
	"fmt"
	"slices"
	"time"

	"meshchatx/rns/msgpack"
)

// PathRecord is a path as files hold it. spec: rns-core §19.2
type PathRecord struct {
	Dest      Addr
	Learned   time.Time // or last used
	NextHop   Addr      // Dest itself for a neighbour
	Hops      uint8     // as counted on reception
	Expires   time.Time
	Blobs     [][RandomBlobSize]byte // of announces seen, oldest first
	Interface Hash                   // zero if there is none
	Announce  Hash                   // packet hash of the cached announce
}

// TunnelRecord is a tunnel as files hold it. spec: rns-core §19.5
type TunnelRecord struct {
	ID        Hash
	Interface Hash // zero if no peer was connected
	Paths     []PathRecord
	Expires   time.Time
}

const (
	pathFields   = 8
	tunnelFields = 4
)

// ParsePathTable reads the file of the path table. Entries that make no sense
// are skipped. The error is [ErrBadFile].
func ParsePathTable(b []byte) ([]PathRecord, error) {
	var list []PathRecord
	err := eachEntry(b, func(v msgpack.Value) {
		if p, ok := pathRecord(v); ok {
			list = append(list, p)
		}
	})
	if err != nil {
		return nil, err
	}
	return list, nil
}

func pathRecord(v msgpack.Value) (p PathRecord, ok bool) {
	f, _ := v.Array()
	if len(f) < pathFields || !fill(p.Dest[:], f[0]) || !fill(p.NextHop[:], f[2]) {
		return p, false
	}
	learned, ok1 := f[1].Number()
	expires, ok2 := f[4].Number()
	hops, ok3 := f[3].Uint()
	blobs, ok4 := f[5].Array()
	if !ok1 || !ok2 || !ok3 || !ok4 || hops > MaxHops || len(blobs) > maxBlobsPerEntry {
		return p, false
	}
	p.Learned, p.Expires, p.Hops = unixTime(learned), unixTime(expires), uint8(hops)
	for _, v := range blobs {
		var blob [RandomBlobSize]byte
		if fill(blob[:], v) {
			p.Blobs = append(p.Blobs, blob)
		}
	}
	if !fill(p.Interface[:], f[6]) && !f[6].IsNil() {
		return p, false
	}
	return p, fill(p.Announce[:], f[7])
}

// AppendPathTable appends the file of the path table.
func AppendPathTable(b []byte, list []PathRecord) []byte {
	const typical = 150
	b = slices.Grow(b, typical*len(list))
	b = msgpack.AppendArrayHeader(b, len(list))
	for _, p := range list {
		b = p.append(b)
	}
	return b
}

func (p PathRecord) append(b []byte) []byte {
	b = msgpack.AppendArrayHeader(b, pathFields)
	b = msgpack.AppendBin(b, p.Dest[:])
	b = msgpack.AppendFloat64(b, unixSeconds(p.Learned))
	b = msgpack.AppendBin(b, p.NextHop[:])
	b = msgpack.AppendUint(b, uint64(p.Hops))
	b = msgpack.AppendFloat64(b, unixSeconds(p.Expires))
	b = msgpack.AppendArrayHeader(b, len(p.Blobs))
	for _, blob := range p.Blobs {
		b = msgpack.AppendBin(b, blob[:])
	}
	b = appendHash(b, p.Interface)
	return msgpack.AppendBin(b, p.Announce[:])
}

// ParseTunnels reads the file of tunnels. Tunnels and paths that make no sense
// are skipped. The error is [ErrBadFile].
func ParseTunnels(b []byte) ([]TunnelRecord, error) {
	d := msgpack.NewDecoder(b)
	n, err := d.ReadArrayHeader()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	var list []TunnelRecord
	for range n {
		t, ok, err := tunnelRecord(&d)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
		}
		if ok {
			list = append(list, t)
		}
	}
	return list, nil
}

// tunnelRecord reads one tunnel, path by path, because the paths of one tunnel
// can be a whole path table.
func tunnelRecord(d *msgpack.Decoder) (t TunnelRecord, ok bool, err error) {
	if kind, err := d.Kind(); err != nil || kind != msgpack.KindArray {
		_, err := d.ReadValue(entryLimits)
		return t, false, err
	}
	fields, err := d.ReadArrayHeader()
	if err != nil {
		return t, false, err
	}
	ok = fields >= tunnelFields
	for i := range fields {
		if kind, err := d.Kind(); i == 2 && err == nil && kind == msgpack.KindArray {
			if t.Paths, err = pathRecords(d); err != nil {
				return t, false, err
			}
			continue
		}
		v, err := d.ReadValue(entryLimits)
		if err != nil {
			return t, false, err
		}
		switch i {
		case 0:
			ok = ok && fill(t.ID[:], v)
		case 1:
			ok = ok && (v.IsNil() || fill(t.Interface[:], v))
		case 2:
			ok = false
		case 3:
			seconds, number := v.Number()
			t.Expires = unixTime(seconds)
			ok = ok && number
		}
	}
	return t, ok, nil
}

func pathRecords(d *msgpack.Decoder) ([]PathRecord, error) {
	n, err := d.ReadArrayHeader()
	if err != nil {
		return nil, err
	}
	var list []PathRecord
	for range n {
		v, err := d.ReadValue(entryLimits)
		if err != nil {
			return nil, err
		}
		if p, ok := pathRecord(v); ok {
			list = append(list, p)
		}
	}
	return list, nil
}

// AppendTunnels appends the file of tunnels, with the newest
// [PersistRandomBlobs] blobs of each path.
func AppendTunnels(b []byte, list []TunnelRecord) []byte {
	b = msgpack.AppendArrayHeader(b, len(list))
	for _, t := range list {
		b = msgpack.AppendArrayHeader(b, tunnelFields)
		b = msgpack.AppendBin(b, t.ID[:])
		b = appendHash(b, t.Interface)
		b = msgpack.AppendArrayHeader(b, len(t.Paths))
		for _, p := range t.Paths {
			p.Blobs = p.Blobs[max(0, len(p.Blobs)-PersistRandomBlobs):]
			b = p.append(b)
		}
		b = msgpack.AppendFloat64(b, unixSeconds(t.Expires))
	}
	return b
}

// CachedAnnounce is an announce packet as files hold it. spec: rns-core §19.4
type CachedAnnounce struct {
	Raw       []byte // as received, hops not incremented
	Interface string // display name of the interface it came from, may be empty
}

// ParseCachedAnnounce reads the file of a cached announce. Raw is a copy. The
// error is [ErrBadFile].
func ParseCachedAnnounce(b []byte) (CachedAnnounce, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{Depth: 2, Values: 16})
	if err != nil {
		return CachedAnnounce{}, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	f, _ := v.Array()
	if len(f) < 2 {
		return CachedAnnounce{}, fmt.Errorf("%w: fields missing", ErrBadFile)
	}
	raw, ok := f[0].Bytes()
	if !ok {
		return CachedAnnounce{}, fmt.Errorf("%w: no packet", ErrBadFile)
	}
	name, _ := f[1].Text()
	return CachedAnnounce{Raw: slices.Clone(raw), Interface: name}, nil
}

// AppendCachedAnnounce appends the file of a cached announce.
func AppendCachedAnnounce(b []byte, a CachedAnnounce) []byte {
	b = msgpack.AppendArrayHeader(b, 2)
	b = msgpack.AppendBin(b, a.Raw)
	if a.Interface == "" {
		return msgpack.AppendNil(b)
	}
	return msgpack.AppendString(b, a.Interface)
}

// ParsePacketHashes reads the file of packet hashes; an incomplete one at the
// end is ignored. spec: rns-core §19.3
func ParsePacketHashes(b []byte) []Hash {
	list := make([]Hash, 0, len(b)/HashSize)
	for ; len(b) >= HashSize; b = b[HashSize:] {
		list = append(list, Hash(b))
	}
	return list
}

// AppendPacketHashes appends the file of packet hashes.
func AppendPacketHashes(b []byte, list []Hash) []byte {
	b = slices.Grow(b, HashSize*len(list))
	for _, h := range list {
		b = append(b, h[:]...)
	}
	return b
}
