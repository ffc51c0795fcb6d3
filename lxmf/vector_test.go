package lxmf_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"
	"meshchatx/spec/vectortest"
)

const file = "lxmf.json"

// value reads a value of the vectors: bytes are {"b": hex}, maps {"m": pairs},
// and numbers are floats if they are written like one.
func value(tb testing.TB, raw json.RawMessage) msgpack.Value {
	tb.Helper()
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		tb.Fatal(err)
	}
	return convert(tb, v)
}

func convert(tb testing.TB, v any) msgpack.Value {
	tb.Helper()
	switch v := v.(type) {
	case nil:
		return msgpack.Nil()
	case bool:
		return msgpack.Bool(v)
	case string:
		return msgpack.Str(v)
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			f, err := v.Float64()
			if err != nil {
				tb.Fatal(err)
			}
			return msgpack.Float(f)
		}
		i, err := v.Int64()
		if err != nil {
			tb.Fatal(err)
		}
		return msgpack.Int(i)
	case []any:
		var items []msgpack.Value
		for _, item := range v {
			items = append(items, convert(tb, item))
		}
		return msgpack.Array(items...)
	case map[string]any:
		if s, ok := v["b"].(string); ok {
			b, err := hex.DecodeString(s)
			if err != nil {
				tb.Fatal(err)
			}
			return msgpack.Bin(b)
		}
		var pairs []msgpack.Pair
		for _, p := range v["m"].([]any) {
			pair := p.([]any)
			pairs = append(pairs, msgpack.Pair{Key: convert(tb, pair[0]), Value: convert(tb, pair[1])})
		}
		return msgpack.Map(pairs...)
	}
	tb.Fatalf("unexpected %T", v)
	return msgpack.Value{}
}

type identityVector struct {
	ID           string                    `json:"id"`
	Private      vectortest.Hex            `json:"private_key"`
	Public       vectortest.Hex            `json:"public_key"`
	Hash         vectortest.Hex            `json:"identity_hash"`
	Destinations map[string]vectortest.Hex `json:"destinations"`
	Values       map[string]vectortest.Hex `json:"values"`
}

// identities of the vectors by name.
func identities(tb testing.TB) map[string]*rns.Identity {
	tb.Helper()
	out := make(map[string]*rns.Identity)
	for _, v := range vectortest.Group[identityVector](tb, vectortest.Load(tb, file), "identities") {
		if v.Private == nil {
			continue
		}
		id, err := rns.ParseIdentity(v.Private)
		if err != nil {
			tb.Fatal(err)
		}
		out[v.ID] = id
	}
	return out
}

// Names and addresses of destinations.
// spec: lxmf §2
func TestVectorIdentities(t *testing.T) {
	vectortest.Each(t, file, "identities", func(t *testing.T, v identityVector) {
		for name, want := range v.Values {
			if got := rns.NameHashOf(name); !bytes.Equal(got[:], want) {
				t.Errorf("%s: name hash %s, want %s", name, got, want)
			}
		}
		if v.Private == nil {
			return
		}
		id := identities(t)[v.ID]
		hash := id.Hash()
		if public := id.Public(); !bytes.Equal(public[:], v.Public) || !bytes.Equal(hash[:], v.Hash) {
			t.Errorf("public key %x, hash %s", public, hash)
		}
		for name, want := range v.Destinations {
			if got := rns.DestinationHash(name, hash); !bytes.Equal(got[:], want) {
				t.Errorf("%s: %s, want %s", name, got, want)
			}
		}
		if lxmf.DeliveryHash(hash) != rns.Addr(v.Destinations["lxmf.delivery"]) ||
			lxmf.PropagationHash(hash) != rns.Addr(v.Destinations["lxmf.propagation"]) {
			t.Error("delivery or propagation hash differs")
		}
	})
}

