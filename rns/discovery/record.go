package discovery

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
)

// Record is what is kept of a discovered interface. spec: rns-core §22.5
type Record struct {
	Info      // its Name is cleaned and never empty
	NetworkID rns.Addr
	Stamp     stamp.Stamp
	Value     int // of the stamp
	Hops      int // when last heard
	Received  time.Time

	Discovered time.Time // first heard
	LastHeard  time.Time
	HeardCount int // repetitions: 0 after the first
}

// NewRecord makes the record of an interface that was just heard of.
func NewRecord(i Info, network rns.Addr, s stamp.Stamp, value, hops int, now time.Time) Record {
	i.Name = displayName(i.Name, i.Type)
	return Record{Info: i, NetworkID: network, Stamp: s, Value: value, Hops: hops, Received: now, Discovered: now, LastHeard: now}
}

// Repeats returns r as the next hearing of an interface known as old.
func (r Record) Repeats(old Record) Record {
	r.Discovered, r.HeardCount = old.Discovered, old.HeardCount+1
	return r
}

// Hash identifies the interface: it covers the publisher and the name.
// spec: rns-core §22.5
func (r Record) Hash() rns.Hash { return rns.FullHash([]byte(r.TransportID.Hex()), []byte(r.Name)) }

// Endpoint is where the interface is reached; the zero value for radios.
func (r Record) Endpoint() Endpoint { return Endpoint{Host: r.ReachableOn, Port: r.Port} }

// Reasons why a file is no record.
var (
	// ErrRecord means that the file cannot be read. It may be half-written by another program.
	ErrRecord = errors.New("discovery: damaged record")
	// ErrUseless means that nobody can make use of the record: it is deleted.
	ErrUseless = errors.New("discovery: useless record")
)

// Names in files. spec: rns-core §22.5
const (
	nameReachableOn = "reachable_on"
	namePort        = "port"
	nameFrequency   = "frequency"
	nameBandwidth   = "bandwidth"
	nameSpreading   = "sf"
	nameCodingRate  = "cr"
	nameChannel     = "channel"
	nameModulation  = "modulation"
	nameNetworkName = "ifac_netname"
	namePassphrase  = "ifac_netkey"
)

// Append appends the record as a file. spec: rns-core §22.5
func (r Record) Append(b []byte) []byte {
	var p []msgpack.Pair
	put := func(key string, v msgpack.Value) { p = append(p, msgpack.Pair{Key: msgpack.Str(key), Value: v}) }
	put("type", msgpack.Str(string(r.Type)))
	put("transport", msgpack.Bool(r.Transport))
	put("name", msgpack.Str(r.Name))
	put("received", unix(r.Received))
	put("stamp", msgpack.Bin(r.Stamp[:]))
	put("value", msgpack.Int(int64(r.Value)))
	put("transport_id", msgpack.Str(r.TransportID.Hex()))
	put("network_id", msgpack.Str(r.NetworkID.Hex()))
	put("hops", msgpack.Int(int64(r.Hops)))
	put("latitude", floatOrNil(r.Latitude))
	put("longitude", floatOrNil(r.Longitude))
	put("height", floatOrNil(r.Height))
	if a := r.Access; a != nil {
		if a.NetworkName != "" {
			put(nameNetworkName, msgpack.Str(a.NetworkName))
		}
		if a.Passphrase != "" {
			put(namePassphrase, msgpack.Str(a.Passphrase))
		}
	}
	r.putKind(put)
	put("config_entry", msgpack.Str(r.ConfigEntry()))
	h := r.Hash()
	put("discovery_hash", msgpack.Bin(h[:]))
	put("discovered", unix(r.Discovered))
	put("last_heard", unix(r.LastHeard))
	put("heard_count", msgpack.Int(int64(r.HeardCount)))
	return msgpack.Map(p...).Append(b)
}

func (r Record) putKind(put func(string, msgpack.Value)) {
	switch r.Type {
	case TypeBackbone, TypeTCPServer:
		put(nameReachableOn, msgpack.Str(r.ReachableOn))
		put(namePort, msgpack.Int(int64(r.Port)))
	case TypeI2P:
		put(nameReachableOn, msgpack.Str(r.ReachableOn))
	case TypeRNode:
		put(nameFrequency, intOrNil(r.Frequency))
		put(nameBandwidth, intOrNil(r.Bandwidth))
		put(nameSpreading, intOrNil(r.SpreadingFactor))
		put(nameCodingRate, intOrNil(r.CodingRate))
	case TypeWeave:
		put(nameFrequency, intOrNil(r.Frequency))
		put(nameBandwidth, intOrNil(r.Bandwidth))
		put(nameChannel, intOrNil(r.Channel))
		put(nameModulation, r.Modulation.value())
	case TypeKISS:
		put(nameFrequency, intOrNil(r.Frequency))
		put(nameBandwidth, intOrNil(r.Bandwidth))
		put(nameModulation, r.Modulation.value())
	}
}

// recordLimits bound a file, and maxRecord its size in bytes.
var recordLimits = msgpack.Limits{Depth: 2, Values: 256}

