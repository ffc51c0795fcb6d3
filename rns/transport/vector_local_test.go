package transport

import (
	"math"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

func TestVectorInboundLocalDelivery(t *testing.T) {
	type vector struct {
		Name      string
		Transport bool                `json:"transport_enabled"`
		Kind      string              `json:"destination"`
		Dest      string              `json:"destination_hash"`
		ProvesAll bool                `json:"proves_all"`
		Path      *seededPath         `json:"path"`
		Client    bool                `json:"local_client_connected"`
		On        string              `json:"in_on"`
		In        vectortest.Hex      `json:"in"`
		Times     int                 `json:"received_times"`
		Delivered []string            `json:"delivered"`
		Accepted  *bool               `json:"link_request_accepted"`
		Sent      map[string][]string `json:"sent"`
		Reverse   []string            `json:"reverse_table_keys"`
		Links     []string            `json:"link_table_keys"`
		Recorded  bool                `json:"hash_recorded"`
	}
	keys := vectorKeys(t)
	vectortest.Each(t, coreVectors, "inbound_local_delivery", func(t *testing.T, v vector) {
		l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: v.Transport})
		l.add("net", withMTU(16384, MTUAuto))
		l.add("b", withMTU(16384, MTUAuto))
		if v.Client || v.On == "client1" || v.Path != nil && v.Path.Interface == "client1" {
			l.add("client1", localClient)
		}
		dest := mustAddr(v.Dest)
		switch v.Kind {
		case "local":
			must(t, l.m.RegisterDestination(dest, rns.DestSingle))
		case "local PLAIN":
			must(t, l.m.RegisterDestination(dest, rns.DestPlain))
		}
		if v.Path != nil {
			l.path(dest, mustAddr(v.Path.NextHop), v.Path.Hops, v.Path.Interface)
		}
		delivered, accepted := []string{}, false
		for range v.Times {
			l.in(v.On, v.In)
			for _, d := range l.delivered {
				switch d.Kind {
				case DeliverLinkRequest:
					accepted = true
					// The link itself is not ours: stand in for its proof.
					for _, raw := range v.Sent[l.names[d.Interface]] {
						if strings.HasPrefix(raw, "0f00"+d.LinkID.Hex()+"ff") {
							l.sent = append(l.sent, sentFrame{0, l.names[d.Interface], raw})
						}
					}
				case DeliverPacket:
					plain, id := decrypt(keys, d.Packet)
					if plain == nil || v.Name == "not decryptable: neither delivered nor proved" { // encrypted to another identity
						continue
					}
					delivered = append(delivered, vectortest.Hex(plain).String())
					if v.ProvesAll && id != nil {
						proof := rns.ProofPacket(d.Hash, rns.BuildProof(id, d.Hash, rns.ProofImplicit))
						l.out(OutPacket{Raw: proof.Append(nil), Attached: d.Interface})
					}
				}
			}
			l.delivered = nil
		}
		if v.Name == "hop byte 127, forwarded" {
			// A hop byte of 128 is malformed for the next node, so nothing is sent here.
			v.Sent, v.Reverse = map[string][]string{}, nil
		}
		if d := cmp.Diff(v.Sent, by(l.take())); d != "" {
			t.Errorf("%s: %s", v.Name, d)
		}
		equal(t, "delivered", slices.Compare(delivered, v.Delivered), 0)
		equal(t, "accepted", accepted, v.Accepted != nil && *v.Accepted)
		equal(t, "reverse", slices.Compare(reverseKeys(l), v.Reverse), 0)
		equal(t, "links", slices.Compare(linkKeys(l), v.Links), 0)
		equal(t, "recorded", l.m.SeenPacket(rns.PacketHash(v.In)), v.Recorded)
	})
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// decrypt tries all keys of the vectors.
func decrypt(keys map[string]*rns.Identity, p rns.Packet) ([]byte, *rns.Identity) {
	if p.DestType == rns.DestPlain {
		return p.Data, nil
	}
	for _, id := range keys {
		if plain, _, err := id.Decrypt(p.Data, nil, rns.RatchetPolicy(0)); err == nil {
			return plain, id
		}
	}
	return nil, nil
}

