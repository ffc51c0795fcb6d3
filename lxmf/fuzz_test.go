package lxmf_test

import (
	"bytes"
	"runtime"
	"testing"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

func FuzzParse(f *testing.F) {
	for _, v := range vectortest.Group[messageVector](f, vectortest.Load(f, file), "messages") {
		f.Add([]byte(v.Packed))
	}
	type unpackVector struct {
		Packed vectortest.Hex `json:"packed"`
	}
	for _, v := range vectortest.Group[unpackVector](f, vectortest.Load(f, file), "unpack") {
		f.Add([]byte(v.Packed))
	}
	key := identities(f)["alice"].Public()
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := lxmf.Parse(b)
		if err != nil {
			return
		}
		packed, err := m.Pack(nil)
		if err != nil || len(packed) != m.PackedSize() {
			t.Fatalf("%d bytes, %d expected, %v", len(packed), m.PackedSize(), err)
		}
		again, err := lxmf.Parse(packed)
		if err != nil || again.Hash != m.Hash || !bytes.Equal(again.Stamp, m.Stamp) {
			t.Fatalf("packed again as %x: %v, %v", packed, again, err)
		}
		_ = m.Verify(key)
		m.ReplyTo()
		m.Silent()
		m.Time()
		touch(m.Fields)
	})
}

// touch reads everything that fields may hold.
func touch(f lxmf.Fields) {
	for _, a := range f.Attachments() {
		a.FileName()
	}
	f.Image()
	f.Audio()
	f.Icon()
	f.Ticket()
	f.Reaction()
	f.Comment()
	f.Continuation()
	f.ReplyQuote()
	f.Commands()
	f.Embedded()
	f.Telemetry()
	f.Thread()
	f.Renderer()
}

func FuzzFields(f *testing.F) {
	for _, v := range vectortest.Group[messageVector](f, vectortest.Load(f, file), "messages") {
		f.Add([]byte(v.FieldsPacked))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fields, err := lxmf.ParseFields(b)
		if err != nil {
			return
		}
		touch(fields)
		if r, ok := fields.Reaction(); ok && len(r.Content) > 64 {
			t.Fatalf("reaction of %d bytes", len(r.Content))
		}
		if again, err := lxmf.ParseFields(fields.Append(nil)); err != nil || again.Len() != fields.Len() {
			t.Fatalf("written again: %v", err)
		}
	})
}

func FuzzAnnounce(f *testing.F) {
	type vector struct {
		Data vectortest.Hex `json:"app_data"`
	}
	for _, group := range []string{"announce_delivery", "announce_propagation"} {
		for _, v := range vectortest.Group[vector](f, vectortest.Load(f, file), group) {
			f.Add([]byte(v.Data))
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, err := lxmf.ParseDeliveryInfo(b); err == nil {
			if again, err := lxmf.ParseDeliveryInfo(d.Append(nil)); err != nil || again.Name != d.Name || again.StampCost != d.StampCost {
				t.Fatalf("%+v became %+v, %v", d, again, err)
			}
		}
		if p, err := lxmf.ParsePropagationInfo(b); err == nil {
			again, err := lxmf.ParsePropagationInfo(p.Append(nil))
			if err != nil || again.RequiredCost() != p.RequiredCost() || again.Name != p.Name || again.TransferLimit != p.TransferLimit {
				t.Fatalf("%+v became %+v, %v", p, again, err)
			}
		}
	})
}