const maxRecord = 16 << 10

// ParseRecord reads a file. What follows from other fields, such as the
// configuration entry, is made anew. The error is ErrRecord, or ErrUseless with
// the reason. spec: rns-core §22.5
func ParseRecord(b []byte) (Record, error) {
	if len(b) > maxRecord {
		return Record{}, ErrRecord
	}
	v, _, err := msgpack.Parse(b, recordLimits)
	m, ok := v.Map()
	if err != nil || !ok {
		return Record{}, ErrRecord
	}
	f := fields{get: func(_ int64, name string) (msgpack.Value, bool) { return m.Text(name) }}
	var r Record
	r.LastHeard = f.time("last_heard")
	if f.err != nil {
		return Record{}, ErrRecord
	}
	r.Info = Info{
		Type: Type(f.text(0, "type")), Transport: f.flag(0, "transport"), Name: f.textOrNil(0, "name"),
		Latitude: f.float(0, "latitude"), Longitude: f.float(0, "longitude"), Height: f.float(0, "height"),
		TransportID: f.addr("transport_id"),
	}
	r.NetworkID = f.addr("network_id")
	r.readKind(&f)
	r.Name = displayName(r.Name, r.Type)
	s, _ := f.need(0, "stamp").Bytes()
	copy(r.Stamp[:], s)
	r.Value, r.Hops, r.HeardCount = f.count("value"), f.count("hops"), f.count("heard_count")
	r.Received, r.Discovered = f.time("received"), f.time("discovered")
	if f.err != nil {
		return Record{}, fmt.Errorf("%w: %w", ErrUseless, f.err)
	}
	return r, nil
}

func (r *fields) addr(name string) (a rns.Addr) {
	s, _ := r.need(0, name).Text()
	a, err := rns.ParseAddr(s)
	if err != nil {
		r.fail(ErrField)
	}
	return a
}

// count is a small number; others are taken as the nearest possible.
func (r *fields) count(name string) int {
	n, ok := r.need(0, name).Int()
	if !ok {
		r.fail(ErrField)
	}
	const most = 1 << 30
	return int(min(max(n, 0), most))
}

// maxUnix is the last second with a name in four digits of a year.
const maxUnix = 253_402_300_799

func (r *fields) time(name string) time.Time {
	s, ok := r.need(0, name).Number()
	if !ok || !(s >= 0 && s <= maxUnix) {
		r.fail(ErrField)
		return time.Time{}
	}
	return time.UnixMicro(int64(s * 1e6)).UTC()
}

func unix(t time.Time) msgpack.Value { return msgpack.Float(float64(t.UnixMicro()) / 1e6) }

// ConfigEntry is a section for a configuration file, for people to read and
// perhaps to copy. Its text is a stranger's: it must not be written to a file
// unread. spec: rns-core §22.5
func (r Record) ConfigEntry() string {
	b := &strings.Builder{}
	line := func(format string, args ...any) { fmt.Fprintf(b, "\n  "+format, args...) }
	fmt.Fprintf(b, "[[%s]]", r.Name)
	name := string(r.Type)
	if r.Type == TypeTCPServer {
		name = string(TypeBackbone) // what connects to a TCP server
	}
	line("type = %s\n  enabled = yes", name)
	identity := func() { line("transport_identity = %s", r.TransportID.Hex()) }
	switch r.Type {
	case TypeBackbone, TypeTCPServer:
		line("remote = %s\n  target_port = %d", r.ReachableOn, r.Port)
		identity()
	case TypeI2P:
		line("peers = %s", r.ReachableOn)
		identity()
	case TypeRNode:
		line("port = \n  frequency = %s\n  bandwidth = %s\n  spreadingfactor = %s\n  codingrate = %s\n  txpower = ",
			number(r.Frequency), number(r.Bandwidth), number(r.SpreadingFactor), number(r.CodingRate))
	case TypeWeave:
		line("port = ")
	case TypeKISS:
		line("port = \n  # Frequency: %s\n  # Bandwidth: %s\n  # Modulation: %s", number(r.Frequency), number(r.Bandwidth), r.Modulation)
		identity()
	}
	if a := r.Access; a != nil {
		if a.NetworkName != "" {
			line("network_name = %s", configText(a.NetworkName))
		}
		if a.Passphrase != "" {
			line("passphrase = %s", configText(a.Passphrase))
		}
	}
	return b.String()
}

func number(n *int64) string {
	if n == nil {
		return ""
	}
	return fmt.Sprint(*n)
}

// String is the modulation as text, empty for none.
func (m Modulation) String() string {
	if m.Number != nil {
		return number(m.Number)
	}
	return m.Text
}

// configText quotes a value that would be split or cut otherwise.
// spec: rns-core §26
func configText(s string) string {
	if !strings.ContainsAny(s, "#,'\"%") && strings.TrimSpace(s) == s {
		return s
	}
	if strings.Contains(s, `"`) {
		return "'" + s + "'"
	}
	return `"` + s + `"`
}
