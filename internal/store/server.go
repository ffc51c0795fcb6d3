package store

import (
	"context"

	"meshchatx/internal/store/schema"
	"meshchatx/internal/store/sqlite"
)

// Server is the database of the program: what belongs to no single identity. It is safe for
// concurrent use.
type Server struct {
	ServerTables
	db *sqlite.DB
}

// ServerTables are the aggregates of the server's database.
type ServerTables struct {
	Settings        Settings
	Sessions        Sessions
	Attempts        Attempts
	Identities      Identities
	Heard           HeardTable
	InterfaceEvents InterfaceEvents
}

// OpenServer opens or creates the server's database at path.
func OpenServer(ctx context.Context, path string, opt Options) (*Server, sqlite.Report, error) {
	db, report, err := sqlite.Open(ctx, sqlite.Options{
		Path: path, Schema: schema.Server(), ApplicationID: schema.ServerApplication,
		Now: opt.Now, Logger: opt.Logger, Params: opt.Params,
	})
	if err != nil {
		return nil, report, err
	}
	return &Server{ServerTables: serverTables(db), db: db}, report, nil
}

func serverTables(h sqlite.Handle) ServerTables {
	return ServerTables{
		Settings:        Settings{h},
		Sessions:        Sessions{h},
		Attempts:        Attempts{h},
		Identities:      Identities{h},
		Heard:           HeardTable{h},
		InterfaceEvents: InterfaceEvents{h},
	}
}

// Update runs fn in one transaction. When it returns nil, everything fn did is on the disk; when
// it returns an error, nothing is.
func (s *Server) Update(ctx context.Context, fn func(tx ServerTables) error) error {
	return s.db.Write(ctx, func(tx *sqlite.Tx) error { return fn(serverTables(tx)) })
}

// View runs fn on one consistent snapshot. fn must not write.
func (s *Server) View(ctx context.Context, fn func(tx ServerTables) error) error {
	return s.db.Read(ctx, func(tx *sqlite.Tx) error { return fn(serverTables(tx)) })
}

// Check verifies the whole file; see sqlite.DB.Check.
func (s *Server) Check(ctx context.Context) error { return s.db.Check(ctx) }

// Close finishes accepted writes and closes the database. It may be called more than once.
func (s *Server) Close() error { return s.db.Close() }
