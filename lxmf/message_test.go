package lxmf_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/stamp"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// newRandom is randomness that is the same in every run.
func newRandom() io.Reader { return rand.NewChaCha8([32]byte{7}) }

var written = time.Date(2026, 3, 1, 12, 30, 0, 250_000_000, time.UTC)

// pair returns two identities with their delivery hashes.
func pair(tb testing.TB) (alice, bob *rns.Identity, from, to rns.Addr) {
	tb.Helper()
	ids := identities(tb)
	alice, bob = ids["alice"], ids["bob"]
	return alice, bob, lxmf.DeliveryHash(alice.Hash()), lxmf.DeliveryHash(bob.Hash())
}

func message(tb testing.TB, content string) *lxmf.Message {
	tb.Helper()
	alice, _, from, to := pair(tb)
	m := lxmf.New(to, from, written, []byte("Title"), []byte(content))
	m.Fields.SetRenderer(lxmf.RendererMarkdown)
	m.Sign(alice)
	return m
}

func TestStampChangesNeitherHashNorSignature(t *testing.T) {
	alice, _, _, _ := pair(t)
	m := message(t, "hello")
	hash := m.Hash
	for _, s := range [][]byte{nil, make([]byte, lxmf.TicketSize), make([]byte, stamp.Size), nil} {
		m.Stamp = s
		packed, err := m.Pack(nil)
		if err != nil || len(packed) != m.PackedSize() {
			t.Fatalf("%d bytes, %d expected, %v", len(packed), m.PackedSize(), err)
		}
		got, err := lxmf.Parse(packed)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(alice.Public()); err != nil || got.Hash != hash || !bytes.Equal(got.Stamp, s) {
			t.Errorf("stamp of %d bytes: hash %s, %v", len(s), got.Hash, err)
		}
		if again, err := got.Pack(nil); err != nil || !bytes.Equal(again, packed) {
			t.Errorf("packed again as %x, %v", again, err)
		}
	}
}

func TestUnsignedIsNotPacked(t *testing.T) {
	_, bob, from, to := pair(t)
	m := lxmf.New(to, from, written, nil, nil)
	if _, err := m.Pack(nil); !errors.Is(err, lxmf.ErrUnsigned) {
		t.Errorf("packed: %v", err)
	}
	if _, err := m.Seal(newRandom(), bob.Public(), nil); !errors.Is(err, lxmf.ErrUnsigned) {
		t.Errorf("sealed: %v", err)
	}
}

func TestVerify(t *testing.T) {
	alice, bob, _, _ := pair(t)
	m := message(t, "hello")
	if err := m.Verify(bob.Public()); !errors.Is(err, lxmf.SourceUnknown) {
		t.Errorf("key of somebody else: %v", err)
	}
	if err := m.Verify(rns.PublicKey{}); !errors.Is(err, lxmf.SourceUnknown) {
		t.Errorf("no key: %v", err)
	}
	m.Signature[3] ^= 1
	if err := m.Verify(alice.Public()); !errors.Is(err, lxmf.SignatureInvalid) {
		t.Errorf("damaged signature: %v", err)
	}
}

// A stamped message of a sender that does not encode canonically: the receiver
// finds out which bytes were signed.
func TestVerifyFindsTheSecondReading(t *testing.T) {
	alice, _, from, to := pair(t)
	elements := msgpack.AppendArrayHeader(nil, 0)[:0]
	elements = append(elements, 0xca, 0x4e, 0xd1, 0x17, 0xd5) // a float of 32 bits
	elements = msgpack.AppendBin(elements, []byte("T"))
	elements = msgpack.AppendBin(elements, []byte("C"))
	elements = msgpack.AppendMapHeader(elements, 0)
	covered := append([]byte{0x94}, elements...)
	hash := rns.FullHash(to[:], from[:], covered)
	signed := append(append(append(append([]byte(nil), to[:]...), from[:]...), covered...), hash[:]...)
	signature := alice.Sign(signed)

	packed := append(append(append([]byte(nil), to[:]...), from[:]...), signature[:]...)
	packed = append(append(packed, 0x95), elements...)
	packed = msgpack.AppendBin(packed, make([]byte, stamp.Size))
	m, err := lxmf.Parse(packed)
	if err != nil {
		t.Fatal(err)
	}
	if m.Hash == hash {
		t.Fatal("the first reading is to be the canonical one")
	}
	if err := m.Verify(alice.Public()); err != nil || m.Hash != hash {
		t.Errorf("hash %s, want %s, %v", m.Hash, hash, err)
	}
	if again, err := m.Pack(nil); err != nil || !bytes.Equal(again, packed) {
		t.Errorf("packed again as %x, %v", again, err)
	}
}

