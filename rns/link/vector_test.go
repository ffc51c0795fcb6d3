package link

import (
	"bytes"
	"crypto/ed25519"
	"math"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/bzip2"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/resource"
	"meshchatx/spec/vectortest"
)

const vectors = "rns-link.json"

var start = time.Unix(1_700_001_000, 500_000_000)

func secs(s float64) time.Duration { return time.Duration(math.Round(s * 1e9)) }

// script is a random source that says what it is told.
type script struct{ bytes.Buffer }

func (s *script) then(parts ...[]byte) *script {
	for _, p := range parts {
		s.Write(p)
	}
	return s
}

type establishment struct {
	ID          string         `json:"id"`
	InitX       vectortest.Hex `json:"initiator_x25519_prv"`
	InitEd      vectortest.Hex `json:"initiator_ed25519_prv"`
	RespX       vectortest.Hex `json:"responder_x25519_prv"`
	Destination vectortest.Hex `json:"destination_hash"`
	RequestRaw  vectortest.Hex `json:"request_raw"`
	Signalling  vectortest.Hex `json:"signalling"`
	LinkID      vectortest.Hex `json:"link_id"`
	Key         vectortest.Hex `json:"derived_key"`
	ProofRaw    vectortest.Hex `json:"proof_raw"`
	MTU         int            `json:"confirmed_mtu"`
	MDU         int            `json:"mdu"`
	SDU         int            `json:"resource_sdu"`
	RTT         float64        `json:"rtt_value"`
	RTTIV       vectortest.Hex `json:"rtt_iv"`
	RTTRaw      vectortest.Hex `json:"rtt_raw"`
	RespRTT     float64        `json:"responder_rtt"`
	Keepalive   float64        `json:"keepalive"`
	Stale       float64        `json:"stale_time"`
	CostInit    int            `json:"establishment_cost_initiator"`
	CostResp    int            `json:"establishment_cost_responder"`
	TimeoutInit float64        `json:"initiator_establishment_timeout"`
	TimeoutResp float64        `json:"responder_establishment_timeout"`
}

func identityOf(tb testing.TB, name string) *rns.Identity {
	tb.Helper()
	type vector struct {
		ID      string         `json:"id"`
		Private vectortest.Hex `json:"private"`
	}
	for _, v := range vectortest.Group[vector](tb, vectortest.Load(tb, vectors), "identity") {
		if v.ID == name {
			id, err := rns.ParseIdentity(v.Private)
			if err != nil {
				tb.Fatal(err)
			}
			return id
		}
	}
	tb.Fatalf("no identity %q", name)
	return nil
}

// vectorPair is an established link of the vectors with both random sources at hand.
type vectorPair struct {
	a, b         *Link
	randA, randB *script
}

// unmarked are the parameters of byte-exact comparisons.
func unmarked() Params {
	p := DefaultParams()
	p.Marks = MarksOff
	return p
}

// establish runs the handshake of a vector and compares every byte.
func establish(t *testing.T, v establishment) vectorPair {
	t.Helper()
	server := identityOf(t, "ident-server")
	p := vectorPair{randA: new(script), randB: new(script)}
	p.randA.then(v.InitX, v.InitEd, v.RTTIV)
	p.randB.then(v.RespX)
	serve := ServePolicy{Mode: ServeRequests}
	a, request, err := NewInitiator(start, InitiatorConfig{
		Params: unmarked(), Rand: p.randA, Destination: rns.Addr(v.Destination), Identity: server.Public(),
		Hops: UnknownHops, MTU: v.MTU, Serve: serve,
	})
	if err != nil {
		t.Fatal(err)
	}
	wire := request.Append(nil)
	if len(v.Signalling) == 0 {
		wire = wire[:len(wire)-SignallingSize] // cut off on the way
	}
	if !bytes.Equal(wire, v.RequestRaw) {
		t.Fatalf("request %x, want %x", wire, []byte(v.RequestRaw))
	}
	if a.ID() != rns.Addr(v.LinkID) {
		t.Fatalf("link id %v", a.ID())
	}
	arrived := parse(t, wire)
	b, fx, err := Accept(start, ResponderConfig{
		Params: unmarked(), Rand: p.randB, Identity: server, Interface: 7, Hops: 1, Serve: serve,
	}, arrived)
	if err != nil {
		t.Fatal(err)
	}
	proof := one(t, fx, v.ProofRaw)
	fx = a.Receive(start.Add(secs(v.RTT)), proof, parse(t, proof), 3)
	if fx.Verdict != rns.VerdictDelivered {
		t.Fatal(fx.Verdict)
	}
	rtt := one(t, fx, v.RTTRaw)
	if fx = b.Receive(start.Add(secs(v.RespRTT)), rtt, parse(t, rtt), 7); fx.Verdict != rns.VerdictDelivered {
		t.Fatal(fx.Verdict)
	}
	if a.State() != Active || b.State() != Active {
		t.Fatal(a.State(), b.State())
	}
	p.a, p.b = a, b
	return p
}

