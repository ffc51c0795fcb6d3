package rsg

import (
	"bytes"
	"io"
	"testing"

	"meshchatx/rns"
)

func FuzzParse(f *testing.F) {
	me := someone(f, 1)
	f.Add(SignMessage(me, []byte("hello"), nil).Append(nil))
	f.Add(Sign(me, rns.Hash{}, nil).Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := Parse(b)
		if err != nil {
			return
		}
		if !bytes.Equal(s.Append(nil), b) {
			t.Fatal("written differently than read")
		}
		if s.Verify(s.Hash, nil) == nil && s.Public.Hash() != s.Signer {
			t.Fatal("keys of somebody else were accepted")
		}
	})
}

func FuzzParseText(f *testing.F) {
	me := someone(f, 1)
	for _, e := range []Encoding{Hex, Base32, Base64, Base256} {
		f.Add(AppendText(nil, Sign(me, rns.Hash{}, nil).Append(nil), e))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ParseText(b)
		if err != nil {
			return
		}
		again, err := ParseText(AppendText(nil, s.Append(nil), Base32))
		if err != nil || !again.Equal(s) {
			t.Fatalf("another signature: %v", err)
		}
	})
}

func FuzzDecrypt(f *testing.F) {
	me := someone(f, 1)
	var file bytes.Buffer
	if _, err := Encrypt(bytes.NewReader(make([]byte, 48)), &file, bytes.NewReader([]byte("hello")), me.Public()); err != nil {
		f.Fatal(err)
	}
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := Decrypt(io.Discard, bytes.NewReader(b), me)
		if err == nil && n > int64(len(b)) {
			t.Fatal("more came out than went in")
		}
	})
}
