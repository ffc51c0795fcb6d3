// Package api is the HTTP interface of the program: typed operations under
// /api/v1 from which the OpenAPI document and the browser's types are
// generated, and the event socket. Handlers decode, call one service and map
// the result; decisions live in the services.
package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"meshchatx/internal/announces"
	"meshchatx/internal/auth"
	"meshchatx/internal/chat"
	"meshchatx/internal/contacts"
	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/policy"
	"meshchatx/internal/propagation"
	"meshchatx/internal/settings"
	"meshchatx/rns"
)

// Prefix is the path under which every operation lives.
const Prefix = "/api/v1"

// SecondTokenHeader carries the session's second token on every state change.
const SecondTokenHeader = auth.SecondTokenHeader

// Identity is what the program knows of one of its identities.
type Identity struct {
	Hash, Address             rns.Addr
	Public                    rns.PublicKey
	Name                      string
	Enabled, Online           bool
	Code                      string // why an enabled identity is not online
	Order                     int
	CreatedAt                 time.Time
	AnnouncedAt, NextAnnounce time.Time
	Unread, Failed, Requests  int
}

// IdentityChange is what can be changed of an identity; nil leaves a thing alone.
type IdentityChange struct {
	Name    *string
	Enabled *bool
	Order   *int
}

// Scope is the services of one identity that is online. A handler reaches no
// data but that of the identity in its path.
type Scope struct {
	Identity *rns.Identity
	Chat     *chat.Service
	Contacts *contacts.Service
	Settings *settings.Set
	Policy   *policy.Service
	Refusals Refusals

	Propagation *propagation.Client
}

// Identities is what operations may do with identities.
type Identities interface {
	List(ctx context.Context) ([]Identity, error)
	Get(ctx context.Context, hash rns.Addr) (Identity, error)
	Create(ctx context.Context, name string) (Identity, error)
	Import(ctx context.Context, key *rns.Identity, name string) (Identity, error)
	Update(ctx context.Context, hash rns.Addr, c IdentityChange) (Identity, error)
	Key(ctx context.Context, hash rns.Addr) (*rns.Identity, error)
	Announce(ctx context.Context, hash rns.Addr) error
	Scope(ctx context.Context, hash rns.Addr) (*Scope, error)
}

// Errors of Identities.
var (
	ErrIdentityUnknown = errors.New("no such identity")
	ErrIdentityOffline = errors.New("identity is not online")
	ErrIdentityExists  = errors.New("identity is here already")
	ErrLastIdentity    = errors.New("the last enabled identity cannot be disabled")
	ErrNotSent         = errors.New("no interface took the announce")
)

// Config is what the operations need.
type Config struct {
	Version    string
	Instance   string
	StartedAt  time.Time
	Ready      func() bool
	Problems   func() []StatusProblem // nil: never any
	Auth       *auth.Service
	Guard      *auth.Guard
	Identities Identities
	Settings   *settings.Set
	Announces  *announces.Service
	Interfaces *interfaces.Service
	Host       *propagation.Host
	Bus        *event.Bus
	Now        func() time.Time
	Log        *slog.Logger
}

// Server holds the services behind the operations.
type Server struct{ conf Config }

// New registers every operation and the event socket on mux and returns the
// framework's view of them.
func New(mux *http.ServeMux, conf Config) huma.API {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{conf}
	a := humago.New(mux, config(conf.Version))
	s.register(a)
	mux.HandleFunc("GET "+SocketPath, s.socket)
	a.OpenAPI().Components.Schemas.Schema(eventType, true, "Event")
	for _, schema := range a.OpenAPI().Components.Schemas.Map() {
		neverNull(schema)
	}
	return a
}

// neverNull states what the mapping guarantees: a list is empty, never null.
func neverNull(s *huma.Schema) {
	if s.Type == huma.TypeArray {
		s.Nullable = false
	}
	for _, p := range s.Properties {
		neverNull(p)
	}
}

func config(version string) huma.Config {
	return huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:       "MeshChatX",
				Version:     version,
				Description: "Local interface of the program. Every operation but get-status and create-session needs a session; every state change needs the session's second token too.",
			},
			Components: &huma.Components{
				Schemas: schemaRegistry(),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"session": {Type: "apiKey", In: "cookie", Name: "meshchatx"},
					"second":  {Type: "apiKey", In: "header", Name: SecondTokenHeader},
				},
			},
			Security: []map[string][]string{{"session": {}}},
		},
		Formats:       map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: "application/json",
		Transformers:  []huma.Transformer{frameworkProblem},
	}
}

// MaxBody bounds the JSON body of an operation, in bytes: a long message with
// room for its encoding.
const MaxBody = 4 << 20

// operation describes one entry of the API.
func operation(id, method, path, tag string, status int, summary string) huma.Operation {
	op := huma.Operation{
		OperationID: id, Method: method, Path: Prefix + path, Tags: []string{tag},
		DefaultStatus: status, Summary: summary,
	}
	if method == post || method == put || method == patch {
		op.MaxBodyBytes = MaxBody
	}
	if method != http.MethodGet {
		op.Security = []map[string][]string{{"session": {}, "second": {}}}
	}
	return op
}