func parse(t testing.TB, raw []byte) rns.Packet {
	t.Helper()
	p, err := rns.ParsePacket(raw)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// one returns the only frame of fx, which must be want unless that is nil.
func one(t testing.TB, fx *Effects, want []byte) []byte {
	t.Helper()
	if len(fx.Send) != 1 {
		t.Fatalf("%d frames", len(fx.Send))
	}
	if raw := fx.Send[0].Raw; want != nil && !bytes.Equal(raw, want) {
		t.Fatalf("frame %x, want %x", raw, want)
	}
	if h := fx.Send[0].Hash; !h.IsZero() && h != rns.PacketHash(fx.Send[0].Raw) {
		t.Fatal("wrong packet hash")
	}
	return fx.Send[0].Raw
}

func pairOf(t *testing.T, name string) vectorPair {
	t.Helper()
	for _, v := range vectortest.Group[establishment](t, vectortest.Load(t, vectors), "link_establishment") {
		if v.ID == name {
			return establish(t, v)
		}
	}
	t.Fatalf("no link %q", name)
	return vectorPair{}
}

// spec: rns-link §2.3–§2.6
func TestVectorLinkEstablishment(t *testing.T) {
	vectortest.Each(t, vectors, "link_establishment", func(t *testing.T, v establishment) {
		p := establish(t, v)
		a, b := p.a.Snapshot(), p.b.Snapshot()
		if a.MTU != v.MTU || b.MTU != v.MTU || a.MDU != v.MDU || resource.SDU(a.MTU) != v.SDU {
			t.Errorf("sizes %d %d %d", a.MTU, b.MTU, a.MDU)
		}
		if !bytes.Equal(p.a.keys.derived, v.Key) || !bytes.Equal(p.b.keys.derived, v.Key) {
			t.Error("derived key differs")
		}
		if a.RTT != secs(v.RTT) || b.RTT != secs(v.RespRTT) {
			t.Errorf("rtt %v, %v", a.RTT, b.RTT)
		}
		if (a.Keepalive-secs(v.Keepalive)).Abs() > time.Microsecond || (a.StaleTime-secs(v.Stale)).Abs() > time.Microsecond {
			t.Errorf("keepalive %v, stale %v", a.Keepalive, a.StaleTime)
		}
		if a.EstablishmentCost != v.CostInit || b.EstablishmentCost != v.CostResp {
			t.Errorf("cost %d, %d", a.EstablishmentCost, b.EstablishmentCost)
		}
		if a.EstablishmentTimeout != secs(v.TimeoutInit) || b.EstablishmentTimeout != secs(v.TimeoutResp) {
			t.Errorf("timeouts %v, %v", a.EstablishmentTimeout, b.EstablishmentTimeout)
		}
	})
}

func TestVectorIdentity(t *testing.T) {
	type vector struct {
		Private, Public, Hash vectortest.Hex
	}
	vectortest.Each(t, vectors, "identity", func(t *testing.T, v vector) {
		id, err := rns.ParseIdentity(v.Private)
		if err != nil || id.Public() != rns.PublicKey(v.Public) || id.Hash() != rns.Addr(v.Hash) {
			t.Error(id, err)
		}
	})
}

func TestVectorDestination(t *testing.T) {
	type vector struct {
		Name, Identity string
		Hash           vectortest.Hex
	}
	vectortest.Each(t, vectors, "destination", func(t *testing.T, v vector) {
		if got := rns.DestinationHash(v.Name, identityOf(t, v.Identity).Hash()); got != rns.Addr(v.Hash) {
			t.Error(got)
		}
	})
}

func TestVectorSignalling(t *testing.T) {
	type vector struct {
		MTU     int            `json:"mtu"`
		Mode    Mode           `json:"mode"`
		Bytes   vectortest.Hex `json:"bytes"`
		Decoded int            `json:"decoded_mtu"`
	}
	vectortest.Each(t, vectors, "signalling", func(t *testing.T, v vector) {
		b := AppendSignalling(nil, Signalling{Mode: v.Mode, MTU: v.MTU})
		if !bytes.Equal(b, v.Bytes) {
			t.Errorf("%x", b)
		}
		if got := ParseSignalling([3]byte(v.Bytes)); got.MTU != v.Decoded || got.Mode != v.Mode {
			t.Error(got)
		}
	})
}

func TestVectorSignallingDecode(t *testing.T) {
	type vector struct {
		Bytes    vectortest.Hex `json:"bytes"`
		MTU      int            `json:"mtu"`
		Mode     Mode           `json:"mode"`
		Accepted bool           `json:"accepted"`
	}
	vectortest.Each(t, vectors, "signalling_decode", func(t *testing.T, v vector) {
		if got := ParseSignalling([3]byte(v.Bytes)); got.MTU != v.MTU || got.Mode != v.Mode {
			t.Error(got)
		}
		v0 := vectortest.Group[establishment](t, vectortest.Load(t, vectors), "link_establishment")[0]
		p := parse(t, append(append([]byte(nil), v0.RequestRaw[:19+RequestSize]...), v.Bytes...))
		_, _, err := Accept(start, ResponderConfig{
			Params: unmarked(), Rand: new(script).then(v0.RespX), Identity: identityOf(t, "ident-server"),
		}, p)
		if (err == nil) != v.Accepted {
			t.Error(err)
		}
	})
}

func TestVectorLinkID(t *testing.T) {
	type vector struct {
		Raw    vectortest.Hex `json:"raw"`
		LinkID vectortest.Hex `json:"link_id"`
	}
	vectortest.Each(t, vectors, "link_id", func(t *testing.T, v vector) {
		l, _, err := Accept(start, ResponderConfig{
			Params: unmarked(), Rand: new(script).then(make([]byte, 32)), Identity: identityOf(t, "ident-server"),
		}, parse(t, v.Raw))
		if err != nil || l.ID() != rns.Addr(v.LinkID) {
			t.Error(err)
		}
	})
}

func TestVectorLinkMDU(t *testing.T) {
	type vector struct {
		MTU     int `json:"mtu"`
		MDU     int `json:"mdu"`
		SDU     int `json:"resource_sdu"`
		Channel int `json:"channel_mdu"`
	}
	vectortest.Each(t, vectors, "link_mdu", func(t *testing.T, v vector) {
		if MDU(v.MTU) != v.MDU || resource.SDU(v.MTU) != v.SDU || ChannelMDU(v.MTU) != v.Channel {
			t.Error(MDU(v.MTU), resource.SDU(v.MTU), ChannelMDU(v.MTU))
		}
	})
}

func TestVectorKeepalive(t *testing.T) {
	type vector struct {
		RTT       float64 `json:"rtt"`
		Keepalive float64 `json:"keepalive"`
		Stale     float64 `json:"stale_time"`
	}
	vectortest.Each(t, vectors, "keepalive", func(t *testing.T, v vector) {
		p := DefaultParams()
		got := p.Keepalive(secs(v.RTT))
		if (got-secs(v.Keepalive)).Abs() > time.Microsecond || (2*got-secs(v.Stale)).Abs() > time.Microsecond {
			t.Error(got)
		}
	})
}

func TestVectorLinkEncrypt(t *testing.T) {
	type vector struct {
		Key        vectortest.Hex `json:"derived_key"`
		Plaintext  vectortest.Hex `json:"plaintext"`
		IV         vectortest.Hex `json:"iv"`
		Ciphertext vectortest.Hex `json:"ciphertext"`
	}
	vectortest.Each(t, vectors, "link_encrypt", func(t *testing.T, v vector) {
		token, err := rns.NewToken(v.Key)
		if err != nil {
			t.Fatal(err)
		}
		got, err := token.Encrypt(bytes.NewReader(v.IV), nil, v.Plaintext)
		if err != nil || !bytes.Equal(got, v.Ciphertext) {
			t.Error(err)
		}
		back, err := token.Decrypt(nil, v.Ciphertext)
		if err != nil || !bytes.Equal(back, v.Plaintext) {
			t.Error(err)
		}
	})
}

func TestVectorLinkDecryptFail(t *testing.T) {
	type vector struct {
		Link       string         `json:"link"`
		Ciphertext vectortest.Hex `json:"ciphertext"`
	}
	vectortest.Each(t, vectors, "link_decrypt_fail", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		before := p.b.Snapshot()
		raw := append(p.b.header(nil, flagsData, rns.ContextNone), v.Ciphertext...)
		fx := p.b.Receive(start.Add(time.Minute), raw, parse(t, raw), 7)
		if fx.Verdict != rns.VerdictUndecryptable || len(fx.Events) > 0 {
			t.Error(fx.Verdict)
		}
		if after := p.b.Snapshot(); after.LastInbound != before.LastInbound || after.Counters != before.Counters {
			t.Error("a forged packet had an effect")
		}
	})
}

