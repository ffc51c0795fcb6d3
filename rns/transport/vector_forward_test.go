package transport

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

type seededPath struct {
	NextHop   string `json:"next_hop"`
	Hops      uint8  `json:"hops"`
	Interface string `json:"interface"`
}

func reverseKeys(l *lab) []string {
	keys := []string{}
	for r := range l.m.ReverseEntries() {
		keys = append(keys, r.Packet.Hex())
	}
	slices.Sort(keys)
	return keys
}

func linkKeys(l *lab) []string {
	keys := []string{}
	for r := range l.m.Links() {
		keys = append(keys, r.Link.Hex())
	}
	slices.Sort(keys)
	return keys
}

func destOf(t testing.TB, raw []byte) rns.Addr {
	t.Helper()
	p, err := rns.ParsePacket(raw)
	if err != nil {
		t.Fatal(err)
	}
	return p.Dest
}

func TestVectorForwarding(t *testing.T) {
	type link struct {
		NextHop   string  `json:"next_hop"`
		Remaining uint8   `json:"remaining_hops"`
		Taken     uint8   `json:"taken_hops"`
		Dest      string  `json:"destination_hash"`
		Validated bool    `json:"validated"`
		Timeout   float64 `json:"proof_timeout_in"`
	}
	type vector struct {
		Name    string         `json:"name"`
		In      vectortest.Hex `json:"in"`
		InMTU   *int           `json:"in_interface_hw_mtu"`
		Path    seededPath     `json:"path"`
		OutMTU  *int           `json:"out_interface_hw_mtu"`
		OutAuto bool           `json:"out_interface_autoconfigures_mtu"`
		Out     vectortest.Hex `json:"out"`
		Reverse []string       `json:"reverse_table_keys"`
		Links   []string       `json:"link_table_keys"`
		Link    *link          `json:"link_entry"`
	}
	mtu := func(n *int) int {
		if n == nil {
			return 0
		}
		return *n
	}
	vectortest.Each(t, coreVectors, "transport_forwarding", func(t *testing.T, v vector) {
		l := transportLab(t)
		policy := MTUStandard
		if v.OutAuto {
			policy = MTUAuto
		}
		l.add("in", withMTU(mtu(v.InMTU), MTUStandard))
		l.add("out", withMTU(mtu(v.OutMTU), policy))
		l.path(destOf(t, v.In), mustAddr(v.Path.NextHop), v.Path.Hops, "out")
		l.in("in", v.In)
		var want []sentFrame
		if v.Out != nil {
			want = []sentFrame{{0, "out", v.Out.String()}}
		}
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Errorf("%v: %s", l.verdict, d)
		}
		equal(t, "reverse", slices.Compare(reverseKeys(l), v.Reverse), 0)
		equal(t, "links", slices.Compare(linkKeys(l), v.Links), 0)
		if v.Link != nil {
			e := collect(l.m.Links())[0]
			equal(t, "next hop", e.NextHop.Hex(), v.Link.NextHop)
			equal(t, "remaining", e.Remaining, v.Link.Remaining)
			equal(t, "taken", e.Taken, v.Link.Taken)
			equal(t, "destination", e.Destination.Hex(), v.Link.Dest)
			equal(t, "validated", e.Validated, false)
		}
	})
}

func TestVectorTransportInsertion(t *testing.T) {
	type vector struct {
		Hops    uint8          `json:"path_hops"`
		NextHop string         `json:"next_hop"`
		Packed  vectortest.Hex `json:"packed"`
		Sent    vectortest.Hex `json:"sent_on_path_interface"`
	}
	vectortest.Each(t, coreVectors, "transport_insertion", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("other")
		l.add("path")
		l.path(destOf(t, v.Packed), mustAddr(v.NextHop), v.Hops, "path")
		packed := slices.Clone(v.Packed)
		equal(t, "verdict", l.out(OutPacket{Raw: packed, Attached: l.ids["other"]}), rns.VerdictForwarded)
		if d := cmp.Diff([]sentFrame{{0, "path", v.Sent.String()}}, l.take()); d != "" {
			t.Error(d)
		}
		equal(t, "packet unchanged", packed.String(), v.Packed.String())
		equal(t, "recorded", l.m.SeenPacket(rns.PacketHash(v.Packed)), false)
	})
}

func TestVectorProofTransport(t *testing.T) {
	type vector struct {
		Name    string         `json:"name"`
		Packet  vectortest.Hex `json:"forwarded_packet"`
		Proof   vectortest.Hex `json:"proof_in"`
		Out     vectortest.Hex `json:"proof_out_on_original_interface"`
		Left    int            `json:"reverse_entry_left"`
		Comment string         `json:"note"`
	}
	vectortest.Each(t, coreVectors, "proof_transport", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("from")
		l.add("to")
		l.add("wrong")
		l.path(destOf(t, v.Packet), mustAddr("427f4711bc00022a8f59b2c082dee480"), 3, "to")
		l.in("from", v.Packet)
		l.take()
		side := "to"
		var want []sentFrame
		if v.Out == nil {
			side = "wrong"
		} else {
			want = []sentFrame{{0, "from", v.Out.String()}}
		}
		l.in(side, v.Proof)
		if d := cmp.Diff(want, l.take()); d != "" {
			t.Error(d)
		}
		equal(t, "entries left", l.m.reverse.len(), v.Left)
	})
}