func TestParseRefuses(t *testing.T) {
	header := make([]byte, 96)
	tests := []struct {
		name    string
		payload msgpack.Value
		want    error
	}{
		{"not an array", msgpack.Int(1), lxmf.ErrPayload},
		{"three elements", msgpack.Array(msgpack.Float(1), msgpack.Bin(nil), msgpack.Bin(nil)), lxmf.ErrPayload},
		{"time is text", msgpack.Array(msgpack.Str("now"), msgpack.Bin(nil), msgpack.Bin(nil), msgpack.Map()), lxmf.ErrTime},
		{"title is a number", msgpack.Array(msgpack.Float(1), msgpack.Int(1), msgpack.Bin(nil), msgpack.Map()), lxmf.ErrText},
		{"content is a list", msgpack.Array(msgpack.Float(1), msgpack.Bin(nil), msgpack.Array(), msgpack.Map()), lxmf.ErrText},
		{"fields are a list", msgpack.Array(msgpack.Float(1), msgpack.Bin(nil), msgpack.Bin(nil), msgpack.Array()), lxmf.ErrFields},
	}
	for _, tt := range tests {
		if _, err := lxmf.Parse(tt.payload.Append(bytes.Clone(header))); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if _, err := lxmf.Parse(header); !errors.Is(err, lxmf.ErrShort) {
		t.Errorf("header only: %v", err)
	}
	repeated := append(bytes.Clone(header), 0x94, 0x01, 0xc4, 0x00, 0xc4, 0x00, 0x82, 0x01, 0x01, 0x01, 0x02)
	if _, err := lxmf.Parse(repeated); !errors.Is(err, msgpack.ErrRepeatedKey) {
		t.Errorf("a field twice: %v", err)
	}
}

func TestChoose(t *testing.T) {
	m := message(t, string(make([]byte, 270)))
	if method, _ := m.Choose(lxmf.MethodOpportunistic); method != lxmf.MethodOpportunistic {
		t.Errorf("without stamp: %v", method)
	}
	m.Stamp = make([]byte, stamp.Size)
	if method, r := m.Choose(lxmf.MethodOpportunistic); method != lxmf.MethodDirect || r != lxmf.RepresentationPacket {
		t.Errorf("with stamp: %v, %v", method, r)
	}
	if method, _ := m.Choose(0); method != lxmf.MethodDirect {
		t.Errorf("without a wish: %v", method)
	}
	if method, r := m.Choose(lxmf.MethodPaper); method != lxmf.MethodPaper || r != lxmf.RepresentationPaper {
		t.Errorf("paper: %v, %v", method, r)
	}
}

// Which states need nothing more.
// spec: lxmf §5, §16
func TestStateFinal(t *testing.T) {
	for _, m := range []lxmf.Method{lxmf.MethodOpportunistic, lxmf.MethodDirect, lxmf.MethodPropagated} {
		if got := lxmf.StateSent.Final(m); got != (m == lxmf.MethodPropagated) {
			t.Errorf("sent is final for %v: %v", m, got)
		}
		if lxmf.StateOutbound.Final(m) || !lxmf.StateDelivered.Final(m) {
			t.Errorf("%v: outbound or delivered", m)
		}
	}
}

// Times after 1971 survive the form of the wire exactly.
func TestTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seconds := rapid.Float64Range(1<<25, 4e9).Draw(t, "seconds")
		if got := lxmf.Seconds(lxmf.TimeOf(seconds)); got != seconds {
			t.Fatalf("%v became %v", seconds, got)
		}
	})
	for _, f := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1), 1e300} {
		if got := lxmf.TimeOf(f); !got.IsZero() {
			t.Errorf("%v is %v", f, got)
		}
	}
	if got := lxmf.Seconds(time.Time{}); got != 0 {
		t.Errorf("the zero time is %v", got)
	}
}