func TestVectorIdentify(t *testing.T) {
	type vector struct {
		Link      string         `json:"link"`
		Identity  string         `json:"identity"`
		Plaintext vectortest.Hex `json:"plaintext"`
		IV        vectortest.Hex `json:"iv"`
		Raw       vectortest.Hex `json:"raw"`
		Accepted  bool           `json:"accepted"`
	}
	vectortest.Each(t, vectors, "identify", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		id := identityOf(t, v.Identity)
		var raw []byte
		if v.Accepted {
			p.randA.then(v.IV)
			fx, err := p.a.Identify(start, id)
			if err != nil {
				t.Fatal(err)
			}
			raw = one(t, fx, v.Raw)
		} else {
			p.randA.then(make([]byte, 16))
			fx, err := p.a.SendContext(start, rns.ContextLinkIdentify, v.Plaintext)
			if err != nil {
				t.Fatal(err)
			}
			raw = one(t, fx, nil)
		}
		fx := p.b.Receive(start, raw, parse(t, raw), 7)
		key, ok := p.b.RemoteIdentity()
		if ok != v.Accepted || ok && key != id.Public() || (len(fx.Events) == 1) != v.Accepted {
			t.Error(ok, fx.Events, fx.Verdict)
		}
	})
}

func TestVectorLinkPacket(t *testing.T) {
	type vector struct {
		ID        string         `json:"id"`
		Link      string         `json:"link"`
		Context   int            `json:"context"`
		Payload   vectortest.Hex `json:"payload"`
		Plaintext vectortest.Hex `json:"plaintext"`
		IV        vectortest.Hex `json:"iv"`
		Encrypted bool           `json:"encrypted"`
		Raw       vectortest.Hex `json:"raw"`
		Hash      vectortest.Hex `json:"packet_hash"`
	}
	vectortest.Each(t, vectors, "link_packet", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		from := p.a
		if v.ID == "link-data-from-responder" || v.ID == "keepalive-response" {
			from = p.b
		}
		p.randA.then(v.IV)
		p.randB.then(v.IV)
		c := rns.Context(v.Context)
		if v.Encrypted {
			f, err := from.encrypt(c, v.Plaintext)
			if err != nil || !bytes.Equal(f.Raw, v.Raw) {
				t.Fatalf("%x %v", f.Raw, err)
			}
			if v.Hash != nil && f.Hash != rns.Hash(v.Hash) {
				t.Error("packet hash differs")
			}
		} else {
			from.begin()
			from.emitRaw(start, rns.PacketData, c, v.Payload)
			one(t, &from.fx, v.Raw)
		}
	})
}

