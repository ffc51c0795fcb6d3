package lxmf

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// ErrFile means that a file is not of the expected form. Such a file is replaced
// by an empty one. spec: lxmf §14
var ErrFile = errors.New("lxmf: damaged file")

// fileMap reads a file that is one map. Entries are bounded by the size of the
// file, which is ours.
func fileMap(b []byte) (msgpack.Pairs, error) {
	v, _, err := msgpack.Parse(b, msgpack.Limits{Values: 1 << 23})
	if err != nil {
		return msgpack.Pairs{}, fmt.Errorf("%w: %w", ErrFile, err)
	}
	m, ok := v.Map()
	if !ok {
		return m, ErrFile
	}
	return m, nil
}

func addrOf(v msgpack.Value) (rns.Addr, bool) {
	b, ok := v.Bytes()
	if !ok || len(b) != rns.AddrSize {
		return rns.Addr{}, false
	}
	return rns.Addr(b), true
}

func hashOf(v msgpack.Value) (rns.Hash, bool) {
	b, ok := v.Bytes()
	if !ok || len(b) != rns.HashSize {
		return rns.Hash{}, false
	}
	return rns.Hash(b), true
}

func timeOf(v msgpack.Value) (time.Time, bool) {
	f, ok := v.Number()
	return TimeOf(f), ok
}

func appendTime(b []byte, t time.Time) []byte { return msgpack.AppendFloat64(b, Seconds(t)) }

// StampCost is what a destination was last heard to ask for: an entry of the file
// outbound_stamp_costs.
type StampCost struct {
	Destination rns.Addr
	Heard       time.Time
	Cost        int // 0 for none
}

// Forgettable reports whether the entry is too old to be believed.
func (c StampCost) Forgettable(now time.Time) bool { return now.Sub(c.Heard) > StampCostMemory }

// ParseStampCosts reads outbound_stamp_costs. Malformed entries are left out.
func ParseStampCosts(b []byte) (costs []StampCost, err error) {
	m, err := fileMap(b)
	if err != nil {
		return nil, err
	}
	for k, v := range m.All() {
		dest, ok := addrOf(k)
		entry, isList := v.Array()
		if !ok || !isList || len(entry) < 2 {
			continue
		}
		heard, ok := timeOf(entry[0])
		if !ok {
			continue
		}
		c := StampCost{Destination: dest, Heard: heard}
		if n, ok := entry[1].Int(); ok && n >= 1 && n <= MaxStampCost {
			c.Cost = int(n)
		}
		costs = append(costs, c)
	}
	return costs, nil
}

// AppendStampCosts appends the content of outbound_stamp_costs.
func AppendStampCosts(b []byte, costs []StampCost) []byte {
	b = msgpack.AppendMapHeader(b, len(costs))
	for _, c := range costs {
		b = msgpack.AppendBin(b, c.Destination[:])
		b = appendTime(msgpack.AppendArrayHeader(b, 2), c.Heard)
		if c.Cost > 0 {
			b = msgpack.AppendInt(b, int64(c.Cost))
		} else {
			b = msgpack.AppendNil(b)
		}
	}
	return b
}

// Delivery says when a message was first seen: an entry of the files
// local_deliveries and locally_processed. The first has hashes and transient ids,
// the second transient ids.
type Delivery struct {
	ID rns.Hash
	At time.Time
}

// Forgettable reports whether a duplicate would no longer come.
func (d Delivery) Forgettable(now time.Time) bool { return now.Sub(d.At) > DuplicateMemory }

// ParseDeliveries reads local_deliveries or locally_processed. Malformed entries
// are left out.
func ParseDeliveries(b []byte) (list []Delivery, err error) {
	m, err := fileMap(b)
	if err != nil {
		return nil, err
	}
	for k, v := range m.All() {
		id, ok1 := hashOf(k)
		at, ok2 := timeOf(v)
		if ok1 && ok2 {
			list = append(list, Delivery{id, at})
		}
	}
	return list, nil
}

