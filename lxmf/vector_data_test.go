package lxmf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/spec/vectortest"

	"github.com/google/go-cmp/cmp"
)

// Current, odd and legacy announces of people.
// spec: lxmf §6.3, §8, §8.1
func TestVectorAnnounceDelivery(t *testing.T) {
	type vector struct {
		ID          string          `json:"id"`
		Data        vectortest.Hex  `json:"app_data"`
		Name        json.RawMessage `json:"display_name"`
		Cost        *int            `json:"stamp_cost"`
		Compression *bool           `json:"compression"`
		NameIn      *string         `json:"display_name_in"`
		CostIn      *int            `json:"stamp_cost_in"`
	}
	vectortest.Each(t, file, "announce_delivery", func(t *testing.T, v vector) {
		if v.Name == nil { // written by a router
			d := lxmf.DeliveryInfo{}
			if v.NameIn != nil {
				d.Name, d.Named = *v.NameIn, true
			}
			if v.CostIn != nil {
				d.StampCost = *v.CostIn
			}
			if got := d.Append(nil); !bytes.Equal(got, v.Data) {
				t.Errorf("written as %x, want %s", got, v.Data)
			}
			return
		}
		got, err := lxmf.ParseDeliveryInfo(v.Data)
		if err != nil {
			t.Fatal(err)
		}
		want := lxmf.DeliveryInfo{}
		var name *string
		if json.Unmarshal(v.Name, &name) == nil && name != nil {
			want.Name, want.Named = *name, true
		}
		if v.Cost != nil {
			want.StampCost = *v.Cost
		}
		if v.Compression != nil {
			want.Compression = lxmf.SupportNo
			if *v.Compression {
				want.Compression = lxmf.SupportYes
			}
		}
		if got != want {
			t.Errorf("got %+v, want %+v", got, want)
		}
	})
}