// The numbers of the protocol.
// spec: lxmf §4, §5.1, §8.2, §9.1, §11.1, §12.1
func TestVectorConstants(t *testing.T) {
	ours := map[string]int64{
		"destination_length": rns.AddrSize, "signature_length": rns.SignatureSize, "lxmf_overhead": lxmf.Overhead,
		"encrypted_packet_mdu": lxmf.EncryptedPacketBudget, "encrypted_packet_max_content": lxmf.MaxOpportunistic,
		"link_packet_mdu": lxmf.LinkPacketBudget, "link_packet_max_content": lxmf.MaxDirectPacket,
		"plain_packet_mdu": lxmf.PlainPacketBudget, "plain_packet_max_content": lxmf.MaxPlainPacket,
		"paper_mdu": int64(lxmf.MaxPaper), "qr_max_storage": lxmf.MaxQRCode, "ticket_length": lxmf.TicketSize, "stamp_size": stamp.Size,

		"AM_CODEC2_450PWB": int64(lxmf.AudioCodec2450PWB), "AM_CODEC2_450": int64(lxmf.AudioCodec2450),
		"AM_CODEC2_700C": int64(lxmf.AudioCodec2700C), "AM_CODEC2_1200": int64(lxmf.AudioCodec21200),
		"AM_CODEC2_1300": int64(lxmf.AudioCodec21300), "AM_CODEC2_1400": int64(lxmf.AudioCodec21400),
		"AM_CODEC2_1600": int64(lxmf.AudioCodec21600), "AM_CODEC2_2400": int64(lxmf.AudioCodec22400),
		"AM_CODEC2_3200": int64(lxmf.AudioCodec23200), "AM_OPUS_OGG": int64(lxmf.AudioOpusOgg),
		"AM_OPUS_LBW": int64(lxmf.AudioOpusLBW), "AM_OPUS_MBW": int64(lxmf.AudioOpusMBW), "AM_OPUS_PTT": int64(lxmf.AudioOpusPTT),
		"AM_OPUS_RT_HDX": int64(lxmf.AudioOpusRTHDX), "AM_OPUS_RT_FDX": int64(lxmf.AudioOpusRTFDX),
		"AM_OPUS_STANDARD": int64(lxmf.AudioOpusStandard), "AM_OPUS_HQ": int64(lxmf.AudioOpusHQ),
		"AM_OPUS_BROADCAST": int64(lxmf.AudioOpusBroad), "AM_OPUS_LOSSLESS": int64(lxmf.AudioOpusLossless),
		"AM_CUSTOM": int64(lxmf.AudioCustom),

		"FIELD_EMBEDDED_LXMS": int64(lxmf.FieldEmbedded), "FIELD_TELEMETRY": int64(lxmf.FieldTelemetry),
		"FIELD_TELEMETRY_STREAM": int64(lxmf.FieldTelemetryStream), "FIELD_ICON_APPEARANCE": int64(lxmf.FieldIcon),
		"FIELD_FILE_ATTACHMENTS": int64(lxmf.FieldAttachments), "FIELD_IMAGE": int64(lxmf.FieldImage),
		"FIELD_AUDIO": int64(lxmf.FieldAudio), "FIELD_THREAD": int64(lxmf.FieldThread), "FIELD_COMMANDS": int64(lxmf.FieldCommands),
		"FIELD_RESULTS": int64(lxmf.FieldResults), "FIELD_GROUP": int64(lxmf.FieldGroup), "FIELD_TICKET": int64(lxmf.FieldTicket),
		"FIELD_EVENT": int64(lxmf.FieldEvent), "FIELD_RNR_REFS": int64(lxmf.FieldRNRReferences),
		"FIELD_RENDERER": int64(lxmf.FieldRenderer), "FIELD_REPLY_TO": int64(lxmf.FieldReplyTo),
		"FIELD_REPLY_QUOTE": int64(lxmf.FieldReplyQuote), "FIELD_REACTION": int64(lxmf.FieldReaction),
		"FIELD_COMMENT": int64(lxmf.FieldComment), "FIELD_CONTINUATION": int64(lxmf.FieldContinuation),
		"FIELD_CUSTOM_TYPE": int64(lxmf.FieldCustomType), "FIELD_CUSTOM_DATA": int64(lxmf.FieldCustomData),
		"FIELD_CUSTOM_META": int64(lxmf.FieldCustomMeta), "FIELD_NON_SPECIFIC": int64(lxmf.FieldNonSpecific),
		"FIELD_DEBUG": int64(lxmf.FieldDebug), "RENDERER_PLAIN": int64(lxmf.RendererPlain),
		"RENDERER_MICRON": int64(lxmf.RendererMicron), "RENDERER_MARKDOWN": int64(lxmf.RendererMarkdown),
		"RENDERER_BBCODE": int64(lxmf.RendererBBCode),
		"PN_META_VERSION": lxmf.NodeMetaVersion, "PN_META_NAME": lxmf.NodeMetaName, "PN_META_SYNC_STRATUM": lxmf.NodeMetaSyncStratum,
		"PN_META_SYNC_THROTTLE": lxmf.NodeMetaSyncThrottle, "PN_META_AUTH_BAND": lxmf.NodeMetaAuthBand,
		"PN_META_UTIL_PRESSURE": lxmf.NodeMetaPressure, "PN_META_CUSTOM": lxmf.NodeMetaCustom,

		"DELIVERY_LIMIT": lxmf.DefaultDeliveryLimit, "PROPAGATION_LIMIT": lxmf.DefaultTransferLimit, "SYNC_LIMIT": lxmf.DefaultSyncLimit,
		"PROPAGATION_COST": lxmf.DefaultPropagationCost, "PROPAGATION_COST_FLEX": lxmf.DefaultPropagationFlex,
		"PROPAGATION_COST_MIN": lxmf.MinPropagationCost, "PEERING_COST": lxmf.DefaultPeeringCost,
		"MAX_PEERING_COST": lxmf.DefaultMaxPeeringCost, "MESSAGE_EXPIRY": int64(lxmf.MessageExpiry.Seconds()),
		"STAMP_COST_EXPIRY": int64(lxmf.StampCostMemory.Seconds()),

		"ERROR_NO_IDENTITY": int64(lxmf.ErrorNoIdentity), "ERROR_NO_ACCESS": int64(lxmf.ErrorNoAccess),
		"ERROR_INVALID_KEY": int64(lxmf.ErrorInvalidKey), "ERROR_INVALID_DATA": int64(lxmf.ErrorInvalidData),
		"ERROR_INVALID_STAMP": int64(lxmf.ErrorInvalidStamp), "ERROR_THROTTLED": int64(lxmf.ErrorThrottled),
		"ERROR_NOT_FOUND": int64(lxmf.ErrorNotFound), "ERROR_TIMEOUT": int64(lxmf.ErrorTimeout),
		"STRATEGY_LAZY": int64(lxmf.SyncLazy), "STRATEGY_PERSISTENT": int64(lxmf.SyncPersistent),
		"DEFAULT_SYNC_STRATEGY": int64(lxmf.SyncPersistent),
	}
	paths := map[string]string{
		"STATS_GET_PATH": lxmf.PathStats, "SYNC_REQUEST_PATH": lxmf.PathSync, "UNPEER_REQUEST_PATH": lxmf.PathUnpeer,
		"MESSAGE_GET_PATH": lxmf.PathGet, "OFFER_REQUEST_PATH": lxmf.PathOffer,
	}
	vectortest.Each(t, file, "constants", func(t *testing.T, v map[string]any) {
		values := v
		if nested, ok := v["values"].(map[string]any); ok {
			values = nested
		}
		known := 0
		for name, want := range values {
			if path, ok := paths[name]; ok {
				known++
				if path != want {
					t.Errorf("%s is %q, want %q", name, path, want)
				}
			}
			n, isNumber := want.(json.Number)
			got, ok := ours[name]
			if !ok || !isNumber {
				continue // timings and states of the router
			}
			known++
			if f, err := n.Float64(); err != nil || float64(got) != f {
				t.Errorf("%s is %d, want %s", name, got, n)
			}
		}
		if known == 0 {
			t.Error("not one constant is known")
		}
	})
}

