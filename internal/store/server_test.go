package store

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"

	"github.com/google/go-cmp/cmp"
)

func heard(n int) Heard {
	return Heard{
		Destination: addr(n), Identity: addr(1000 + n), PublicKey: rns.PublicKey{byte(n)}, NameHash: rns.NameHash{1}, Kind: HeardPerson,
		Name: fmt.Sprintf("Person %02d", n), Hops: n%4 + 1, Interface: "Hub A", FirstAt: at(n), LastAt: at(n), Count: 1,
	}
}

func TestHeardIsOneRowPerDestination(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	snr, cost := 6.5, 8
	first, again := heard(1), heard(1)
	again.Name, again.LastAt, again.Count, again.Hops = "Renamed", at(90), 3, 2
	again.AppData, again.StampCost, again.SNR = []byte{1, 2}, &cost, &snr
	must(t, db.Heard.Record(ctx, []Heard{first, heard(2)}))
	must(t, db.Heard.Record(ctx, []Heard{again}))
	want := again
	want.FirstAt, want.Count = at(1), 4
	if diff := cmp.Diff(want, got(db.Heard.Get(ctx, addr(1)))(t)); diff != "" {
		t.Error(diff)
	}
	late := heard(1) // an older announce that was processed later
	late.LastAt = at(5)
	must(t, db.Heard.Record(ctx, []Heard{late}))
	if h := got(db.Heard.Get(ctx, addr(1)))(t); !h.LastAt.Equal(at(90)) {
		t.Errorf("last heard %v", h.LastAt)
	}
	if all := got(db.Heard.OfIdentity(ctx, addr(1001)))(t); len(all) != 1 || all[0].Destination != addr(1) {
		t.Errorf("of the identity: %v", all)
	}
	if err := second(db.Heard.Get(ctx, addr(3))); !errors.Is(err, ErrNotFound) {
		t.Errorf("never heard: %v", err)
	}
}

