package rns_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// seed adds a field of all vectors of the groups to the corpus.
func seed(f *testing.F, field string, groups ...string) {
	f.Helper()
	file := vectortest.Load(f, core)
	for _, g := range groups {
		for _, v := range vectortest.Group[map[string]any](f, file, g) {
			if s, ok := v[field].(string); ok {
				var b hexs
				if err := b.UnmarshalJSON([]byte(`"` + s + `"`)); err != nil {
					f.Fatal(err)
				}
				f.Add([]byte(b))
			}
		}
	}
}

func FuzzParsePacket(f *testing.F) {
	seed(f, "raw", "packets", "malformed_packets", "announces", "proofs", "path_requests")
	f.Fuzz(func(t *testing.T, raw []byte) {
		hash := rns.PacketHash(raw)
		_, _ = rns.LinkID(raw)
		p, err := rns.ParsePacket(raw)
		if err != nil {
			return
		}
		if got := p.Append(nil); !bytes.Equal(got, raw) {
			t.Errorf("packed %x, was %x", got, raw)
		}
		if p.Hash() != hash {
			t.Error("hashes differ")
		}
	})
}

func FuzzParseAnnounce(f *testing.F) {
	seed(f, "raw", "announces", "announces_constructed")
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := rns.ParsePacket(raw)
		if err != nil {
			return
		}
		a, err := rns.ParseAnnounce(p)
		if err != nil {
			return
		}
		if got := a.Append(nil); !bytes.Equal(got, p.Data) {
			t.Errorf("payload %x, was %x", got, p.Data)
		}
		if (a.AppData == nil) != (len(p.Data) <= 148) {
			t.Errorf("app data %v of a payload of %d bytes", a.AppData, len(p.Data))
		}
		_ = a.Verify()
		_ = a.VerifyHash()
	})
}

func FuzzCheckProof(f *testing.F) {
	id, err := rns.NewIdentity(counting(1))
	if err != nil {
		f.Fatal(err)
	}
	hash := rns.FullHash([]byte("packet"))
	f.Add(rns.BuildProof(id, hash, rns.ProofExplicit)[1:])
	f.Add(rns.BuildProof(id, rns.Hash{}, rns.ProofImplicit))
	f.Fuzz(func(t *testing.T, data []byte) {
		genuine := bytes.Equal(data, rns.BuildProof(id, hash, rns.ProofExplicit)) ||
			bytes.Equal(data, rns.BuildProof(id, hash, rns.ProofImplicit))
		if err := rns.CheckProof(id.Public(), hash, data); (err == nil) != genuine {
			t.Errorf("error %v, genuine %t", err, genuine)
		}
	})
}

func FuzzIFACOpen(f *testing.F) {
	seed(f, "frame", "ifac_frames", "ifac_rejections")
	access, err := rns.NewIFAC("private_net", "secret passphrase", 16)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, frame []byte) {
		before := bytes.Clone(frame)
		raw, err := access.Open(nil, frame)
		if !bytes.Equal(frame, before) {
			t.Error("the frame was changed")
		}
		if err == nil && !bytes.Equal(access.Seal(nil, raw), frame) {
			t.Errorf("accepted a frame that Seal does not make: %x", frame)
		}
		if raw, err := (*rns.IFAC)(nil).Open(nil, frame); err == nil && !bytes.Equal(raw, frame) {
			t.Error("an open interface changed the frame")
		}
		if len(frame) >= 2 && frame[0] < 0x80 {
			sealed := access.Seal(nil, frame)
			if back, err := access.Open(nil, sealed); len(frame) > 2 && (err != nil || !bytes.Equal(back, frame)) {
				t.Errorf("%x: %v", frame, err)
			}
		}
	})
}

func FuzzTokenDecrypt(f *testing.F) {
	seed(f, "token", "tokens")
	token, err := rns.NewToken(bytes.Repeat([]byte{3}, 64))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := token.Decrypt(nil, data); err == nil {
			t.Errorf("accepted a forged token %x", data)
		}
		sealed, err := token.Encrypt(zeros{}, nil, data)
		check(t, err)
		if back, err := token.Decrypt([]byte("x"), sealed); err != nil || !bytes.Equal(back[1:], data) {
			t.Errorf("%x: %v", back, err)
		}
	})
}

