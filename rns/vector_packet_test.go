package rns_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// spec: rns-core §7.1, §7.2, §7.5
func TestVectorPackets(t *testing.T) {
	type vector struct {
		Name                 string
		Raw                  hexs
		Flags                byte
		Hops                 uint8
		HeaderType           rns.HeaderType    `json:"header_type"`
		ContextFlag          int               `json:"context_flag"`
		TransportType        rns.TransportType `json:"transport_type"`
		DestType             rns.DestType      `json:"destination_type"`
		PacketType           rns.PacketType    `json:"packet_type"`
		TransportID          hexs              `json:"transport_id"`
		Dest                 hexs              `json:"destination_hash"`
		Context              rns.Context
		Data                 hexs
		Hash                 hexs `json:"packet_hash"`
		Truncated            hexs `json:"truncated_hash"`
		Recipient, Plaintext string
	}
	ids := identities(t)
	vectortest.Each(t, core, "packets", func(t *testing.T, v vector) {
		want := rns.Packet{
			HeaderType: v.HeaderType, ContextFlag: v.ContextFlag != 0, TransportType: v.TransportType,
			DestType: v.DestType, Type: v.PacketType, Hops: v.Hops, Dest: rns.Addr(v.Dest),
			Context: v.Context, Data: v.Data,
		}
		if v.TransportID != nil {
			want.TransportID = rns.Addr(v.TransportID)
		}
		got, err := rns.ParsePacket(v.Raw)
		check(t, err)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("parsed (-want +got):\n%s", diff)
		}
		packed, err := want.Pack(rns.MTU)
		check(t, err)
		equal(t, "packed", packed, v.Raw)
		if want.Flags() != v.Flags {
			t.Errorf("flags %#x, want %#x", want.Flags(), v.Flags)
		}
		hash, own := rns.PacketHash(v.Raw), got.Hash()
		short := hash.Addr()
		equal(t, "hash", hash[:], v.Hash)
		equal(t, "hash of the parsed packet", own[:], v.Hash)
		equal(t, "truncated hash", short[:], v.Truncated)
		if id := ids[v.Recipient]; id != nil {
			if !got.Encrypted() {
				t.Error("not reported as encrypted")
			}
			plaintext, _, err := id.Decrypt(got.Data, nil, rns.RatchetsOptional)
			check(t, err)
			if hexs(plaintext).String() != v.Plaintext {
				t.Errorf("plaintext %x, want %s", plaintext, v.Plaintext)
			}
		}
	})
}

// spec: rns-core §7.5
func TestVectorPacketHashInvariance(t *testing.T) {
	type vector struct {
		Raws []hexs
		Hash hexs `json:"packet_hash"`
	}
	vectortest.Each(t, core, "packet_hash_invariance", func(t *testing.T, v vector) {
		for _, raw := range v.Raws {
			hash := rns.PacketHash(raw)
			equal(t, "hash", hash[:], v.Hash)
		}
	})
}

// spec: rns-core §7.1
func TestVectorMalformedPackets(t *testing.T) {
	type vector struct {
		Name     string
		Raw      hexs
		Accepted bool
	}
	vectortest.Each(t, core, "malformed_packets", func(t *testing.T, v vector) {
		if _, err := rns.ParsePacket(v.Raw); (err == nil) != v.Accepted {
			t.Errorf("error %v, accepted %t", err, v.Accepted)
		}
	})
}

// spec: rns-core §6.1, §6.2
func TestVectorAnnouncesConstructed(t *testing.T) {
	type vector struct {
		Identity, Name string
		AppData        hexs `json:"app_data"`
		Ratchet        hexs `json:"ratchet_public"`
		Emitted        int64
		Random         hexs `json:"random_blob"`
		PathResponse   bool `json:"path_response"`
		Raw            hexs
		Hash           hexs `json:"packet_hash"`
	}
	ids := identities(t)
	vectortest.Each(t, core, "announces_constructed", func(t *testing.T, v vector) {
		var ratchet *rns.RatchetPublic
		if v.Ratchet != nil {
			ratchet = (*rns.RatchetPublic)(v.Ratchet)
		}
		a, err := rns.NewAnnounce(bytes.NewReader(v.Random), ids[v.Identity], rns.NameHashOf(v.Name), ratchet, v.AppData, time.Unix(v.Emitted, 999))
		check(t, err)
		context := rns.ContextNone
		if v.PathResponse {
			context = rns.ContextPathResponse
		}
		raw, err := a.Packet(context).Pack(rns.MTU)
		check(t, err)
		equal(t, "raw", raw, v.Raw)
		hash := rns.PacketHash(raw)
		equal(t, "packet hash", hash[:], v.Hash)
	})
}

