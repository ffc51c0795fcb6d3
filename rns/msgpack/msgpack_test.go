package msgpack_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"strings"
	"testing"

	"meshchatx/rns/msgpack"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Every value has one encoding.
// spec: lxmf §1, rns-core §2.10
func TestAppend(t *testing.T) {
	tests := []struct {
		name string
		v    msgpack.Value
		want string
	}{
		{"nil", msgpack.Nil(), "c0"},
		{"zero value is nil", msgpack.Value{}, "c0"},
		{"false", msgpack.Bool(false), "c2"},
		{"true", msgpack.Bool(true), "c3"},
		{"0", msgpack.Int(0), "00"},
		{"127", msgpack.Int(127), "7f"},
		{"128", msgpack.Int(128), "cc80"},
		{"255", msgpack.Int(255), "ccff"},
		{"256", msgpack.Int(256), "cd0100"},
		{"65535", msgpack.Int(65535), "cdffff"},
		{"65536", msgpack.Int(65536), "ce00010000"},
		{"2^32-1", msgpack.Int(1<<32 - 1), "ceffffffff"},
		{"2^32", msgpack.Int(1 << 32), "cf0000000100000000"},
		{"2^64-1", msgpack.Uint(math.MaxUint64), "cfffffffffffffffff"},
		{"-1", msgpack.Int(-1), "ff"},
		{"-32", msgpack.Int(-32), "e0"},
		{"-33", msgpack.Int(-33), "d0df"},
		{"-128", msgpack.Int(-128), "d080"},
		{"-129", msgpack.Int(-129), "d1ff7f"},
		{"-32768", msgpack.Int(-32768), "d18000"},
		{"-32769", msgpack.Int(-32769), "d2ffff7fff"},
		{"-2^31", msgpack.Int(-1 << 31), "d280000000"},
		{"-2^31-1", msgpack.Int(-1<<31 - 1), "d3ffffffff7fffffff"},
		{"1.0", msgpack.Float(1), "cb3ff0000000000000"},
		{"empty bin", msgpack.Bin(nil), "c400"},
		{"bin", msgpack.Bin([]byte{1, 2}), "c4020102"},
		{"empty text", msgpack.Str(""), "a0"},
		{"text", msgpack.Str("ä"), "a2c3a4"},
		{"array", msgpack.Array(msgpack.Int(1), msgpack.Nil()), "9201c0"},
		{"map keeps order", msgpack.Map(
			msgpack.Pair{Key: msgpack.Int(2), Value: msgpack.Int(0)},
			msgpack.Pair{Key: msgpack.Int(1), Value: msgpack.Int(0)}), "8202000100"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(tt.v.Append(nil)); got != tt.want {
				t.Errorf("encoded %s, want %s", got, tt.want)
			}
			back := parse(t, tt.want)
			if diff := cmp.Diff(tt.v, back); diff != "" {
				t.Errorf("decoded differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHeaderBoundaries(t *testing.T) {
	long := func(n int) []byte { return bytes.Repeat([]byte{'x'}, n) }
	tests := []struct {
		name string
		got  []byte
		want string
	}{
		{"bin 255", msgpack.AppendBin(nil, long(255)), "c4ff"},
		{"bin 256", msgpack.AppendBin(nil, long(256)), "c50100"},
		{"bin 65535", msgpack.AppendBin(nil, long(65535)), "c5ffff"},
		{"bin 65536", msgpack.AppendBin(nil, long(65536)), "c600010000"},
		{"str 31", msgpack.AppendString(nil, string(long(31))), "bf"},
		{"str 32", msgpack.AppendString(nil, string(long(32))), "d920"},
		{"str 256", msgpack.AppendString(nil, string(long(256))), "da0100"},
		{"str 65536", msgpack.AppendString(nil, string(long(65536))), "db00010000"},
		{"array 15", msgpack.AppendArrayHeader(nil, 15), "9f"},
		{"array 16", msgpack.AppendArrayHeader(nil, 16), "dc0010"},
		{"array 65536", msgpack.AppendArrayHeader(nil, 65536), "dd00010000"},
		{"map 15", msgpack.AppendMapHeader(nil, 15), "8f"},
		{"map 16", msgpack.AppendMapHeader(nil, 16), "de0010"},
		{"map 65536", msgpack.AppendMapHeader(nil, 65536), "df00010000"},
		{"ext 1", msgpack.AppendExt(nil, -1, long(1)), "d4ff78"},
		{"ext 3", msgpack.AppendExt(nil, 5, long(3)), "c70305787878"},
		{"ext 16", msgpack.AppendExt(nil, 5, long(16)), "d805"},
		{"ext 256", msgpack.AppendExt(nil, 5, long(256)), "c8010005"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(tt.got); !strings.HasPrefix(got, tt.want) {
				t.Errorf("starts %.12s, want %s", got, tt.want)
			}
		})
	}
}

// Every valid encoding is accepted and becomes the canonical one.
// spec: rns-core §2.10
func TestParseAcceptsOddEncodings(t *testing.T) {
	tests := []struct{ name, in, canonical string }{
		{"float32", "ca3fc00000", "cb3ff8000000000000"},
		{"uint8 of a small number", "cc05", "05"},
		{"uint64 of a small number", "cf0000000000000005", "05"},
		{"int64 of a small number", "d30000000000000005", "05"},
		{"int8 minus one", "d0ff", "ff"},
		{"str8 of a short text", "d90161", "a161"},
		{"bin32 of a short string", "c60000000161", "c40161"},
		{"array32", "dd0000000101", "9101"},
		{"map32", "df000000010102", "810102"},
		{"bin key", "81c4016101", "81c4016101"},
		{"nil key", "81c001", "81c001"},
		{"ext", "d60501020304", "d60501020304"},
		{"ext8 of a fixed size", "c7010509", "d40509"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := hex.EncodeToString(parse(t, tt.in).Append(nil)); got != tt.canonical {
				t.Errorf("re-encoded as %s, want %s", got, tt.canonical)
			}
		})
	}
}

// What is not a value.
// spec: lxmf §1
func TestParseRefuses(t *testing.T) {
	sixteen := func(repeat bool) []byte {
		b := msgpack.AppendMapHeader(nil, 16)
		for i := range 16 {
			if repeat && i == 15 {
				i = 3
			}
			b = append(b, byte(i), 0)
		}
		return b
	}
	tests := []struct {
		name string
		in   []byte
		want error
	}{
		{"nothing", nil, msgpack.ErrTruncated},
		{"reserved", unhex("c1"), msgpack.ErrReserved},
		{"short uint16", unhex("cd01"), msgpack.ErrTruncated},
		{"short bin", unhex("c40501"), msgpack.ErrTruncated},
		{"bin32 header only", unhex("c6ffffffff"), msgpack.ErrTruncated},
		{"array32 header only", unhex("ddffffffff"), msgpack.ErrTruncated},
		{"map32 header only", unhex("dfffffffff"), msgpack.ErrTruncated},
		{"short ext", unhex("d5"), msgpack.ErrTruncated},
		{"invalid text", unhex("a1ff"), msgpack.ErrUTF8},
		{"surrogate in text", unhex("a3eda080"), msgpack.ErrUTF8},
		{"repeated key", unhex("8201000100"), msgpack.ErrRepeatedKey},
		{"key repeated as a float", unhex("820100cb3ff000000000000000"), msgpack.ErrRepeatedKey},
		{"key repeated as a boolean", unhex("820100c300"), msgpack.ErrRepeatedKey},
		{"key repeated among many", sixteen(true), msgpack.ErrRepeatedKey},
		{"array key", unhex("819000"), msgpack.ErrKey},
		{"too deep", bytes.Repeat([]byte{0x91}, 40), msgpack.ErrDepth},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, _, err := msgpack.Parse(tt.in, msgpack.Limits{}); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
	if _, _, err := msgpack.Parse(sixteen(false), msgpack.Limits{}); err != nil {
		t.Errorf("sixteen distinct keys: %v", err)
	}
	distinct := unhex("82cf800000000000000000d3800000000000000000")
	if _, _, err := msgpack.Parse(distinct, msgpack.Limits{}); err != nil {
		t.Errorf("2^63 and -2^63 as keys: %v", err)
	}
	if _, _, err := msgpack.Parse(unhex("82a16100c4016100"), msgpack.Limits{}); err != nil {
		t.Errorf("the same bytes as text and as byte string: %v", err)
	}
}

func TestLimits(t *testing.T) {
	nested := unhex("9191919101")
	if _, _, err := msgpack.Parse(nested, msgpack.Limits{Depth: 4}); err != nil {
		t.Errorf("four levels of four: %v", err)
	}
	if _, _, err := msgpack.Parse(nested, msgpack.Limits{Depth: 3}); !errors.Is(err, msgpack.ErrDepth) {
		t.Errorf("four levels of three: %v", err)
	}
	five := unhex("940102030405")
	if _, _, err := msgpack.Parse(five, msgpack.Limits{Values: 5}); err != nil {
		t.Errorf("five values of five: %v", err)
	}
	if _, _, err := msgpack.Parse(five, msgpack.Limits{Values: 4}); !errors.Is(err, msgpack.ErrTooMany) {
		t.Errorf("five values of four: %v", err)
	}
}

// Nested containers that each claim the whole rest of the input must not make
// the parser allocate that much once per level.
func TestForgedCountsAreCheap(t *testing.T) {
	in := make([]byte, 0, 1<<20)
	for range 30 {
		in = append(in, 0xdd, 0, 0x0e, 0, 0)
	}
	in = in[:cap(in)]
	got := testing.AllocsPerRun(1, func() {
		if _, _, err := msgpack.Parse(in, msgpack.Limits{}); !errors.Is(err, msgpack.ErrTooMany) {
			t.Errorf("got %v, want %v", err, msgpack.ErrTooMany)
		}
	})
	if got > 4 {
		t.Errorf("%v allocations before the refusal", got)
	}
}

func TestParseLeavesTheRest(t *testing.T) {
	v, rest, err := msgpack.Parse(unhex("9101c0ff"), msgpack.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if a, ok := v.Array(); !ok || len(a) != 1 || !bytes.Equal(rest, []byte{0xc0, 0xff}) {
		t.Errorf("value %v, rest %x", v, rest)
	}
}

func TestDecoder(t *testing.T) {
	b := msgpack.AppendArrayHeader(nil, 7)
	b = msgpack.AppendInt(b, -5)
	b = msgpack.AppendUint(b, math.MaxUint64)
	b = msgpack.AppendFloat64(b, 1.5)
	b = msgpack.AppendBin(b, []byte("bin"))
	b = msgpack.AppendString(b, "text")
	b = msgpack.AppendMapHeader(b, 1)
	b = msgpack.AppendBool(msgpack.AppendNil(b), true)
	b = append(b, 0x92, 0x91, 0x01, 0x80)

	d := msgpack.NewDecoder(b)
	if n, err := d.ReadArrayHeader(); n != 7 || err != nil {
		t.Fatalf("array header %d, %v", n, err)
	}
	if _, err := d.ReadUint(); !errors.Is(err, msgpack.ErrRange) {
		t.Errorf("negative as uint: %v", err)
	}
	if i, err := d.ReadInt(); i != -5 || err != nil {
		t.Errorf("int %d, %v", i, err)
	}
	if _, err := d.ReadInt(); !errors.Is(err, msgpack.ErrRange) {
		t.Errorf("2^64-1 as int: %v", err)
	}
	if u, err := d.ReadUint(); u != math.MaxUint64 || err != nil {
		t.Errorf("uint %d, %v", u, err)
	}
	if _, err := d.ReadBin(); !errors.Is(err, msgpack.ErrType) {
		t.Errorf("float as bin: %v", err)
	}
	if f, err := d.ReadNumber(); f != 1.5 || err != nil {
		t.Errorf("number %v, %v", f, err)
	}
	if k, err := d.Kind(); k != msgpack.KindBin || err != nil {
		t.Errorf("kind %v, %v", k, err)
	}
	if v, err := d.ReadBin(); string(v) != "bin" || err != nil {
		t.Errorf("bin %q, %v", v, err)
	}
	if v, err := d.ReadText(); string(v) != "text" || err != nil {
		t.Errorf("text %q, %v", v, err)
	}
	if n, err := d.ReadMapHeader(); n != 1 || err != nil {
		t.Errorf("map header %d, %v", n, err)
	}
	if err := d.ReadNil(); err != nil {
		t.Errorf("nil: %v", err)
	}
	if v, err := d.ReadBool(); !v || err != nil {
		t.Errorf("bool %v, %v", v, err)
	}
	if err := d.Skip(); err != nil || d.More() || d.Offset() != len(b) {
		t.Errorf("skip: %v, at %d of %d", err, d.Offset(), len(b))
	}
}

func TestDecoderDoesNotAllocate(t *testing.T) {
	b := msgpack.Array(msgpack.Int(300), msgpack.Bin(make([]byte, 64)), msgpack.Str("name")).Append(nil)
	if n := testing.AllocsPerRun(100, func() {
		d := msgpack.NewDecoder(b)
		d.ReadArrayHeader()
		d.ReadInt()
		d.ReadBin()
		d.ReadText()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPairs(t *testing.T) {
	m, ok := parse(t, "8301c3a16102c4016103").Map()
	if !ok || m.Len() != 3 {
		t.Fatalf("map of %d", m.Len())
	}
	if v, ok := m.Int(1); !ok || !v.Equal(msgpack.Bool(true)) {
		t.Errorf("integer key: %v", v)
	}
	if v, ok := m.Text("a"); !ok || !v.Equal(msgpack.Int(2)) {
		t.Errorf("text key: %v", v)
	}
	if v, ok := m.Bytes([]byte("a")); !ok || !v.Equal(msgpack.Int(3)) {
		t.Errorf("byte string key: %v", v)
	}
	if _, ok := m.Int(2); ok {
		t.Error("found a key that is not there")
	}
}

func TestString(t *testing.T) {
	v := msgpack.Array(msgpack.Float(1), msgpack.Bin([]byte{1}), msgpack.Map(msgpack.Pair{Key: msgpack.Str("k"), Value: msgpack.Nil()}))
	if got, want := v.String(), `[1.0, h'01', {"k": nil}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Any tree survives encoding and decoding, and the decoder steps over exactly
// its bytes.
func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "value")
		b := v.Append(nil)
		got, rest, err := msgpack.Parse(b, msgpack.Limits{})
		if err != nil || len(rest) != 0 {
			t.Fatalf("parse %v: %v, rest %x", v, err, rest)
		}
		if !got.Equal(v) {
			t.Fatalf("got %v, want %v", got, v)
		}
		d := msgpack.NewDecoder(b)
		if err := d.Skip(); err != nil || d.More() {
			t.Fatalf("skip %v: %v at %d of %d", v, err, d.Offset(), len(b))
		}
	})
}

func anyValue(depth int) *rapid.Generator[msgpack.Value] {
	scalars := []*rapid.Generator[msgpack.Value]{
		rapid.Just(msgpack.Nil()),
		rapid.Map(rapid.Bool(), msgpack.Bool),
		rapid.Map(rapid.Int64(), msgpack.Int),
		rapid.Map(rapid.Uint64(), msgpack.Uint),
		rapid.Map(rapid.Float64(), msgpack.Float),
		rapid.Map(rapid.SliceOf(rapid.Byte()), msgpack.Bin),
		rapid.Map(rapid.String(), msgpack.Str),
	}
	if depth == 0 {
		return rapid.OneOf(scalars...)
	}
	array := rapid.Map(rapid.SliceOfN(anyValue(depth-1), 0, 20), func(v []msgpack.Value) msgpack.Value {
		return msgpack.Array(v...)
	})
	dict := rapid.Custom(func(t *rapid.T) msgpack.Value {
		keys := rapid.SliceOfDistinct(rapid.String(), rapid.ID[string]).Draw(t, "keys")
		var pairs []msgpack.Pair
		for _, k := range keys {
			pairs = append(pairs, msgpack.Pair{Key: msgpack.Str(k), Value: anyValue(depth-1).Draw(t, "entry")})
		}
		return msgpack.Map(pairs...)
	})
	return rapid.OneOf(append(scalars, array, dict)...)
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"c0", "9201c0", "8201c0a16102", "dd00000001cb3ff0000000000000", "c7020101ff", "d3ffffffffffffff00"} {
		f.Add(unhex(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d := msgpack.NewDecoder(b)
		skipErr := d.Skip()
		v, rest, err := msgpack.Parse(b, msgpack.Limits{})
		if err != nil {
			return
		}
		if skipErr != nil || d.Offset() != len(b)-len(rest) {
			t.Fatalf("Skip: %v at %d, Parse left %d of %d", skipErr, d.Offset(), len(rest), len(b))
		}
		canonical := v.Append(nil)
		again, rest, err := msgpack.Parse(canonical, msgpack.Limits{})
		if err != nil || len(rest) != 0 || !again.Equal(v) {
			t.Fatalf("canonical form %x: %v, %v", canonical, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	in := msgpack.Array(msgpack.Float(1700000000.5), msgpack.Bin(nil), msgpack.Bin(make([]byte, 200)), msgpack.Map()).Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := msgpack.Parse(in, msgpack.Limits{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	buf := make([]byte, 0, 512)
	data := make([]byte, 200)
	b.ReportAllocs()
	for b.Loop() {
		out := msgpack.AppendArrayHeader(buf, 3)
		out = msgpack.AppendFloat64(out, 1700000000.5)
		out = msgpack.AppendBin(out, data)
		msgpack.AppendMapHeader(out, 0)
	}
}

func parse(t *testing.T, s string) msgpack.Value {
	t.Helper()
	v, rest, err := msgpack.Parse(unhex(s), msgpack.Limits{})
	if err != nil || len(rest) != 0 {
		t.Fatalf("parse %s: %v, rest %x", s, err, rest)
	}
	return v
}

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}