func TestVectorLinkPacketProof(t *testing.T) {
	type vector struct {
		Link   string         `json:"link"`
		Hash   vectortest.Hex `json:"packet_hash"`
		Signer vectortest.Hex `json:"signer_public"`
		Raw    vectortest.Hex `json:"raw"`
	}
	vectortest.Each(t, vectors, "link_packet_proof", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		prover, verifier := p.a, p.b
		if bytes.Equal(p.a.keys.peer, v.Signer) {
			prover, verifier = p.b, p.a
		}
		if !bytes.Equal(verifier.keys.peer, v.Signer) {
			t.Fatal("signer differs")
		}
		prover.begin()
		prover.sendProof(start, rns.Hash(v.Hash))
		raw := one(t, &prover.fx, v.Raw)
		verifier.receipts.add(rns.Hash(v.Hash), start, time.Second)
		fx := verifier.Receive(start, raw, parse(t, raw), verifier.iface)
		if fx.Verdict != rns.VerdictDelivered {
			t.Fatal(fx.Verdict)
		}
		if proved, ok := fx.Events[0].(Proved); !ok || proved.Hash != rns.Hash(v.Hash) {
			t.Error(fx.Events)
		}
		if !ed25519.Verify(ed25519.PublicKey(v.Signer), v.Hash, raw[19+32:]) {
			t.Error("signature")
		}
	})
}

