package lxmf

import (
	"fmt"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
)

// SyncStrategy says how eagerly a node serves a peer. spec: lxmf §12.1
type SyncStrategy uint8

// The strategies.
const (
	SyncLazy       SyncStrategy = 0x01
	SyncPersistent SyncStrategy = 0x02
)

// PeeringKey is the proof of work by which one node may offer messages to
// another.
type PeeringKey struct {
	Stamp stamp.Stamp
	Value int
}

// Peer is what a propagation node remembers of another: an element of the file
// peers. Times are seconds since 1970. spec: lxmf §12.1, §14
type Peer struct {
	Destination rns.Addr // its lxmf.propagation
	Timebase    int64    // of the last accepted announce
	Alive       bool
	Metadata    msgpack.Value // as announced; nil if unknown
	LastHeard   float64
	Strategy    SyncStrategy
	Key         *PeeringKey // nil if not found yet

	LinkRate     float64 // bit/s when links were established
	TransferRate float64 // bit/s of transfers

	// As announced; nil if unknown. Limits are in thousands of bytes.
	TransferLimit, SyncLimit            *float64
	StampCost, Flexibility, PeeringCost *int
	LastSync                            float64
	Offered, Outgoing, Incoming         uint64 // messages
	RxBytes, TxBytes                    uint64
	Handled, Unhandled                  []rns.Hash // transient ids
}

// ParsePeers reads the file peers. Peers that lack what they must have are left
// out.
func ParsePeers(b []byte) (peers []Peer, err error) {
	d := msgpack.NewDecoder(b)
	list, err := readStrings(&d)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	for _, entry := range list {
		if p, err := ParsePeer(entry); err == nil {
			peers = append(peers, p)
		}
	}
	return peers, nil
}

// AppendPeers appends the content of the file peers.
func AppendPeers(b []byte, peers []Peer) []byte {
	b = msgpack.AppendArrayHeader(b, len(peers))
	for _, p := range peers {
		b = msgpack.AppendBin(b, p.Append(nil))
	}
	return b
}

// ParsePeer reads one element of the file. It aliases b.
func ParsePeer(b []byte) (p Peer, err error) {
	m, err := fileMap(b)
	if err != nil {
		return Peer{}, err
	}
	r := peerReader{m: m}
	p.Destination = r.addr("destination_hash")
	p.Timebase = int64(clamp(r.number("peering_timebase", required), maxSeconds))
	p.Alive = r.alive()
	p.LastHeard = r.number("last_heard", required)
	p.Handled = r.hashes("handled_ids")
	p.Unhandled = r.hashes("unhandled_ids")
	p.Metadata = r.value("metadata")
	p.Strategy = SyncPersistent
	if n := r.number("sync_strategy", optional); n == float64(SyncLazy) {
		p.Strategy = SyncLazy
	}
	p.Key = r.key("peering_key")
	p.LinkRate = r.number("link_establishment_rate", optional)
	p.TransferRate = r.number("sync_transfer_rate", optional)
	p.TransferLimit = r.limit("propagation_transfer_limit")
	if p.SyncLimit = r.limit("propagation_sync_limit"); p.SyncLimit == nil {
		p.SyncLimit = p.TransferLimit
	}
	p.StampCost = r.cost("propagation_stamp_cost")
	p.Flexibility = r.cost("propagation_stamp_cost_flexibility")
	p.PeeringCost = r.cost("peering_cost")
	p.LastSync = r.number("last_sync_attempt", optional)
	p.Offered, p.Outgoing, p.Incoming = r.count("offered"), r.count("outgoing"), r.count("incoming")
	p.RxBytes, p.TxBytes = r.count("rx_bytes"), r.count("tx_bytes")
	if r.missing != "" {
		return Peer{}, fmt.Errorf("%w: peer without %s", ErrFile, r.missing)
	}
	return p, nil
}

// presence says whether an entry may be absent.
type presence uint8

const (
	optional presence = iota
	required
)

// peerReader reads entries and notes the first required one that is missing.
type peerReader struct {
	m       msgpack.Pairs
	missing string
}

func (r *peerReader) value(key string) msgpack.Value { v, _ := r.m.Text(key); return v }

func (r *peerReader) lack(key string) {
	if r.missing == "" {
		r.missing = key
	}
}

func (r *peerReader) number(key string, p presence) float64 {
	f, ok := r.value(key).Number()
	if !ok && p == required {
		r.lack(key)
	}
	return f
}

