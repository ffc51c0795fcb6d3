package auth

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

const (
	host   = "127.0.0.1:8000"
	origin = "https://127.0.0.1:8000"
)

// request is one row of the access table. Without edits it is a good request of a page.
type request struct {
	method, path string
	edit         func(r *http.Request, g Grant)
	status       int
	code         string
}

func set(key, value string) func(*http.Request, Grant) {
	return func(r *http.Request, _ Grant) { r.Header.Set(key, value) }
}

func del(keys ...string) func(*http.Request, Grant) {
	return func(r *http.Request, _ Grant) {
		for _, k := range keys {
			r.Header.Del(k)
		}
	}
}

func named(name string) func(*http.Request, Grant) {
	return func(r *http.Request, _ Grant) { r.Host = name }
}

// both edits in turn.
func both(edits ...func(*http.Request, Grant)) func(*http.Request, Grant) {
	return func(r *http.Request, g Grant) {
		for _, e := range edits {
			e(r, g)
		}
	}
}

func bearer(r *http.Request, g Grant) {
	r.Header.Del("Cookie")
	r.Header.Del(SecondTokenHeader)
	r.Header.Del("Origin")
	r.Header.Set("Authorization", "Bearer "+g.Token)
}

func asSocket(r *http.Request, g Grant) {
	r.Header.Del(SecondTokenHeader)
	r.Header.Set("Connection", "Upgrade")
	r.Header.Set("Upgrade", "websocket")
	r.Header.Set("Sec-WebSocket-Protocol", SocketProtocol+", "+SocketTokenPrefix+g.Second)
}

