package auth

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Names of the protocol between the page and the guard.
const (
	// SecondTokenHeader carries the second token on every state change.
	SecondTokenHeader = "X-Second-Token"
	// SocketProtocol is the subprotocol of the event socket; the server must choose it.
	SocketProtocol = "meshchatx.v1"
	// SocketTokenPrefix before the second token makes a further subprotocol offered by the page:
	// a browser can send no header of its own when it opens a socket.
	SocketTokenPrefix = "token."
)

// cookieLife is how long a browser keeps the cookie; the server decides how long it is worth something.
const cookieLife = 400 * 24 * time.Hour

// Literals says which IP addresses are accepted as the name of the host. Only names can be
// rebound by DNS, but a page of another machine should not reach us by an address either.
type Literals uint8

// Rules for addresses as host names.
const (
	LoopbackLiterals Literals = iota // 127.0.0.0/8 and ::1
	AnyLiteral                       // also others: the program listens to the network
)

// GuardConfig is what a guard needs.
type GuardConfig struct {
	Service *Service
	// Instance is a random name of this installation: cookies ignore ports, so two of them on one
	// machine would overwrite each other's.
	Instance string
	// Secure: the page comes over HTTPS.
	Secure bool
	// Hosts are the names under which the program may be addressed, besides localhost.
	Hosts    []string
	Literals Literals
	// Open reports whether a request needs no session. Host and origin are checked all the same.
	Open func(*http.Request) bool
}

// Guard checks requests. Use NewGuard.
type Guard struct {
	conf   GuardConfig
	hosts  []string
	cookie string
}

// NewGuard returns a guard.
func NewGuard(c GuardConfig) *Guard {
	g := &Guard{conf: c, hosts: []string{"localhost"}, cookie: "meshchatx-" + c.Instance}
	if c.Secure {
		g.cookie = "__Host-" + g.cookie // the browser then takes it from this origin only
	}
	for _, h := range c.Hosts {
		g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(h, ".")))
	}
	return g
}

// Wrap lets only good requests through to next. The session, if there is one, is in their
// context (SessionFrom).
func (g *Guard) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s, signedIn, err := g.check(r)
		if err != nil {
			refuse(w, err)
			return
		}
		if signedIn {
			r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, s))
		}
		next.ServeHTTP(w, r)
	})
}

type sessionKey struct{}

// SessionFrom returns the session of a request's context.
func SessionFrom(ctx context.Context) (Session, bool) {
	s, ok := ctx.Value(sessionKey{}).(Session)
	return s, ok
}

// ClientOf returns where a request comes from.
func ClientOf(r *http.Request) Client {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return Client{Address: host, UserAgent: r.UserAgent()}
}

// Cookie returns the cookie of a new session.
func (g *Guard) Cookie(token string) *http.Cookie {
	return &http.Cookie{
		Name: g.cookie, Value: token, Path: "/", MaxAge: int(cookieLife / time.Second),
		Secure: g.conf.Secure, HttpOnly: true, SameSite: http.SameSiteStrictMode,
	}
}

// ClearCookie returns the cookie that removes the one of a session.
func (g *Guard) ClearCookie() *http.Cookie {
	c := g.Cookie("")
	c.MaxAge = -1
	return c
}

// Errors of requests that are not what they should be.
var (
	ErrHost   = errors.New("host name not allowed")
	ErrOrigin = errors.New("request comes from another origin")
)

// check applies the rules in the order of their cost. It returns the session if there is one.
func (g *Guard) check(r *http.Request) (s Session, signedIn bool, err error) {
	if !g.hostAllowed(r.Host) {
		return s, false, ErrHost
	}
	open := g.conf.Open != nil && g.conf.Open(r)
	token, bearer := bearerToken(r)
	if err := g.checkOrigin(r, open, bearer); err != nil {
		return s, false, err
	}
	if !bearer {
		if c, err := r.Cookie(g.cookie); err == nil {
			token = c.Value
		}
	}
	if token != "" {
		s, err = g.conf.Service.Authenticate(r.Context(), token, ClientOf(r))
		signedIn = err == nil
	}
	if open {
		return s, signedIn, nil
	}
	if !signedIn {
		return s, false, ErrNoSession
	}
	if (changes(r) || socket(r)) && !bearer {
		if err := g.conf.Service.CheckSecond(s.ID, secondToken(r)); err != nil {
			return s, false, err
		}
	}
	return s, true, nil
}

