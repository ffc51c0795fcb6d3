package demo

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"meshchatx/internal/app"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// owner is an identity of the demonstration.
type owner struct {
	key, name string
	enabled   bool
	made      time.Duration // ago
}

// owners are the identities, in their order. The keys name their streams of chance.
func owners() []owner {
	return []owner{
		{"neptune", "Neptune", true, 400 * day},
		{"workshop", "Workshop", true, 40 * day},
		{"old", "Old handset", false, 900 * day},
	}
}

// writeServer fills what belongs to no identity.
func writeServer(ctx context.Context, conf Config, seed source, people cast, mine map[string]*rns.Identity) (err error) {
	now := conf.Now()
	db, _, err := store.OpenServer(ctx, app.ServerDatabase(conf.Dir), store.Options{})
	if err != nil {
		return err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	set, err := settings.Open(ctx, settings.Server, db.Settings)
	if err != nil {
		return err
	}
	if err := set.Keep(ctx, settings.Changes{settings.KeySetupDone: settings.BoolValue(true)}); err != nil {
		return err
	}
	heard, err := allHeard(conf, seed, people)
	if err != nil {
		return err
	}
	if err := writeNode(conf.Dir, seed, heard); err != nil {
		return err
	}
	return db.Update(ctx, func(tx store.ServerTables) error {
		for _, o := range owners() {
			hash := mine[o.key].Hash()
			if err := tx.Identities.Add(ctx, store.IdentityEntry{
				Hash: hash, Address: lxmf.DeliveryHash(hash), Name: o.name, Enabled: o.enabled, CreatedAt: now.Add(-o.made),
			}); err != nil {
				return err
			}
		}
		if err := tx.Heard.Record(ctx, heard); err != nil {
			return err
		}
		for _, e := range mishaps(now) {
			if err := tx.InterfaceEvents.Add(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// writeNode fills what the node remembers: its identity, and the keys of those who were heard.
func writeNode(dir string, seed source, heard []store.Heard) error {
	id, err := seed.identity("node program")
	if err != nil {
		return err
	}
	known := make(map[rns.Addr]rns.KnownDestination)
	var order []rns.Addr
	for _, h := range heard { // the newest announce of each comes last
		if _, again := known[h.Destination]; !again {
			order = append(order, h.Destination)
		}
		known[h.Destination] = rns.KnownDestination{
			Dest: h.Destination, LastAnnounce: h.LastAt, PacketHash: rns.FullHash(h.Destination[:]), Public: h.PublicKey, AppData: h.AppData,
			LastUsed: h.LastAt,
		}
	}
	list := make([]rns.KnownDestination, len(order))
	for i, dest := range order {
		list[i] = known[dest]
	}
	files := node.NewDirStorage(filepath.Join(dir, reticulumDir, "storage"))
	return errors.Join(
		files.Write("transport_identity", id.Bytes()), files.Write("known_destinations", rns.AppendKnownDestinations(nil, list)))
}

func allHeard(conf Config, seed source, people cast) ([]store.Heard, error) {
	now, r := conf.Now(), seed.chance("heard")
	var all []store.Heard
	for _, p := range castTable() {
		if p := people[p.Key]; p.Heard > 0 {
			s := p.asStranger()
			all = append(all, s.heard(now, r)...)
		}
	}
	others, err := crowd(seed, conf.Heard)
	if err != nil {
		return nil, err
	}
	for i := range others {
		all = append(all, others[i].heard(now, r)...)
	}
	slices.SortStableFunc(all, func(a, b store.Heard) int { return a.LastAt.Compare(b.LastAt) })
	return all, nil
}

// mishaps are what happened to the interfaces before.
func mishaps(now time.Time) []store.InterfaceEvent {
	at := func(ago time.Duration) time.Time { return now.Add(-ago) }
	return []store.InterfaceEvent{
		{At: at(3 * day), Interface: ifaceHub, Kind: "up"},
		{At: at(2 * day), Interface: ifaceRadio, Kind: "error", Detail: "no such device: /dev/ttyACM0"},
		{At: at(2*day - time.Hour), Interface: ifaceRadio, Kind: "up"},
		{At: at(20 * time.Hour), Interface: ifaceHub, Kind: "error", Detail: "connection reset by peer"},
		{At: at(20*time.Hour - time.Minute), Interface: ifaceHub, Kind: "up"},
	}
}

// contacts fills the address book and the list of blocked addresses.
func (w *writer) contacts(ctx context.Context) error {
	return w.db.Update(ctx, func(tx store.IdentityTables) error {
		for _, p := range castTable() {
			p := w.people[p.Key]
			if p.Contact == "" {
				continue
			}
			c := store.Contact{
				Addr: p.Address, Name: p.Contact, PublicKey: p.id.Public(), CreatedAt: w.now.Add(-60 * day), ChangedAt: w.now.Add(-50 * day),
			}
			if p.Trusted {
				c.Trust, c.Notes = store.TrustTrusted, "Compared fingerprints at the hut."
			}
			if err := tx.Contacts.Put(ctx, c); err != nil {
				return err
			}
		}
		return tx.Blocked.Add(ctx, store.BlockedAddr{Addr: w.people["spammer"].Address, Note: "Advertisements", Since: w.now.Add(-8 * day)})
	})
}
