package framing_test

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"meshchatx/rns/iface/framing"
	"meshchatx/spec/vectortest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

type frameVector struct {
	Data  vectortest.Hex `json:"data"`
	Frame vectortest.Hex `json:"frame"`
}

type kissFrame struct {
	Command byte
	Data    []byte
}

var anyLength = framing.Limits{Max: 1 << 16}

// feedHDLC returns the packets of a stream that arrives in chunks of n bytes.
func feedHDLC(d *framing.HDLC, stream []byte, n int) (packets [][]byte) {
	for chunk := range slices.Chunk(slices.Clone(stream), n) {
		d.Feed(chunk, func(p []byte) { packets = append(packets, bytes.Clone(p)) })
	}
	return packets
}

func feedKISS(d *framing.KISS, stream []byte, n int) (frames []kissFrame) {
	for chunk := range slices.Chunk(slices.Clone(stream), n) {
		d.Feed(chunk, func(c byte, p []byte) { frames = append(frames, kissFrame{c, bytes.Clone(p)}) })
	}
	return frames
}

// Frames of the HDLC-like framing.
// spec: rns-interfaces §2.1
func TestVectorHDLC(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "hdlc", func(t *testing.T, v frameVector) {
		if got := framing.AppendHDLC(nil, v.Data); !bytes.Equal(got, v.Frame) {
			t.Errorf("frame %x, want %x", got, v.Frame)
		}
		for n := 1; n <= len(v.Frame); n++ {
			got := feedHDLC(framing.NewHDLC(anyLength), v.Frame, n)
			if diff := cmp.Diff([][]byte{v.Data}, got); diff != "" {
				t.Errorf("in chunks of %d (-want +got):\n%s", n, diff)
			}
		}
	})
}

// Streams with noise, runts and shared flags.
// spec: rns-interfaces §1.1, §2.1
func TestVectorHDLCStream(t *testing.T) {
	type vector struct {
		Stream vectortest.Hex   `json:"stream"`
		Frames []vectortest.Hex `json:"frames"`
	}
	vectortest.Each(t, "rns-link.json", "hdlc_stream", func(t *testing.T, v vector) {
		var want [][]byte
		for _, f := range v.Frames {
			want = append(want, f)
		}
		for n := 1; n <= len(v.Stream); n++ {
			d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: 500})
			if diff := cmp.Diff(want, feedHDLC(d, v.Stream, n)); diff != "" {
				t.Errorf("in chunks of %d (-want +got):\n%s", n, diff)
			}
		}
	})
}

// Frames of KISS.
// spec: rns-interfaces §2.2
func TestVectorKISS(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "kiss", func(t *testing.T, v frameVector) {
		if got := framing.AppendKISS(nil, framing.KISSData, v.Data); !bytes.Equal(got, v.Frame) {
			t.Errorf("frame %x, want %x", got, v.Frame)
		}
		for n := 1; n <= len(v.Frame); n++ {
			got := feedKISS(framing.NewKISS(anyLength), v.Frame, n)
			if diff := cmp.Diff([]kissFrame{{framing.KISSData, v.Data}}, got); diff != "" {
				t.Errorf("in chunks of %d (-want +got):\n%s", n, diff)
			}
		}
	})
}

