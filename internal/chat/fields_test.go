package chat

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Fields that are not understood are kept byte for byte and listed; large ones stay with the message. spec: lxmf §4
func TestUnknownFieldsAreKept(t *testing.T) {
	encoded := []byte{0x84, 0xcd, 0x01, 0x00, 0xcc, 0x05, 0xa1, 'k', 0xca, 0x3f, 0x80, 0, 0, 0x08, 0xc4, 0x02, 0xab, 0xcd, 0x05, 0x01}
	packed := append(make([]byte, 96), 0x94, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0xc4, 0, 0xc4, 0)
	m, err := lxmf.Parse(append(packed, encoded...))
	if err != nil {
		t.Fatal(err)
	}
	got, whole := kept(m)
	if !bytes.Equal(got, encoded) || !whole {
		t.Errorf("kept %x, want %x", got, encoded)
	}
	d := details(store.Message{Fields: got})
	if !bytes.Equal(d.Thread, []byte{0xab, 0xcd}) {
		t.Errorf("thread %x", d.Thread)
	}
	want := []Extra{
		{Key: "256", Number: true, Size: 2, Preview: "5"},
		{Key: "k", Size: 5, Preview: "1.0"},
		{Key: "5", Number: true, Name: "attachments", Size: 1, Preview: "1"}, // not the form it should have
	}
	if len(d.Others) != len(want) {
		t.Fatalf("%+v", d.Others)
	}
	for i := range want {
		if d.Others[i] != want[i] {
			t.Errorf("%+v, want %+v", d.Others[i], want[i])
		}
	}
}

func TestLargeFieldStaysWithTheMessage(t *testing.T) {
	id, err := rns.ParseIdentity(bytes.Repeat([]byte{7}, 64))
	if err != nil {
		t.Fatal(err)
	}
	m := lxmf.New(rns.Addr{1}, lxmf.DeliveryHash(id.Hash()), time.Unix(1_754_000_000, 0), nil, []byte("x"))
	m.Fields.Set(lxmf.FieldDebug, msgpack.Bin(make([]byte, 5000)))
	m.Fields.Set(lxmf.FieldEvent, msgpack.Str("a\nb"+strings.Repeat("c", 200)))
	m.Sign(id)
	got, whole := kept(m)
	if whole || len(got) > 300 {
		t.Fatalf("%d bytes, whole %v", len(got), whole)
	}
	d := details(store.Message{Fields: got})
	if len(d.Others) != 2 || d.Others[0].Name != "debug" || d.Others[0].Size != 5003 || d.Others[0].Preview != "" {
		t.Errorf("%+v", d.Others)
	}
	if p := d.Others[1].Preview; !strings.HasPrefix(p, "a bc") || len(p) > 100 {
		t.Errorf("preview %q", p)
	}
}