func TestVectorPathHash(t *testing.T) {
	type vector struct {
		Path string
		Hash vectortest.Hex
	}
	vectortest.Each(t, vectors, "path_hash", func(t *testing.T, v vector) {
		if got := rns.RequestPathHash(v.Path); got != rns.Addr(v.Hash) {
			t.Error(got)
		}
	})
}

func TestVectorRequest(t *testing.T) {
	type vector struct {
		Link      string         `json:"link"`
		Path      string         `json:"path"`
		PathHash  vectortest.Hex `json:"path_hash"`
		Timestamp float64        `json:"timestamp"`
		Packed    vectortest.Hex `json:"packed"`
		IV        vectortest.Hex `json:"iv"`
		Raw       vectortest.Hex `json:"raw"`
		RequestID vectortest.Hex `json:"request_id"`
		Timeout   float64        `json:"default_timeout"`
		RTT       float64        `json:"rtt"`
	}
	vectortest.Each(t, vectors, "request", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		parsed, err := ParseRequest(v.Packed)
		if err != nil || parsed.PathHash != rns.Addr(v.PathHash) || parsed.Timestamp != v.Timestamp {
			t.Fatal(parsed, err)
		}
		p.randA.then(v.IV)
		now := time.Unix(0, int64(v.Timestamp*1e9))
		id, fx, err := p.a.Request(now, RequestOptions{Path: v.Path, Data: parsed.Data})
		if err != nil || id != RequestID(v.RequestID) {
			t.Fatal(id, err)
		}
		raw := one(t, fx, v.Raw)
		if got := p.a.params.RequestTimeout(secs(v.RTT)); got != secs(v.Timeout) {
			t.Error(got)
		}
		fx = p.b.Receive(now, raw, parse(t, raw), 7)
		got, ok := fx.Events[0].(RequestReceived)
		if !ok || got.ID != id || got.PathHash != parsed.PathHash || !bytes.Equal(got.Data, parsed.Data) || got.Size != len(v.Packed) {
			t.Error(fx.Events)
		}
	})
}

func TestVectorResponse(t *testing.T) {
	type vector struct {
		Link      string         `json:"link"`
		RequestID vectortest.Hex `json:"request_id"`
		Packed    vectortest.Hex `json:"packed"`
		IV        vectortest.Hex `json:"iv"`
		Raw       vectortest.Hex `json:"raw"`
		Size      int64          `json:"reported_size"`
	}
	vectortest.Each(t, vectors, "response", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		id, data, err := ParseResponse(v.Packed)
		if err != nil || id != RequestID(v.RequestID) || responseSize(data) != v.Size {
			t.Fatal(id, responseSize(data), err)
		}
		p.b.serve(start, id, PackRequest(1, rns.Addr{}, nil))
		p.a.requests.add(&pendingRequest{id: id, status: RequestSentStatus, started: start, max: 1000})
		p.randB.then(v.IV)
		fx, err := p.b.Respond(start.Add(time.Second), id, data, nil)
		if err != nil {
			t.Fatal(err)
		}
		raw := one(t, fx, v.Raw)
		fx = p.a.Receive(start.Add(2*time.Second), raw, parse(t, raw), 3)
		got, ok := fx.Events[len(fx.Events)-1].(ResponseReceived)
		if !ok || got.ID != id || !bytes.Equal(got.Data, data) || got.Elapsed != 2*time.Second {
			t.Error(fx.Events)
		}
	})
}