func FuzzPropagation(f *testing.F) {
	type vector struct {
		Packed vectortest.Hex `json:"packed"`
	}
	for _, v := range vectortest.Group[vector](f, vectortest.Load(f, file), "requests") {
		f.Add([]byte(v.Packed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := lxmf.ParseOffer(b); err == nil {
			if again, err := lxmf.ParseOffer(o.Append(nil)); err != nil || len(again.IDs) != len(o.IDs) {
				t.Fatalf("offer %v became %v, %v", o, again, err)
			}
		}
		if g, err := lxmf.ParseGet(b); err == nil {
			if again, err := lxmf.ParseGet(g.Append(nil)); err != nil || again.IsList() != g.IsList() || again.Limit != g.Limit {
				t.Fatalf("get %v became %v, %v", g, again, err)
			}
		}
		if x, err := lxmf.ParseTransfer(b); err == nil {
			if again, err := lxmf.ParseTransfer(x.Append(nil)); err != nil || len(again.Stored) != len(x.Stored) {
				t.Fatalf("transfer %v became %v, %v", x, again, err)
			}
			for _, s := range x.Stored {
				if stored, err := lxmf.ParseStored(s); err == nil && !bytes.Equal(stored.Append(nil), s) {
					t.Fatalf("stored %x", s)
				}
			}
		}
		_, _ = lxmf.ParseOfferAnswer(b)
		_, _ = lxmf.ParseIDs(b)
		_, _ = lxmf.ParseSealed(b)
		_, _ = lxmf.ParsePeerRequest(b)
		lxmf.IsInvalidStampSignal(b)
	})
}

func FuzzFiles(f *testing.F) {
	type vector struct {
		Packed vectortest.Hex `json:"packed"`
	}
	for _, v := range vectortest.Group[vector](f, vectortest.Load(f, file), "persistence") {
		f.Add([]byte(v.Packed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		stable := func(write func([]byte) ([]byte, error)) {
			t.Helper()
			once, err := write(b)
			if err != nil {
				return
			}
			if twice, err := write(once); err != nil || !bytes.Equal(once, twice) {
				t.Fatalf("%x became %x, %v", once, twice, err)
			}
		}
		stable(func(b []byte) ([]byte, error) {
			v, err := lxmf.ParseStampCosts(b)
			return lxmf.AppendStampCosts(nil, v), err
		})
		stable(func(b []byte) ([]byte, error) { v, err := lxmf.ParseTickets(b); return v.Append(nil), err })
		stable(func(b []byte) ([]byte, error) {
			v, err := lxmf.ParseDeliveries(b)
			return lxmf.AppendDeliveries(nil, v), err
		})
		stable(func(b []byte) ([]byte, error) { v, err := lxmf.ParseNodeStats(b); return v.Append(nil), err })
		stable(func(b []byte) ([]byte, error) { v, err := lxmf.ParseContainer(b); return v.Append(nil), err })
		stable(func(b []byte) ([]byte, error) { v, err := lxmf.ParsePeers(b); return lxmf.AppendPeers(nil, v), err })
		_, _ = lxmf.ParsePeer(b)
	})
}

func FuzzSealed(f *testing.F) {
	bob := identities(f)["bob"]
	sealed, err := message(f, "hello").Seal(newRandom(), bob.Public(), nil)
	if err != nil {
		f.Fatal(err)
	}
	uri, err := lxmf.PaperURI(sealed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uri, sealed)
	f.Add("LXM://///", []byte{})
	f.Fuzz(func(t *testing.T, uri string, b []byte) {
		if s, err := lxmf.ParsePaperURI(uri); err == nil {
			if again, err := lxmf.PaperURI(s); err == nil {
				if back, err := lxmf.ParsePaperURI(again); err != nil || !bytes.Equal(back, s) {
					t.Fatalf("%s became %s, %v", uri, again, err)
				}
			}
		}
		_, _ = lxmf.ParseStoredName(uri)
		packed, err := lxmf.Open(b, bob, nil, rns.RatchetsOptional)
		if err == nil && len(packed) < rns.AddrSize {
			t.Fatalf("opened to %x", packed)
		}
	})
}

// Attachments of a large message are not copied when it is parsed.
func TestParseDoesNotCopyAttachments(t *testing.T) {
	alice, _, from, to := pair(t)
	m := lxmf.New(to, from, written, nil, nil)
	m.Fields.SetAttachments(lxmf.Attachment{Name: "large", Data: make([]byte, 4<<20)})
	m.Sign(alice)
	packed, err := m.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := lxmf.Parse(packed); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes allocated", n)
	}
}
