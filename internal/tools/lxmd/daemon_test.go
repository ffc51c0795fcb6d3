package lxmd

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meshchatx/lxmf"
	"meshchatx/lxmf/propagation"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

func TestWords(t *testing.T) {
	for _, test := range []struct {
		line string
		want []string
	}{
		{"", nil}, {"  ", nil}, {"rm", []string{"rm"}}, {" a\tb ", []string{"a", "b"}},
		{`a "b c" 'd e'`, []string{"a", "b c", "d e"}}, {`a\ b`, []string{"a b"}}, {`"a\"b\\c\d"`, []string{`a"b\c\d`}},
		{`'a\b'`, []string{`a\b`}}, {`""`, []string{""}}, {`a"b"'c'`, []string{"abc"}},
		{`a $(b) ; c | d > e`, []string{"a", "$(b)", ";", "c", "|", "d", ">", "e"}},
	} {
		if got, err := Words(test.line); err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%q becomes %q, %v", test.line, got, err)
		}
	}
	for _, bad := range []string{`"a`, `'a`, `a\`} {
		if _, err := Words(bad); !errors.Is(err, ErrCommand) {
			t.Errorf("%q gives %v", bad, err)
		}
	}
}

// log is what a part of the daemon says.
func logTo(b *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(b, nil)) }

// The file is the last argument, whatever its name looks like, and nobody expands it.
func TestHookGetsTheFile(t *testing.T) {
	cp, err := exec.LookPath("cp")
	if err != nil {
		t.Skip("the hook of this test is the program cp, which this system has not")
	}
	dir := t.TempDir()
	from := filepath.Join(dir, "a $(touch x); b")
	put(t, from, "content")
	var said bytes.Buffer
	h, err := newHook("'"+cp+"' -t "+filepath.Join(dir, "to"), DefaultParams(), logTo(&said))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "to"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := h.run(t.Context(), from); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "to", filepath.Base(from))); err != nil || string(b) != "content" {
		t.Errorf("the command did not get the file: %v", err)
	}
}

func TestHookIsBounded(t *testing.T) {
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Skip("the hook of this test is the program sleep, which this system has not")
	}
	var said bytes.Buffer
	p := DefaultParams()
	p.HookTime, p.HookQueue = 20*time.Millisecond, 1
	h, err := newHook(sleep, p, logTo(&said))
	if err != nil {
		t.Fatal(err)
	}
	if err := h.run(t.Context(), "60"); err == nil || !strings.Contains(err.Error(), "took longer") {
		t.Errorf("a command that does not end gives %v", err)
	}
	h.add("first")
	h.add("second")
	if !strings.Contains(said.String(), "second") {
		t.Errorf("a message too many is not told of: %s", said.String())
	}
	if _, err := newHook("/nowhere/at/all", p, logTo(&said)); err == nil {
		t.Error("a command that is not there is taken")
	}
	if h, err := newHook("", p, logTo(&said)); h != nil || err != nil {
		t.Error("no command is one")
	}
}

// spec: lxmf §14
func TestInboxWritesFilesOfTheReference(t *testing.T) {
	dir := t.TempDir()
	b := &inbox{dir: dir, log: logTo(new(bytes.Buffer))}
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	m := lxmf.New(one, lxmf.DeliveryHash(id.Hash()), time.Unix(1, 0), nil, []byte("hello"))
	m.Sign(id)
	packed, err := m.Pack(nil)
	if err != nil {
		t.Fatal(err)
	}
	in := router.Inbound{Message: m, Packed: packed, Method: lxmf.MethodDirect}
	for range 2 { // given again after a crash
		if err := b.Receive(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, m.Hash.Hex()))
	if err != nil {
		t.Fatal(err)
	}
	c, err := lxmf.ParseContainer(raw)
	if err != nil || !bytes.Equal(c.Packed, packed) || c.Method != lxmf.MethodDirect {
		t.Errorf("the file has %+v, %v", c, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("there are %d files", len(files))
	}
	b.dir = filepath.Join(dir, "gone")
	if err := b.Receive(t.Context(), in); err == nil {
		t.Error("a message that was not stored is said to be")
	}
}

// spec: lxmf §14
func TestStateSurvives(t *testing.T) {
	ctx, now := context.Background(), time.Unix(1_700_000_000, 0)
	log := logTo(new(bytes.Buffer))
	kept := new(node.MemStorage)
	s, err := openState(ctx, kept, now, log)
	if err != nil {
		t.Fatal(err)
	}
	ticket := lxmf.Ticket{Expires: now.Add(24 * time.Hour)}
	err = errors.Join(
		s.PutStampCosts(ctx, router.StampCost{Destination: one, Cost: 12, At: now}),
		s.PutTicket(ctx, router.Ticket{Peer: one, Ticket: ticket}),
		s.PutIssuedTicket(ctx, router.Ticket{Peer: two, Ticket: ticket}),
		s.PutTicketDelivery(ctx, two, now),
		s.PutDelivered(ctx, now, rns.Hash{1}, rns.Hash{2}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if s, err = openState(ctx, kept, now, log); err != nil {
		t.Fatal(err)
	}
	known, err := s.Load(ctx)
	if err != nil || len(known.StampCosts) != 1 || known.StampCosts[0].Cost != 12 || len(known.Tickets) != 1 || len(known.Issued) != 1 ||
		!known.TicketDeliveries[two].Equal(now) {
		t.Errorf("remembered are %+v, %v", known, err)
	}
	for id, want := range map[rns.Hash]bool{{1}: true, {2}: true, {3}: false} {
		if got, err := s.Delivered(ctx, id); got != want || err != nil {
			t.Errorf("%v: %v, %v", id, got, err)
		}
	}
	if err := s.Expire(ctx, now.Add(10*365*24*time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got, _ := s.Delivered(ctx, rns.Hash{1}); got {
		t.Error("an id is kept for ever")
	}
	if err := kept.Write(deliveredFile, []byte("damaged")); err != nil {
		t.Fatal(err)
	}
	if _, err = openState(ctx, kept, now, log); err != nil {
		t.Errorf("a damaged file gives %v", err)
	}
}

// spec: lxmf §13
func TestReportIsThatOfTheNode(t *testing.T) {
	s := propagation.Stats{
		Identity: two, Destination: one, Uptime: time.Minute, Settings: propagation.DefaultSettings(), Messages: 3, Bytes: 900,
		Peers: []propagation.PeerStats{{Peer: lxmf.Peer{Destination: two, Alive: true, Incoming: 5}, Static: true, Name: "peer", Outstanding: 2}},
	}
	r, err := ParseReport(s.Value())
	if err != nil || r.Destination != one || r.Identity != two || r.Uptime != 60 || r.Messages != 3 || r.Bytes != 900 || r.Limit != 500e6 || r.StampCost != 16 {
		t.Errorf("the report is %+v, %v", r, err)
	}
	if len(r.Peers) != 1 || r.Peers[0].Type != "static" || !r.Peers[0].Alive || r.Peers[0].Incoming != 5 || r.Peers[0].Unhandled != 2 || r.Peers[0].Key != nil {
		t.Errorf("peers are %+v", r.Peers)
	}
	for _, bad := range []msgpack.Value{msgpack.Nil(), msgpack.Int(1), msgpack.Map()} {
		if _, err := ParseReport(bad); !errors.Is(err, ErrAnswer) {
			t.Errorf("%v gives %v", bad, err)
		}
	}
}

// FuzzParseReport: whatever a node answers, it is read or refused.
func FuzzParseReport(f *testing.F) {
	f.Add(propagation.Stats{Destination: one, Peers: []propagation.PeerStats{{Peer: lxmf.Peer{Destination: two}}}}.Value().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		v, _, err := msgpack.Parse(b, msgpack.Limits{})
		if err != nil {
			return
		}
		if _, err := ParseReport(v); err != nil && !errors.Is(err, ErrAnswer) {
			t.Errorf("%v", err)
		}
	})
}