type messageVector struct {
	ID               string          `json:"id"`
	Source           string          `json:"source"`
	Destination      string          `json:"destination"`
	SourceHash       vectortest.Hex  `json:"source_hash"`
	DestinationHash  vectortest.Hex  `json:"destination_hash"`
	Timestamp        json.RawMessage `json:"timestamp"`
	Title            vectortest.Hex  `json:"title"`
	Content          vectortest.Hex  `json:"content"`
	Fields           json.RawMessage `json:"fields"`
	FieldsPacked     vectortest.Hex  `json:"fields_packed"`
	UnstampedPayload vectortest.Hex  `json:"unstamped_payload"`
	Payload          vectortest.Hex  `json:"payload"`
	Hash             vectortest.Hex  `json:"hash"`
	Signature        vectortest.Hex  `json:"signature"`
	Stamp            vectortest.Hex  `json:"stamp"`
	Packed           vectortest.Hex  `json:"packed"`
	PackedSize       int             `json:"packed_size"`
	ContentSize      int             `json:"content_size"`
	Desired          lxmf.Method     `json:"desired_method"`
	Method           lxmf.Method     `json:"method"`
	Representation   int             `json:"representation"`

	StampCost  int            `json:"stamp_cost"`
	StampValue int            `json:"stamp_value"`
	Ticket     vectortest.Hex `json:"ticket"`
	Unstamped  vectortest.Hex `json:"unstamped_packed"`

	EphemeralPrivate vectortest.Hex `json:"ephemeral_private"`
	IV               vectortest.Hex `json:"iv"`
}