func (r *peerReader) alive() bool {
	b, ok := r.value("alive").Bool()
	if !ok {
		r.lack("alive")
	}
	return b
}

func (r *peerReader) addr(key string) rns.Addr {
	a, ok := addrOf(r.value(key))
	if !ok {
		r.lack(key)
	}
	return a
}

func (r *peerReader) hashes(key string) []rns.Hash {
	h, ok := hashesOf(r.value(key))
	if !ok {
		r.lack(key)
	}
	return h
}

func (r *peerReader) limit(key string) *float64 {
	f, ok := r.value(key).Number()
	if !ok {
		return nil
	}
	return &f
}

func (r *peerReader) cost(key string) *int {
	f, ok := r.value(key).Number()
	if !ok {
		return nil
	}
	n := cost(f)
	return &n
}

func (r *peerReader) count(key string) uint64 { n, _ := r.value(key).Uint(); return n }

func (r *peerReader) key(key string) *PeeringKey {
	pair, ok := r.value(key).Array()
	if !ok || len(pair) < 2 {
		return nil
	}
	b, ok1 := pair[0].Bytes()
	value, ok2 := pair[1].Int()
	if !ok1 || !ok2 || len(b) != stamp.Size || value < 0 || value > stamp.MaxCost {
		return nil
	}
	return &PeeringKey{stamp.Stamp(b), int(value)}
}

// Append appends the element of the file, entries in the customary order.
func (p Peer) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, 22)
	b = appendNumber(msgpack.AppendString(b, "peering_timebase"), float64(p.Timebase))
	b = msgpack.AppendBool(msgpack.AppendString(b, "alive"), p.Alive)
	b = p.Metadata.Append(msgpack.AppendString(b, "metadata"))
	b = appendNumber(msgpack.AppendString(b, "last_heard"), p.LastHeard)
	b = msgpack.AppendUint(msgpack.AppendString(b, "sync_strategy"), uint64(p.Strategy))
	b = msgpack.AppendString(b, "peering_key")
	if p.Key == nil {
		b = msgpack.AppendNil(b)
	} else {
		b = msgpack.AppendBin(msgpack.AppendArrayHeader(b, 2), p.Key.Stamp[:])
		b = msgpack.AppendInt(b, int64(p.Key.Value))
	}
	b = msgpack.AppendBin(msgpack.AppendString(b, "destination_hash"), p.Destination[:])
	b = appendNumber(msgpack.AppendString(b, "link_establishment_rate"), p.LinkRate)
	b = appendNumber(msgpack.AppendString(b, "sync_transfer_rate"), p.TransferRate)
	b = msgpack.AppendString(b, "propagation_transfer_limit")
	if p.TransferLimit == nil {
		b = msgpack.AppendNil(b)
	} else {
		b = msgpack.AppendFloat64(b, *p.TransferLimit)
	}
	b = msgpack.AppendString(b, "propagation_sync_limit")
	if p.SyncLimit == nil {
		b = msgpack.AppendNil(b)
	} else {
		b = appendNumber(b, *p.SyncLimit)
	}
	b = appendCost(b, "propagation_stamp_cost", p.StampCost)
	b = appendCost(b, "propagation_stamp_cost_flexibility", p.Flexibility)
	b = appendCost(b, "peering_cost", p.PeeringCost)
	return p.appendCounters(b)
}

func appendCost(b []byte, key string, cost *int) []byte {
	b = msgpack.AppendString(b, key)
	if cost == nil {
		return msgpack.AppendNil(b)
	}
	return msgpack.AppendInt(b, int64(*cost))
}

func (p Peer) appendCounters(b []byte) []byte {
	b = appendNumber(msgpack.AppendString(b, "last_sync_attempt"), p.LastSync)
	for _, e := range []statEntry{
		{"offered", &p.Offered}, {"outgoing", &p.Outgoing}, {"incoming", &p.Incoming},
		{"rx_bytes", &p.RxBytes}, {"tx_bytes", &p.TxBytes},
	} {
		b = msgpack.AppendUint(msgpack.AppendString(b, e.key), *e.value)
	}
	b = appendHashes(msgpack.AppendString(b, "handled_ids"), p.Handled)
	return appendHashes(msgpack.AppendString(b, "unhandled_ids"), p.Unhandled)
}
