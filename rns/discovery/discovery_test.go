package discovery

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
)

var start = time.Unix(1_700_000_000, 0)

func ptr[T any](v T) *T { return &v }

func backbone(name, host string, port int) Info {
	return Info{Type: TypeBackbone, Transport: true, TransportID: rns.Addr{1, 2, 3}, Name: name, ReachableOn: host, Port: port}
}

func record(name, host string, port int) Record {
	return NewRecord(backbone(name, host, port), rns.Addr{9}, stamp.Stamp{7}, 16, 2, start)
}

// TestInfoFieldsAreChecked changes one entry of a good description at a time. spec: rns-core §22.4, §25
func TestInfoFieldsAreChecked(t *testing.T) {
	good := Info{
		Type: TypeKISS, TransportID: rns.Addr{5}, Name: "Hill", Latitude: ptr(47.5), Longitude: ptr(8.0), Height: ptr(600.0),
		Frequency: ptr(int64(144_800_000)), Bandwidth: ptr(int64(12_500)), Modulation: Modulation{Number: ptr(int64(3))},
		Access: &Access{"net", ""},
	}
	if back, err := ParseInfo(good.Append(nil)); err != nil {
		t.Fatal(err)
	} else if d := cmp.Diff(good, back); d != "" {
		t.Fatal(d)
	}
	drop := msgpack.Pair{}.Value // nil stands for "remove the key" below when asked
	for _, c := range []struct {
		name   string
		base   Info
		key    int64
		value  msgpack.Value
		remove bool
		want   error
	}{
		{"no type", good, keyType, drop, true, ErrField},
		{"type is a number", good, keyType, msgpack.Int(1), false, ErrField},
		{"unknown type", good, keyType, msgpack.Str("UDPInterface"), false, ErrType},
		{"plain TCP client", good, keyType, msgpack.Str("TCPClientInterface"), false, ErrType},
		{"transport is a number", good, keyTransport, msgpack.Int(1), false, ErrField},
		{"short transport id", good, keyTransportID, msgpack.Bin(make([]byte, 15)), false, ErrField},
		{"transport id as text", good, keyTransportID, msgpack.Str("0123456789abcdef"), false, ErrField},
		{"no name", good, keyName, drop, true, ErrField},
		{"name is bytes", good, keyName, msgpack.Bin([]byte("x")), false, ErrField},
		{"integer latitude", good, keyLatitude, msgpack.Int(47), false, ErrField},
		{"latitude out of range", good, keyLatitude, msgpack.Float(91), false, ErrPosition},
		{"longitude not a number", good, keyLongitude, msgpack.Float(math.NaN()), false, ErrPosition},
		{"infinite height", good, keyHeight, msgpack.Float(math.Inf(1)), false, ErrPosition},
		{"no frequency", good, keyFrequency, drop, true, ErrField},
		{"frequency as text", good, keyFrequency, msgpack.Str("1"), false, ErrField},
		{"modulation of two lines", good, keyModulation, msgpack.Str("a\n[[b]]"), false, ErrPlainText},
		{"modulation is bytes", good, keyModulation, msgpack.Bin(nil), false, ErrField},
		{"network name of two lines", good, keyNetworkName, msgpack.Str("a\ntype = PipeInterface"), false, ErrPlainText},
		{"passphrase is a number", good, keyPassphrase, msgpack.Int(1), false, ErrField},
		{"host where none belongs", good, keyReachableOn, msgpack.Str("no host"), false, ErrHost},
		{"address as number", backbone("x", "192.0.2.1", 1), keyReachableOn, msgpack.Int(3221225985), false, ErrField},
		{"address with a zone", backbone("x", "192.0.2.1", 1), keyReachableOn, msgpack.Str("fe80::1%eth0"), false, ErrHost},
		{"empty host", backbone("x", "192.0.2.1", 1), keyReachableOn, msgpack.Str(""), false, ErrHost},
		{"no port", backbone("x", "192.0.2.1", 1), keyPort, drop, true, ErrField},
		{"port 0", backbone("x", "192.0.2.1", 1), keyPort, msgpack.Int(0), false, ErrPort},
		{"port too large", backbone("x", "192.0.2.1", 1), keyPort, msgpack.Int(65536), false, ErrPort},
	} {
		t.Run(c.name, func(t *testing.T) {
			v, _, err := msgpack.Parse(c.base.Append(nil), msgpack.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			m, _ := v.Map()
			var pairs []msgpack.Pair
			for k, v := range m.All() {
				if !k.Equal(msgpack.Int(c.key)) {
					pairs = append(pairs, msgpack.Pair{Key: k, Value: v})
				}
			}
			if !c.remove {
				pairs = append(pairs, msgpack.Pair{Key: msgpack.Int(c.key), Value: c.value})
			}
			if _, err := ParseInfo(msgpack.Map(pairs...).Append(nil)); !errors.Is(err, c.want) {
				t.Errorf("error %v, not %v", err, c.want)
			}
		})
	}
	for _, b := range [][]byte{nil, {0xc1}, {0x90}, []byte("text")} {
		if _, err := ParseInfo(b); !errors.Is(err, ErrInfo) {
			t.Errorf("%x: %v", b, err)
		}
	}
}

// solve makes the data of an announce with a stamp.
func solve(tb testing.TB, i Info, cost int, network *rns.Identity) []byte {
	tb.Helper()
	packed := i.Append(nil)
	found, err := Work(packed).Search(context.Background(), cost, stamp.Options{Workers: 1})
	if err != nil {
		tb.Fatal(err)
	}
	data, err := Seal(strings.NewReader(strings.Repeat("x", 48)), packed, found.Stamp, network)
	if err != nil {
		tb.Fatal(err)
	}
	return data.Append(nil)
}

// TestReceiverRefuses names the reason of each refusal. spec: rns-core §22.4
func TestReceiverRefuses(t *testing.T) {
	network, other := networkIdentity(t, "id7"), networkIdentity(t, "id1")
	clear, sealed := solve(t, backbone("a", "192.0.2.1", 1), 8, nil), solve(t, backbone("a", "192.0.2.1", 1), 8, network)
	us := rns.Addr{1}
	for _, c := range []struct {
		name string
		r    Receiver
		data []byte
		want error
	}{
		{"accepted", Receiver{Required: 8}, clear, nil},
		{"accepted from a source", Receiver{Required: 8, Sources: Sources{us}}, clear, nil},
		{"accepted encrypted", Receiver{Required: 8, Network: network}, sealed, nil},
		{"other source", Receiver{Required: 8, Sources: Sources{{2}}}, clear, ErrSource},
		{"33 bytes", Receiver{}, clear[:33], ErrShort},
		{"nothing", Receiver{}, nil, ErrShort},
		{"encrypted and no network identity", Receiver{Required: 8}, sealed, ErrNoNetwork},
		{"encrypted for another network", Receiver{Required: 8, Network: other}, sealed, ErrDecrypt},
		{"stamp of too little value", Receiver{Required: 40}, clear, ErrStamp},
		{"stamp of too little value for the default", Receiver{}, solve(t, Info{}, 0, nil), ErrStamp},
		{"description of nothing", Receiver{Required: 1}, solve(t, Info{}, 1, nil), ErrType},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := c.r.Receive(Heard{Identity: us, AppData: c.data}, start); !errors.Is(err, c.want) {
				t.Errorf("error %v, not %v", err, c.want)
			}
		})
	}
	r := Receiver{Required: 40}
	for _, want := range []error{ErrStamp, ErrKnownInvalid, ErrKnownInvalid} {
		if _, err := r.Receive(Heard{AppData: clear}, start); !errors.Is(err, want) {
			t.Errorf("error %v, not %v", err, want)
		}
	}
}

