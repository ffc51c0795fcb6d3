// Package api is the HTTP interface of the program: typed operations under
// /api/v1 from which the OpenAPI document and the browser's types are
// generated, and the event socket. Handlers decode, call one service and map
// the result; decisions live in the services.
package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Prefix is the path under which every operation lives.
const Prefix = "/api/v1"

// SecondTokenHeader carries the session's second token on every state change.
const SecondTokenHeader = "X-Second-Token"

// Server holds the services behind the operations.
type Server struct{}

// New registers every operation on mux and returns the framework's view of
// them.
func New(mux *http.ServeMux, version string, s *Server) huma.API {
	a := humago.New(mux, config(version))
	s.register(a)
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

// operation describes one entry of the API.
func operation(id, method, path, tag string, status int, summary string) huma.Operation {
	op := huma.Operation{
		OperationID: id, Method: method, Path: Prefix + path, Tags: []string{tag},
		DefaultStatus: status, Summary: summary,
	}
	if method != http.MethodGet {
		op.Security = []map[string][]string{{"session": {}, "second": {}}}
	}
	return op
}

func later[I, O any](context.Context, *I) (*O, error) {
	return nil, NewProblem(http.StatusServiceUnavailable, "starting", "")
}
