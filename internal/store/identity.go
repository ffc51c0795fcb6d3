package store

import (
	"context"
	"log/slog"
	"time"

	"meshchatx/internal/store/schema"
	"meshchatx/internal/store/sqlite"
)

// Errors of this package, and those of the engine a caller can act on.
var (
	// ErrNotFound: no such row.
	ErrNotFound = sqlite.ErrNotFound
	// ErrFull: the disk is full; nothing of the write was kept.
	ErrFull = sqlite.ErrFull
	// ErrCorrupt: the database file is damaged.
	ErrCorrupt = sqlite.ErrCorrupt
	// ErrClosed: the database was closed.
	ErrClosed = sqlite.ErrClosed
)

// Options are what opening a database may be told. The zero value is the production setting.
type Options struct {
	// Now names files moved aside. Nil means time.Now.
	Now func() time.Time
	// Logger receives rare events. Nil discards them.
	Logger *slog.Logger
	// Params tune the engine. Zero means the defaults.
	Params sqlite.Params
}

// Identity is the database of one identity. It is safe for concurrent use.
type Identity struct {
	IdentityTables
	db *sqlite.DB
}

// IdentityTables are the aggregates of an identity's database.
type IdentityTables struct {
	Messages         Messages
	Events           Events
	Attachments      Attachments
	Conversations    Conversations
	Uploads          Uploads
	Drafts           Drafts
	Contacts         Contacts
	Blocked          Blocked
	Listed           Listed
	Appearances      Appearances
	Deliveries       Deliveries
	StampCosts       StampCosts
	Tickets          Tickets
	PropagationNodes PropagationNodes
	SealedMessages   SealedMessages
	Settings         Settings
}

// OpenIdentity opens or creates the database of an identity at path.
func OpenIdentity(ctx context.Context, path string, opt Options) (*Identity, sqlite.Report, error) {
	db, report, err := sqlite.Open(ctx, sqlite.Options{
		Path: path, Schema: schema.Identity(), ApplicationID: schema.IdentityApplication,
		Now: opt.Now, Logger: opt.Logger, Params: opt.Params,
	})
	if err != nil {
		return nil, report, err
	}
	return &Identity{IdentityTables: identityTables(db), db: db}, report, nil
}

func identityTables(h sqlite.Handle) IdentityTables {
	return IdentityTables{
		Messages:         Messages{h},
		Events:           Events{h},
		Attachments:      Attachments{h},
		Conversations:    Conversations{h},
		Uploads:          Uploads{h},
		Drafts:           Drafts{h},
		Contacts:         Contacts{h},
		Blocked:          Blocked{h},
		Listed:           Listed{h},
		Appearances:      Appearances{h},
		Deliveries:       Deliveries{h},
		StampCosts:       StampCosts{h},
		Tickets:          Tickets{h},
		PropagationNodes: PropagationNodes{h},
		SealedMessages:   SealedMessages{h},
		Settings:         Settings{h},
	}
}

// Update runs fn in one transaction. When it returns nil, everything fn did is on the disk; when
// it returns an error, nothing is.
func (s *Identity) Update(ctx context.Context, fn func(tx IdentityTables) error) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error { return fn(identityTables(tx)) })
}

// View runs fn on one consistent snapshot. fn must not write.
func (s *Identity) View(ctx context.Context, fn func(tx IdentityTables) error) error {
	return s.db.Read(ctx, func(tx *sqlite.Tx) error { return fn(identityTables(tx)) })
}

// Check verifies the whole file; see sqlite.DB.Check.
func (s *Identity) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Close finishes accepted writes and closes the database. It may be called more than once.
func (s *Identity) Close() error { return s.db.Close() }
