package demo

import (
	"bytes"
	"context"
	"errors"
	"image"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/internal/chat"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/profile"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/configobj"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
)

// patience bounds what a test waits for.
const patience = 30 * time.Second

func fixed() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// start runs a demonstration until the test ends, with the first identity.
func start(t *testing.T, conf Config) (*Demo, *profile.Profile) {
	t.Helper()
	if conf.Dir == "" {
		conf.Dir = t.TempDir()
	}
	conf.PlainHTTP, conf.Pace = true, PaceFast
	d, err := Open(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-ended, d.Close()); err != nil {
			t.Error(err)
		}
	})
	select {
	case <-d.Up():
	case <-time.After(patience):
		t.Fatal("not up")
	}
	all, err := d.Profiles().List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p, err := d.Profiles().Profile(t.Context(), all[0].Hash)
	if err != nil {
		t.Fatal(err)
	}
	return d, p
}

// until asks again and again, until ok says so.
func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("%s: not within %s", what, patience)
		}
	}
}

func somebody(t *testing.T, key string) Person {
	t.Helper()
	all, err := People(DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(all, func(p Person) bool { return p.Key == key })
	return all[i]
}

func window(t *testing.T, p *profile.Profile, peer rns.Addr) []chat.Message {
	t.Helper()
	w, err := p.Chat.Messages(t.Context(), peer, chat.Place{}, 100)
	if err != nil {
		t.Fatal(err)
	}
	return w.Messages
}

// Every state and every reason is there to be looked at.
func TestExhibits(t *testing.T) {
	_, p := start(t, Config{Seed: DefaultSeed, Motion: MotionStill})
	seen := make(map[chat.State]int)
	for _, m := range window(t, p, somebody(t, "states").Address) {
		if m.Direction == store.Outgoing {
			seen[m.Delivery.State]++
		}
	}
	want := map[chat.State]int{
		chat.StateWaiting: 1, chat.StateStamp: 1, chat.StatePath: 1, chat.StateConnecting: 1, chat.StateSending: 1, chat.StateSent: 1,
		chat.StatePropagated: 1, chat.StateDelivered: 1, chat.StateRetryWait: 1, chat.StateWaitHeard: 1, chat.StateFailed: 1,
		chat.StateRefused: 1, chat.StateCancelled: 1,
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Error(diff)
	}
	codes := make(map[chat.Code]bool)
	for _, m := range window(t, p, somebody(t, "reasons").Address) {
		codes[m.Delivery.Code] = true
	}
	if len(codes) < 20 {
		t.Errorf("only %d reasons: %v", len(codes), codes)
	}
}

// What is written to people travels through the whole stack and is answered.
func TestPeopleAnswer(t *testing.T) {
	_, p := start(t, Config{Seed: DefaultSeed, Motion: MotionStill})
	for _, key := range []string{"mira", "sakura", "kari", "tomas"} {
		who := somebody(t, key)
		before := len(window(t, p, who.Address))
		ref, err := p.Chat.Send(t.Context(), chat.Outgoing{Peer: who.Address, Content: "Hello"})
		if err != nil {
			t.Fatal(err)
		}
		until(t, "answer of "+key, func() bool {
			all := window(t, p, who.Address)
			return len(all) >= before+2 && slices.ContainsFunc(all, func(m chat.Message) bool {
				return m.ReplyTo == ref.ID && m.Verified == store.Verified
			})
		})
		m, err := p.Chat.Message(t.Context(), ref.ID)
		if err != nil || m.Delivery.State != chat.StateDelivered {
			t.Errorf("%s: %v, %v", key, m.Delivery.State, err)
		}
	}
}

func TestCommands(t *testing.T) {
	_, p := start(t, Config{Seed: DefaultSeed, Motion: MotionStill})
	mira := somebody(t, "mira").Address
	count := func(ok func(chat.Message) bool) int {
		n := 0
		for _, m := range window(t, p, mira) {
			if m.Direction == store.Incoming && ok(m) {
				n++
			}
		}
		return n
	}
	for _, c := range []struct {
		text string
		n    int
		ok   func(chat.Message) bool
	}{
		{"/say exactly this", 1, func(m chat.Message) bool { return m.Content == "exactly this" }},
		{"/flood 20", 20, func(m chat.Message) bool { return strings.Contains(m.Content, " of 20: ") }},
		{"/image", 3, func(m chat.Message) bool {
			return len(m.Attachments) == 1 && m.Attachments[0].Kind == store.KindImage && m.Attachments[0].Width > 0
		}},
		{"/file 40", 1, func(m chat.Message) bool { return len(m.Attachments) == 1 && m.Attachments[0].Size == 40_000 }},
		{"/voice 3", 2, func(m chat.Message) bool { return len(m.Attachments) == 1 && m.Attachments[0].Kind == store.KindAudio }},
		{"/dance", 1, func(m chat.Message) bool { return strings.HasPrefix(m.Content, "I do not know /dance") }},
	} {
		if _, err := p.Chat.Send(t.Context(), chat.Outgoing{Peer: mira, Content: c.text}); err != nil {
			t.Fatal(err)
		}
		until(t, c.text, func() bool { return count(c.ok) >= c.n })
	}
}

// Somebody who is not announced is found when asked for, and every state on the way is seen.
func TestStatesOnTheWay(t *testing.T) {
	_, p := start(t, Config{Seed: DefaultSeed, Motion: MotionStill})
	ref, err := p.Chat.Send(t.Context(), chat.Outgoing{Peer: somebody(t, "solveig").Address, Content: guide})
	if err != nil {
		t.Fatal(err)
	}
	until(t, "delivery", func() bool {
		m, err := p.Chat.Message(t.Context(), ref.ID)
		return err == nil && m.Delivery.State == chat.StateDelivered
	})
	log, err := p.Chat.Events(t.Context(), ref.ID)
	if err != nil {
		t.Fatal(err)
	}
	var kinds []chat.EventKind
	for _, e := range log {
		kinds = append(kinds, e.Kind)
	}
	want := []chat.EventKind{
		chat.EventQueued, chat.EventPathRequest, chat.EventPathFound, chat.EventLinkRequest, chat.EventLinkUp, chat.EventProgress, chat.EventDelivered,
	}
	at := 0
	for _, k := range kinds {
		if at < len(want) && k == want[at] {
			at++
		}
	}
	if at < len(want) {
		t.Errorf("%s is missing in %v", want[at], kinds)
	}
}

// A message to somebody who is announced but silent fails with its reason, and so does one to somebody who is gone.
func TestSilentPeople(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: waits for real timeouts of path requests and links, some twenty seconds")
	}
	_, p := start(t, Config{Seed: DefaultSeed, Motion: MotionStill})
	for key, want := range map[string]chat.Code{"jonas": chat.CodeNoPath, "harbour": chat.CodeLinkTimeout, "ridge": chat.CodeTooLargeDirect} {
		o := chat.Outgoing{Peer: somebody(t, key).Address, Content: "Hello"}
		if key == "ridge" {
			u, err := p.Chat.Upload(t.Context(), "big.bin", chat.FormFile, bytes.NewReader(make([]byte, 2*smallLimit)))
			if err != nil {
				t.Fatal(err)
			}
			o.Uploads = []store.UploadID{u.ID}
		}
		ref, err := p.Chat.Send(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		until(t, "end of "+key, func() bool {
			m, err := p.Chat.Message(t.Context(), ref.ID)
			return err == nil && m.Delivery.State.Final() && m.Delivery.Code == want
		})
	}
}

// The same seed at the same time gives the same conversations.
func TestSameSeedSameData(t *testing.T) {
	read := func(seed uint64) []string {
		conf := Config{Dir: t.TempDir(), Seed: seed, Heard: 20, Messages: 30, Motion: MotionStill, Now: fixed}
		if err := fill(t.Context(), conf); err != nil {
			t.Fatal(err)
		}
		me, err := source(seed).identity("owner neptune")
		if err != nil {
			t.Fatal(err)
		}
		db, _, err := store.OpenIdentity(t.Context(), profile.LayoutOf(conf.Dir, me.Hash()).Database, store.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		people, err := People(seed)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range people {
			page, err := db.Messages.Page(t.Context(), p.Address, store.Window{Limit: store.MaxPage})
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range page.Messages {
				out = append(out, m.ID.Hex()+" "+m.SentAt.UTC().String()+" "+m.Content)
			}
		}
		return out
	}
	one := read(1)
	if diff := cmp.Diff(one, read(1)); diff != "" {
		t.Error(diff)
	}
	if len(one) < 150 || one[0] == read(2)[0] {
		t.Errorf("%d messages", len(one))
	}
}

// A demonstration goes on where it ended, and never touches what is not its own.
func TestDirectories(t *testing.T) {
	dir := t.TempDir()
	conf := Config{Dir: dir, Seed: 5, Heard: 5, Motion: MotionStill}
	for range 2 {
		d, err := Open(t.Context(), conf)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		conf.Seed = 7 // not asked any more
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	conf.Dir = other
	d, err := Open(t.Context(), conf)
	if !errors.Is(err, ErrForeign) {
		t.Error(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 1 {
		t.Errorf("%v, %v", left, err)
	}
}

// Whatever stands in the file, no interface reaches a real network.
func TestNothingReal(t *testing.T) {
	people, err := newCast(DefaultSeed)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newWorld(Config{Log: slog.New(slog.DiscardHandler), Now: time.Now}, DefaultSeed, people)
	if err != nil {
		t.Fatal(err)
	}
	defer w.close()
	file, err := configobj.Parse([]byte(reticulumConfig))
	if err != nil {
		t.Fatal(err)
	}
	conf, err := config.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	var bad []string
	for _, c := range conf.Interfaces {
		d, _, err := w.build(c)
		switch d.(type) {
		case *mem.Endpoint, *radio, *listening, *refusing:
		case nil:
			bad = append(bad, c.Name)
			if err == nil {
				t.Errorf("%s: neither driver nor error", c.Name)
			}
		default:
			t.Errorf("%s: %T", c.Name, d)
		}
	}
	if diff := cmp.Diff([]string{"Old mast", "Packet modem"}, bad); diff != "" {
		t.Error(diff)
	}
}

// Settings are tried against the simulated network.
func TestTry(t *testing.T) {
	for host, want := range map[string]string{"hub.example": "", "refused.example": "refused", "silent.example": "timeout", "unknown.example": "dns"} {
		code := ""
		try(t.Context(), interfaces.Config{Type: interfaces.TypeTCPClient, TargetHost: host}, func(_ string, run func() error) bool {
			err := run()
			code = interfaces.Reason(err)
			return err == nil
		})
		if code != want {
			t.Errorf("%s: %q", host, code)
		}
	}
}

func TestMaterial(t *testing.T) {
	r := source(3).chance("material")
	for _, m := range []material{photo(r, "a.jpg", 90, 60), plot(r, "b.png", 64, 32)} {
		c, format, err := image.DecodeConfig(bytes.NewReader(m.data))
		if err != nil || c.Width != m.width || c.Height != m.height || "image/"+format != m.mime {
			t.Errorf("%s: %+v, %s, %v", m.name, c, format, err)
		}
	}
	// The checksum of a page is that of RFC 3533: the known one of an empty first page of this stream.
	page := oggPage(nil, 2, 0, 0, [][]byte{[]byte("OpusHead")})
	sum := slices.Clone(page[22:26])
	copy(page[22:], []byte{0, 0, 0, 0})
	if got := oggSum(page); got == 0 || byte(got) != sum[0] {
		t.Errorf("%x, %x", got, sum)
	}
	if got := oggSum([]byte("123456789")); got != 0x89a1897f {
		t.Errorf("check value %#x", got)
	}
}

var _ iface.Interface = (*radio)(nil)

// BenchmarkFill measures the data that every start makes.
func BenchmarkFill(b *testing.B) {
	for b.Loop() {
		if err := fill(b.Context(), Config{Dir: b.TempDir(), Seed: 1, Heard: DefaultHeard, Now: time.Now}); err != nil {
			b.Fatal(err)
		}
	}
}
