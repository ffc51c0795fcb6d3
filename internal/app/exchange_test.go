package app

import (
	"bytes"
	"crypto/rand"
	"errors"
	"path/filepath"
	"slices"
	"testing"

	"meshchatx/internal/api"
	"meshchatx/rns/iface/mem"
)

func (s *site) send(peer, text string, uploads ...string) string {
	s.t.Helper()
	var ref api.MessageRef
	s.must("POST", s.of("/messages"), api.SendMessage{Peer: peer, Content: text, Attachments: uploads}, &ref)
	return ref.ID
}

func (s *site) upload(name string, data []byte) api.UploadView {
	s.t.Helper()
	var u api.UploadView
	s.must("POST", s.of("/uploads?name=%s", name), data, &u)
	return u
}

// From one page to the other and back: names, text, files, states.
func TestTextAndFilesBothWays(t *testing.T) {
	a, b, _ := pair(t, mem.Conditions{})
	a.must("PATCH", a.of(""), map[string]string{"display_name": "Ana"}, nil)
	b.until("the new name", func() bool {
		var p api.PersonView
		b.must("GET", b.of("/people/%s", a.id.Address), nil, &p)
		return p.Name == "Ana"
	})
	text := a.send(b.id.Address, "hello")
	a.until("delivery", func() bool { return a.state(text).State == "delivered" })
	if got := b.window(a.id.Address); len(got) != 1 || got[0].Content != "hello" || got[0].Verified != "valid" || !got[0].Unread {
		t.Fatalf("%+v", got)
	}
	data := make([]byte, 300_000)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	up := b.upload("plan.bin", data)
	file := b.send(a.id.Address, "the plan", up.ID)
	b.until("delivery of the file", func() bool { return b.state(file).State == "delivered" })
	got := a.window(b.id.Address)
	last := got[len(got)-1]
	if len(last.Attachments) != 1 || last.Attachments[0].Name != "plan.bin" || last.Attachments[0].Gated {
		t.Fatalf("%+v", last)
	}
	if body := a.do("GET", last.Attachments[0].URL[len(api.Prefix):], nil); !bytes.Equal(body.body, data) {
		t.Fatalf("%d bytes, %d", len(body.body), body.status)
	}
	kinds := a.kinds(text)
	if kinds[0] != "queued" || kinds[len(kinds)-1] != "delivered" || slices.Contains(kinds, "failed") {
		t.Fatal(kinds)
	}
}

func (s *site) kinds(id string) []string {
	s.t.Helper()
	var log struct{ Items []api.MessageEventView }
	s.must("GET", s.of("/messages/%s/events", id), nil, &log)
	var out []string
	for _, e := range log.Items {
		out = append(out, e.Kind)
	}
	return out
}

// A message written while nothing is connected waits, survives a restart of the
// program, and arrives once when there is a way again.
func TestMessageSurvivesRestart(t *testing.T) {
	x, y := mem.Pair("Wire", "Wire", mem.Conditions{})
	dir := t.TempDir()
	a, b := run(t, options{dir: dir, wire: x}), run(t, options{wire: y})
	a.heard(b.id.Address)
	x.Break(errors.New("cable pulled"))
	id := a.send(b.id.Address, "are you there?")
	if st := a.state(id); st.Final {
		t.Fatalf("%+v", st)
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	x.Repair()
	a = run(t, options{dir: dir, wire: x})
	a.until("delivery", func() bool { return a.state(id).State == "delivered" })
	if got := b.window(a.id.Address); len(got) != 1 || got[0].ID != id {
		t.Fatalf("%+v", got)
	}
	if kinds := a.kinds(id); !slices.Contains(kinds, "resumed") {
		t.Fatal(kinds)
	}
}

// Two identities of one program are both online, and apart.
func TestTwoIdentities(t *testing.T) {
	a, b, _ := pair(t, mem.Conditions{})
	var second api.IdentityView
	b.must("POST", "/identities", map[string]string{"display_name": "Second"}, &second)
	if !second.Online || second.DisplayName != "Second" {
		t.Fatalf("%+v", second)
	}
	a.heard(second.Address)
	id := a.send(second.Address, "for the second")
	a.until("delivery", func() bool { return a.state(id).State == "delivered" })
	if got := b.window(a.id.Address); len(got) != 0 {
		t.Fatalf("the first identity has it: %+v", got)
	}
	if r := b.do("GET", b.of("/messages/%s", id), nil); r.status != 404 {
		t.Fatalf("the first identity reads it: %d", r.status)
	}
	if r := b.do("GET", "/identities/"+second.Hash+"/messages/"+id, nil); r.status != 200 {
		t.Fatalf("the second identity does not: %d %s", r.status, r.body)
	}
	// Disabled, it is gone from the network but kept; the last one stays.
	b.must("PATCH", "/identities/"+second.Hash, map[string]bool{"enabled": false}, nil)
	if r := b.do("GET", "/identities/"+second.Hash+"/conversations", nil); r.code() != "identity_offline" {
		t.Fatal(r.code())
	}
	if r := b.do("PATCH", b.of(""), map[string]bool{"enabled": false}); r.code() != "last_identity" {
		t.Fatal(r.code())
	}
	b.must("PATCH", "/identities/"+second.Hash, map[string]bool{"enabled": true}, nil)
	if r := b.do("GET", "/identities/"+second.Hash+"/messages/"+id, nil); r.status != 200 {
		t.Fatalf("after enabling: %d", r.status)
	}
}

// Losing server.db loses no identity: they are found by their directories.
func TestIdentitiesOutliveTheServersDatabase(t *testing.T) {
	dir := t.TempDir()
	a := run(t, options{dir: dir})
	before := a.id.Hash
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm"} {
		if err := removeIfThere(filepath.Join(dir, "storage", serverDatabase+suffix)); err != nil {
			t.Fatal(err)
		}
	}
	a = run(t, options{dir: dir})
	if all := a.identities(); len(all) != 1 || all[0].Hash != before {
		t.Fatalf("%+v", all)
	}
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	a := run(t, options{})
	_, err := Open(t.Context(), Config{StorageDir: a.conf.StorageDir, ReticulumDir: a.conf.ReticulumDir, PlainHTTP: true})
	if !errors.Is(err, ErrInUse) {
		t.Fatal(err)
	}
	i, err := FindInstance(a.conf.StorageDir)
	if err != nil || i.URL != a.URL() {
		t.Fatalf("%+v, %v", i, err)
	}
	if err := a.stop(); err != nil {
		t.Fatal(err)
	}
	if _, err := FindInstance(a.conf.StorageDir); !errors.Is(err, ErrNotRunning) {
		t.Fatal(err)
	}
}

// A configuration file that cannot be read stops nothing: the page says why.
func TestPageComesUpWithoutConfiguration(t *testing.T) {
	a := run(t, options{file: "[interfaces\n"})
	var n api.NetworkView
	a.must("GET", "/network", nil, &n)
	if n.Code != "config_unreadable" || n.Reachable != "no" {
		t.Fatalf("%+v", n)
	}
	id := a.send("00112233445566778899aabbccddeeff", "kept")
	if st := a.state(id); st.Final {
		t.Fatalf("%+v", st)
	}
}
