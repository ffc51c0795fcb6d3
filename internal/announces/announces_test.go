package announces

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

func service(t *testing.T, p Params) (*Service, *event.Bus, *store.Server) {
	t.Helper()
	db, _, err := store.OpenServer(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	bus := event.New(time.Now(), event.DefaultParams())
	return New(Config{Store: db, Bus: bus, Now: time.Now, Keep: func() int { return 1000 }, Params: p}), bus, db
}

func key(t *testing.T) rns.PublicKey {
	t.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return id.Public()
}

func announce(k rns.PublicKey, aspect string, data []byte) node.Announced {
	return node.Announced{
		Destination: rns.DestinationHash(aspect, k.Hash()), Identity: k, Name: rns.NameHashOf(aspect), AppData: data, Hops: 2,
		InterfaceName: "Hub", Received: time.Now(),
	}
}

func name(s string) []byte { return lxmf.DeliveryInfo{Name: s, Named: true, StampCost: 8}.Append(nil) }

// One row for each destination, updated in place, however often it is heard.
func TestHeardIsOneRow(t *testing.T) {
	s, _, db := service(t, DefaultParams())
	defer db.Close()
	k := key(t)
	for i := range 3 {
		s.Heard(announce(k, "lxmf.delivery", name(fmt.Sprint("Mira ", i))))
	}
	// Before it is written, it is known already.
	dest := rns.DestinationHash("lxmf.delivery", k.Hash())
	if h, err := s.Get(t.Context(), dest); err != nil || h.Name != "Mira 2" || h.Count != 3 {
		t.Fatalf("%+v, %v", h, err)
	}
	if err := s.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Heard(announce(k, "lxmf.delivery", name("Mira 3")))
	h, err := s.Get(t.Context(), dest)
	if err != nil || h.Name != "Mira 3" || h.Count != 4 || h.Kind != store.HeardPerson || h.StampCost == nil || *h.StampCost != 8 {
		t.Fatalf("%+v, %v", h, err)
	}
	rows, _, err := s.List(t.Context(), store.HeardQuery{Limit: 10}, "")
	if err != nil || len(rows) != 1 || rows[0].Hops != 2 || rows[0].Interface != "Hub" {
		t.Fatalf("%+v, %v", rows, err)
	}
}

func TestKindsAndNames(t *testing.T) {
	for _, tt := range []struct {
		aspect string
		data   []byte
		kind   store.HeardKind
		name   string
	}{
		{"lxmf.delivery", name("Mira"), store.HeardPerson, "Mira"},
		{"lxmf.delivery", []byte("old form"), store.HeardPerson, "old form"},
		{"lxmf.delivery", nil, store.HeardPerson, ""},
		{"nomadnetwork.node", []byte("A page\u202e node\n"), store.HeardPageNode, "A page node"},
		{"nomadnetwork.node", []byte{0xff, 0xfe}, store.HeardPageNode, ""},
		{"lxmf.propagation", []byte("rubbish"), store.HeardPropagationNode, ""},
		{"lxst.telephony", nil, store.HeardPhone, ""},
		{"call.audio", nil, store.HeardPhone, ""},
		{"example.thing", []byte("x"), store.HeardOther, ""},
	} {
		h := record(announce(key(t), tt.aspect, tt.data))
		if h.Kind != tt.kind || h.Name != tt.name {
			t.Errorf("%s %q: kind %v, name %q", tt.aspect, tt.data, h.Kind, h.Name)
		}
	}
	if Aspect(rns.NameHashOf("lxmf.delivery")) != "lxmf.delivery" || Aspect(rns.NameHash{1}) != "" {
		t.Error("aspects")
	}
}

// A flood is gathered: few events, bounded memory, everything written.
func TestFloodIsGathered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := DefaultParams()
		p.Backlog = 500
		s, bus, db := service(t, p)
		sub := bus.Subscribe(0)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- s.Serve(ctx) }()
		for i := range 700 {
			a := announce(rns.PublicKey{byte(i), byte(i >> 8)}, "lxmf.delivery", nil)
			a.Destination = rns.Addr{byte(i), byte(i >> 8), 1}
			s.Heard(a)
		}
		batch, err := sub.Next(ctx)
		if err != nil || len(batch.Events) != 1 || batch.Events[0].Type != event.HeardChanged || !batch.Events[0].Peer.IsZero() {
			t.Fatalf("%+v, %v", batch, err)
		}
		counts, err := s.Counts(t.Context(), time.Time{})
		if err != nil || counts[store.HeardPerson] != p.Backlog {
			t.Fatalf("%v, %v", counts, err)
		}
		// The last ones before the end are written too.
		s.Heard(announce(key(t), "lxmf.delivery", name("late")))
		cancel()
		<-ended
		if counts, err = s.Counts(t.Context(), time.Time{}); err != nil || counts[store.HeardPerson] != p.Backlog+1 {
			t.Fatalf("%v, %v", counts, err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

func TestLookalike(t *testing.T) {
	s, _, db := service(t, DefaultParams())
	defer db.Close()
	a, b := announce(key(t), "lxmf.delivery", name("Mira")), announce(key(t), "lxmf.delivery", name("mira"))
	s.Heard(a)
	s.Heard(b)
	s.Heard(announce(key(t), "lxmf.delivery", name("Miranda")))
	if err := s.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for dest, want := range map[rns.Addr]bool{a.Destination: true, b.Destination: true} {
		h, err := s.Get(t.Context(), dest)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.Lookalike(t.Context(), h); got != want || err != nil {
			t.Errorf("%s: %v, %v", h.Name, got, err)
		}
	}
}

func TestCursors(t *testing.T) {
	s, _, db := service(t, DefaultParams())
	defer db.Close()
	for i := range 5 {
		s.Heard(announce(key(t), "lxmf.delivery", name(fmt.Sprint("n", i))))
	}
	if err := s.flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	seen, cursor := 0, ""
	for range 5 {
		rows, next, err := s.List(t.Context(), store.HeardQuery{Sort: store.SortName, Limit: 2}, cursor)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(rows)
		if cursor = next; next == "" {
			break
		}
	}
	if seen != 5 {
		t.Fatalf("%d rows", seen)
	}
	if _, _, err := s.List(t.Context(), store.HeardQuery{Limit: 2}, "!"); err == nil {
		t.Fatal("a cursor nobody gave out")
	}
}