func TestVectorLinkTraffic(t *testing.T) {
	type entry struct {
		Received  string `json:"received_on"`
		Taken     uint8  `json:"taken_hops"`
		Next      string `json:"next_hop_interface"`
		Remaining uint8  `json:"remaining_hops"`
	}
	type vector struct {
		Link     entry          `json:"link_entry"`
		In       vectortest.Hex `json:"in"`
		On       string         `json:"in_on"`
		A        []string       `json:"out_on_a"`
		B        []string       `json:"out_on_b"`
		Recorded bool           `json:"hash_recorded"`
	}
	vectortest.Each(t, coreVectors, "link_traffic_transport", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("a")
		l.add("b")
		l.m.SeedLink(l.now, LinkRecord{
			Link: destOf(t, v.In), Timestamp: l.now, NextInterface: l.ids[v.Link.Next], Remaining: v.Link.Remaining,
			Received: l.ids[v.Link.Received], Taken: v.Link.Taken, ProofTimeout: l.now.Add(time.Minute),
		})
		l.in(v.On, v.In)
		got := by(l.take())
		equal(t, "on a", slices.Compare(got["a"], v.A), 0)
		equal(t, "on b", slices.Compare(got["b"], v.B), 0)
		equal(t, "recorded", l.m.SeenPacket(rns.PacketHash(v.In)), v.Recorded)
	})
}

func TestVectorLinkProofs(t *testing.T) {
	type vector struct {
		Name      string         `json:"name"`
		Request   vectortest.Hex `json:"request_in_on_a"`
		Path      seededPath     `json:"path"`
		Link      string         `json:"link_id"`
		Identity  string         `json:"destination_identity"`
		Proof     vectortest.Hex `json:"proof_in"`
		On        string         `json:"proof_in_on"`
		Out       vectortest.Hex `json:"proof_out_on_a"`
		Validated bool           `json:"validated"`
		Remaining uint8          `json:"remaining_hops_after"`
		PathHops  uint8          `json:"path_hops_after"`
	}
	keys := vectorKeys(t)
	vectortest.Each(t, coreVectors, "link_proof_transport", func(t *testing.T, v vector) {
		l := transportLab(t)
		l.add("a", withMTU(16384, MTUAuto))
		l.add("b", withMTU(16384, MTUAuto))
		dest := destOf(t, v.Request)
		l.path(dest, mustAddr(v.Path.NextHop), v.Path.Hops, v.Path.Interface)
		l.m.SeedKnown(l.now, KnownDestination{Destination: dest, Public: keys[v.Identity].Public(), Announced: l.now})
		l.in("a", v.Request)
		l.take()
		repeats := 1
		if v.Name == "repeated proof" {
			repeats = 2
		}
		for range repeats {
			l.in(v.On, v.Proof)
			var want []sentFrame
			if v.Out != nil {
				want = []sentFrame{{0, "a", v.Out.String()}}
			}
			if d := cmp.Diff(want, l.take()); d != "" {
				t.Errorf("%v: %s", l.verdict, d)
			}
		}
		e := collect(l.m.Links())[0]
		equal(t, "link", e.Link.Hex(), v.Link)
		equal(t, "validated", e.Validated, v.Validated)
		equal(t, "remaining", e.Remaining, v.Remaining)
		equal(t, "path hops", l.m.HopsTo(dest), v.PathHops)
		if repeats == 2 && l.checks != 1 {
			t.Errorf("%d signature checks for one proof", l.checks)
		}
	})
}

// vectorKeys are the identities of the vectors by name.
func vectorKeys(t *testing.T) map[string]*rns.Identity {
	type identity struct {
		Name    string         `json:"name"`
		Private vectortest.Hex `json:"private_key"`
	}
	out := make(map[string]*rns.Identity)
	for _, v := range vectortest.Group[identity](t, vectortest.Load(t, coreVectors), "identities") {
		id, err := rns.ParseIdentity(v.Private)
		if err != nil {
			t.Fatal(err)
		}
		out[v.Name] = id
	}
	return out
}

func TestVectorLocalHopsDelta(t *testing.T) {
	type vector struct {
		Name  string           `json:"name"`
		Delta uint8            `json:"delta"`
		Sent  []vectortest.Hex `json:"sent"`
	}
	vectortest.Each(t, coreVectors, "local_hops_delta", func(t *testing.T, v vector) {
		l := newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true, LocalHopsDelta: v.Delta})
		l.add("a")
		want := v.Sent[0]
		p, err := rns.ParsePacket(want)
		if err != nil {
			t.Fatal(err)
		}
		original := p
		original.HeaderType, original.TransportType, original.Hops = rns.HeaderType1, rns.TransportBroadcast, 0
		raw := original.Append(nil)
		switch v.Name {
		case "own announce becomes HEADER_2":
			if err := l.m.RegisterDestination(p.Dest, rns.DestSingle); err != nil {
				t.Fatal(err)
			}
		case "data inserted into transport":
			l.path(p.Dest, p.TransportID, 3, "a")
		case "direct data":
			l.path(p.Dest, p.Dest, 1, "a")
		}
		l.out(OutPacket{Raw: raw})
		if d := cmp.Diff([]sentFrame{{0, "a", want.String()}}, l.take()); d != "" {
			t.Error(d)
		}
	})
}