// TestCacheIsBounded: the oldest entry makes room for the newest. spec: rns-core §22.4
func TestCacheIsBounded(t *testing.T) {
	var c cache[int]
	key := func(n int) (h rns.Hash) {
		binary.BigEndian.PutUint32(h[:], uint32(n))
		return h
	}
	for n := range 3 * CacheSize {
		c.put(key(n), n)
		if len(c.entries) > CacheSize || len(c.order) > CacheSize {
			t.Fatalf("%d entries", len(c.entries))
		}
	}
	for n := range 3 * CacheSize {
		if _, ok := c.get(key(n)); ok != (n >= 2*CacheSize) {
			t.Fatalf("entry %d is there: %v", n, ok)
		}
	}
}

// TestList: status by age, order, and what is deleted. spec: rns-core §22.5
func TestList(t *testing.T) {
	at := func(name string, age time.Duration, value int) Record {
		r := record(name, "192.0.2.1", 4242)
		r.LastHeard, r.Value = start.Add(-age), value
		return r
	}
	f := Filter{Sources: Sources{{9}}, Blackholed: func(a rns.Addr) bool { return a == rns.Addr{66} }}
	var list []Entry
	for _, r := range []Record{
		at("old", 3*24*time.Hour+1, 30), at("weak", 0, 16), at("strong", 2*time.Hour, 20), at("strong and new", 1*time.Hour, 20),
		at("yesterday", 24*time.Hour+1, 30), at("just", 24*time.Hour, 14),
	} {
		status, err := f.Check(r, start)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, Entry{r, status})
	}
	Sort(list)
	var got []string
	for _, e := range list {
		got = append(got, fmt.Sprintf("%s %s %d", e.Name, e.Status, e.Status))
	}
	want := []string{
		"strong and new available 1000", "strong available 1000", "weak available 1000", "just available 1000",
		"yesterday unknown 100", "old stale 0",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	foreign, bad, worse := at("x", 0, 16), at("x", 0, 16), at("x", 0, 16)
	foreign.NetworkID, bad.TransportID = rns.Addr{8}, rns.Addr{66}
	worse.NetworkID = rns.Addr{66}
	for _, c := range []struct {
		f    Filter
		r    Record
		want error
	}{
		{f, at("x", StaleFor+1, 99), ErrExpired}, {f, foreign, ErrSource}, {f, bad, ErrBlackholed},
		{Filter{Blackholed: f.Blackholed}, worse, ErrBlackholed}, {Filter{}, foreign, nil},
	} {
		if _, err := c.f.Check(c.r, start); !errors.Is(err, c.want) {
			t.Errorf("error %v, not %v", err, c.want)
		}
	}
}