func FuzzIdentityDecrypt(f *testing.F) {
	seed(f, "ciphertext", "identity_decrypt", "identity_encrypt")
	id, err := rns.NewIdentity(counting(77))
	if err != nil {
		f.Fatal(err)
	}
	ratchet, err := rns.NewRatchet(counting(78))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, _, err := id.Decrypt(data, []rns.RatchetPrivate{ratchet, {}}, rns.RatchetsOptional); err == nil {
			t.Errorf("accepted a forged ciphertext %x", data)
		}
	})
}

func FuzzParsePathRequest(f *testing.F) {
	seed(f, "raw", "path_requests")
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := rns.ParsePathRequest(data)
		if err != nil {
			return
		}
		if len(r.Tag) == 0 || len(r.Tag) > rns.TagSize || len(r.Key()) != rns.AddrSize+len(r.Tag) {
			t.Errorf("tag of %d bytes", len(r.Tag))
		}
	})
}

func FuzzParseTunnelSynthesis(f *testing.F) {
	seed(f, "raw", "tunnel_synthesis")
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := rns.ParseTunnelSynthesis(data)
		if err != nil {
			return
		}
		_ = s.Verify()
		if got := s.Append(nil); !bytes.Equal(got, data) {
			t.Errorf("%x, was %x", got, data)
		}
	})
}

func FuzzRatchetFile(f *testing.F) {
	seed(f, "file", "ratchet_files", "received_ratchet_files")
	id, err := rns.NewIdentity(counting(77))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := rns.ParseRatchetFile(data, id.Public()); err == nil {
			t.Errorf("accepted a forged file %x", data)
		}
		if r, err := rns.ParseReceivedRatchet(data); err == nil {
			again(t, r, rns.ParseReceivedRatchet, rns.AppendReceivedRatchet)
		}
	})
}

// FuzzRatchetList feeds the list inside of the signature, which only the owner
// can have written but which a disk can have damaged.
func FuzzRatchetList(f *testing.F) {
	id, err := rns.NewIdentity(counting(77))
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{0x90})
	f.Add([]byte{0xdd, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, packed []byte) {
		file := signedRatchets(id, packed)
		if list, err := rns.ParseRatchetFile(file, id.Public()); err == nil && len(list)*34 > len(packed) {
			t.Errorf("%d ratchets from %d bytes", len(list), len(packed))
		}
	})
}

func FuzzKnownDestinations(f *testing.F) {
	seed(f, "file", "known_destinations_files")
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := rns.ParseKnownDestinations(data); err == nil && distinct(list, func(k rns.KnownDestination) rns.Addr { return k.Dest }) {
			again(t, list, rns.ParseKnownDestinations, rns.AppendKnownDestinations)
		}
	})
}

func FuzzPersistedTables(f *testing.F) {
	seed(f, "file", "persisted_tables")
	f.Fuzz(func(t *testing.T, data []byte) {
		if list, err := rns.ParsePathTable(data); err == nil {
			again(t, list, rns.ParsePathTable, rns.AppendPathTable)
		}
		if list, err := rns.ParseTunnels(data); err == nil {
			for i := range list {
				for j := range list[i].Paths {
					p := &list[i].Paths[j]
					p.Blobs = p.Blobs[:min(len(p.Blobs), rns.PersistRandomBlobs)]
				}
			}
			again(t, list, rns.ParseTunnels, rns.AppendTunnels)
		}
		if a, err := rns.ParseCachedAnnounce(data); err == nil {
			again(t, a, rns.ParseCachedAnnounce, rns.AppendCachedAnnounce)
		}
		if list, err := rns.ParseBlackholes(data); err == nil && distinct(list, func(b rns.Blackhole) rns.Addr { return b.Identity }) {
			again(t, list, rns.ParseBlackholes, rns.AppendBlackholes)
		}
		if n := len(rns.ParsePacketHashes(data)); n != len(data)/rns.HashSize {
			t.Errorf("%d hashes of %d bytes", n, len(data))
		}
	})
}

func distinct[T any](list []T, key func(T) rns.Addr) bool {
	seen := make(map[rns.Addr]bool)
	for _, v := range list {
		if seen[key(v)] {
			return false
		}
		seen[key(v)] = true
	}
	return true
}

// again writes what was read and reads it once more: nothing may be lost.
func again[T any](t *testing.T, v T, parse func([]byte) (T, error), write func([]byte, T) []byte) {
	t.Helper()
	back, err := parse(write(nil, v))
	if err != nil {
		t.Fatalf("reading what was written: %v", err)
	}
	if diff := cmp.Diff(v, back); diff != "" {
		t.Errorf("(-first +second):\n%s", diff)
	}
}