// checkOrigin refuses requests made by pages of other origins. A browser names the origin of
// every change and every socket, so a missing one is accepted only with a token no page can send.
func (g *Guard) checkOrigin(r *http.Request, open, bearer bool) error {
	origin := r.Header.Get("Origin")
	if origin == "" {
		if (changes(r) || socket(r)) && !bearer {
			return ErrOrigin
		}
		switch r.Header.Get("Sec-Fetch-Site") {
		case "", "same-origin", "none":
			return nil
		}
		if open {
			return nil // a link from another site to our page
		}
		return ErrOrigin
	}
	scheme := "http://"
	if g.conf.Secure {
		scheme = "https://"
	}
	if !strings.EqualFold(origin, scheme+r.Host) {
		return ErrOrigin
	}
	return nil
}

func (g *Guard) hostAllowed(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if a, err := netip.ParseAddr(host); err == nil {
		return a.IsLoopback() || g.conf.Literals == AnyLiteral
	}
	return slices.Contains(g.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// changes reports whether a request may change something.
func changes(r *http.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions:
		return false
	}
	return true
}

func socket(r *http.Request) bool {
	return strings.EqualFold(r.Header.Get("Upgrade"), "websocket") || r.Method == http.MethodConnect
}

func bearerToken(r *http.Request) (string, bool) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return token, ok && strings.EqualFold(scheme, "Bearer") && token != ""
}

func secondToken(r *http.Request) string {
	if t := r.Header.Get(SecondTokenHeader); t != "" {
		return t
	}
	for _, line := range r.Header.Values("Sec-WebSocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if t, ok := strings.CutPrefix(strings.TrimSpace(p), SocketTokenPrefix); ok && socket(r) {
				return t
			}
		}
	}
	return ""
}

// Problem is how a refusal is told.
type Problem struct {
	Status int
	// Code is stable; texts for people are made from it.
	Code string
	// RetryAfter is set for a lock-out.
	RetryAfter time.Duration
}

// ProblemOf returns how an error of this package is told, and false for any other error.
func ProblemOf(err error) (Problem, bool) {
	var limited *LimitError
	switch {
	case errors.As(err, &limited):
		return Problem{Status: http.StatusTooManyRequests, Code: "rate_limited", RetryAfter: limited.RetryAfter}, true
	case errors.Is(err, ErrHost):
		return Problem{Status: http.StatusMisdirectedRequest, Code: "host_not_allowed"}, true
	case errors.Is(err, ErrOrigin):
		return Problem{Status: http.StatusForbidden, Code: "origin_not_allowed"}, true
	case errors.Is(err, ErrSecondToken):
		return Problem{Status: http.StatusForbidden, Code: "second_token"}, true
	case errors.Is(err, ErrNoSession):
		return Problem{Status: http.StatusUnauthorized, Code: "signed_out"}, true
	case errors.Is(err, ErrTokenUsed):
		return Problem{Status: http.StatusUnauthorized, Code: "token_used"}, true
	case errors.Is(err, ErrTokenExpired):
		return Problem{Status: http.StatusUnauthorized, Code: "token_expired"}, true
	case errors.Is(err, ErrTokenInvalid):
		return Problem{Status: http.StatusUnauthorized, Code: "token_invalid"}, true
	}
	return Problem{}, false
}

// refuse answers with a problem document (RFC 9457).
func refuse(w http.ResponseWriter, err error) {
	p, ok := ProblemOf(err)
	if !ok {
		p = Problem{Status: http.StatusInternalServerError, Code: "internal"}
	}
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Cache-Control", "no-store")
	if p.RetryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(p.RetryAfter/time.Second)+1))
	}
	w.WriteHeader(p.Status)
	body := `{"type":"about:blank","title":"` + http.StatusText(p.Status) + `","status":` + strconv.Itoa(p.Status) + `,"code":"` + p.Code + `"}`
	_, _ = w.Write([]byte(body))
}