var table = map[string]request{
	"page":                        {"GET", "/", nil, 204, ""},
	"page, signed out":            {"GET", "/", del("Cookie"), 204, ""},
	"page linked from a site":     {"GET", "/", both(del("Cookie", "Origin"), set("Sec-Fetch-Site", "cross-site")), 204, ""},
	"page under a rebound name":   {"GET", "/", named("evil.example:8000"), 421, "host_not_allowed"},
	"page without a host":         {"GET", "/", named(""), 421, "host_not_allowed"},
	"read":                        {"GET", "/api/v1/x", nil, 204, ""},
	"read by localhost":           {"GET", "/api/v1/x", both(named("localhost:8000"), set("Origin", "https://localhost:8000")), 204, ""},
	"read by localhost.":          {"GET", "/api/v1/x", both(named("LOCALHOST."), del("Origin")), 204, ""},
	"read by IPv6":                {"GET", "/api/v1/x", both(named("[::1]:8000"), del("Origin")), 204, ""},
	"read by own name":            {"GET", "/api/v1/x", both(named("Mesh.Local:8000"), del("Origin")), 204, ""},
	"read, address of LAN":        {"GET", "/api/v1/x", both(named("192.168.1.5:8000"), del("Origin")), 421, "host_not_allowed"},
	"read without session":        {"GET", "/api/v1/x", del("Cookie"), 401, "signed_out"},
	"read, wrong cookie":          {"GET", "/api/v1/x", set("Cookie", "__Host-meshchatx-ab12=wrong"), 401, "signed_out"},
	"read, other instance":        {"GET", "/api/v1/x", func(r *http.Request, g Grant) { r.Header.Set("Cookie", "__Host-meshchatx-ffff="+g.Token) }, 401, "signed_out"},
	"read by second token only":   {"GET", "/api/v1/x", both(del("Cookie"), func(r *http.Request, g Grant) { r.Header.Set("Cookie", "__Host-meshchatx-ab12="+g.Second) }), 401, "signed_out"},
	"read without second":         {"GET", "/api/v1/x", del(SecondTokenHeader), 204, ""},
	"read, foreign origin":        {"GET", "/api/v1/x", set("Origin", "https://evil.example"), 403, "origin_not_allowed"},
	"read by other port":          {"GET", "/api/v1/x", both(del("Origin"), set("Sec-Fetch-Site", "same-site")), 403, "origin_not_allowed"},
	"read, cross-site":            {"GET", "/api/v1/x", both(del("Origin"), set("Sec-Fetch-Site", "cross-site")), 403, "origin_not_allowed"},
	"read, typed address":         {"GET", "/api/v1/x", both(del("Origin"), set("Sec-Fetch-Site", "none")), 204, ""},
	"change":                      {"POST", "/api/v1/x", nil, 204, ""},
	"change, no session":          {"POST", "/api/v1/x", del("Cookie"), 401, "signed_out"},
	"change, no second":           {"POST", "/api/v1/x", del(SecondTokenHeader), 403, "second_token"},
	"change, wrong second":        {"DELETE", "/api/v1/x", set(SecondTokenHeader, "wrong"), 403, "second_token"},
	"change, token as second":     {"PUT", "/api/v1/x", func(r *http.Request, g Grant) { r.Header.Set(SecondTokenHeader, g.Token) }, 403, "second_token"},
	"change, no origin":           {"POST", "/api/v1/x", del("Origin"), 403, "origin_not_allowed"},
	"change, null origin":         {"POST", "/api/v1/x", set("Origin", "null"), 403, "origin_not_allowed"},
	"change, foreign origin":      {"PATCH", "/api/v1/x", set("Origin", "https://evil.example"), 403, "origin_not_allowed"},
	"change, other port":          {"POST", "/api/v1/x", set("Origin", "https://127.0.0.1:9000"), 403, "origin_not_allowed"},
	"change, plain origin":        {"POST", "/api/v1/x", set("Origin", "http://127.0.0.1:8000"), 403, "origin_not_allowed"},
	"change, host in origin":      {"POST", "/api/v1/x", set("Origin", "https://127.0.0.1:8000.evil.example"), 403, "origin_not_allowed"},
	"change, odd method":          {"FROB", "/api/v1/x", del(SecondTokenHeader), 403, "second_token"},
	"exchange":                    {"POST", "/api/v1/session", del("Cookie", SecondTokenHeader), 204, ""},
	"exchange, foreign origin":    {"POST", "/api/v1/session", both(del("Cookie"), set("Origin", "https://evil.example")), 403, "origin_not_allowed"},
	"exchange, no origin":         {"POST", "/api/v1/session", del("Cookie", "Origin"), 403, "origin_not_allowed"},
	"program reads":               {"GET", "/api/v1/x", bearer, 204, ""},
	"program changes":             {"POST", "/api/v1/x", bearer, 204, ""},
	"program, bad token":          {"POST", "/api/v1/x", both(bearer, set("Authorization", "Bearer nonsense")), 401, "signed_out"},
	"program, empty token":        {"GET", "/api/v1/x", both(bearer, set("Authorization", "Bearer ")), 401, "signed_out"},
	"page sends a bearer":         {"POST", "/api/v1/x", both(bearer, set("Origin", "https://evil.example")), 403, "origin_not_allowed"},
	"bearer of no one and cookie": {"POST", "/api/v1/x", set("Authorization", "Bearer nonsense"), 401, "signed_out"},
	"socket":                      {"GET", "/ws", asSocket, 204, ""},
	"socket, no second":           {"GET", "/ws", both(asSocket, set("Sec-WebSocket-Protocol", SocketProtocol)), 403, "second_token"},
	"socket, wrong second":        {"GET", "/ws", both(asSocket, set("Sec-WebSocket-Protocol", SocketProtocol+", token.x")), 403, "second_token"},
	"socket, no origin":           {"GET", "/ws", both(asSocket, del("Origin")), 403, "origin_not_allowed"},
	"socket, foreign origin":      {"GET", "/ws", both(asSocket, set("Origin", "https://evil.example")), 403, "origin_not_allowed"},
	"socket, no session":          {"GET", "/ws", both(asSocket, del("Cookie")), 401, "signed_out"},
	"socket of a program":         {"GET", "/ws", both(asSocket, bearer), 204, ""},
	"subprotocol on a change":     {"POST", "/api/v1/x", both(del(SecondTokenHeader), func(r *http.Request, g Grant) { r.Header.Set("Sec-WebSocket-Protocol", SocketTokenPrefix+g.Second) }), 403, "second_token"},
}

