package api

import (
	"encoding/json"
	"net/http"
)

// WithProblems serves mux and tells in the one form of errors what it has no route for.
func WithProblems(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, pattern := mux.Handler(r); pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		told := verdict{header: make(http.Header)}
		mux.ServeHTTP(&told, r)
		p := NewProblem(http.StatusNotFound, "not_found", "")
		if told.status == http.StatusMethodNotAllowed {
			p = NewProblem(told.status, "method_not_allowed", "")
			w.Header().Set("Allow", told.header.Get("Allow"))
		}
		w.Header().Set("Content-Type", p.ContentType(""))
		w.WriteHeader(p.Status)
		_ = json.NewEncoder(w).Encode(p) // a client that is gone needs no answer
	})
}

// verdict keeps what a handler answers, without its body.
type verdict struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (v *verdict) Header() http.Header { return v.header }

// WriteHeader implements http.ResponseWriter.
func (v *verdict) WriteHeader(status int) { v.status = status }

// Write implements http.ResponseWriter.
func (v *verdict) Write(b []byte) (int, error) { return len(b), nil }
