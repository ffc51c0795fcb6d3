package contacts

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

type directory map[rns.Addr][]store.Heard

func (d directory) OfIdentity(_ context.Context, identity rns.Addr) ([]store.Heard, error) {
	return d[identity], nil
}

func book(t *testing.T, dir directory) *Service {
	t.Helper()
	db, _, err := store.OpenIdentity(t.Context(), filepath.Join(t.TempDir(), "db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	bus := event.New(time.Now(), event.DefaultParams())
	return New(Config{Store: db, Self: rns.Addr{0xee}, Directory: dir, Bus: bus.Scope(rns.Addr{1}), Now: time.Now, Policy: blocks{db}})
}

// blocks is a policy that knows addresses only.
type blocks struct{ db *store.Identity }

func (b blocks) Block(ctx context.Context, addr rns.Addr) error {
	return b.db.Blocked.Add(ctx, store.BlockedAddr{Addr: addr, Since: time.Now()})
}
func (b blocks) Unblock(ctx context.Context, addr rns.Addr) error {
	return b.db.Blocked.Remove(ctx, addr)
}
func (b blocks) Blocked(ctx context.Context, addr rns.Addr) (bool, error) {
	return b.db.Blocked.Is(ctx, addr)
}

func person(t *testing.T) (rns.Addr, rns.PublicKey) {
	t.Helper()
	id, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return rns.DestinationHash(deliveryName, id.Hash()), id.Public()
}

func TestParse(t *testing.T) {
	addr, key := person(t)
	keyText := hex.EncodeToString(key[:])
	good := map[string]bool{ // value: brings the key
		addr.Hex():                                   false,
		"<" + strings.ToUpper(addr.Hex()) + ">":      false,
		" " + addr.Hex() + "\n":                      false,
		"lxmf@" + addr.Hex():                         false,
		"lxma://" + addr.Hex():                       false,
		"LXMA://" + addr.Hex() + ":" + keyText:       true,
		"lxma://" + addr.Hex() + ":" + keyText + "/": true,
	}
	for text, withKey := range good {
		got, k, err := Parse(text)
		if err != nil || got != addr || k.IsZero() == withKey {
			t.Errorf("%q: %v, key %v, %v", text, got, !k.IsZero(), err)
		}
	}
	for text, want := range map[string]error{
		"":                             ErrAddress,
		"hello":                        ErrAddress,
		addr.Hex()[:30]:                ErrAddress,
		"lxma://" + addr.Hex() + ":12": ErrAddress,
		"lxma://" + addr.Hex() + ":" + strings.Repeat("zz", 64): ErrAddress,
		"lxma://" + rns.Addr{1}.Hex() + ":" + keyText:           ErrKeyMismatch,
	} {
		if _, _, err := Parse(text); !errors.Is(err, want) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("lxma://00112233445566778899aabbccddeeff:00")
	f.Fuzz(func(t *testing.T, s string) {
		if addr, key, err := Parse(s); err == nil && !key.IsZero() && rns.DestinationHash(deliveryName, key.Hash()) != addr {
			t.Fatal("key of somebody else")
		}
	})
}

func TestAddResolvesAnIdentityHash(t *testing.T) {
	addr, key := person(t)
	s := book(t, directory{key.Hash(): {{Destination: rns.Addr{5}, Kind: store.HeardPageNode}, {Destination: addr, Kind: store.HeardPerson}}})
	c, err := s.Add(t.Context(), key.Hash().Hex(), store.Contact{Name: "Mira"})
	if err != nil || c.Addr != addr {
		t.Fatalf("%v, %v", c.Addr, err)
	}
	if _, err := s.Add(t.Context(), rns.Addr{0xee}.Hex(), store.Contact{}); !errors.Is(err, ErrSelf) {
		t.Fatal(err)
	}
}

func TestChangesAndPages(t *testing.T) {
	s := book(t, nil)
	for _, name := range []string{"Zoe", "anna", "Ben"} {
		addr, _ := person(t)
		if _, err := s.Add(t.Context(), addr.Hex(), store.Contact{Name: name, Notes: "n"}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	cursor := ""
	for range 5 {
		rows, next, total, err := s.List(t.Context(), "", cursor, 2)
		if err != nil || total != 3 {
			t.Fatal(total, err)
		}
		for _, c := range rows {
			got = append(got, c.Name)
		}
		if cursor = next; next == "" {
			break
		}
	}
	if strings.Join(got, " ") != "anna Ben Zoe" {
		t.Fatal(got)
	}
	rows, _, _, err := s.List(t.Context(), "zo", "", 10)
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	trusted, name := true, " Zora "
	c, err := s.Update(t.Context(), rows[0].Addr, Change{Name: &name, Trusted: &trusted})
	if err != nil || c.Name != "Zora" || c.Trust != store.TrustTrusted || c.Notes != "n" {
		t.Fatalf("%+v, %v", c, err)
	}
	if err := s.Delete(t.Context(), c.Addr); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), c.Addr, Change{}); !errors.Is(err, ErrNotFound) {
		t.Fatal(err)
	}
	if _, _, _, err := s.List(t.Context(), "", "x", 2); !errors.Is(err, ErrCursor) {
		t.Fatal(err)
	}
}

func TestBlock(t *testing.T) {
	s := book(t, nil)
	addr, _ := person(t)
	if err := s.Block(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	if on, err := s.IsBlocked(t.Context(), addr); !on || err != nil {
		t.Fatal(on, err)
	}
	if list, err := s.Blocked(t.Context()); err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	if err := s.Unblock(t.Context(), addr); err != nil {
		t.Fatal(err)
	}
	if on, _ := s.IsBlocked(t.Context(), addr); on {
		t.Fatal("still blocked")
	}
	if err := s.Block(t.Context(), rns.Addr{0xee}); !errors.Is(err, ErrSelf) {
		t.Fatal(err)
	}
}