func testGuard(b *bench) *Guard {
	return NewGuard(GuardConfig{
		Service: b.Service, Instance: "ab12", Secure: true, Hosts: []string{"mesh.local"},
		Open: func(r *http.Request) bool { return r.URL.Path == "/" || r.URL.Path == "/api/v1/session" },
	})
}

func TestAccessTable(t *testing.T) {
	b := newBench(t)
	g := b.signIn(laptop)
	guard := testGuard(b)
	for name, c := range table {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
			r.Host = host
			r.Header.Set("Origin", origin)
			r.Header.Set(SecondTokenHeader, g.Second)
			r.AddCookie(guard.Cookie(g.Token))
			if c.edit != nil {
				c.edit(r, g)
			}
			w := httptest.NewRecorder()
			reached := false
			guard.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reached = true
				if s, ok := SessionFrom(r.Context()); c.path == "/api/v1/x" && (!ok || s.ID != g.Session.ID) {
					t.Errorf("handler sees session %v, %v", s, ok)
				}
				w.WriteHeader(http.StatusNoContent)
			})).ServeHTTP(w, r)
			if w.Code != c.status || reached != (c.status == 204) {
				t.Fatalf("status %d, want %d: %s", w.Code, c.status, w.Body)
			}
			if c.code == "" {
				return
			}
			var problem struct {
				Status int
				Code   string
			}
			if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || problem.Code != c.code || problem.Status != c.status {
				t.Errorf("problem %s", w.Body)
			}
			if ct := w.Header().Get("Content-Type"); ct != "application/problem+json" {
				t.Errorf("content type %s", ct)
			}
		})
	}
}

func TestRevokedSessionIsRefusedAtOnce(t *testing.T) {
	b := newBench(t)
	g := b.signIn(laptop)
	guard := testGuard(b)
	if err := b.Revoke(t.Context(), g.Session.ID); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/x", nil)
	r.Host = host
	r.AddCookie(guard.Cookie(g.Token))
	w := httptest.NewRecorder()
	guard.Wrap(http.NotFoundHandler()).ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("status %d", w.Code)
	}
}

func TestCookies(t *testing.T) {
	b := newBench(t)
	secure := testGuard(b).Cookie("t").String()
	for _, want := range []string{"__Host-meshchatx-ab12=t", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} {
		if !strings.Contains(secure, want) {
			t.Errorf("%s lacks %s", secure, want)
		}
	}
	plain := NewGuard(GuardConfig{Service: b.Service, Instance: "cd34"})
	if c := plain.Cookie("t").String(); strings.Contains(c, "Secure") || strings.Contains(c, "__Host-") || !strings.HasPrefix(c, "meshchatx-cd34=") {
		t.Errorf("cookie over plain HTTP: %s", c)
	}
	if c := plain.ClearCookie().String(); !strings.Contains(c, "Max-Age=0") {
		t.Errorf("cookie that clears: %s", c)
	}
}

func TestAnyLiteralWhenServingTheNetwork(t *testing.T) {
	b := newBench(t)
	guard := NewGuard(GuardConfig{Service: b.Service, Literals: AnyLiteral})
	for name, want := range map[string]bool{"192.168.1.5:8000": true, "[2001:db8::1]:8000": true, "evil.example": false, "192.168.1.5.evil.example": false} {
		if got := guard.hostAllowed(name); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("127.0.0.1:8000", "https://127.0.0.1:8000", "meshchatx.v1, token.x", "Bearer y", "a=b")
	f.Add("[::1", "null", ",,token.", "bearer", ";;")
	guard := NewGuard(GuardConfig{Service: emptyService(f), Secure: true})
	f.Fuzz(func(t *testing.T, host, origin, protocol, authorization, cookie string) {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/x", nil)
		r.Host = host
		r.Header.Set("Origin", origin)
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Protocol", protocol)
		r.Header.Set("Authorization", authorization)
		r.Header.Set("Cookie", cookie)
		if _, _, err := guard.check(r); err == nil {
			t.Fatal("let in without a session")
		}
	})
}
