package app

import (
	"bytes"
	"image/png"
	"strings"
	"testing"

	"meshchatx/internal/api"
	"meshchatx/rns/iface/mem"
)

// A message on paper: written by one, read by the other from its text, stored once, and by nobody else. spec: lxmf §5.6
func TestPaperFromPageToPage(t *testing.T) {
	a, b, _ := pair(t, mem.Conditions{})
	var p api.PaperView
	a.must("POST", a.of("/messages/paper"), api.SendMessage{Peer: b.id.Address, Content: "carried by hand"}, &p)
	if !strings.HasPrefix(p.URI, "lxm://") || p.Size > p.Limit {
		t.Fatalf("%+v", p)
	}
	var again api.PaperView
	a.must("GET", a.of("/messages/%s/paper", p.ID), nil, &again)
	if again != p {
		t.Errorf("the text of the message changes: %+v", again)
	}
	if d := a.state(p.ID); d.State != "paper" || !d.Final || d.Retryable {
		t.Errorf("state %+v", d)
	}
	if img, err := png.Decode(bytes.NewReader(a.do("GET", p.PNG[len(api.Prefix):], nil).body)); err != nil || img.Bounds().Dx() < 100 {
		t.Errorf("picture: %v", err)
	}
	if svg := a.do("GET", p.SVG[len(api.Prefix):], nil); !bytes.HasPrefix(svg.body, []byte("<svg ")) {
		t.Errorf("%d %.40s", svg.status, svg.body)
	}
	body := map[string]string{"uri": p.URI}
	if got := a.do("POST", a.of("/paper/read"), body); got.code() != "paper_for_another" {
		t.Errorf("its author reads it: %d %s", got.status, got.code())
	}
	var read api.PaperReadView
	b.must("POST", b.of("/paper/read"), body, &read)
	if read.ID != p.ID || read.Peer != a.id.Address || read.Known {
		t.Errorf("%+v", read)
	}
	b.must("POST", b.of("/paper/read"), body, &read)
	if got := b.window(a.id.Address); !read.Known || len(got) != 1 || got[0].Content != "carried by hand" || got[0].Method != "paper" || got[0].Verified != "valid" {
		t.Errorf("known %v, %+v", read.Known, got)
	}
	for uri, code := range map[string]string{
		"http://example": "not_a_paper_message", p.URI[:len(p.URI)-8] + "AAAAAAAA": "paper_unreadable",
	} {
		if got := b.do("POST", b.of("/paper/read"), map[string]string{"uri": uri}); got.code() != code {
			t.Errorf("%.20s: %d %s, want %s", uri, got.status, got.code(), code)
		}
	}
	long := api.SendMessage{Peer: b.id.Address, Content: strings.Repeat("x", 2100)}
	if got := a.do("POST", a.of("/messages/paper"), long); got.code() != "paper_too_large" {
		t.Errorf("too long: %d %s", got.status, got.code())
	}
	if got := a.do("POST", a.of("/messages/paper"), api.SendMessage{Peer: strings.Repeat("0f", 16), Content: "x"}); got.code() != "no_identity" {
		t.Errorf("to nobody: %d %s", got.status, got.code())
	}
}

// Reactions belong to the message they are about, on both sides, and are not unread. spec: lxmf §4.7
func TestReactions(t *testing.T) {
	a, b, _ := pair(t, mem.Conditions{})
	id := a.send(b.id.Address, "lunch?")
	a.until("delivery", func() bool { return a.state(id).State == "delivered" })
	var ref, twice api.MessageRef
	b.must("POST", b.of("/messages/%s/reactions", id), map[string]string{"content": "👍"}, &ref)
	b.until("delivery of the reaction", func() bool { return b.state(ref.ID).State == "delivered" })
	b.must("POST", b.of("/messages/%s/reactions", id), map[string]string{"content": "👍"}, &twice)
	if twice.ID != ref.ID {
		t.Error("the same reaction is sent twice")
	}
	for _, s := range []*site{a, b} {
		peer := b.id.Address
		if s == b {
			peer = a.id.Address
		}
		got := s.window(peer)
		if len(got) != 1 || len(got[0].Reactions) != 1 || got[0].Reactions[0].Content != "👍" || got[0].Reactions[0].From[0] != b.id.Address {
			t.Fatalf("%+v", got)
		}
		if mine := got[0].Reactions[0].Mine; (mine == ref.ID) != (s == b) {
			t.Errorf("mine %q", mine)
		}
	}
	var c api.ConversationView
	a.must("GET", a.of("/conversations/%s", b.id.Address), nil, &c)
	if c.Unread != 0 {
		t.Errorf("%d unread", c.Unread)
	}
	if got := b.do("POST", b.of("/messages/%s/reactions", id), map[string]string{"content": "two words"}); got.code() != "not_a_reaction" {
		t.Errorf("%d %s", got.status, got.code())
	}
	var reply api.MessageRef
	b.must("POST", b.of("/messages"), api.SendMessage{
		Peer: a.id.Address, Content: "*yes*", ReplyTo: id, Renderer: "markdown", Thread: "0102", CommentOn: id, Continues: id,
	}, &reply)
	b.until("delivery of the reply", func() bool { return b.state(reply.ID).State == "delivered" })
	last := a.window(b.id.Address)
	if m := last[len(last)-1]; m.Renderer != "markdown" || m.Thread != "0102" || m.CommentOn != id || m.Continues != id || m.ReplyTo == nil || m.ReplyTo.ID != id || len(m.Fields) != 0 {
		t.Errorf("%+v", m)
	}
}

// Who is blocked stays so after a restart, before anything is announced; lists and refusals are told. spec: lxmf §9.6
func TestPolicyOnThePage(t *testing.T) {
	a, b, _ := pair(t, mem.Conditions{})
	b.must("PUT", b.of("/blocked/%s", a.id.Address), nil, nil)
	id := a.send(b.id.Address, "hello?")
	a.until("the proof", func() bool { return a.state(id).State == "delivered" })
	if got := b.window(a.id.Address); len(got) != 0 {
		t.Errorf("%+v", got)
	}
	var p api.PolicyView
	b.must("GET", b.of("/policy"), nil, &p)
	if p.Blocked != 1 || len(p.Refused) == 0 || p.Refused[0].Reason != "blocked" {
		t.Errorf("%+v", p)
	}
	b.must("DELETE", b.of("/blocked/%s", a.id.Address), nil, nil)
	b.must("PATCH", b.of("/settings"), map[string]any{"items": []any{map[string]any{"key": "strangers", "value": "ignore"}}}, nil)
	b.must("PUT", b.of("/policy/allowed/%s", a.id.Address), map[string]string{"note": "from the club"}, nil)
	var l struct{ Items []api.ListedView }
	b.must("GET", b.of("/policy/allowed"), nil, &l)
	if len(l.Items) != 1 || l.Items[0].Identity != a.id.Hash || l.Items[0].Note != "from the club" {
		t.Errorf("%+v", l)
	}
	allowed := a.send(b.id.Address, "and now?")
	a.until("delivery", func() bool { return a.state(allowed).State == "delivered" })
	if got := b.window(a.id.Address); len(got) != 1 {
		t.Errorf("%+v", got)
	}
	b.must("DELETE", b.of("/policy/allowed/%s", a.id.Address), nil, nil)
	if got := b.do("PUT", b.of("/policy/ignored/%s", b.id.Address), map[string]string{}); got.code() != "own_address" {
		t.Errorf("%d %s", got.status, got.code())
	}
}