// Announces of propagation nodes.
// spec: lxmf §8, §8.2
func TestVectorAnnouncePropagation(t *testing.T) {
	type vector struct {
		ID    string         `json:"id"`
		Data  vectortest.Hex `json:"app_data"`
		Valid bool           `json:"valid"`
		Name  *string        `json:"name"`
		Cost  *int           `json:"stamp_cost"`
		Note  string         `json:"note"`
	}
	vectortest.Each(t, file, "announce_propagation", func(t *testing.T, v vector) {
		got, err := lxmf.ParsePropagationInfo(v.Data)
		if !v.Valid {
			if !errors.Is(err, lxmf.ErrPropagationInfo) {
				t.Errorf("read as %+v, %v", got, err)
			}
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if v.Name == nil && got.Named || v.Name != nil && got.Name != *v.Name || got.StampCost != *v.Cost {
			t.Errorf("got %+v", got)
		}
		if v.Note == "as announced by the reference" && !bytes.Equal(got.Append(nil), v.Data) {
			t.Errorf("written as %x, want %s", got.Append(nil), v.Data)
		}
	})
}

// What is asked of propagation nodes, and their answers.
// spec: lxmf §11, §11.1, §11.2, §11.3, §11.4, §11.5, §13
func TestVectorRequests(t *testing.T) {
	type vector struct {
		ID     string          `json:"id"`
		Value  json.RawMessage `json:"value"`
		Packed vectortest.Hex  `json:"packed"`
	}
	// rewrite reads data with the function for them and writes them again.
	rewrite := map[string]func(b []byte) ([]byte, error){
		"offer":       func(b []byte) ([]byte, error) { o, err := lxmf.ParseOffer(b); return o.Append(nil), err },
		"offer_empty": func(b []byte) ([]byte, error) { o, err := lxmf.ParseOffer(b); return o.Append(nil), err },
		"offer_response_none_wanted": func(b []byte) ([]byte, error) {
			a, err := lxmf.ParseOfferAnswer(b)
			return a.Append(nil), err
		},
		"offer_response_all_wanted": func(b []byte) ([]byte, error) {
			a, err := lxmf.ParseOfferAnswer(b)
			return a.Append(nil), err
		},
		"offer_response_some": func(b []byte) ([]byte, error) { a, err := lxmf.ParseOfferAnswer(b); return a.Append(nil), err },
		"invalid_stamp_signal": func(b []byte) ([]byte, error) {
			if !lxmf.IsInvalidStampSignal(b) {
				return nil, errors.New("not recognised")
			}
			return lxmf.InvalidStampSignal(), nil
		},
		"get_list":              func(b []byte) ([]byte, error) { g, err := lxmf.ParseGet(b); return g.Append(nil), err },
		"get_list_response":     func(b []byte) ([]byte, error) { l, err := lxmf.ParseIDs(b); return lxmf.AppendIDs(nil, l), err },
		"get_messages":          func(b []byte) ([]byte, error) { g, err := lxmf.ParseGet(b); return g.Append(nil), err },
		"get_messages_no_limit": func(b []byte) ([]byte, error) { g, err := lxmf.ParseGet(b); return g.Append(nil), err },
		"get_messages_response": func(b []byte) ([]byte, error) {
			l, err := lxmf.ParseSealed(b)
			return lxmf.AppendSealed(nil, l), err
		},
		"get_purge":     func(b []byte) ([]byte, error) { g, err := lxmf.ParseGet(b); return g.Append(nil), err },
		"sync_transfer": func(b []byte) ([]byte, error) { x, err := lxmf.ParseTransfer(b); return x.Append(nil), err },
		"peer_sync_request": func(b []byte) ([]byte, error) {
			p, err := lxmf.ParsePeerRequest(b)
			return lxmf.AppendPeerRequest(nil, p), err
		},
	}
	vectortest.Each(t, file, "requests", func(t *testing.T, v vector) {
		parsed := value(t, v.Value)
		if got := parsed.Append(nil); !bytes.Equal(got, v.Packed) {
			t.Errorf("value written as %x, want %s", got, v.Packed)
		}
		if fn, ok := rewrite[v.ID]; ok {
			if got, err := fn(v.Packed); err != nil || !bytes.Equal(got, v.Packed) {
				t.Errorf("rewritten as %x, %v", got, err)
			}
			return
		}
		if code, ok := parsed.Int(); ok {
			for _, err := range []error{second(lxmf.ParseOfferAnswer(v.Packed)), second(lxmf.ParseIDs(v.Packed)), second(lxmf.ParseSealed(v.Packed))} {
				if !errors.Is(err, lxmf.ErrorCode(code)) {
					t.Errorf("got %v, want %v", err, lxmf.ErrorCode(code))
				}
			}
			if got := lxmf.ErrorCode(code).Append(nil); !bytes.Equal(got, v.Packed) {
				t.Errorf("error written as %x", got)
			}
			return
		}
		if v.ID != "stats_response_keys" {
			t.Errorf("nothing reads %s", v.ID)
		}
	})
}

func second[T any](_ T, err error) error { return err }

// The files of LXMF programs.
// spec: lxmf §12.1, §14
func TestVectorPersistence(t *testing.T) {
	type vector struct {
		ID       string          `json:"id"`
		Packed   vectortest.Hex  `json:"packed"`
		Value    json.RawMessage `json:"value"`
		FileName string          `json:"file_name"`
	}
	vectortest.Each(t, file, "persistence", func(t *testing.T, v vector) {
		if v.Value != nil {
			if got := value(t, v.Value).Append(nil); !bytes.Equal(got, v.Packed) {
				t.Errorf("value written as %x, want %s", got, v.Packed)
			}
		}
		got, err := rewriteFile(t, v.ID, v.Packed, v.FileName)
		if err != nil || !bytes.Equal(got, v.Packed) {
			t.Errorf("rewritten as\n%x, %v, want\n%s", got, err, v.Packed)
		}
	})
}

// rewriteFile reads a file with the function for it and writes it again.
func rewriteFile(t *testing.T, id string, b []byte, name string) ([]byte, error) {
	t.Helper()
	switch id {
	case "message_container":
		c, err := lxmf.ParseContainer(b)
		if err != nil {
			return nil, err
		}
		m, err := lxmf.Parse(c.Packed)
		if err != nil || m.Hash.Hex() != name {
			t.Errorf("message %v, %v", m, err)
		}
		return c.Append(nil), nil
	case "outbound_stamp_costs":
		c, err := lxmf.ParseStampCosts(b)
		return lxmf.AppendStampCosts(nil, c), err
	case "available_tickets":
		x, err := lxmf.ParseTickets(b)
		return x.Append(nil), err
	case "local_deliveries":
		d, err := lxmf.ParseDeliveries(b)
		return lxmf.AppendDeliveries(nil, d), err
	case "node_stats":
		s, err := lxmf.ParseNodeStats(b)
		return s.Append(nil), err
	case "peer_entry":
		p, err := lxmf.ParsePeer(b)
		return p.Append(nil), err
	case "peers_file":
		p, err := lxmf.ParsePeers(b)
		return lxmf.AppendPeers(nil, p), err
	}
	t.Fatalf("nothing reads %s", id)
	return nil, nil
}

// The fields of the message vectors as typed accessors see them.
// spec: lxmf §4.1, §4.2, §4.3, §4.4, §4.5, §4.6, §4.7
func TestFieldAccessors(t *testing.T) {
	target := func(b []byte) lxmf.Target { return lxmf.Target{Hash: rns.Hash(b)} }
	hash, err := rns.ParseHash("e34bd3620b4c143fec5513fbf298610fcc5a16afda6092b1d53f1333f88adb59")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"field_icon_appearance":                lxmf.Icon{Name: "account-hard-hat", Foreground: [3]byte{0x11, 0x22, 0x33}, Background: [3]byte{0xee, 0xdd, 0xcc}},
		"field_one_attachment":                 []lxmf.Attachment{{Name: "notes.txt", Data: []byte("hello file")}},
		"field_attachment_name_bytes":          []lxmf.Attachment{{Name: "bytes-name.txt", Data: []byte("x")}},
		"field_image":                          "webp",
		"field_audio_codec2":                   lxmf.AudioCodec21200,
		"field_audio_opus_ogg":                 lxmf.AudioOpusOgg,
		"field_renderer_markdown":              lxmf.RendererMarkdown,
		"field_renderer_micron":                lxmf.RendererMicron,
		"field_reply":                          "original text",
		"field_reaction":                       lxmf.Reaction{To: target(hash[:]), Content: "\U0001f44d"},
		"field_comment":                        target(hash[:]),
		"field_continuation":                   target(hash[:]),
		"field_commands_ping":                  int64(2),
		"field_legacy_app_extensions_reaction": lxmf.Reaction{To: target(hash[:]), Content: "\u2764\ufe0f"},
	}
	seen := 0
	for _, v := range vectortest.Group[messageVector](t, vectortest.Load(t, file), "messages") {
		w, ok := want[v.ID]
		if !ok {
			continue
		}
		seen++
		f, err := lxmf.ParseFields(v.FieldsPacked)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(w, read(f, v.ID)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", v.ID, diff)
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d messages found", seen, len(want))
	}
}

func read(f lxmf.Fields, id string) any {
	var v any
	var ok bool
	switch id {
	case "field_icon_appearance":
		v, ok = f.Icon()
	case "field_one_attachment", "field_attachment_name_bytes":
		v, ok = f.Attachments(), true
	case "field_image":
		i, found := f.Image()
		v, ok = i.Format, found
	case "field_audio_codec2", "field_audio_opus_ogg":
		a, found := f.Audio()
		v, ok = a.Mode, found
	case "field_renderer_markdown", "field_renderer_micron":
		v, ok = f.Renderer(), true
	case "field_reply":
		_, found := f.ReplyTo()
		q, quoted := f.ReplyQuote()
		v, ok = q, found && quoted
	case "field_reaction", "field_legacy_app_extensions_reaction":
		v, ok = f.Reaction()
	case "field_comment":
		v, ok = f.Comment()
	case "field_continuation":
		v, ok = f.Continuation()
	case "field_commands_ping":
		if c := f.Commands(); len(c) == 1 && c[0].Argument.Equal(msgpack.Bool(true)) {
			v, ok = c[0].ID, true
		}
	}
	if !ok {
		return nil
	}
	return v
}