// build makes and signs the message of a vector.
func (v messageVector) build(t *testing.T) *lxmf.Message {
	t.Helper()
	at, ok := value(t, v.Timestamp).Float()
	if !ok {
		// Senders never write integers, so such a message can only be read.
		m, err := lxmf.Parse(v.Packed)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	fields, err := lxmf.ParseFields(value(t, v.Fields).Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	m := &lxmf.Message{
		Destination: rns.Addr(v.DestinationHash), Source: rns.Addr(v.SourceHash),
		Timestamp: at, Title: v.Title, Content: v.Content, Fields: fields,
	}
	m.Sign(identities(t)[v.Source])
	return m
}

func (v messageVector) check(t *testing.T, m *lxmf.Message) {
	t.Helper()
	packed, err := m.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packed, v.Packed) {
		t.Errorf("packed as\n%x, want\n%x", packed, v.Packed)
	}
	if !bytes.Equal(m.Hash[:], v.Hash) || !bytes.Equal(m.Signature[:], v.Signature) {
		t.Errorf("hash %s, want %s; signature %x", m.Hash, v.Hash, m.Signature)
	}
	if m.PackedSize() != v.PackedSize || m.ContentSize() != v.ContentSize || m.PayloadSize() != len(v.Payload) {
		t.Errorf("sizes %d, %d, %d", m.PackedSize(), m.ContentSize(), m.PayloadSize())
	}
	if got := m.Fields.Append(nil); !bytes.Equal(got, v.FieldsPacked) {
		t.Errorf("fields %x, want %x", got, v.FieldsPacked)
	}
}

func (v messageVector) checkParsed(t *testing.T) *lxmf.Message {
	t.Helper()
	m, err := lxmf.Parse(v.Packed)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Verify(identities(t)[v.Source].Public()); err != nil {
		t.Error(err)
	}
	if !bytes.Equal(m.Title, v.Title) || !bytes.Equal(m.Content, v.Content) || !bytes.Equal(m.Stamp, v.Stamp) {
		t.Errorf("title %q, content %q, stamp %x", m.Title, m.Content, m.Stamp)
	}
	v.check(t, m)
	return m
}

// Messages with every kind of field, written and read.
// spec: lxmf §1, §3.1, §3.2, §3.3, §3.5, §4, §4.8
func TestVectorMessages(t *testing.T) {
	vectortest.Each(t, file, "messages", func(t *testing.T, v messageVector) {
		m := v.build(t)
		v.check(t, m)
		method, representation := m.Choose(v.Desired)
		if method != v.Method || int(representation) != v.Representation {
			t.Errorf("goes %v as %v", method, representation)
		}
		v.checkParsed(t)
	})
}

// Messages with stamps by work and by ticket.
// spec: lxmf §3.1, §6, §6.2, §6.4, §7
func TestVectorMessagesStamped(t *testing.T) {
	vectortest.Each(t, file, "messages_stamped", func(t *testing.T, v messageVector) {
		m := v.build(t)
		if v.Unstamped != nil {
			if got, _ := m.Pack(nil); !bytes.Equal(got, v.Unstamped) {
				t.Errorf("without stamp %x, want %x", got, v.Unstamped)
			}
		}
		m.Stamp = v.Stamp
		v.check(t, m)
		m = v.checkParsed(t)
		now := lxmf.TimeOf(m.Timestamp)
		var issued []lxmf.Ticket
		if v.Ticket != nil {
			ticket := lxmf.Ticket{Expires: now.Add(lxmf.TicketValidity), Value: [lxmf.TicketSize]byte(v.Ticket)}
			if !bytes.Equal(ticket.Stamp(m.Hash), v.Stamp) {
				t.Errorf("stamp by ticket %x, want %s", ticket.Stamp(m.Hash), v.Stamp)
			}
			issued = append(issued, ticket)
		}
		got := m.CheckStamp(max(v.StampCost, 1), issued, now, 2)
		if want := (lxmf.StampVerdict{Valid: true, Ticket: v.Ticket != nil, Value: v.StampValue}); got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
		if got := m.CheckStamp(v.StampValue+1, nil, now, 2); got.Valid {
			t.Errorf("valid for more than its value: %+v", got)
		}
	})
}

// Good, odd and damaged messages.
// spec: lxmf §3, §3.4
func TestVectorUnpack(t *testing.T) {
	type vector struct {
		ID         string          `json:"id"`
		Packed     vectortest.Hex  `json:"packed"`
		OK         bool            `json:"ok"`
		Hash       vectortest.Hex  `json:"hash"`
		Validated  bool            `json:"signature_validated"`
		Unverified *int            `json:"unverified_reason"`
		Timestamp  float64         `json:"timestamp"`
		Title      json.RawMessage `json:"title"`
		Content    json.RawMessage `json:"content"`
		Fields     json.RawMessage `json:"fields"`
		Stamp      vectortest.Hex  `json:"stamp"`
	}
	vectortest.Each(t, file, "unpack", func(t *testing.T, v vector) {
		m, err := lxmf.Parse(v.Packed)
		if !v.OK {
			if err == nil {
				t.Error("accepted")
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		key := identities(t)["alice"].Public()
		err = m.Verify(key)
		switch {
		case v.Validated && err != nil:
			t.Error(err)
		case v.Unverified != nil && !errors.Is(err, lxmf.Unverified(*v.Unverified)):
			t.Errorf("got %v, want reason %d", err, *v.Unverified)
		}
		if !bytes.Equal(m.Hash[:], v.Hash) || m.Timestamp != v.Timestamp || !bytes.Equal(m.Stamp, v.Stamp) {
			t.Errorf("hash %s, want %s; time %v, stamp %x", m.Hash, v.Hash, m.Timestamp, m.Stamp)
		}
		if want := value(t, v.Fields).Append(nil); !bytes.Equal(m.Fields.Append(nil), want) {
			t.Errorf("fields %x, want %x", m.Fields.Append(nil), want)
		}
		for text, got := range map[string][]byte{string(v.Title): m.Title, string(v.Content): m.Content} {
			if want := hexOrText(t, text); !bytes.Equal(got, want) {
				t.Errorf("text %q, want %q", got, want)
			}
		}
	})
}

// hexOrText reads a byte string in hex, or {"str": text}.
func hexOrText(t *testing.T, raw string) []byte {
	t.Helper()
	var object struct {
		Str string `json:"str"`
	}
	if json.Unmarshal([]byte(raw), &object) == nil {
		return []byte(object.Str)
	}
	var b vectortest.Hex
	if err := json.Unmarshal([]byte(raw), &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// Which message goes how, around the limits.
// spec: lxmf §5, §5.2, §5.3, §5.4
func TestVectorSizes(t *testing.T) {
	type vector struct {
		Requested      lxmf.Method    `json:"requested_method"`
		Title          int            `json:"title_len"`
		Content        int            `json:"content_len"`
		Fields         vectortest.Hex `json:"fields_packed"`
		Payload        int            `json:"payload_len"`
		ContentSize    int            `json:"content_size"`
		Packed         int            `json:"packed_size"`
		Method         lxmf.Method    `json:"method"`
		Representation int            `json:"representation"`
		Plaintext      int            `json:"packet_plaintext_len"`
		Ciphertext     int            `json:"packet_ciphertext_len"`
	}
	vectortest.Each(t, file, "sizes", func(t *testing.T, v vector) {
		fields, err := lxmf.ParseFields(v.Fields)
		if err != nil {
			t.Fatal(err)
		}
		ids := identities(t)
		m := lxmf.New(lxmf.DeliveryHash(ids["bob"].Hash()), lxmf.DeliveryHash(ids["alice"].Hash()), lxmf.TimeOf(1754000000.25),
			make([]byte, v.Title), make([]byte, v.Content))
		m.Fields = fields
		for _, when := range []string{"before", "after"} {
			if m.PayloadSize() != v.Payload || m.ContentSize() != v.ContentSize || m.PackedSize() != v.Packed {
				t.Errorf("%s signing: sizes %d, %d, %d", when, m.PayloadSize(), m.ContentSize(), m.PackedSize())
			}
			method, representation := m.Choose(v.Requested)
			if method != v.Method || int(representation) != v.Representation {
				t.Errorf("%s signing: goes %v as %v", when, method, representation)
			}
			m.Sign(ids["alice"])
		}
		if v.Plaintext == 0 {
			return
		}
		data, err := m.OpportunisticData()
		if err != nil || len(data) != v.Plaintext {
			t.Errorf("%d bytes of plaintext, %v", len(data), err)
		}
		sealed, err := m.Seal(newRandom(), ids["bob"].Public(), nil)
		if err != nil || len(sealed) != rns.AddrSize+v.Ciphertext {
			t.Errorf("%d bytes sealed, %v", len(sealed), err)
		}
	})
}

// The forms of a message on its way through propagation nodes.
// spec: lxmf §5.5, §6.5, §10
func TestVectorPropagated(t *testing.T) {
	type vector struct {
		messageVector
		Sealed         vectortest.Hex `json:"lxmf_data"`
		TransientID    vectortest.Hex `json:"transient_id"`
		PStamp         vectortest.Hex `json:"propagation_stamp"`
		PCost          int            `json:"propagation_stamp_cost"`
		PValue         int            `json:"propagation_stamp_value"`
		Stored         vectortest.Hex `json:"stored_bytes"`
		FileName       string         `json:"stored_filename"`
		Transfer       vectortest.Hex `json:"propagation_packed"`
		TransferLength int            `json:"propagation_packed_size"`
	}
	vectortest.Each(t, file, "propagated", func(t *testing.T, v vector) {
		m := v.build(t)
		v.check(t, m)
		sealed := checkSealed(t, m, v.messageVector, v.Sealed)
		id := lxmf.TransientID(sealed)
		if !bytes.Equal(id[:], v.TransientID) {
			t.Errorf("transient id %s, want %s", id, v.TransientID)
		}
		s := lxmf.Stored{Sealed: sealed, Stamp: stamp.Stamp(v.PStamp)}
		if valid, got := s.Check(v.PCost, 1); !valid || got != v.PValue {
			t.Errorf("propagation stamp: %v, value %d", valid, got)
		}
		if !bytes.Equal(s.Append(nil), v.Stored) {
			t.Errorf("stored as %x", s.Append(nil))
		}
		transfer := lxmf.Transfer{Time: m.Timestamp, Stored: [][]byte{s.Append(nil)}}.Append(nil)
		if !bytes.Equal(transfer, v.Transfer) || int(lxmf.TransferRepresentation(len(transfer))) != v.Representation {
			t.Errorf("transfer %x", transfer)
		}
		back, err := lxmf.ParseTransfer(transfer)
		if err != nil || len(back.Stored) != 1 || !bytes.Equal(back.Stored[0], v.Stored) || back.Time != m.Timestamp {
			t.Errorf("transfer read as %v, %v", back, err)
		}
		name := lxmf.StoredName{ID: id, Received: m.Timestamp, Value: v.PValue}
		if name.String() != v.FileName {
			t.Errorf("file name %s, want %s", name, v.FileName)
		}
		if got, err := lxmf.ParseStoredName(v.FileName); err != nil || got != name {
			t.Errorf("file name read as %v, %v", got, err)
		}
	})
}

// checkSealed seals m with the randomness of a vector, and opens it.
func checkSealed(t *testing.T, m *lxmf.Message, v messageVector, want []byte) []byte {
	t.Helper()
	recipient := identities(t)[v.Destination]
	sealed, err := m.Seal(io.MultiReader(bytes.NewReader(v.EphemeralPrivate), bytes.NewReader(v.IV)), recipient.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(sealed, want) {
		t.Errorf("sealed as\n%x, want\n%x", sealed, want)
	}
	packed, err := lxmf.Open(sealed, recipient, nil, rns.RatchetsOptional)
	if err != nil || !bytes.Equal(packed, v.Packed) {
		t.Errorf("opened as %x, %v", packed, err)
	}
	return sealed
}

// What a node refuses.
// spec: lxmf §6.5
func TestVectorPropagatedInvalid(t *testing.T) {
	type vector struct {
		Stored   vectortest.Hex `json:"stored_bytes"`
		Cost     int            `json:"cost"`
		Accepted bool           `json:"accepted"`
	}
	vectortest.Each(t, file, "propagated_invalid", func(t *testing.T, v vector) {
		accepted := false
		if s, err := lxmf.ParseStored(v.Stored); err == nil {
			accepted, _ = s.Check(v.Cost, 1)
		}
		if accepted != v.Accepted {
			t.Errorf("accepted: %v", accepted)
		}
	})
}

// Paper messages.
// spec: lxmf §5.6
func TestVectorPaper(t *testing.T) {
	type vector struct {
		messageVector
		Sealed  vectortest.Hex `json:"paper_packed"`
		Size    int            `json:"paper_packed_size"`
		ID      vectortest.Hex `json:"transient_id"`
		URI     string         `json:"uri"`
		URILen  int            `json:"uri_len"`
		Longest int            `json:"content_len"`
	}
	vectortest.Each(t, file, "paper", func(t *testing.T, v vector) {
		if v.Longest > 0 {
			checkLongestPaper(t, v.Longest, v.Size, v.URILen)
			return
		}
		m := v.build(t)
		v.check(t, m)
		if m.PaperSize() != v.Size {
			t.Errorf("size %d, want %d", m.PaperSize(), v.Size)
		}
		sealed := checkSealed(t, m, v.messageVector, v.Sealed)
		if id := lxmf.TransientID(sealed); !bytes.Equal(id[:], v.ID) {
			t.Errorf("transient id %s", id)
		}
		uri, err := lxmf.PaperURI(sealed)
		if err != nil || uri != v.URI || len(uri) != v.URILen {
			t.Errorf("text %s, %v", uri, err)
		}
		for _, form := range []string{uri, "LXM" + uri[3:], "lxm:///" + uri[6:100] + "/" + uri[100:] + "==", " " + uri + "\n"} {
			if got, err := lxmf.ParsePaperURI(form); err != nil || !bytes.Equal(got, sealed) {
				t.Errorf("%.20s… read as %x, %v", form, got, err)
			}
		}
	})
}

func checkLongestPaper(t *testing.T, content, size, uriLen int) {
	t.Helper()
	ids := identities(t)
	for n, fits := range map[int]bool{content: true, content + 1: false} {
		m := lxmf.New(lxmf.DeliveryHash(ids["bob"].Hash()), lxmf.DeliveryHash(ids["alice"].Hash()), lxmf.TimeOf(1), nil, make([]byte, n))
		m.Sign(ids["alice"])
		sealed, err := m.Seal(newRandom(), ids["bob"].Public(), nil)
		if err != nil || len(sealed) != m.PaperSize() {
			t.Fatalf("%d bytes of content sealed to %d, %v", n, len(sealed), err)
		}
		uri, err := lxmf.PaperURI(sealed)
		if fits && (err != nil || len(sealed) != size || len(uri) != uriLen) {
			t.Errorf("%d bytes of content: %d, %d, %v", n, len(sealed), len(uri), err)
		}
		if !fits && !errors.Is(err, lxmf.ErrPaperSize) {
			t.Errorf("%d bytes of content fit: %v", n, err)
		}
	}
}

// Keys between nodes, and their direction.
// spec: lxmf §12.3
func TestVectorPeeringKeys(t *testing.T) {
	type vector struct {
		Receiver string         `json:"receiving_node"`
		Offerer  string         `json:"offering_node"`
		Cost     int            `json:"cost"`
		Key      vectortest.Hex `json:"key"`
		Value    int            `json:"value"`
		Reversed bool           `json:"valid_reversed"`
	}
	vectortest.Each(t, file, "peering_keys", func(t *testing.T, v vector) {
		ids := identities(t)
		receiver, offerer := ids[v.Receiver].Hash(), ids[v.Offerer].Hash()
		work := lxmf.PeeringWork(receiver, offerer)
		if !work.Valid(v.Key, v.Cost) || work.Value(v.Key) != v.Value {
			t.Errorf("value %d, want %d", work.Value(v.Key), v.Value)
		}
		if got := lxmf.PeeringWork(offerer, receiver).Valid(v.Key, v.Cost); got != v.Reversed {
			t.Errorf("reversed: %v", got)
		}
	})
}