// AppendDeliveries appends the content of local_deliveries or locally_processed.
func AppendDeliveries(b []byte, list []Delivery) []byte {
	b = msgpack.AppendMapHeader(b, len(list))
	for _, d := range list {
		b = appendTime(msgpack.AppendBin(b, d.ID[:]), d.At)
	}
	return b
}

// NodeStats are the counters of a propagation node, the file node_stats.
type NodeStats struct {
	ClientReceived   uint64 // messages from clients
	ClientServed     uint64 // messages to clients
	UnpeeredIncoming uint64 // messages from nodes that are not peers
	UnpeeredRxBytes  uint64
}

// entries pairs the keys of the file with the counters.
func (s *NodeStats) entries() []statEntry {
	return []statEntry{
		{"client_propagation_messages_received", &s.ClientReceived},
		{"client_propagation_messages_served", &s.ClientServed},
		{"unpeered_propagation_incoming", &s.UnpeeredIncoming},
		{"unpeered_propagation_rx_bytes", &s.UnpeeredRxBytes},
	}
}

type statEntry struct {
	key   string
	value *uint64
}

// ParseNodeStats reads node_stats; missing counters are zero.
func ParseNodeStats(b []byte) (s NodeStats, err error) {
	m, err := fileMap(b)
	if err != nil {
		return NodeStats{}, err
	}
	for _, e := range s.entries() {
		if v, ok := m.Text(e.key); ok {
			*e.value, _ = v.Uint()
		}
	}
	return s, nil
}

// Append appends the content of node_stats.
func (s NodeStats) Append(b []byte) []byte {
	entries := s.entries()
	b = msgpack.AppendMapHeader(b, len(entries))
	for _, e := range entries {
		b = msgpack.AppendUint(msgpack.AppendString(b, e.key), *e.value)
	}
	return b
}

// Encryption descriptions of stored messages. spec: lxmf §14
const (
	EncryptionCurve = "Curve25519"  // to a destination, or on a link
	EncryptionGroup = "AES-128"     // to a group
	EncryptionNone  = "Unencrypted" //
)

// Container is a message with its delivery, as LXMF programs keep it in a file
// named by the hash in hexadecimal.
type Container struct {
	State      State
	Packed     []byte
	Encrypted  bool
	Encryption string // one of the descriptions, empty for unknown
	Method     Method
}

// ParseContainer reads a container. It aliases b.
func ParseContainer(b []byte) (c Container, err error) {
	m, err := fileMap(b)
	if err != nil {
		return Container{}, err
	}
	v, _ := m.Text("lxmf_bytes")
	packed, ok := v.Bytes()
	if !ok {
		return Container{}, fmt.Errorf("%w: no message in it", ErrFile)
	}
	c.Packed = packed
	for key, to := range map[string]*uint8{"state": (*uint8)(&c.State), "method": (*uint8)(&c.Method)} {
		v, _ := m.Text(key)
		if n, ok := v.Uint(); ok && n <= 0xff {
			*to = uint8(n)
		}
	}
	v, _ = m.Text("transport_encrypted")
	c.Encrypted, _ = v.Bool()
	v, _ = m.Text("transport_encryption")
	c.Encryption, _ = v.Text()
	return c, nil
}

// Append appends the content of the file.
func (c Container) Append(b []byte) []byte {
	b = msgpack.AppendMapHeader(b, 5)
	b = msgpack.AppendUint(msgpack.AppendString(b, "state"), uint64(c.State))
	b = msgpack.AppendBin(msgpack.AppendString(b, "lxmf_bytes"), c.Packed)
	b = msgpack.AppendBool(msgpack.AppendString(b, "transport_encrypted"), c.Encrypted)
	b = msgpack.AppendString(b, "transport_encryption")
	if c.Encryption == "" {
		b = msgpack.AppendNil(b)
	} else {
		b = msgpack.AppendString(b, c.Encryption)
	}
	return msgpack.AppendUint(msgpack.AppendString(b, "method"), uint64(c.Method))
}