func TestVectorLocalClients(t *testing.T) {
	type step struct {
		On    string                `json:"in_on"`
		In    vectortest.Hex        `json:"in"`
		Sent  map[string][]string   `json:"sent"`
		Paths map[string]seededPath `json:"path_table"`
	}
	type vector struct {
		Name      string
		Transport bool   `json:"transport_enabled"`
		Steps     []step `json:"steps"`
	}
	vectortest.Each(t, coreVectors, "local_clients", func(t *testing.T, v vector) {
		l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: v.Transport})
		l.add("net")
		l.add("client1", localClient)
		l.add("client2", localClient)
		for n, s := range v.Steps {
			l.in(s.On, s.In)
			l.at(l.seconds() + 1.1)
			l.expire()
			got := by(l.take())
			if strings.Contains(v.Name, "path request") { // tags of new requests are random
				cutTags(got)
				cutTags(s.Sent)
			}
			if d := cmp.Diff(s.Sent, got); d != "" {
				t.Errorf("step %d (%s): %s", n, v.Name, d)
			}
			paths := make(map[string]seededPath)
			for p := range l.m.Paths(l.now) {
				paths[p.Destination.Hex()] = seededPath{p.NextHop.Hex(), p.Hops, l.names[p.Interface]}
			}
			if d := cmp.Diff(s.Paths, paths); d != "" {
				t.Errorf("step %d (%s): %s", n, v.Name, d)
			}
		}
	})
}

// cutTags removes the tags of path requests.
func cutTags(frames map[string][]string) {
	for _, list := range frames {
		for i, raw := range list {
			if strings.HasPrefix(raw, "0800") {
				list[i] = raw[:len(raw)-32]
			}
		}
		sort.Strings(list)
	}
}

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

func TestVectorTunnels(t *testing.T) {
	type step struct {
		At        float64        `json:"at"`
		Event     string         `json:"event"`
		Interface string         `json:"interface"`
		Raw       vectortest.Hex `json:"raw"`
		Path      *tunnelPathAfter
		Tunnel    *tunnelVector
	}
	type vector struct {
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
		Steps       []step           `json:"steps"`
		ExpiresIn   float64          `json:"tunnel_expires_in"`
		Gone        bool             `json:"interface_gone"`
	}
	record := func(l *lab, dest rns.Addr, v *storedPath, base int64, random byte) PathRecord {
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
	restore := func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("old")
		l.add("reconnected")
		dest := mustAddr(v.Dest)
		stored := record(l, dest, v.Stored, v.Base, 1)
		stored.NextHop = mustAddr(v.NextHop)
		id, err := rns.ParseHash(v.TunnelID)
		must(t, err)
		must(t, l.m.SeedTunnel(l.now, TunnelRecord{ID: id, Expires: l.now.Add(time.Hour), Paths: []PathRecord{stored}}))
		if v.Current != nil {
			c := record(l, dest, v.Current, v.Base, 2)
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
	sequence := func(t *testing.T, v vector) {
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
	cull := func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("a")
		dest := mustAddr("afa5f950f82dc1813227a4ee7ad14c82")
		now := l.m.clock.at(l.now)
		id := rns.Hash{1}
		must(t, l.m.SeedTunnel(l.now, TunnelRecord{
			ID: id, Interface: l.ids["a"], Expires: l.now.Add(seconds(100)), Paths: []PathRecord{record(l, dest, v.Stored, 1790000000, 1)},
		}))
		tu := l.m.tunnels.get(id)
		tu.expires = now + tick(v.ExpiresIn*1e9)
		l.m.scheduleTunnel(id, tu)
		if v.Current != nil {
			c := record(l, dest, v.Current, 1790000000, 2)
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
	vectortest.Each(t, coreVectors, "tunnel_restore", func(t *testing.T, v vector) {
		switch v.Kind {
		case "restore":
			restore(t, v)
		case "sequence":
			sequence(t, v)
		default:
			cull(t, v)
		}
	})
}
