package lxmf_test

import (
	"bytes"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/rnstest"
)

// Fields are kept byte for byte, also where another encoding would be shorter, and with keys that are no numbers.
// spec: lxmf §4
func TestRawFields(t *testing.T) {
	encoded := []byte{
		0x83,             // three fields
		0xcd, 0x01, 0x00, // 0x0100 …
		0xcc, 0x05, // … 5, longer than needed
		0xa1, 'k', 0xca, 0x3f, 0x80, 0, 0, // "k": a short float
		0x0f, 0x02,
	}
	payload := append([]byte{0x94, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xc4, 0, 0xc4, 0}, encoded...)
	packed := append(make([]byte, 96), payload...)
	m, err := lxmf.Parse(packed)
	if err != nil {
		t.Fatal(err)
	}
	fields := m.RawFields()
	if len(fields) != 3 {
		t.Fatalf("%d fields", len(fields))
	}
	if id, ok := fields[0].ID(); !ok || id != 0x100 || !bytes.Equal(fields[0].EncodedValue, []byte{0xcc, 5}) {
		t.Errorf("%v %x", id, fields[0].EncodedValue)
	}
	if _, ok := fields[1].ID(); ok {
		t.Error("a text is a number")
	}
	if got := lxmf.AppendRawFields(nil, fields); !bytes.Equal(got, encoded) {
		t.Errorf("%x, want %x", got, encoded)
	}
	again, err := lxmf.ParseRawFields(lxmf.AppendRawFields(nil, fields[:2]))
	if err != nil || len(again) != 2 || !bytes.Equal(again[1].Encoded, fields[1].Encoded) {
		t.Errorf("%v, %v", again, err)
	}
	if n := lxmf.FieldID(0x40).Name(); n != "reaction" {
		t.Errorf("name %q", n)
	}
}

// Our own messages have the same fields raw.
func TestRawFieldsOfOwnMessage(t *testing.T) {
	id, err := rns.NewIdentity(rnstest.Random(7))
	if err != nil {
		t.Fatal(err)
	}
	m := lxmf.New(rns.Addr{1}, lxmf.DeliveryHash(id.Hash()), time.Unix(1_754_000_000, 0), nil, []byte("x"))
	m.Fields.SetRenderer(lxmf.RendererMarkdown)
	if m.RawFields() != nil {
		t.Error("fields before signing")
	}
	m.Sign(id)
	if got := m.RawFields(); len(got) != 1 || !got[0].Value.Equal(msgpack.Uint(2)) {
		t.Errorf("%v", got)
	}
}

func FuzzParseRawFields(f *testing.F) {
	f.Add([]byte{0x81, 0x0f, 0x02})
	f.Add([]byte{0xdf, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, err := lxmf.ParseRawFields(b)
		if err != nil {
			return
		}
		again, err := lxmf.ParseRawFields(lxmf.AppendRawFields(nil, fields))
		if err != nil || len(again) != len(fields) {
			t.Fatalf("%d fields become %d: %v", len(fields), len(again), err)
		}
		for i := range fields {
			if !bytes.Equal(again[i].Encoded, fields[i].Encoded) {
				t.Fatal("bytes changed")
			}
		}
	})
}
