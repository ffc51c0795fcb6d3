package control

import (
	"errors"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Errors of requests and responses.
var (
	// ErrOperation means that a request names no known operation.
	ErrOperation = errors.New("control: unknown operation")
	// ErrRequest means that a request misses a parameter, or has one of the wrong kind.
	ErrRequest = errors.New("control: malformed request")
	// ErrPickle means that the partner speaks the format of releases before 1.3.4, which is never decoded.
	ErrPickle = errors.New("control: the other program is too old: it sends Python objects")
	// ErrResponse means that a response is not what the call returns.
	ErrResponse = errors.New("control: malformed response")
)

// Operation is what a request asks for.
type Operation uint8

// The operations. The zero value is none. spec: rns-link §12.6
const (
	OpNone Operation = iota
	OpInterfaceStats
	OpPathTable
	OpRateTable
	OpNextHopInterface
	OpNextHop
	OpFirstHopTimeout
	OpLinkCount
	OpPacketRSSI
	OpPacketSNR
	OpPacketQuality
	OpBlackholedIdentities
	OpIsBlackholed
	OpDropPath
	OpDropAllVia
	OpDropAnnounceQueues
	OpBlackhole
	OpUnblackhole
	OpUseDestination
	OpRetainDestination
	OpUnretainDestination
	OpRetainIdentity
	operations
)

// parameter says what a request carries besides the operation.
type parameter uint8

const (
	noParameter parameter = iota
	destination
	packet
	identity
	hopLimit
)

// form is how an operation stands in a request.
type form struct {
	key, name string // name is empty where the value is an identity
	parameter parameter
}

// Keys of requests. spec: rns-link §12.5
const (
	keyGet         = "get"
	keyDrop        = "drop"
	keyBlackhole   = "blackhole_identity"
	keyUnblackhole = "unblackhole_identity"
	keyDestData    = "destination_data"
	keyIdentData   = "identity_data"

	keyDestination = "destination_hash"
	keyIdentity    = "identity_hash"
	keyPacket      = "packet_hash"
	keyMaxHops     = "max_hops"
	keyUntil       = "until"
	keyReason      = "reason"
)

var forms = [operations]form{
	OpInterfaceStats:       {keyGet, "interface_stats", noParameter},
	OpPathTable:            {keyGet, "path_table", hopLimit},
	OpRateTable:            {keyGet, "rate_table", noParameter},
	OpNextHopInterface:     {keyGet, "next_hop_if_name", destination},
	OpNextHop:              {keyGet, "next_hop", destination},
	OpFirstHopTimeout:      {keyGet, "first_hop_timeout", destination},
	OpLinkCount:            {keyGet, "link_count", noParameter},
	OpPacketRSSI:           {keyGet, "packet_rssi", packet},
	OpPacketSNR:            {keyGet, "packet_snr", packet},
	OpPacketQuality:        {keyGet, "packet_q", packet},
	OpBlackholedIdentities: {keyGet, "blackholed_identities", noParameter},
	OpIsBlackholed:         {keyGet, "is_blackholed", identity},
	OpDropPath:             {keyDrop, "path", destination},
	OpDropAllVia:           {keyDrop, "all_via", destination},
	OpDropAnnounceQueues:   {keyDrop, "announce_queues", noParameter},
	OpBlackhole:            {keyBlackhole, "", noParameter},
	OpUnblackhole:          {keyUnblackhole, "", noParameter},
	OpUseDestination:       {keyDestData, "used", destination},
	OpRetainDestination:    {keyDestData, "retain", destination},
	OpUnretainDestination:  {keyDestData, "unretain", destination},
	OpRetainIdentity:       {keyIdentData, "retain", identity},
}

// String is the operation as it stands in a request.
func (o Operation) String() string {
	if o >= operations {
		o = OpNone
	}
	f := forms[o]
	if f.name == "" {
		return f.key
	}
	return f.key + " " + f.name
}

// Request is one call. Which fields count depends on Op.
type Request struct {
	Op Operation
	// Hash is the destination, transport or identity hash.
	Hash rns.Addr
	// Packet is the packet hash.
	Packet rns.Hash
	// MaxHops limits a path table, AnyHops for all.
	MaxHops int
	// Until and Reason belong to a blackhole entry: zero for ever, empty without a reason.
	Until  time.Time
	Reason string
}

// Append appends the request. spec: rns-link §12.5
func (r Request) Append(b []byte) []byte {
	f := forms[r.Op]
	switch r.Op {
	case OpBlackhole:
		b = msgpack.AppendMapHeader(b, 3)
		b = msgpack.AppendBin(msgpack.AppendString(b, f.key), r.Hash[:])
		b = appendTimeOrNil(msgpack.AppendString(b, keyUntil), r.Until)
		return appendTextOrNil(msgpack.AppendString(b, keyReason), r.Reason)
	case OpUnblackhole:
		b = msgpack.AppendMapHeader(b, 1)
		return msgpack.AppendBin(msgpack.AppendString(b, f.key), r.Hash[:])
	}
	n := 2
	if f.parameter == noParameter {
		n = 1
	}
	b = msgpack.AppendMapHeader(b, n)
	b = msgpack.AppendString(msgpack.AppendString(b, f.key), f.name)
	switch f.parameter {
	case destination:
		b = msgpack.AppendBin(msgpack.AppendString(b, keyDestination), r.Hash[:])
	case identity:
		b = msgpack.AppendBin(msgpack.AppendString(b, keyIdentity), r.Hash[:])
	case packet:
		b = msgpack.AppendBin(msgpack.AppendString(b, keyPacket), r.Packet[:])
	case hopLimit:
		b = msgpack.AppendString(b, keyMaxHops)
		if r.MaxHops == AnyHops {
			return msgpack.AppendNil(b)
		}
		b = msgpack.AppendInt(b, int64(r.MaxHops))
	case noParameter:
	}
	return b
}

// requestLimits are generous for a map of three entries.
var requestLimits = msgpack.Limits{Depth: 4, Values: 32}

// ParseRequest reads a request. The error is ErrPickle, ErrOperation or ErrRequest; none of them is answered.
// spec: rns-link §12.4, §12.5
func ParseRequest(b []byte) (Request, error) {
	if isPickle(b) {
		return Request{}, ErrPickle
	}
	v, rest, err := msgpack.Parse(b, requestLimits)
	if err != nil {
		return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
	}
	m, ok := v.Map()
	if !ok || len(rest) > 0 {
		return Request{}, ErrRequest
	}
	r := Request{Op: operation(m)}
	if r.Op == OpNone {
		return Request{}, ErrOperation
	}
	if !r.read(m) {
		return Request{}, fmt.Errorf("%w: %s", ErrRequest, r.Op)
	}
	return r, nil
}

// isPickle recognises a Python object: an empty map with something behind it. spec: rns-link §12.4
func isPickle(b []byte) bool { return len(b) > 1 && b[0] == 0x80 && b[1] >= 2 && b[1] <= 5 }

// operation finds the one operation of a request, OpNone if there is none or more than one.
func operation(m msgpack.Pairs) Operation {
	found := OpNone
	for _, key := range [...]string{keyGet, keyDrop, keyBlackhole, keyUnblackhole, keyDestData, keyIdentData} {
		v, ok := m.Text(key)
		if !ok {
			continue
		}
		name, _ := v.Text()
		for op := OpNone + 1; op < operations; op++ {
			if f := forms[op]; f.key != key || f.name != name {
				continue
			}
			if found != OpNone {
				return OpNone
			}
			found = op
		}
	}
	return found
}

// read takes the parameters.
func (r *Request) read(m msgpack.Pairs) bool {
	switch r.Op {
	case OpBlackhole:
		until, ok1 := m.Text(keyUntil)
		reason, ok2 := m.Text(keyReason)
		if !ok1 || !ok2 || !address(m, keyBlackhole, &r.Hash) {
			return false
		}
		return readTime(until, &r.Until) && readText(reason, &r.Reason)
	case OpUnblackhole:
		return address(m, keyUnblackhole, &r.Hash)
	}
	switch forms[r.Op].parameter {
	case destination:
		return address(m, keyDestination, &r.Hash)
	case identity:
		return address(m, keyIdentity, &r.Hash)
	case packet:
		v, _ := m.Text(keyPacket)
		return fixed(v, r.Packet[:])
	case hopLimit:
		v, ok := m.Text(keyMaxHops)
		if r.MaxHops = AnyHops; ok && v.IsNil() {
			return true
		}
		hops, isInt := v.Int()
		r.MaxHops = int(min(max(hops, 0), rns.MaxHops))
		return ok && isInt
	case noParameter:
	}
	return true
}

func address(m msgpack.Pairs, key string, into *rns.Addr) bool {
	v, ok := m.Text(key)
	return ok && fixed(v, into[:])
}
