package httpd

import (
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
)

// Parts are what a handler is made of.
type Parts struct {
	// API answers everything under /api/ and the event socket /ws.
	API http.Handler
	// Static is the built web application; without index.html in it, a note is shown instead.
	Static fs.FS
	// Guard decides which requests may pass; nil lets all through, for tests.
	Guard func(http.Handler) http.Handler
	// BodyLimit returns the largest body of a request in bytes, for those that may be larger
	// than Params.BodyBytes; 0 or nil: the usual limit.
	BodyLimit func(*http.Request) int64
	// Logger receives a line for each request, without queries, headers or bodies. Nil discards them.
	Logger *slog.Logger
	// Params are the limits; zero means DefaultParams.
	Params Params
}

// NewHandler assembles the parts.
func NewHandler(p Parts) (http.Handler, error) {
	if p.Logger == nil {
		p.Logger = slog.New(slog.DiscardHandler)
	}
	if p.Params == (Params{}) {
		p.Params = DefaultParams()
	}
	if p.Guard == nil {
		p.Guard = func(h http.Handler) http.Handler { return h }
	}
	static, err := newStatic(p.Static)
	if err != nil {
		return nil, err
	}
	inner := p.Guard(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if IsStatic(r) {
			static.ServeHTTP(w, r)
			return
		}
		p.API.ServeHTTP(w, r)
	}))
	return logged(p.Logger, recovered(p.Logger, withHeaders(bounded(p, inner)))), nil
}

// IsStatic reports whether a request is for the web application and not for the API. Such
// requests need no session.
func IsStatic(r *http.Request) bool {
	path := r.URL.Path
	return path != "/ws" && path != "/api" && !strings.HasPrefix(path, "/api/")
}

// policy allows the page its own scripts, styles and pictures and nothing else. Style attributes
// are allowed: positioned elements need them, and they can run nothing.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; " +
	"img-src 'self' blob: data:; media-src 'self' blob:; font-src 'self'; connect-src 'self'; manifest-src 'self'; " +
	"worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// withHeaders sets what every answer carries; a handler may set something stricter.
func withHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=(), serial=()")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		if !IsStatic(r) {
			h.Set("Cache-Control", "no-store")
		}
		next.ServeHTTP(w, r)
	})
}
