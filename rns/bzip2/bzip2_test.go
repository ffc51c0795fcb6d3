package bzip2_test

import (
	"bytes"
	stdlib "compress/bzip2"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"meshchatx/rns/bzip2"

	"pgregory.net/rapid"
)

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// words is text of a small vocabulary.
func words(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b []byte
	for len(b) < n {
		b = fmt.Appendf(b, "word%d ", r.IntN(500)*r.IntN(20))
	}
	return b[:n]
}

func fibonacci(n int) []byte {
	a, b := []byte("a"), []byte("ab")
	for len(b) < n {
		a, b = b, append(bytes.Clone(b), a...)
	}
	return b[:n]
}

var inputs = []struct {
	name string
	data []byte
}{
	{"empty", nil},
	{"one byte", []byte("x")},
	{"two equal bytes", []byte("xx")},
	{"two bytes", []byte("ba")},
	{"three equal bytes", []byte("aaa")},
	{"run of four", []byte("xxxx")},
	{"run of five", []byte("xxxxx")},
	{"run of 255", bytes.Repeat([]byte{7}, 255)},
	{"run of 256", bytes.Repeat([]byte{7}, 256)},
	{"runs of 259", bytes.Repeat([]byte{7}, 259*3+2)},
	{"zeros over several blocks' worth", make([]byte, 2_000_000)},
	{"period two", bytes.Repeat([]byte("ab"), 50_000)},
	{"period three", bytes.Repeat([]byte("aab"), 40_000)},
	{"long period", bytes.Repeat(random(5000), 20)},
	{"fibonacci word", fibonacci(100_000)},
	{"descending", bytes.Repeat([]byte("zyxwvutsrqponmlkjihgfedcba"), 1000)},
	{"all bytes", bytes.Repeat(allBytes(), 300)},
	{"random", random(100_000)},
	{"random over one block", random(900_100)},
	{"words", words(150_000)},
	{"binary digits", bytes.ReplaceAll(bytes.ReplaceAll(words(50_000), []byte("w"), []byte{0}), []byte("o"), []byte{1})},
}

func allBytes() []byte {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// Any decoder reads what is written.
// spec: rns-link §8.1
func TestCompressIsReadByTheStandardLibrary(t *testing.T) {
	for _, tt := range inputs {
		t.Run(tt.name, func(t *testing.T) {
			z := bzip2.Compress([]byte("kept"), tt.data)
			if !bytes.HasPrefix(z, []byte("keptBZh9")) {
				t.Fatalf("begins with %q", z[:min(8, len(z))])
			}
			got, err := io.ReadAll(stdlib.NewReader(bytes.NewReader(z[4:])))
			if err != nil || !bytes.Equal(got, tt.data) {
				t.Fatalf("%d bytes came back as %d, %v", len(tt.data), len(got), err)
			}
			got, err = bzip2.Decompress(z[4:], len(tt.data))
			if err != nil || !bytes.Equal(got, tt.data) {
				t.Fatalf("own decoder: %d bytes came back as %d, %v", len(tt.data), len(got), err)
			}
			if len(tt.data) > 0 {
				if _, err = bzip2.Decompress(z[4:], len(tt.data)-1); !errors.Is(err, bzip2.ErrTooLong) {
					t.Errorf("a limit one below the content: %v", err)
				}
			}
		})
	}
}

func TestCompressRatio(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		max  int
	}{
		{"zeros", make([]byte, 1_000_000), 60},
		{"words", words(200_000), 66_000},
		{"random grows little", random(100_000), 101_000},
	}
	for _, tt := range tests {
		if n := len(bzip2.Compress(nil, tt.data)); n > tt.max {
			t.Errorf("%s: %d bytes of %d, want at most %d", tt.name, n, len(tt.data), tt.max)
		}
	}
}

