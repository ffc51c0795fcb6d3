package rns_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// at converts seconds as JSON writes them. Files hold doubles, which are
// coarser than the nanoseconds of the result.
func at(t *testing.T, seconds json.Number) time.Time {
	t.Helper()
	f, err := seconds.Float64()
	check(t, err)
	whole := int64(f)
	return time.Unix(whole, int64((f-float64(whole))*1e9+0.5))
}

// spec: rns-core §4.3
func TestVectorRatchetFiles(t *testing.T) {
	type vector struct {
		Identity string
		File     hexs
		Valid    bool
		Ratchets []hexs
	}
	ids := identities(t)
	vectortest.Each(t, core, "ratchet_files", func(t *testing.T, v vector) {
		id := ids[v.Identity]
		got, err := rns.ParseRatchetFile(v.File, id.Public())
		if !v.Valid {
			if !errors.Is(err, rns.ErrRatchetFileForged) {
				t.Errorf("error %v", err)
			}
			return
		}
		check(t, err)
		if len(got) != len(v.Ratchets) {
			t.Fatalf("%d ratchets, want %d", len(got), len(v.Ratchets))
		}
		for i, r := range got {
			equal(t, "ratchet", r.Bytes(), v.Ratchets[i])
		}
		equal(t, "file again", rns.AppendRatchetFile(nil, id, got), v.File)
	})
}

// spec: rns-core §4.5
func TestVectorReceivedRatchetFiles(t *testing.T) {
	type vector struct {
		File    hexs
		Now     json.Number
		Usable  bool
		Ratchet hexs
	}
	vectortest.Each(t, core, "received_ratchet_files", func(t *testing.T, v vector) {
		r, err := rns.ParseReceivedRatchet(v.File)
		if usable := err == nil && r.Usable(at(t, v.Now)); usable != v.Usable {
			t.Fatalf("usable %t, want %t (error %v)", usable, v.Usable, err)
		}
		if v.Usable {
			equal(t, "ratchet", r.Ratchet[:], v.Ratchet)
		}
		if err == nil {
			equal(t, "file again", rns.AppendReceivedRatchet(nil, r), v.File)
		}
	})
}

// spec: rns-core §3.5, §3.6
func TestVectorKnownDestinationsFiles(t *testing.T) {
	type entry struct {
		LastAnnounce json.Number `json:"last_announce"`
		Hash         hexs        `json:"packet_hash"`
		Public       hexs        `json:"public_key"`
		AppData      hexs        `json:"app_data"`
		Use          json.Number
	}
	type vector struct {
		Name    string
		File    hexs
		Entries map[rns.Addr]entry
	}
	vectortest.Each(t, core, "known_destinations_files", func(t *testing.T, v vector) {
		got, err := rns.ParseKnownDestinations(v.File)
		check(t, err)
		if len(got) != len(v.Entries) {
			t.Errorf("%d entries, want %d", len(got), len(v.Entries))
		}
		for _, k := range got {
			e := v.Entries[k.Dest]
			equal(t, "packet hash", k.PacketHash[:], e.Hash)
			equal(t, "public key", k.Public[:], e.Public)
			equal(t, "app data", k.AppData, e.AppData)
			if !k.LastAnnounce.Equal(at(t, e.LastAnnounce)) {
				t.Errorf("last announce %v", k.LastAnnounce)
			}
			switch use := at(t, e.Use); {
			case use.Unix() < 0:
				if !k.Retained {
					t.Error("not retained")
				}
			case use.Unix() == 0:
				if !k.LastUsed.IsZero() || k.Retained {
					t.Errorf("used %v, retained %t", k.LastUsed, k.Retained)
				}
			default:
				if !k.LastUsed.Equal(use) {
					t.Errorf("used %v, want %v", k.LastUsed, use)
				}
			}
		}
		if v.Name != "four-field entry upgraded, key of wrong length skipped" {
			equal(t, "file again", rns.AppendKnownDestinations(nil, got), v.File)
		}
	})
}

