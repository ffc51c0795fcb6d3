package resource

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

const vectors = "rns-link.json"

var start = time.Unix(1_700_000_000, 0)

func at(s float64) time.Time { return start.Add(time.Duration(math.Round(s * 1e9))) }

// linkOf returns the token and id of the link that a vector names.
func linkOf(t *testing.T, name string) (*rns.Token, rns.Addr) {
	t.Helper()
	type vector struct {
		ID         string         `json:"id"`
		LinkID     vectortest.Hex `json:"link_id"`
		DerivedKey vectortest.Hex `json:"derived_key"`
	}
	for _, v := range vectortest.Group[vector](t, vectortest.Load(t, vectors), "link_establishment") {
		if v.ID == name {
			return tokenOf(t, v.DerivedKey), rns.Addr(v.LinkID)
		}
	}
	t.Fatalf("no link %q", name)
	return nil, rns.Addr{}
}

func tokenOf(t testing.TB, key []byte) *rns.Token {
	t.Helper()
	token, err := rns.NewToken(key)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

type resourceVector struct {
	ID            string         `json:"id"`
	TransferSize  int            `json:"transfer_size"`
	TotalSize     int64          `json:"total_size"`
	Parts         int            `json:"parts"`
	Hash          vectortest.Hex `json:"hash"`
	Random        vectortest.Hex `json:"random_hash"`
	Original      vectortest.Hex `json:"original_hash"`
	Flags         int            `json:"flags"`
	Segment       int            `json:"segment"`
	Segments      int            `json:"segments"`
	RequestID     vectortest.Hex `json:"request_id"`
	Compressed    bool           `json:"compressed"`
	SDU           int            `json:"sdu"`
	Prefix        vectortest.Hex `json:"stream_prefix"`
	Proof         vectortest.Hex `json:"expected_proof"`
	Advertisement vectortest.Hex `json:"advertisement"`
	HashMap       vectortest.Hex `json:"hashmap"`
	FirstPart     vectortest.Hex `json:"first_part"`
	LastPartLen   int            `json:"last_part_len"`
	IV            vectortest.Hex `json:"iv"`
	Link          string         `json:"link"`
	Data          vectortest.Hex `json:"data"`
	DataSeed      string         `json:"data_seed"`
	DataLen       int            `json:"data_len"`
	Metadata      vectortest.Hex `json:"metadata_packed"`
	Stream        vectortest.Hex `json:"compressed_stream"`
	PayloadLen    int            `json:"segment_payload_len"`
}

func (v resourceVector) content() []byte {
	if v.Data != nil {
		return v.Data
	}
	return vectortest.Payload(v.DataSeed, v.DataLen)
}

func (v resourceVector) salts() []byte {
	return append(append(append([]byte(nil), v.Prefix...), v.IV...), v.Random...)
}

func TestVectorResource(t *testing.T) {
	vectortest.Each(t, vectors, "resource", func(t *testing.T, v resourceVector) {
		token, link := linkOf(t, v.Link)
		data := v.content()
		c := SenderConfig{
			Params: DefaultParams(), Source: bytes.NewReader(data), Size: int64(len(data)), Metadata: v.Metadata,
			SDU: v.SDU, Token: token, LinkID: link, Rand: bytes.NewReader(v.salts()),
		}
		if v.RequestID != nil {
			c.Kind, c.RequestID = KindRequest, rns.Addr(v.RequestID)
			if Flags(v.Flags).Has(FlagResponse) {
				c.Kind = KindResponse
			}
		}
		if v.Compressed {
			c.Compress = func([]byte) []byte { return v.Stream }
		}
		s := prepared(t, c)
		checkSegment(t, v, s.cur)
		if got := s.advertisement().Append(nil); !bytes.Equal(got, v.Advertisement) {
			t.Errorf("advertisement %x, want %x", got, []byte(v.Advertisement))
		}
		checkReception(t, v, token, s.cur, c.Metadata, data)
	})
}

// prepared advances a sender to its first advertisement.
func prepared(t *testing.T, c SenderConfig) *Sender {
	t.Helper()
	s, err := NewSender(c)
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	prepareNext(t, s, &out)
	s.Advertise(start, &out)
	return s
}

func prepareNext(t *testing.T, s *Sender, out *Output) {
	t.Helper()
	job, err := s.Prepare()
	if err != nil || job == nil {
		t.Fatalf("no job: %v", err)
	}
	s.Prepared(job.Run(), out)
	if s.Status().Concluded() {
		t.Fatal(s.Err())
	}
}

func checkSegment(t *testing.T, v resourceVector, s *segment) {
	t.Helper()
	type facts struct {
		Size, Parts, Last        int
		Hash, Proof, Random, Map string
		Compressed               bool
	}
	got := facts{
		len(s.token), s.parts, len(s.part(s.parts - 1)), s.hash.Hex(), s.proof.Hex(), vectortest.Hex(s.random[:]).String(),
		vectortest.Hex(s.mapHashes).String(), s.compressed,
	}
	want := facts{
		v.TransferSize, v.Parts, v.LastPartLen, v.Hash.String(), v.Proof.String(), v.Random.String(), v.HashMap.String(),
		v.Compressed,
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if v.FirstPart != nil && !bytes.Equal(s.part(0), v.FirstPart) {
		t.Errorf("first part differs")
	}
}

// checkReception feeds the advertisement and all parts of the vector to the receiving side.
func checkReception(t *testing.T, v resourceVector, token *rns.Token, s *segment, metadata, data []byte) {
	t.Helper()
	a, err := ParseAdvertisement(v.Advertisement)
	if err != nil || a.Validate(v.SDU) != nil {
		t.Fatal(err, a.Validate(v.SDU))
	}
	in, err := NewIncoming(a)
	if err != nil {
		t.Fatal(err)
	}
	var out Output
	in.Accept()
	in.Begin(start, ReceiverConfig{
		Params: DefaultParams(), Advertisement: a, SDU: v.SDU, Token: token, LinkRTT: time.Second, EstablishmentCost: 200,
	}, &out)
	for out.Assemble == nil {
		if len(out.Messages) != 1 || out.Messages[0].Context != rns.ContextResourceReq {
			t.Fatalf("messages %v", out.Messages)
		}
		q, err := ParsePartRequest(out.Messages[0].Body)
		if err != nil {
			t.Fatal(err)
		}
		out.Reset()
		for i := range s.parts {
			for w := q.Wanted; len(w) > 0; w = w[MapHashSize:] {
				if string(w[:MapHashSize]) == string(s.mapHash(i)) {
					in.Receiver().Part(start, s.part(i), 19+len(s.part(i)), &out)
					break
				}
			}
		}
		if q.Exhausted {
			n := in.Receiver().known() / HashMapSegment
			u := HashMapUpdate{Hash: s.hash, Segment: n}
			u.MapHashes = s.mapHashes[n*HashMapSegment*MapHashSize : min((n+1)*HashMapSegment, s.parts)*MapHashSize]
			if got := in.Receiver().Update(start, u, &out); got != rns.VerdictDelivered {
				t.Fatal(got)
			}
		}
	}
	in.Assembling()
	got, err := in.Assembled(out.Assemble.Run())
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Data, data) || !bytes.Equal(got.Metadata, metadata) || !got.Final {
		t.Error("content differs")
	}
	out.Reset()
	in.Stored(&out)
	if want := append(append([]byte(nil), v.Hash...), v.Proof...); !bytes.Equal(out.Messages[0].Body, want) {
		t.Error("proof differs")
	}
}

func TestVectorResourceSegment(t *testing.T) {
	f := vectortest.Load(t, vectors)
	all := vectortest.Group[resourceVector](t, f, "resource_segment")
	for i, v := range all {
		vectortest.Run(t, f, "resource_segment", i, func(t *testing.T) {
			first := i - (v.Segment - 1)
			var salts []byte
			for _, w := range all[first : first+v.Segments] {
				salts = append(salts, w.salts()...)
			}
			token, link := linkOf(t, v.Link)
			s := prepared(t, SenderConfig{
				Params: DefaultParams(), Source: bytes.NewReader(v.content()), Size: int64(v.DataLen),
				Metadata: all[first].Metadata, SDU: v.SDU, Token: token, LinkID: link, Rand: bytes.NewReader(salts),
			})
			var out Output
			for s.cur.index < v.Segment {
				if got := s.Proof(start, s.proofPayload()); got != rns.VerdictDelivered {
					t.Fatal(got)
				}
				prepareNext(t, s, &out)
				s.Advertise(start, &out)
			}
			checkSegment(t, v, s.cur)
			if got := s.advertisement().Append(nil); !bytes.Equal(got, v.Advertisement) {
				t.Errorf("advertisement %x, want %x", got, []byte(v.Advertisement))
			}
		})
	}
}

func TestVectorResourceRequest(t *testing.T) {
	type vector struct {
		Payload   vectortest.Hex   `json:"payload"`
		Exhausted bool             `json:"exhausted"`
		Hash      vectortest.Hex   `json:"hash"`
		Last      vectortest.Hex   `json:"last_map_hash"`
		MapHashes []vectortest.Hex `json:"map_hashes"`
	}
	vectortest.Each(t, vectors, "resource_request", func(t *testing.T, v vector) {
		want := PartRequest{Exhausted: v.Exhausted, Hash: rns.Hash(v.Hash)}
		for _, m := range v.MapHashes {
			want.Wanted = append(want.Wanted, m...)
		}
		copy(want.Last[:], v.Last)
		got, err := ParsePartRequest(v.Payload)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Error(d)
		}
		if !bytes.Equal(want.Append(nil), v.Payload) {
			t.Error("encoding differs")
		}
	})
}