// spec: rns-core §3.5, §6.5
func TestVectorAnnounces(t *testing.T) {
	type vector struct {
		Name           string
		Raw            hexs
		Dest           hexs `json:"destination_hash"`
		SignatureValid bool `json:"signature_valid"`
		Valid          bool
		Public         hexs `json:"public_key"`
		AppData        hexs `json:"app_data_remembered"`
		Ratchet        hexs
		Emitted        int64
		Hash           hexs `json:"packet_hash"`
	}
	vectortest.Each(t, core, "announces", func(t *testing.T, v vector) {
		p, err := rns.ParsePacket(v.Raw)
		check(t, err)
		a, err := rns.ParseAnnounce(p)
		if err == nil {
			err = a.Verify()
		}
		if v.Name == "valid, but identity blackholed" {
			check(t, err) // refused by the table of blackholed identities, which is not consulted here
			return
		}
		if (err == nil) != v.SignatureValid {
			t.Fatalf("signature: error %v, valid %t", err, v.SignatureValid)
		}
		if err == nil {
			err = a.VerifyHash()
		}
		if (err == nil) != v.Valid {
			t.Fatalf("error %v, valid %t", err, v.Valid)
		}
		if err != nil {
			return
		}
		equal(t, "destination", a.Dest[:], v.Dest)
		equal(t, "public key", a.Public[:], v.Public)
		equal(t, "app data", a.AppData, v.AppData)
		var ratchet []byte
		if a.Ratchet != nil {
			ratchet = a.Ratchet[:]
		}
		equal(t, "ratchet", ratchet, v.Ratchet)
		if a.Emitted() != v.Emitted {
			t.Errorf("emitted %d, want %d", a.Emitted(), v.Emitted)
		}
		equal(t, "payload again", a.Append(nil), p.Data)
	})
}

// spec: rns-core §8.1
func TestVectorProofs(t *testing.T) {
	type vector struct {
		Name, Prover string
		Implicit     bool
		Packet       hexs `json:"proved_packet"`
		Hash         hexs `json:"proved_packet_hash"`
		Raw          hexs
		Valid        bool
	}
	ids := identities(t)
	vectortest.Each(t, core, "proofs", func(t *testing.T, v vector) {
		id, hash := ids[v.Prover], rns.PacketHash(v.Packet)
		equal(t, "hash", hash[:], v.Hash)
		p, err := rns.ParsePacket(v.Raw)
		check(t, err)
		if err := rns.CheckProof(id.Public(), hash, p.Data); (err == nil) != v.Valid {
			t.Errorf("error %v, valid %t", err, v.Valid)
		}
		if !v.Valid {
			return
		}
		form := rns.ProofExplicit
		if v.Implicit {
			form = rns.ProofImplicit
		}
		raw, err := rns.ProofPacket(hash, rns.BuildProof(id, hash, form)).Pack(rns.MTU)
		check(t, err)
		equal(t, "raw", raw, v.Raw)
	})
}

// spec: rns-core §9.1
func TestVectorIFACKeys(t *testing.T) {
	type vector struct {
		Network    string `json:"network_name"`
		Passphrase string
		Origin     hexs `json:"origin_hash"`
		Key        hexs `json:"ifac_key"`
		Public     hexs `json:"ed25519_public"`
		Signature  hexs `json:"ifac_signature"`
	}
	vectortest.Each(t, core, "ifac_keys", func(t *testing.T, v vector) {
		f, err := rns.NewIFAC(v.Network, v.Passphrase, 16)
		check(t, err)
		origin, derived, public := rns.IFACKeys(v.Network, v.Passphrase, f)
		equal(t, "origin", origin[:], v.Origin)
		equal(t, "key", derived, v.Key)
		equal(t, "public", public, v.Public)
		sig := f.DisplaySignature()
		equal(t, "display signature", sig[:], v.Signature)
	})
}

// spec: rns-core §9.2
func TestVectorIFACFrames(t *testing.T) {
	type vector struct {
		Network    string `json:"network_name"`
		Passphrase string
		Size       int `json:"ifac_size"`
		Raw, Frame hexs
		Prefix     hexs `json:"raw_prefix"`
		RawSHA     hexs `json:"raw_sha256"`
		FrameSHA   hexs `json:"frame_sha256"`
		First      hexs `json:"frame_first64"`
		Last       hexs `json:"frame_last64"`
	}
	vectortest.Each(t, core, "ifac_frames", func(t *testing.T, v vector) {
		raw := []byte(v.Raw)
		if v.Prefix != nil {
			raw = append(v.Prefix, bigPayload("big", 9000)...)
			sum := sha256.Sum256(raw)
			equal(t, "raw digest", sum[:], v.RawSHA)
		}
		f, err := rns.NewIFAC(v.Network, v.Passphrase, v.Size)
		check(t, err)
		frame := f.Seal([]byte("x"), raw)[1:]
		if v.Frame != nil {
			equal(t, "frame", frame, v.Frame)
		} else {
			sum := sha256.Sum256(frame)
			equal(t, "frame digest", sum[:], v.FrameSHA)
			equal(t, "first", frame[:64], v.First)
			equal(t, "last", frame[len(frame)-64:], v.Last)
		}
		back, err := f.Open(frame[:0], frame)
		check(t, err)
		equal(t, "opened in place", back, raw)
	})
}