func TestVectorRequestThreshold(t *testing.T) {
	type vector struct {
		DataLen   int    `json:"data_len"`
		PackedLen int    `json:"packed_len"`
		MDU       int    `json:"link_mdu"`
		SentAs    string `json:"sent_as"`
	}
	vectortest.Each(t, vectors, "request_threshold", func(t *testing.T, v vector) {
		packed := PackRequest(1.5, rns.Addr{}, msgpack.AppendBin(nil, make([]byte, v.DataLen)))
		if len(packed) != v.PackedLen || (len(packed) <= v.MDU) != (v.SentAs == "packet") {
			t.Error(len(packed))
		}
	})
}

func TestVectorRequestSizeSwitch(t *testing.T) {
	type vector struct {
		ID            string         `json:"id"`
		Role          string         `json:"role"`
		Link          string         `json:"link"`
		PackedLen     int            `json:"packed_len"`
		SentAs        string         `json:"sent_as"`
		RequestID     vectortest.Hex `json:"request_id"`
		Packed        vectortest.Hex `json:"packed"`
		IV            vectortest.Hex `json:"iv"`
		Raw           vectortest.Hex `json:"raw"`
		Advertisement vectortest.Hex `json:"advertisement"`
		Flags         int            `json:"flags"`
		DataSize      int64          `json:"data_size"`
		AdvertID      vectortest.Hex `json:"advertised_request_id"`
		Compressed    bool           `json:"compressed"`
		Prefix        vectortest.Hex `json:"stream_prefix"`
		Random        vectortest.Hex `json:"random_hash"`
		Data          struct {
			Seed string         `json:"data_seed"`
			Fill vectortest.Hex `json:"fill"`
			Len  int            `json:"data_len"`
			As   string         `json:"as"`
		} `json:"data"`
	}
	vectortest.Each(t, vectors, "request_size_switch", func(t *testing.T, v vector) {
		p := pairOf(t, v.Link)
		data := bytes.Repeat(v.Data.Fill, v.Data.Len)
		if v.Data.Seed != "" {
			data = vectortest.Payload(v.Data.Seed, v.Data.Len)
		}
		value := msgpack.AppendBin(nil, data)
		if v.Data.As == "str" {
			value = msgpack.AppendString(nil, string(data))
		}
		var compress resource.Compressor
		if v.Compressed {
			compress = func(src []byte) []byte { return bzip2.Compress(nil, src) }
		}
		from, rand, now := p.a, p.randA, time.Unix(1700001000, 500_000_000)
		if v.Role == "response" {
			from, rand = p.b, p.randB
		}
		rand.then(v.Prefix, v.IV, v.Random, make([]byte, 64))
		var fx *Effects
		var err error
		if v.Role == "request" {
			var id RequestID
			id, fx, err = from.Request(now, RequestOptions{Path: "/x", Data: value, Compress: compress})
			if id != RequestID(v.RequestID) {
				t.Error(id)
			}
		} else {
			from.serve(now.Add(-time.Second), RequestID(v.RequestID), PackRequest(1, rns.Addr{}, nil))
			fx, err = from.Respond(now, RequestID(v.RequestID), value, compress)
		}
		if err != nil {
			t.Fatal(err)
		}
		if v.SentAs == "packet" {
			one(t, fx, v.Raw)
			return
		}
		fx = from.JobDone(now, fx.Jobs[0].Run())
		plain, err := from.keys.token.Decrypt(nil, parse(t, one(t, fx, nil)).Data)
		if err != nil {
			t.Fatal(err)
		}
		a, err := resource.ParseAdvertisement(plain)
		if err != nil || int(a.Flags) != v.Flags || a.DataSize != v.DataSize || a.RequestID != rns.Addr(v.AdvertID) {
			t.Errorf("%+v %v", a, err)
		}
		if !v.Compressed && !bytes.Equal(plain, v.Advertisement) {
			t.Errorf("advertisement %x, want %x", plain, []byte(v.Advertisement))
		}
	})
}
