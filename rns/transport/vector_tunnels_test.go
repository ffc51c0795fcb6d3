package transport

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

type tunnelPathVector struct {
	Timestamp float64 `json:"timestamp"`
	Hops      uint8   `json:"hops"`
	ExpiresIn float64 `json:"expires_in"`
}

type tunnelVector struct {
	Interface *string                     `json:"interface"`
	ExpiresIn float64                     `json:"expires_in"`
	Paths     map[string]tunnelPathVector `json:"paths"`
}

type tunnelPathAfter struct {
	Timestamp float64  `json:"timestamp"`
	NextHop   string   `json:"next_hop"`
	Hops      uint8    `json:"hops"`
	ExpiresIn float64  `json:"expires_in"`
	Blobs     []string `json:"random_blobs_sorted"`
	Interface string   `json:"interface"`
	Hash      string   `json:"announce_packet_hash"`
}

type storedPath struct {
	Age       float64  `json:"age"`
	Hops      uint8    `json:"hops"`
	ExpiresIn *float64 `json:"expires_in"`
	Emitted   []int64  `json:"emitted"`
}

func round(f float64) float64 { return math.Round(f*1000) / 1000 }

func (l *lab) tunnelState() *tunnelVector {
	for r := range l.m.Tunnels() {
		v := &tunnelVector{ExpiresIn: round(r.Expires.Sub(l.now).Seconds()), Paths: map[string]tunnelPathVector{}}
		if name, ok := l.names[r.Interface]; ok {
			v.Interface = &name
		}
		for _, p := range r.Paths {
			v.Paths[p.Destination.Hex()] = tunnelPathVector{
				round(p.Timestamp.Sub(l.now).Seconds()), p.Hops, round(p.Expires.Sub(l.now).Seconds()),
			}
		}
		return v
	}
	return nil
}

func (l *lab) pathState(dest rns.Addr) *tunnelPathAfter {
	p, ok := l.m.Path(l.now, dest)
	if !ok {
		return nil
	}
	v := &tunnelPathAfter{
		round(p.Timestamp.Sub(l.now).Seconds()), p.NextHop.Hex(), p.Hops, round(p.Expires.Sub(l.now).Seconds()), nil,
		l.names[p.Interface], p.PacketHash.Hex(),
	}
	for _, b := range p.Blobs {
		v.Blobs = append(v.Blobs, vectortest.Hex(b[:]).String())
	}
	slices.Sort(v.Blobs)
	return v
}

// tunnelStep is one moment of a sequence.
type tunnelStep struct {
	At        float64        `json:"at"`
	Event     string         `json:"event"`
	Interface string         `json:"interface"`
	Raw       vectortest.Hex `json:"raw"`
	Path      *tunnelPathAfter
	Tunnel    *tunnelVector
}

// tunnelCase is a vector of tunnel_restore, of any of its kinds.
type tunnelCase struct {
	Kind, Name  string
	Synthesis   vectortest.Hex   `json:"synthesis"`
	TunnelID    string           `json:"tunnel_id"`
	Dest        string           `json:"destination_hash"`
	NextHop     string           `json:"stored_next_hop"`
	Base        int64            `json:"emitted_base"`
	Stored      *storedPath      `json:"stored"`
	Current     *storedPath      `json:"current"`
	Restored    bool             `json:"restored"`
	PathAfter   *tunnelPathAfter `json:"path_after"`
	TunnelAfter *tunnelVector    `json:"tunnel_after"`
	Steps       []tunnelStep     `json:"steps"`
	ExpiresIn   float64          `json:"tunnel_expires_in"`
	Gone        bool             `json:"interface_gone"`
}

func TestVectorTunnels(t *testing.T) {
	vectortest.Each(t, coreVectors, "tunnel_restore", func(t *testing.T, v tunnelCase) {
		switch v.Kind {
		case "restore":
			runRestore(t, v)
		case "sequence":
			runSequence(t, v)
		default:
			runCull(t, v)
		}
	})
}