func bigPayload(seed string, n int) []byte {
	var out []byte
	for i := uint32(0); len(out) < n; i++ {
		sum := sha256.Sum256(binary.BigEndian.AppendUint32([]byte(seed), i))
		out = append(out, sum[:]...)
	}
	return out[:n]
}

// spec: rns-core §9.3
func TestVectorIFACRejections(t *testing.T) {
	type vector struct {
		Enabled    bool   `json:"ifac_enabled"`
		Network    string `json:"network_name"`
		Passphrase string
		Size       int `json:"ifac_size"`
		Frame, Raw hexs
		Accepted   bool
	}
	vectortest.Each(t, core, "ifac_rejections", func(t *testing.T, v vector) {
		var f *rns.IFAC
		if v.Enabled {
			var err error
			f, err = rns.NewIFAC(v.Network, v.Passphrase, v.Size)
			check(t, err)
		}
		raw, err := f.Open(nil, v.Frame)
		if (err == nil) != v.Accepted {
			t.Fatalf("error %v, accepted %t", err, v.Accepted)
		}
		equal(t, "raw", raw, v.Raw)
	})
}

// spec: rns-core §15.1
func TestVectorPathRequests(t *testing.T) {
	type vector struct {
		Raw       hexs
		Accepted  bool
		Dest      hexs `json:"destination_hash"`
		Requestor hexs `json:"requestor_transport_id"`
		Tag       hexs
		Key       hexs `json:"dedup_key"`
	}
	vectortest.Each(t, core, "path_requests", func(t *testing.T, v vector) {
		p, err := rns.ParsePacket(v.Raw)
		check(t, err)
		if p.Dest != rns.PathRequestDest() {
			t.Errorf("destination %v", p.Dest)
		}
		r, err := rns.ParsePathRequest(p.Data)
		if (err == nil) != v.Accepted {
			t.Fatalf("error %v, accepted %t", err, v.Accepted)
		}
		if err != nil {
			return
		}
		equal(t, "destination", r.Dest[:], v.Dest)
		equal(t, "tag", r.Tag, v.Tag)
		equal(t, "key", []byte(r.Key()), v.Key)
		var requestor []byte
		if !r.Requestor.IsZero() {
			requestor = r.Requestor[:]
		}
		equal(t, "requestor", requestor, v.Requestor)
		if len(v.Tag) == rns.TagSize && len(p.Data) <= 3*rns.AddrSize {
			raw, err := r.Packet().Pack(rns.MTU)
			check(t, err)
			equal(t, "raw again", raw, v.Raw)
		}
	})
}

// spec: rns-core §17.1
func TestVectorTunnelSynthesis(t *testing.T) {
	type vector struct {
		Interface     string `json:"interface_string"`
		InterfaceHash hexs   `json:"interface_hash"`
		Random        hexs   `json:"random_hash"`
		Raw           hexs
		Accepted      bool
		ID            hexs `json:"tunnel_id"`
	}
	transport := vectortest.Object[struct {
		Private hexs `json:"private_key"`
	}](t, vectortest.Load(t, core), "transport_identity")
	id, err := rns.ParseIdentity(transport.Private)
	check(t, err)
	vectortest.Each(t, core, "tunnel_synthesis", func(t *testing.T, v vector) {
		p, err := rns.ParsePacket(v.Raw)
		check(t, err)
		s, err := rns.ParseTunnelSynthesis(p.Data)
		if err == nil {
			err = s.Verify()
		}
		if (err == nil) != v.Accepted {
			t.Fatalf("error %v, accepted %t", err, v.Accepted)
		}
		if err != nil {
			if !errors.Is(err, rns.VerdictWrongSize) && !errors.Is(err, rns.VerdictBadSignature) {
				t.Errorf("error %v", err)
			}
			return
		}
		tunnel, iface := s.ID(), rns.FullHash([]byte(v.Interface))
		equal(t, "tunnel id", tunnel[:], v.ID)
		equal(t, "interface hash", iface[:], v.InterfaceHash)
		own, err := rns.NewTunnelSynthesis(bytes.NewReader(v.Random), id, iface)
		check(t, err)
		raw, err := own.Packet().Pack(rns.MTU)
		check(t, err)
		equal(t, "raw", raw, v.Raw)
	})
}
