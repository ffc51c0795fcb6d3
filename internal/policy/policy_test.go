package policy

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

type directory map[rns.Addr]rns.Addr

func (d directory) Get(_ context.Context, addr rns.Addr) (store.Heard, error) {
	id, ok := d[addr]
	if !ok {
		return store.Heard{}, store.ErrNotFound
	}
	return store.Heard{Destination: addr, Identity: id}, nil
}

// open opens the policy of an identity in a directory, as a start does.
func open(t *testing.T, dir string, d directory) (*Service, *store.Identity) {
	t.Helper()
	db, _, err := store.OpenIdentity(t.Context(), filepath.Join(dir, "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	set, err := settings.Open(t.Context(), settings.Identity, db.Settings)
	if err != nil {
		t.Fatal(err)
	}
	bus := event.New(time.Now(), event.DefaultParams())
	s := New(Config{Store: db, Settings: set, Self: rns.Addr{0xee}, Directory: d, Bus: bus.Scope(rns.Addr{1}), Now: time.Now})
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s, db
}

// A block counts for everything an identity owns, also when its identity becomes known later, and after a restart at once.
// spec: lxmf §9.6
func TestBlockByIdentity(t *testing.T) {
	identity := rns.Addr{7}
	address, page := lxmf.DeliveryHash(identity), rns.DestinationHash("nomadnetwork.node", identity)
	dir, known := t.TempDir(), directory{}
	s, db := open(t, dir, known)
	if err := s.Block(t.Context(), rns.Addr{0xee}); !errors.Is(err, ErrSelf) {
		t.Errorf("block oneself: %v", err)
	}
	if err := s.Block(t.Context(), page); err != nil { // nobody knows whose page it is yet
		t.Fatal(err)
	}
	message := router.Query{Gate: router.GateSource, Source: address}
	if !s.Rules().Decide(message).Accepted() {
		t.Error("blocked without a reason")
	}
	if err := s.Learn(t.Context(), page, identity); err != nil {
		t.Fatal(err)
	}
	if got := s.Rules().Decide(message); got.Cause != router.CauseBlocked {
		t.Errorf("%+v", got)
	}
	known[address], known[page] = identity, identity
	for _, addr := range []rns.Addr{address, page} {
		if on, err := s.Blocked(t.Context(), addr); !on || err != nil {
			t.Errorf("%s: blocked %v, %v", addr, on, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, dir, known)
	if got := s.Rules().Decide(message); got.Cause != router.CauseBlocked {
		t.Errorf("after a restart: %+v", got)
	}
	if err := s.Unblock(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if on, err := s.Blocked(t.Context(), page); on || err != nil {
		t.Errorf("still blocked: %v, %v", on, err)
	}
}

// The lists and the settings become rules, when they change and after a restart.
func TestRulesFollow(t *testing.T) {
	dir, peer := t.TempDir(), rns.Addr{3}
	s, db := open(t, dir, directory{})
	if err := s.Put(t.Context(), store.ListIgnored, peer, "noise"); err != nil {
		t.Fatal(err)
	}
	err := s.conf.Settings.Change(t.Context(), settings.Changes{
		settings.KeyWriters: settings.StringValue(settings.WritersListed), settings.KeyStrangerFiles: settings.StringValue(settings.StrangerFilesRefuse),
		settings.KeySpamWords: settings.StringValue("Casino, , WIN,casino"), settings.KeyStrangers: settings.StringValue(settings.StrangersIgnore),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.KeepFlood(t.Context(), router.FloodState{Level: 2, Since: time.UnixMilli(1_754_000_000_000)}); err != nil {
		t.Fatal(err)
	}
	check := func(when string, s *Service) {
		t.Helper()
		r := s.Rules()
		if _, ok := r.Ignored[peer]; !ok || r.Audience != router.ListedOnly || r.StrangerFiles != router.FilesRefused ||
			r.Strangers != router.StrangersRefused || !slices.Equal(r.Words, []string{"casino", "win"}) || r.Limit != 10_000_000 {
			t.Errorf("%s: %+v", when, r)
		}
		if f := s.Flood(); f.Level != 2 || f.Since.UnixMilli() != 1_754_000_000_000 {
			t.Errorf("%s: flood %+v", when, f)
		}
	}
	check("at once", s)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	s, _ = open(t, dir, directory{})
	check("after a restart", s)
	if err := s.Remove(t.Context(), store.ListIgnored, peer); err != nil {
		t.Fatal(err)
	}
	if all, err := s.List(t.Context(), store.ListIgnored); err != nil || len(all) != 0 || len(s.Rules().Ignored) != 0 {
		t.Errorf("%v, %v", all, err)
	}
}

// Who was written to or accepted is known, who is in the book a contact, everybody else a stranger.
func TestRelation(t *testing.T) {
	s, db := open(t, t.TempDir(), directory{})
	ctx, now := t.Context(), time.Now()
	contact, known, asking := rns.Addr{1}, rns.Addr{2}, rns.Addr{3}
	if err := db.Contacts.Put(ctx, store.Contact{Addr: contact, Name: "Ana", ChangedAt: now}); err != nil {
		t.Fatal(err)
	}
	for peer, request := range map[rns.Addr]store.RequestState{known: store.RequestNone, asking: store.RequestPending} {
		if _, err := db.Conversations.Ensure(ctx, peer, request, now); err != nil {
			t.Fatal(err)
		}
	}
	for peer, want := range map[rns.Addr]router.Relation{
		contact: router.RelationContact, known: router.RelationKnown, asking: router.RelationStranger, {4}: router.RelationStranger,
	} {
		if got, err := s.Relation(ctx, peer); got != want || err != nil {
			t.Errorf("%s: %v, %v", peer, got, err)
		}
	}
}