func TestHeardFilters(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	rssi := -90.0
	node, far, nameless, loud := heard(1), heard(2), heard(3), heard(4)
	node.Kind, node.Name = HeardPropagationNode, "100% Oslo_PN"
	far.Hops, far.Interface = 9, "LoRa"
	nameless.Name = ""
	loud.RSSI, loud.Name = &rssi, "ÄPFEL"
	must(t, db.Heard.Record(ctx, []Heard{node, far, nameless, loud}))
	kind := HeardPropagationNode
	for name, c := range map[string]struct {
		query HeardQuery
		want  []rns.Addr
	}{
		"all":          {HeardQuery{}, addrs(4, 3, 2, 1)},
		"kind":         {HeardQuery{Kind: &kind}, addrs(1)},
		"hops":         {HeardQuery{MaxHops: 8}, addrs(4, 3, 1)},
		"interface":    {HeardQuery{Interface: "LoRa"}, addrs(2)},
		"since":        {HeardQuery{Since: at(3)}, addrs(4, 3)},
		"named":        {HeardQuery{Named: true}, addrs(4, 2, 1)},
		"signal":       {HeardQuery{Signal: true}, addrs(4)},
		"name":         {HeardQuery{Text: "person"}, addrs(2)},
		"accents":      {HeardQuery{Text: "äpf"}, addrs(4)},
		"wildcard":     {HeardQuery{Text: "%"}, addrs(1)},
		"underscore":   {HeardQuery{Text: "_p"}, addrs(1)},
		"address":      {HeardQuery{Text: addr(3).Hex()[4:12]}, addrs(3)},
		"together":     {HeardQuery{Named: true, MaxHops: 8, Text: "o"}, addrs(1)},
		"nothing left": {HeardQuery{Kind: &kind, Signal: true}, nil},
	} {
		var have []rns.Addr
		for _, h := range got(db.Heard.List(ctx, c.query))(t) {
			have = append(have, h.Destination)
		}
		if diff := cmp.Diff(c.want, have); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	counts := got(db.Heard.Counts(ctx, at(2)))(t)
	if diff := cmp.Diff(map[HeardKind]int{HeardPerson: 3}, counts); diff != "" {
		t.Error(diff)
	}
}

func TestHeardListGoesOnInEveryOrder(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	var batch []Heard
	for n := range 31 {
		h := heard(n)
		h.LastAt, h.Count, h.Name = at(n/4), n%5+1, fmt.Sprint("N", n%6)
		batch = append(batch, h)
	}
	must(t, db.Heard.Record(ctx, batch))
	for _, sort := range []HeardSort{SortLastHeard, SortFirstHeard, SortName, SortHops, SortCount} {
		whole := got(db.Heard.List(ctx, HeardQuery{Sort: sort}))(t)
		var paged []Heard
		var after HeardCursor
		for {
			page := got(db.Heard.List(ctx, HeardQuery{Sort: sort, After: after, Limit: 7}))(t)
			if len(page) == 0 {
				break
			}
			paged = append(paged, page...)
			after = page[len(page)-1].Cursor(sort)
		}
		if diff := cmp.Diff(whole, paged); diff != "" || len(whole) != 31 {
			t.Errorf("order %d: %d rows; %s", sort, len(whole), diff)
		}
	}
}

func TestHeardIsBounded(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	for n := range 10 {
		must(t, db.Heard.Record(ctx, []Heard{heard(n)}))
	}
	if n := got(db.Heard.Trim(ctx, 4))(t); n != 6 {
		t.Errorf("%d forgotten", n)
	}
	if n := got(db.Heard.Trim(ctx, 4))(t); n != 0 {
		t.Errorf("%d more forgotten", n)
	}
	must(t, db.Heard.Delete(ctx, addr(9)))
	left := got(db.Heard.List(ctx, HeardQuery{}))(t)
	if len(left) != 3 || left[0].Destination != addr(8) || left[2].Destination != addr(6) {
		t.Errorf("left %v", left)
	}
}

func TestIdentities(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	for n := 1; n <= 3; n++ {
		must(t, db.Identities.Add(ctx, IdentityEntry{Hash: addr(n), Address: addr(10 + n), Name: fmt.Sprint(n), Enabled: true, CreatedAt: start}))
	}
	if err := db.Identities.Add(ctx, IdentityEntry{Hash: addr(1), Address: addr(1), CreatedAt: start}); !errors.Is(err, sqlite.ErrConstraint) {
		t.Errorf("added twice: %v", err)
	}
	must(t, db.Identities.SetName(ctx, addr(2), "Neptune"))
	must(t, db.Identities.SetEnabled(ctx, addr(2), false))
	must(t, db.Identities.Arrange(ctx, addrs(3, 2)))
	var order []rns.Addr
	for _, e := range got(db.Identities.List(ctx))(t) {
		order = append(order, e.Hash)
	}
	if diff := cmp.Diff(addrs(3, 2, 1), order); diff != "" {
		t.Error(diff)
	}
	want := IdentityEntry{Hash: addr(2), Address: addr(12), Name: "Neptune", Position: 2, CreatedAt: start}
	if diff := cmp.Diff(want, got(db.Identities.Get(ctx, addr(2)))(t)); diff != "" {
		t.Error(diff)
	}
	must(t, db.Identities.Delete(ctx, addr(2)))
	if err := db.Identities.SetName(ctx, addr(2), "x"); !errors.Is(err, ErrNotFound) {
		t.Errorf("renaming what is gone: %v", err)
	}
}

func TestHistoriesAreBounded(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	const more = 20
	must(t, db.Update(ctx, func(tx ServerTables) error {
		for n := range KeptAttempts + more {
			if err := tx.Attempts.Add(ctx, Attempt{At: at(n), Address: "192.0.2.1", Method: AccessStartToken, Outcome: AccessDenied}); err != nil {
				return err
			}
			if err := tx.InterfaceEvents.Add(ctx, InterfaceEvent{At: at(n), Interface: fmt.Sprint("if", n%2), Kind: "up"}); err != nil {
				return err
			}
		}
		return nil
	}))
	denied := got(db.Attempts.DeniedSince(ctx, time.UnixMilli(0)))(t)
	if len(denied) != KeptAttempts || !denied[0].At.Equal(at(more)) {
		t.Errorf("%d attempts kept", len(denied))
	}
	page := got(db.InterfaceEvents.List(ctx, "if1", 0, 3))(t)
	if len(page) != 3 || page[0].Seq != KeptInterfaceEvents+more || page[1].Seq != page[0].Seq-2 {
		t.Errorf("events %+v", page)
	}
	if all := got(db.InterfaceEvents.List(ctx, "", page[0].Seq, 3))(t); len(all) != 3 || all[0].Seq != page[0].Seq-1 {
		t.Errorf("events %+v", all)
	}
}

func TestSettingsPairs(t *testing.T) {
	db := openServer(t)
	ctx := t.Context()
	must(t, db.Settings.Save(ctx, map[string]string{"a": "1", "b": "2"}, nil))
	must(t, db.Settings.Save(ctx, map[string]string{"a": "3"}, []string{"b", "c"}))
	if diff := cmp.Diff(map[string]string{"a": "3"}, got(db.Settings.Load(ctx))(t)); diff != "" {
		t.Error(diff)
	}
	err := db.View(ctx, func(tx ServerTables) error { return tx.Settings.Save(ctx, map[string]string{"a": "4"}, nil) })
	if !errors.Is(err, sqlite.ErrReadOnly) {
		t.Errorf("write in a view: %v", err)
	}
}

func TestWrongKindOfDatabase(t *testing.T) {
	path := t.TempDir() + "/x.db"
	db, _, err := OpenServer(t.Context(), path, Options{})
	must(t, err)
	must(t, db.Close())
	if _, _, err := OpenIdentity(t.Context(), path, Options{}); !errors.Is(err, sqlite.ErrForeign) {
		t.Errorf("opened as an identity: %v", err)
	}
}