func TestHDLCRules(t *testing.T) {
	limits := framing.Limits{Min: 2, Max: 4}
	tests := []struct {
		name   string
		stream string
		want   []string
		stats  framing.Stats
	}{
		{"noise before the first flag", "noise~ab~", []string{"ab"}, framing.Stats{Frames: 1}},
		{"shared flag", "~ab~cd~", []string{"ab", "cd"}, framing.Stats{Frames: 2}},
		{"keepalives", "~~~~ab~~", []string{"ab"}, framing.Stats{Frames: 1}},
		{"runt", "~a~ab~", []string{"ab"}, framing.Stats{Frames: 1, Runts: 1}},
		{"largest", "~abcd~", []string{"abcd"}, framing.Stats{Frames: 1}},
		{"one too long", "~abcde~ab~", []string{"ab"}, framing.Stats{Frames: 1, Oversize: 1}},
		{"largest, all escaped", "~}^}^}^}]~", []string{"~~~}"}, framing.Stats{Frames: 1}},
		{"longer than the buffer", "~abcdefghijklm~ab~", []string{"ab"}, framing.Stats{Frames: 1, Oversize: 1}},
		{"never ended", "~" + strings.Repeat("x", 1000), nil, framing.Stats{Oversize: 1}},
		{"bad escape", "~a}b~ab~", []string{"ab"}, framing.Stats{Frames: 1, Malformed: 1}},
		{"escape at the end", "~abc}~ab~", []string{"ab"}, framing.Stats{Frames: 1, Malformed: 1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.stream); n++ {
				d := framing.NewHDLC(limits)
				var got []string
				for _, p := range feedHDLC(d, []byte(tt.stream), n) {
					got = append(got, string(p))
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("in chunks of %d (-want +got):\n%s", n, diff)
				}
				if diff := cmp.Diff(tt.stats, d.Stats()); diff != "" {
					t.Errorf("counters in chunks of %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

func TestKISSRules(t *testing.T) {
	tests := []struct {
		name   string
		stream []byte
		want   []kissFrame
	}{
		{"flags before the command", []byte("\xc0\xc0\xc0\x00ab\xc0"), []kissFrame{{0, []byte("ab")}}},
		{"command without data", []byte("\xc0\x0f\xc0"), []kissFrame{{0x0f, []byte{}}}},
		{"port nibble is kept", []byte("\xc0\x20ab\xc0"), []kissFrame{{0x20, []byte("ab")}}},
		{"escape of an ordinary byte", []byte("\xc0\x00a\xdbb\xdb\xdc\xc0"), []kissFrame{{0, []byte("ab\xc0")}}},
		{"escape does not outlive the frame", []byte("\xc0\x00ab\xdb\xc0\x00\xdccd\xc0"),
			[]kissFrame{{0, []byte("ab")}, {0, []byte("\xdccd")}}},
		{"shared flag", []byte("\xc0\x00ab\xc0\x01c\xc0"), []kissFrame{{0, []byte("ab")}, {1, []byte("c")}}},
		{"too long", []byte("\xc0\x00abcdefghijkl\xc0\x00ab\xc0"), []kissFrame{{0, []byte("ab")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for n := 1; n <= len(tt.stream); n++ {
				got := feedKISS(framing.NewKISS(framing.Limits{Max: 4}), tt.stream, n)
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("in chunks of %d (-want +got):\n%s", n, diff)
				}
			}
		})
	}
}

func TestResetForgetsTheUnfinishedFrame(t *testing.T) {
	d := framing.NewHDLC(anyLength)
	feedHDLC(d, []byte("~abc"), 4)
	d.Reset()
	if got := feedHDLC(d, []byte("def~gh~"), 7); len(got) != 1 || string(got[0]) != "gh" {
		t.Errorf("after reset: %q", got)
	}
	k := framing.NewKISS(anyLength)
	feedKISS(k, []byte("\xc0\x00abc"), 5)
	k.Reset()
	if got := feedKISS(k, []byte("def\xc0\x00gh\xc0"), 8); len(got) != 1 || string(got[0].Data) != "gh" {
		t.Errorf("after reset: %v", got)
	}
}

// Whatever is framed comes out again, in order, however the stream is cut.
func TestStreamRoundTrip(t *testing.T) {
	special := rapid.SampledFrom([]byte{0x7e, 0x7d, 0x5e, 0x5d, 0xc0, 0xdb, 0xdc, 0xdd, 0, 'x'})
	rapid.Check(t, func(t *rapid.T) {
		packets := rapid.SliceOfN(rapid.SliceOfN(special, 1, 60), 1, 10).Draw(t, "packets")
		cut := rapid.IntRange(1, 100).Draw(t, "cut")
		var hdlc, kiss []byte
		var frames []kissFrame
		for _, p := range packets {
			hdlc = framing.AppendHDLC(hdlc, p)
			kiss = framing.AppendKISS(kiss, framing.KISSData, p)
			frames = append(frames, kissFrame{framing.KISSData, p})
		}
		limits := framing.Limits{Max: 60}
		if diff := cmp.Diff(packets, feedHDLC(framing.NewHDLC(limits), hdlc, cut)); diff != "" {
			t.Fatalf("HDLC (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(frames, feedKISS(framing.NewKISS(limits), kiss, cut)); diff != "" {
			t.Fatalf("KISS (-want +got):\n%s", diff)
		}
	})
}

func FuzzHDLC(f *testing.F) {
	f.Add([]byte("noise~ab}^~~c}d~"), uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		limits := framing.Limits{Min: 1, Max: 16}
		whole := feedHDLC(framing.NewHDLC(limits), stream, len(stream)+1)
		parts := feedHDLC(framing.NewHDLC(limits), stream, int(cut)+1)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatalf("chunks matter (-whole +parts):\n%s", diff)
		}
	})
}

func FuzzKISS(f *testing.F) {
	f.Add([]byte("\xc0\x00a\xdb\xdc\xc0\xc0\x01\xdb\xc0"), uint8(3))
	f.Fuzz(func(t *testing.T, stream []byte, cut uint8) {
		limits := framing.Limits{Max: 16}
		whole := feedKISS(framing.NewKISS(limits), stream, len(stream)+1)
		parts := feedKISS(framing.NewKISS(limits), stream, int(cut)+1)
		if diff := cmp.Diff(whole, parts); diff != "" {
			t.Fatalf("chunks matter (-whole +parts):\n%s", diff)
		}
	})
}

func BenchmarkHDLC(b *testing.B) {
	random := make([]byte, 8192)
	chacha := rand.NewChaCha8([32]byte{})
	chacha.Read(random)
	var stream []byte
	for range 8 {
		stream = framing.AppendHDLC(stream, random)
	}
	buf := make([]byte, len(stream))
	b.Run("append", func(b *testing.B) {
		b.SetBytes(int64(len(random)))
		for b.Loop() {
			framing.AppendHDLC(buf[:0], random)
		}
	})
	b.Run("feed", func(b *testing.B) {
		d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: len(random)})
		b.SetBytes(int64(len(stream)))
		b.ReportAllocs()
		for b.Loop() {
			copy(buf, stream)
			d.Feed(buf, func([]byte) {})
		}
		if got := d.Stats(); got.Oversize+got.Malformed+got.Runts > 0 {
			b.Fatal(got)
		}
	})
}