type pathVector struct {
	Dest      rns.Addr `json:"destination_hash"`
	Timestamp json.Number
	NextHop   rns.Addr `json:"next_hop"`
	Hops      uint8
	Expires   json.Number
	Blobs     []hexs   `json:"random_blobs"`
	Interface rns.Hash `json:"interface_hash"`
	Announce  rns.Hash `json:"announce_packet_hash"`
}

func (v pathVector) record(t *testing.T) rns.PathRecord {
	p := rns.PathRecord{
		Dest: v.Dest, Learned: at(t, v.Timestamp), NextHop: v.NextHop, Hops: v.Hops,
		Expires: at(t, v.Expires), Interface: v.Interface, Announce: v.Announce,
	}
	for _, b := range v.Blobs {
		p.Blobs = append(p.Blobs, [rns.RandomBlobSize]byte(b))
	}
	return p
}

func records(t *testing.T, list []pathVector) (out []rns.PathRecord) {
	for _, v := range list {
		out = append(out, v.record(t))
	}
	return out
}

type blackholeVector struct {
	Source rns.Addr
	Until  *json.Number
	Reason *string
}

// blackholes are the wanted entries, in the order of the list because the
// vector is a map.
func blackholes(t *testing.T, order []rns.Blackhole, want map[rns.Addr]blackholeVector) (out []rns.Blackhole) {
	t.Helper()
	if len(order) != len(want) {
		t.Errorf("%d entries, want %d", len(order), len(want))
	}
	for _, e := range order {
		w := want[e.Identity]
		b := rns.Blackhole{Identity: e.Identity, Source: w.Source}
		if w.Until != nil {
			b.Until = at(t, *w.Until)
		}
		if w.Reason != nil {
			b.Reason = *w.Reason
		}
		out = append(out, b)
	}
	return out
}

// spec: rns-core §19.2, §19.3, §19.4, §19.5, §19.6, §21.4
func TestVectorPersistedTables(t *testing.T) {
	type vector struct {
		Name      string
		File      hexs
		Decoded   []pathVector
		Raw       hexs
		Reference string `json:"interface_reference"`
		Hashes    []rns.Hash
		Tunnel    rns.Hash    `json:"tunnel_id"`
		Interface rns.Hash    `json:"interface_hash"`
		Expires   json.Number `json:"expires_written"`
		Paths     []pathVector
		Entries   map[rns.Addr]blackholeVector
	}
	vectortest.Each(t, core, "persisted_tables", func(t *testing.T, v vector) {
		var got, want any
		var again []byte
		switch v.Name {
		case "destination_table":
			table, err := rns.ParsePathTable(v.File)
			check(t, err)
			got, want, again = table, records(t, v.Decoded), rns.AppendPathTable(nil, table)
		case "cached announce":
			a, err := rns.ParseCachedAnnounce(v.File)
			check(t, err)
			got, want = a, rns.CachedAnnounce{Raw: v.Raw, Interface: v.Reference}
			again = rns.AppendCachedAnnounce(nil, a)
		case "packet_hashlist.raw":
			list := rns.ParsePacketHashes(append(bytes.Clone(v.File), 1, 2, 3))
			got, want, again = list, v.Hashes, rns.AppendPacketHashes(nil, list)
		case "tunnels":
			list, err := rns.ParseTunnels(v.File)
			check(t, err)
			got, again = list, rns.AppendTunnels(nil, list)
			want = []rns.TunnelRecord{{ID: v.Tunnel, Interface: v.Interface, Paths: records(t, v.Paths), Expires: at(t, v.Expires)}}
		case "blackhole/local":
			list, err := rns.ParseBlackholes(v.File)
			check(t, err)
			got, want, again = list, blackholes(t, list, v.Entries), rns.AppendBlackholes(nil, list)
		default:
			t.Fatalf("unknown table %q", v.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parsed (-want +got):\n%s", diff)
		}
		equal(t, "file again", again, v.File)
	})
}