// Anything but exactly one stream.
// spec: rns-link §8.7
func TestDecompressRefuses(t *testing.T) {
	z := bzip2.Compress(nil, []byte("hello, hello, hello"))
	empty := bzip2.Compress(nil, nil)
	flipped := bytes.Clone(z)
	flipped[len(flipped)/2] ^= 0x10
	tests := []struct {
		name string
		in   []byte
	}{
		{"nothing", nil},
		{"header only", []byte("BZh9")},
		{"another format", []byte("PK\x03\x04 and so on")},
		{"level zero", append([]byte("BZh0"), z[4:]...)},
		{"truncated", z[:len(z)-1]},
		{"damaged", flipped},
		{"one byte more", append(bytes.Clone(z), 0)},
		{"two bytes more", append(bytes.Clone(z), 0, 0)},
		{"text after it", append(bytes.Clone(z), "trailing garbage"...)},
		{"B after it", append(bytes.Clone(z), 'B')},
		{"BZh9 after it", append(bytes.Clone(z), "BZh9"...)},
		{"a second stream", append(bytes.Clone(z), z...)},
		{"an empty second stream", append(bytes.Clone(z), empty...)},
		{"a second stream after an empty one", append(bytes.Clone(empty), z...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := bzip2.Decompress(tt.in, 1000); !errors.Is(err, bzip2.ErrCorrupt) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

// What a bomb expands to, and the memory for it, stay within the limit.
func TestDecompressBomb(t *testing.T) {
	bomb := bzip2.Compress(nil, make([]byte, 20_000_000))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	const times = 10
	for range times {
		if _, err := bzip2.Decompress(bomb, 16_384); !errors.Is(err, bzip2.ErrTooLong) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / times; got > 1<<20 {
		t.Errorf("%d bytes allocated for a limit of 16 kB", got)
	}
}

func TestWorth(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		want bool
	}{
		{"text", words(100_000), true},
		{"short text", []byte("hello there, how are you?"), true},
		{"random", random(1_000_000), false},
		{"random of one window", random(4096), false},
		{"compressed text", bzip2.Compress(nil, words(200_000)), false},
		{"random that repeats", bytes.Repeat(random(700), 300), true},
		{"half random, half zeros", append(random(200_000), make([]byte, 200_000)...), true},
		{"hexadecimal", []byte(strings.ToLower(fmt.Sprintf("%x", random(20_000)))), true},
	}
	for _, tt := range tests {
		if got := bzip2.Worth(tt.data); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.IntRange(1, 5).Draw(t, "alphabet")
		data := rapid.SliceOfN(rapid.ByteRange(0, byte(alphabet-1)), 0, 300).Draw(t, "data")
		data = bytes.Repeat(data, rapid.IntRange(1, 5).Draw(t, "times"))
		got, err := bzip2.Decompress(bzip2.Compress(nil, data), len(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%x came back as %x, %v", data, got, err)
		}
	})
}

func FuzzCompress(f *testing.F) {
	for _, s := range []string{"", "a", "banana", "abababababab", "mississippi\x00\x00\x00\x00\x00"} {
		f.Add([]byte(s), uint8(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, times uint8) {
		data = bytes.Repeat(data, int(times%8)+1)
		got, err := bzip2.Decompress(bzip2.Compress(nil, data), len(data))
		if err != nil || !bytes.Equal(got, data) {
			t.Fatalf("%x came back as %x, %v", data, got, err)
		}
	})
}

func FuzzDecompress(f *testing.F) {
	f.Add(bzip2.Compress(nil, []byte("hello hello hello")))
	f.Add(bzip2.Compress(nil, nil))
	f.Fuzz(func(t *testing.T, z []byte) {
		const limit = 100_000
		got, err := bzip2.Decompress(z, limit)
		if err != nil {
			return
		}
		want, err := io.ReadAll(io.LimitReader(stdlib.NewReader(bytes.NewReader(z)), limit+1))
		if err != nil || !bytes.Equal(got, want) {
			t.Fatalf("the standard library reads %d bytes, %v; here %d", len(want), err, len(got))
		}
	})
}

func BenchmarkCompress(b *testing.B) {
	for _, in := range []struct {
		name string
		data []byte
	}{
		{"words", words(1 << 20)}, {"random", random(1 << 20)}, {"zeros", make([]byte, 1<<20)},
		{"fibonacci", fibonacci(1 << 20)}, {"short", words(400)},
	} {
		b.Run(in.name, func(b *testing.B) {
			b.SetBytes(int64(len(in.data)))
			b.ReportAllocs()
			var out []byte
			for b.Loop() {
				out = bzip2.Compress(out[:0], in.data)
			}
			b.ReportMetric(float64(len(out))/float64(len(in.data)), "ratio")
		})
	}
}

func BenchmarkDecompress(b *testing.B) {
	data := words(1 << 20)
	z := bzip2.Compress(nil, data)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := bzip2.Decompress(z, len(data)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWorth(b *testing.B) {
	data := random(1 << 20)
	for b.Loop() {
		bzip2.Worth(data)
	}
}