// record turns a path of a vector into one to seed.
func (v *storedPath) record(l *lab, dest rns.Addr, base int64, random byte) PathRecord {
	expires := 604800.0
	if v.ExpiresIn != nil {
		expires = *v.ExpiresIn
	}
	r := PathRecord{
		Destination: dest, Hops: v.Hops, Timestamp: l.now.Add(-seconds(v.Age)),
		Expires: l.now.Add(time.Duration(expires * float64(time.Second))),
	}
	for i, e := range v.Emitted {
		b := Blob{random, byte(i)}
		at := base + e
		for k := range 5 {
			b[9-k] = byte(at >> (8 * k))
		}
		r.Blobs = append(r.Blobs, b)
	}
	return r
}

func runRestore(t *testing.T, v tunnelCase) {
	l := transportLab(t)
	l.add("old")
	l.add("reconnected")
	dest := mustAddr(v.Dest)
	stored := v.Stored.record(l, dest, v.Base, 1)
	stored.NextHop = mustAddr(v.NextHop)
	id, err := rns.ParseHash(v.TunnelID)
	must(t, err)
	must(t, l.m.SeedTunnel(l.now, TunnelRecord{ID: id, Expires: l.now.Add(time.Hour), Paths: []PathRecord{stored}}))
	if v.Current != nil {
		c := v.Current.record(l, dest, v.Base, 2)
		c.Interface, c.NextHop = l.ids["old"], mustAddr("427f4711bc00022a8f59b2c082dee480")
		must(t, l.m.SeedPath(l.now, c))
	}
	l.in("reconnected", v.Synthesis)
	p, ok := l.m.Path(l.now, dest)
	equal(t, v.Name+": restored", ok && p.NextHop == stored.NextHop, v.Restored)
	if d := cmp.Diff(v.TunnelAfter, l.tunnelState()); d != "" {
		t.Errorf("%s: %s", v.Name, d)
	}
	if v.Restored {
		got := l.pathState(dest)
		got.Blobs, got.Hash, v.PathAfter.Blobs, v.PathAfter.Hash = nil, "", nil, ""
		if d := cmp.Diff(v.PathAfter, got); d != "" {
			t.Errorf("%s: %s", v.Name, d)
		}
	}
}

func runSequence(t *testing.T, v tunnelCase) {
	l := transportLab(t)
	l.add("t1")
	l.add("other")
	for n, s := range v.Steps {
		l.at(s.At)
		if s.Interface != "" && l.ids[s.Interface] == 0 {
			l.add(s.Interface)
		}
		switch s.Event {
		case "synthesis", "announce":
			l.in(s.Interface, s.Raw)
		case "disconnect":
			l.apply(l.m.RemoveInterface(l.now, l.ids[s.Interface]))
			continue // the reference keeps the paths until its next job round; here they end at once
		case "job round":
			l.apply(l.m.Maintain(l.now))
		default:
			t.Fatal(s.Event)
		}
		if d := cmp.Diff(s.Path, l.pathState(mustAddr(v.Dest))); d != "" {
			t.Errorf("%s, step %d: path %s", v.Name, n, d)
		}
		if d := cmp.Diff(s.Tunnel, l.tunnelState()); d != "" {
			t.Errorf("%s, step %d: tunnel %s", v.Name, n, d)
		}
	}
}

func runCull(t *testing.T, v tunnelCase) {
	l := transportLab(t)
	l.add("a")
	dest := mustAddr("afa5f950f82dc1813227a4ee7ad14c82")
	now := l.m.clock.at(l.now)
	id := rns.Hash{1}
	must(t, l.m.SeedTunnel(l.now, TunnelRecord{
		ID: id, Interface: l.ids["a"], Expires: l.now.Add(seconds(100)), Paths: []PathRecord{v.Stored.record(l, dest, 1790000000, 1)},
	}))
	tu := l.m.tunnels.get(id)
	tu.expires = now + tick(v.ExpiresIn*1e9)
	l.m.scheduleTunnel(id, tu)
	if v.Current != nil {
		c := v.Current.record(l, dest, 1790000000, 2)
		c.Interface, c.NextHop = l.ids["a"], dest
		must(t, l.m.SeedPath(l.now, c))
	}
	if v.Gone {
		l.apply(l.m.RemoveInterface(l.now, l.ids["a"]))
	}
	l.apply(l.m.Maintain(l.now))
	if d := cmp.Diff(v.TunnelAfter, l.tunnelState()); d != "" {
		t.Errorf("%s: %s", v.Name, d)
	}
}
