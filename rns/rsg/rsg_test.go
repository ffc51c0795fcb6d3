package rsg

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/spec/vectortest"
)

const vectors = "rns-link.json"

func identityOf(tb testing.TB, name string) *rns.Identity {
	tb.Helper()
	type vector struct {
		ID      string         `json:"id"`
		Private vectortest.Hex `json:"private_key"`
		Key     vectortest.Hex `json:"private"`
	}
	for _, v := range vectortest.Group[vector](tb, vectortest.Load(tb, vectors), "identity") {
		if v.ID == name {
			id, err := rns.ParseIdentity(append(v.Private, v.Key...))
			if err != nil {
				tb.Fatal(err)
			}
			return id
		}
	}
	tb.Fatalf("no identity %q", name)
	return nil
}

// spec: rns-link §13.4
func TestVectorSignatures(t *testing.T) {
	type vector struct {
		Identity  string
		Message   vectortest.Hex
		RSG       vectortest.Hex
		Signature vectortest.Hex
		Envelope  vectortest.Hex
		Embedded  bool
	}
	vectortest.Each(t, vectors, "rsg", func(t *testing.T, v vector) {
		id := identityOf(t, v.Identity)
		s, err := Parse(v.RSG)
		if err != nil {
			t.Fatal(err)
		}
		signer := id.Hash()
		if err := s.Verify(rns.FullHash(v.Message), &signer); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(s.Signature[:], v.Signature) || !bytes.Equal(s.envelope, v.Envelope) || s.HasMessage != v.Embedded {
			t.Fatal("fields differ")
		}
		own := Sign(id, rns.FullHash(v.Message), s.Meta)
		if v.Embedded {
			own = SignMessage(id, v.Message, s.Meta)
			if err := s.VerifyMessage(nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := own.Append(nil); !bytes.Equal(got, v.RSG) {
			t.Fatal(cmp.Diff(hex.EncodeToString(v.RSG), hex.EncodeToString(got)))
		}
	})
}

func TestVectorText(t *testing.T) {
	var file vectortest.Hex
	type signature struct {
		ID  string
		RSG vectortest.Hex
	}
	for _, v := range vectortest.Group[signature](t, vectortest.Load(t, vectors), "rsg") {
		if v.ID == "rnid-rsg" {
			file = v.RSG
		}
	}
	vectortest.Each(t, vectors, "rsg_text", func(t *testing.T, v struct{ Encoding, Text string }) {
		s, err := ParseText([]byte(v.Text))
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Append(nil); !bytes.Equal(got, file) {
			t.Fatalf("%x", got)
		}
		if v.Encoding != "base64url" {
			t.Fatalf("encoding %s", v.Encoding)
		}
		if diff := cmp.Diff(v.Text, string(AppendText(nil, file, Base64))); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestVectorLegacy(t *testing.T) {
	type vector struct {
		Identity           string
		Message, Signature vectortest.Hex
	}
	vectortest.Each(t, vectors, "rsg_legacy", func(t *testing.T, v vector) {
		id := identityOf(t, v.Identity)
		if _, err := Parse(v.Signature); !errors.Is(err, ErrLegacy) {
			t.Fatal(err)
		}
		if s := id.Sign(v.Message); !bytes.Equal(s[:], v.Signature) || !id.Public().Verify(v.Message, v.Signature) {
			t.Fatal("another signature")
		}
	})
}

func TestVectorEncryptedFile(t *testing.T) {
	type vector struct {
		Identity        string
		Ephemeral       vectortest.Hex `json:"ephemeral_private"`
		IV              vectortest.Hex
		Plaintext, File vectortest.Hex
	}
	vectortest.Each(t, vectors, "rfe", func(t *testing.T, v vector) {
		id := identityOf(t, v.Identity)
		var out bytes.Buffer
		draw := bytes.NewReader(append(append([]byte(nil), v.Ephemeral...), v.IV...))
		if n, err := Encrypt(draw, &out, bytes.NewReader(v.Plaintext), id.Public()); err != nil || n != int64(len(v.File)) || !bytes.Equal(out.Bytes(), v.File) {
			t.Fatalf("%d bytes, %v\n%x", n, err, out.Bytes())
		}
		out.Reset()
		if _, err := Decrypt(&out, bytes.NewReader(v.File), id); err != nil || !bytes.Equal(out.Bytes(), v.Plaintext) {
			t.Fatalf("%v %x", err, out.Bytes())
		}
	})
}

func someone(tb testing.TB, n byte) *rns.Identity {
	tb.Helper()
	id, err := rns.NewIdentity(bytes.NewReader(bytes.Repeat([]byte{n}, rns.PrivateKeySize)))
	if err != nil {
		tb.Fatal(err)
	}
	return id
}

// Every way in which a signature can be about something or somebody else has its error. spec: rns-link §13.4
func TestVerifyRefusals(t *testing.T) {
	me, other := someone(t, 1), someone(t, 2)
	content := rns.FullHash([]byte("content"))
	good := Sign(me, content, nil)
	mine, theirs := me.Hash(), other.Hash()
	forged := good
	forged.Signature[3] ^= 1
	lying := func() Signature { // names me, carries the keys of another, who signed
		s := Sign(other, content, nil)
		b := bytes.Replace(s.envelope, theirs[:], mine[:], 1)
		sig := other.Sign(b)
		p, err := Parse(append(sig[:], b...))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}()
	for _, tt := range []struct {
		name     string
		s        Signature
		hash     rns.Hash
		required *rns.Addr
		want     error
	}{
		{"anybody", good, content, nil, nil},
		{"required signer", good, content, &mine, nil},
		{"another signer", good, content, &theirs, ErrSigner},
		{"other content", good, rns.FullHash(nil), nil, ErrContent},
		{"changed signature", forged, content, &mine, ErrInvalid},
		{"keys of another", lying, content, &mine, ErrSigner},
		{"keys of another, anybody", lying, content, nil, ErrSigner},
	} {
		if err := tt.s.Verify(tt.hash, tt.required); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if err := good.VerifyMessage(nil); !errors.Is(err, ErrNoMessage) {
		t.Error(err)
	}
}

func TestParseRefusals(t *testing.T) {
	me := someone(t, 1)
	good := Sign(me, rns.Hash{}, nil).Append(nil)
	envelope := func(pairs ...msgpack.Pair) []byte {
		return msgpack.Map(pairs...).Append(make([]byte, rns.SignatureSize))
	}
	text := func(k, v string) msgpack.Pair { return msgpack.Pair{Key: msgpack.Str(k), Value: msgpack.Str(v)} }
	for name, tt := range map[string]struct {
		b    []byte
		want error
	}{
		"nothing":         {nil, ErrFormat},
		"short":           {good[:63], ErrFormat},
		"old form":        {good[:64], ErrLegacy},
		"cut":             {good[:len(good)-1], ErrFormat},
		"more than all":   {append(bytes.Clone(good), 0), ErrFormat},
		"not a map":       {append(make([]byte, 64), 0x90), ErrFormat},
		"unknown hash":    {envelope(text("hashtype", "md5")), ErrHashType},
		"no hash":         {envelope(text("hashtype", "sha256")), ErrFormat},
		"hash is text":    {envelope(text("hashtype", "sha256"), text("hash", "x")), ErrFormat},
		"larger than all": {make([]byte, MaxSize+1), ErrTooLarge},
	} {
		if _, err := Parse(tt.b); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTextInEveryEncoding(t *testing.T) {
	if len(characters) != 256 || len(bytesByRune) != 256 {
		t.Fatalf("%d characters, %d of them different", len(characters), len(bytesByRune))
	}
	me := someone(t, 1)
	for n := range 70 { // all lengths of the last line
		want := SignMessage(me, bytes.Repeat([]byte{byte(n * 3)}, n), nil)
		for _, e := range []Encoding{Hex, Base32, Base64, Base256} {
			text := AppendText(nil, want.Append(nil), e)
			for line := range strings.Lines(string(text)) {
				if n := len([]rune(strings.TrimRight(line, "\n"))); n != columns {
					t.Fatalf("line of %d characters in %s", n, e)
				}
			}
			if !IsText(text) || IsText(want.Append(nil)) {
				t.Fatal("text and file are confused")
			}
			text = append(append([]byte("before\n"), bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n\r\n"))...), "\nafter"...)
			got, err := ParseText(text)
			if err != nil || !got.Equal(want) {
				t.Fatalf("%s of %d: %v", e, n, err)
			}
		}
	}
	for _, bad := range []string{"", "#### Start", "hello, world", strings.Repeat("0", 64)} {
		if _, err := ParseText([]byte(bad)); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// pattern is a reader of n bytes that are not all the same.
type pattern struct{ at, n int64 }

func (p *pattern) Read(b []byte) (int, error) {
	if p.at >= p.n {
		return 0, io.EOF
	}
	b = b[:min(int64(len(b)), p.n-p.at)]
	for i := range b {
		b[i] = byte((p.at + int64(i)) / 251)
	}
	p.at += int64(len(b))
	return len(b), nil
}

func TestEncryptedFileOfSeveralChunks(t *testing.T) {
	id := someone(t, 1)
	for _, n := range []int64{0, 1, firstRead, ChunkSize - 1, ChunkSize, ChunkSize + 1, 2*ChunkSize + 5} {
		var file, back bytes.Buffer
		if _, err := Encrypt(rand.Reader, &file, &pattern{n: n}, id.Public()); err != nil {
			t.Fatal(err)
		}
		if full := int(n / ChunkSize); full > 0 && file.Len() < full*EncryptedChunkSize {
			t.Fatalf("%d bytes for %d chunks", file.Len(), full)
		}
		if m, err := Decrypt(&back, bytes.NewReader(file.Bytes()), id); err != nil || m != n {
			t.Fatalf("%d of %d: %v", m, n, err)
		}
		want, err := HashOf(&pattern{n: n})
		if got, _ := HashOf(&back); err != nil || got != want {
			t.Fatalf("content of %d differs", n)
		}
		if n == 0 {
			continue
		}
		if _, err := Decrypt(io.Discard, bytes.NewReader(file.Bytes()), someone(t, 2)); !errors.Is(err, ErrNotFor) {
			t.Fatal(err)
		}
		if _, err := Decrypt(io.Discard, bytes.NewReader(file.Bytes()[:file.Len()-1]), id); !errors.Is(err, ErrNotFor) {
			t.Fatal(err)
		}
	}
}

func TestEncryptPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	id := someone(t, 1)
	if _, err := Encrypt(rand.Reader, io.Discard, io.MultiReader(strings.NewReader("x"), failing{broken}), id.Public()); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	if _, err := Encrypt(rand.Reader, failing{broken}, strings.NewReader("x"), id.Public()); !errors.Is(err, broken) {
		t.Fatal(err)
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error)  { return 0, f.err }
func (f failing) Write([]byte) (int, error) { return 0, f.err }