func TestVectorResourceHMU(t *testing.T) {
	type vector struct {
		Segment   int            `json:"segment"`
		Plaintext vectortest.Hex `json:"plaintext"`
	}
	vectortest.Each(t, vectors, "resource_hmu", func(t *testing.T, v vector) {
		u, err := ParseHashMapUpdate(v.Plaintext)
		if err != nil || u.Segment != v.Segment {
			t.Fatal(u.Segment, err)
		}
		for _, w := range vectortest.Group[resourceVector](t, vectortest.Load(t, vectors), "resource") {
			if bytes.Equal(w.Hash, u.Hash[:]) {
				from, to := v.Segment*HashMapSegment, min((v.Segment+1)*HashMapSegment, w.Parts)
				u.MapHashes = w.HashMap[from*MapHashSize : to*MapHashSize]
			}
		}
		if !bytes.Equal(u.Append(nil), v.Plaintext) {
			t.Error("encoding differs")
		}
	})
}

func TestVectorResourceProof(t *testing.T) {
	type vector struct {
		Payload vectortest.Hex `json:"payload"`
		Raw     vectortest.Hex `json:"raw"`
		Packet  vectortest.Hex `json:"packet_hash"`
	}
	vectortest.Each(t, vectors, "resource_proof", func(t *testing.T, v vector) {
		p, err := rns.ParsePacket(v.Raw)
		if err != nil {
			t.Fatal(err)
		}
		if got := ProofPacketHash(p.Dest, v.Payload); got != rns.Hash(v.Packet) || p.Context != rns.ContextResourcePRF {
			t.Errorf("packet hash %v", got)
		}
	})
}