// TestDecide: whom to connect to. spec: rns-core §22.6
func TestDecide(t *testing.T) {
	r := record("Hub", "hub.example.org", 4242)
	server, ygg, radio := r, record("y", "200:abcd::1", 1), r
	server.Type, radio.Type = TypeTCPServer, TypeRNode
	taken := []Endpoint{{Host: "hub.example.org", Port: 4242}}
	for _, c := range []struct {
		name string
		c    Connectivity
		r    Record
		want Decision
	}{
		{"off", Connectivity{}, r, DecisionOff},
		{"free", Connectivity{Max: 2, Connected: 1}, r, DecisionConnect},
		{"full", Connectivity{Max: 2, Connected: 2}, r, DecisionFull},
		{"TCP server", Connectivity{Max: 2}, server, DecisionType},
		{"radio", Connectivity{Max: 2}, radio, DecisionType},
		{"there already", Connectivity{Max: 2, Endpoints: taken}, r, DecisionExists},
		{"another port", Connectivity{Max: 2, Endpoints: []Endpoint{{"hub.example.org", 4243}}}, r, DecisionConnect},
		{"overlay", Connectivity{Max: 2}, ygg, DecisionOverlay},
	} {
		if got := c.c.Decide(c.r); got != c.want {
			t.Errorf("%s: %s, not %s", c.name, got, c.want)
		}
	}
	if r.Endpoint().Hash() != rns.FullHash([]byte("hub.example.org:4242")) || (Endpoint{Host: "a.b32.i2p"}).Hash() != rns.FullHash([]byte("a.b32.i2p")) {
		t.Error("endpoint hash")
	}
}

// TestMonitor goes through the life of connections. spec: rns-core §22.6
func TestMonitor(t *testing.T) {
	a, b := rns.Hash{1}, rns.Hash{2}
	var m Monitor
	for _, c := range []struct {
		after     time.Duration
		all       []Watched
		bootstrap int
		want      Round
	}{
		{0, nil, 1, Round{Try: true}},
		{5, nil, 0, Round{Bootstrap: BootstrapStart, Try: true}},
		{10, []Watched{{a, true}}, 1, Round{Try: true}},
		{15, []Watched{{a, true}, {b, true}}, 1, Round{Bootstrap: BootstrapStop}},
		{20, []Watched{{a, true}, {b, false}}, 0, Round{}},
		{25, []Watched{{a, true}, {b, true}}, 0, Round{Bootstrap: BootstrapStop}},
		{30, []Watched{{a, false}, {b, true}}, 0, Round{}},
		{35, []Watched{{a, false}, {b, true}}, 0, Round{}},
		{40, []Watched{{a, false}, {b, true}}, 0, Round{}},
		{42, []Watched{{a, false}, {b, true}}, 0, Round{Detach: []rns.Hash{a}}},
		{47, []Watched{{b, false}}, 0, Round{Bootstrap: BootstrapStart, Try: true}},
	} {
		if d := cmp.Diff(c.want, m.Round(c.all, c.bootstrap, 2, start.Add(c.after*time.Second))); d != "" {
			t.Errorf("after %d s: %s", c.after, d)
		}
	}
	if r := new(Monitor).Round(make([]Watched, 6), 1, 8, start); r.Try {
		t.Error("the last quarter is for what is heard live")
	}
}