// Whatever is sent is read, verified and packed again exactly.
func TestRoundTrip(t *testing.T) {
	alice, bob, from, to := pair(t)
	rapid.Check(t, func(t *rapid.T) {
		bin := rapid.SliceOfN(rapid.Byte(), 0, 40)
		m := lxmf.New(to, from, lxmf.TimeOf(rapid.Float64Range(0, 4e9).Draw(t, "time")), bin.Draw(t, "title"), bin.Draw(t, "content"))
		for range rapid.IntRange(0, 4).Draw(t, "fields") {
			m.Fields.Set(lxmf.FieldID(rapid.Uint32().Draw(t, "id")), msgpack.Array(msgpack.Bin(bin.Draw(t, "value")), msgpack.Nil()))
		}
		m.Sign(alice)
		if rapid.Bool().Draw(t, "stamped") {
			m.Stamp = rapid.SliceOfN(rapid.Byte(), 16, 32).Draw(t, "stamp")
		}
		packed, err := m.Pack(nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := lxmf.Parse(packed)
		if err != nil {
			t.Fatal(err)
		}
		if err := got.Verify(alice.Public()); err != nil || got.Hash != m.Hash {
			t.Fatalf("hash %s, want %s, %v", got.Hash, m.Hash, err)
		}
		if again, err := got.Pack(nil); err != nil || !bytes.Equal(again, packed) {
			t.Fatalf("packed again as %x, %v", again, err)
		}
		sealed, err := m.Seal(newRandom(), bob.Public(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if opened, err := lxmf.Open(sealed, bob, nil, rns.RatchetsOptional); err != nil || !bytes.Equal(opened, packed) {
			t.Fatalf("opened as %x, %v", opened, err)
		}
	})
}

// Only the recipient can open a sealed message.
// spec: lxmf §5.5, §9.7
func TestOpenRefuses(t *testing.T) {
	alice, bob, _, _ := pair(t)
	sealed, err := message(t, "hello").Seal(newRandom(), bob.Public(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lxmf.Open(sealed, alice, nil, rns.RatchetsOptional); err == nil {
		t.Error("opened by somebody else")
	}
	if _, err := lxmf.Open(sealed, bob, nil, rns.RatchetsEnforced); err == nil {
		t.Error("opened without ratchet although one is needed")
	}
	if _, err := lxmf.Open(sealed[:lxmf.MinSealed-1], bob, nil, rns.RatchetsOptional); !errors.Is(err, lxmf.ErrShort) {
		t.Errorf("too short: %v", err)
	}
}

func TestSealWithRatchet(t *testing.T) {
	_, bob, _, _ := pair(t)
	ratchet, err := rns.NewRatchet(newRandom())
	if err != nil {
		t.Fatal(err)
	}
	public := ratchet.Public()
	m := message(t, "hello")
	sealed, err := m.Seal(newRandom(), bob.Public(), &public)
	if err != nil {
		t.Fatal(err)
	}
	packed, _ := m.Pack(nil)
	got, err := lxmf.Open(sealed, bob, []rns.RatchetPrivate{ratchet}, rns.RatchetsEnforced)
	if err != nil || !bytes.Equal(got, packed) {
		t.Errorf("opened as %x, %v", got, err)
	}
}

func TestPaperRefuses(t *testing.T) {
	for _, uri := range []string{"", "lxm", "http://abc", "lxm://", "lxm://!!!!", "lxm://" + string(make([]byte, 10_000))} {
		if _, err := lxmf.ParsePaperURI(uri); !errors.Is(err, lxmf.ErrPaperURI) && !errors.Is(err, lxmf.ErrPaperSize) {
			t.Errorf("%.20q: %v", uri, err)
		}
	}
}

// Names of stored messages, also of those that the reference wrote.
// spec: lxmf §10, §19
func TestStoredNames(t *testing.T) {
	id := rns.FullHash([]byte("x"))
	whole := lxmf.StoredName{ID: id, Received: 1754000000, Value: 0}
	if got, want := whole.String(), id.Hex()+"_1754000000.0_0"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, err := lxmf.ParseStoredName(id.Hex() + "_1754000000.5"); err != nil || got.Value != 0 || got.Received != 1754000000.5 {
		t.Errorf("without value: %v, %v", got, err)
	}
	for _, name := range []string{"", id.Hex(), id.Hex() + "_x_1", id.Hex() + "_0_1", id.Hex() + "_-5_1", id.Hex() + "_nan_1",
		id.Hex()[1:] + "_1_1", "z" + id.Hex()[1:] + "_1_1", id.Hex() + "_1_1_1", id.Hex() + "_1_-1", id.Hex() + "_1_1.5"} {
		if got, err := lxmf.ParseStoredName(name); !errors.Is(err, lxmf.ErrStoredName) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func BenchmarkMessage(b *testing.B) {
	alice, bob, _, _ := pair(b)
	m := message(b, string(make([]byte, 200)))
	packed, _ := m.Pack(nil)
	b.Run("sign", func(b *testing.B) {
		for b.Loop() {
			m.Sign(alice)
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := lxmf.Parse(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if err := m.Verify(alice.Public()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("seal", func(b *testing.B) {
		for b.Loop() {
			if _, err := m.Seal(newRandom(), bob.Public(), nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func TestCheckStamp(t *testing.T) {
	m := message(t, "hello")
	now := written
	ticket, err := lxmf.NewTicket(newRandom(), now)
	if err != nil {
		t.Fatal(err)
	}
	other := lxmf.Ticket{Expires: ticket.Expires, Value: [16]byte{1}}
	work := m.StampWork(2)
	found, err := work.Search(t.Context(), 6, stamp.Options{Workers: 2, Rand: newRandom()})
	if err != nil {
		t.Fatal(err)
	}
	byTicket := lxmf.StampVerdict{Valid: true, Ticket: true, Value: lxmf.TicketStampValue}
	tests := []struct {
		name   string
		stamp  []byte
		cost   int
		issued []lxmf.Ticket
		at     time.Time
		want   lxmf.StampVerdict
	}{
		{"nothing asked", nil, 0, nil, now, lxmf.StampVerdict{Valid: true}},
		{"no stamp", nil, 1, nil, now, lxmf.StampVerdict{}},
		{"work", found.Stamp[:], 6, nil, now, lxmf.StampVerdict{Valid: true, Value: found.Value}},
		{"too little work", found.Stamp[:], found.Value + 1, nil, now, lxmf.StampVerdict{Value: found.Value}},
		{"ticket", ticket.Stamp(m.Hash), 200, []lxmf.Ticket{other, ticket}, now, byTicket},
		{"ticket not issued", ticket.Stamp(m.Hash), 1, []lxmf.Ticket{other}, now, lxmf.StampVerdict{}},
		{"ticket of another message", ticket.Stamp(rns.Hash{}), 1, []lxmf.Ticket{ticket}, now, lxmf.StampVerdict{}},
		{"last moment of a ticket", ticket.Stamp(m.Hash), 1, []lxmf.Ticket{ticket}, ticket.Expires.Add(-1), byTicket},
		{"expired ticket, in its grace", ticket.Stamp(m.Hash), 1, []lxmf.Ticket{ticket}, ticket.Expires, lxmf.StampVerdict{}},
		{"odd length", make([]byte, 31), 1, nil, now, lxmf.StampVerdict{}},
	}
	for _, tt := range tests {
		m.Stamp = tt.stamp
		if diff := cmp.Diff(tt.want, m.CheckStamp(tt.cost, tt.issued, tt.at, 2)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