// TestSchedule: one a round, the one that waits longest, each at its interval. spec: rns-core §22.1
func TestSchedule(t *testing.T) {
	offers := []Offer{{Name: "a", Interval: 5 * time.Minute}, {Name: "b", Interval: 10 * time.Minute}, {Name: "c", Interval: time.Hour}}
	var s Schedule
	var got []string
	for minute := range 18 {
		if o, ok := s.Next(offers, start.Add(time.Duration(minute)*time.Minute)); ok {
			got = append(got, fmt.Sprint(minute, o.Name))
		}
	}
	if d := cmp.Diff([]string{"0a", "1b", "2c", "6a", "12b", "13a"}, got); d != "" {
		t.Error(d)
	}
	if _, ok := s.Next(nil, start.Add(24*time.Hour)); ok || len(s.last) != 0 {
		t.Error("remembers interfaces that are gone")
	}
}

// spec: rns-core §22.2
func TestLocation(t *testing.T) {
	lat, lon, height, err := ParseLocation(" 47.5, -8.25 ,\n 600\n")
	if err != nil || lat != 47.5 || lon != -8.25 || height != 600 {
		t.Errorf("%v %v %v: %v", lat, lon, height, err)
	}
	for _, s := range []string{"", "1,2", "1,2,3,4", "91,0,0", "0,181,0", "0,0,-4001", "0,0,1000001", "nan,0,0", "0,inf,0", "a,b,c"} {
		if _, _, _, err := ParseLocation(s); !errors.Is(err, ErrPosition) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestConfigEntryCannotBreakOut: whatever a stranger publishes stays within its line. spec: rns-core §26
func TestConfigEntryCannotBreakOut(t *testing.T) {
	r := record("a]] \r\n[[b]]\n type = PipeInterface", "192.0.2.1", 1)
	r.Access = &Access{"a # b, c", `it's "x"`}
	want := "[[a]]  [[b]] type = PipeInterface]]"
	entry := r.ConfigEntry()
	if first, _, _ := strings.Cut(entry, "\n"); strings.ReplaceAll(first, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%q", first)
	}
	if n := strings.Count(entry, "\n"); n != 7 {
		t.Errorf("%d lines: %s", n, entry)
	}
	if !strings.Contains(entry, `network_name = "a # b, c"`) || !strings.Contains(entry, `passphrase = 'it's "x"'`) {
		t.Error(entry)
	}
}

// TestFailureRecordFiles: what is wrong with a file decides whether it is left alone or deleted. spec: rns-core §22.5
func TestFailureRecordFiles(t *testing.T) {
	good := record("Hub", "hub.example.org", 4242)
	change := func(key string, v msgpack.Value) []byte {
		m, _, err := msgpack.Parse(good.Append(nil), msgpack.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		pairs, _ := m.Map()
		var all []msgpack.Pair
		for k, old := range pairs.All() {
			if s, _ := k.Text(); s == key {
				old = v
			}
			all = append(all, msgpack.Pair{Key: k, Value: old})
		}
		return msgpack.Map(all...).Append(nil)
	}
	file := good.Append(nil)
	for name, c := range map[string]struct {
		b    []byte
		want error
	}{
		"good":              {file, nil},
		"empty":             {nil, ErrRecord},
		"cut":               {file[:len(file)/2], ErrRecord},
		"no map":            {[]byte{0x01}, ErrRecord},
		"huge":              {slices.Concat(file, make([]byte, maxRecord)), ErrRecord},
		"no time":           {change("last_heard", msgpack.Nil()), ErrRecord},
		"no transport id":   {change("transport_id", msgpack.Nil()), ErrUseless},
		"network id short":  {change("network_id", msgpack.Str("00")), ErrUseless},
		"unknown type":      {change("type", msgpack.Str("TCPClientInterface")), ErrUseless},
		"no host":           {change(nameReachableOn, msgpack.Str("no host")), ErrUseless},
		"name of a script":  {change("name", msgpack.Str("\n")), nil},
		"entry of a script": {change("config_entry", msgpack.Str("\n")), nil},
	} {
		r, err := ParseRecord(c.b)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", name, err, c.want)
		}
		if err == nil && r.ConfigEntry() == "\n" {
			t.Errorf("%s: the entry is believed", name)
		}
	}
	again := good.Repeats(good).Repeats(good.Repeats(good))
	if again.HeardCount != 2 || !again.Discovered.Equal(good.Discovered) {
		t.Errorf("heard %d times since %v", again.HeardCount, again.Discovered)
	}
}
