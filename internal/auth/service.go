package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"meshchatx/internal/store"
)

// Reasons for refusing access.
var (
	ErrTokenInvalid = errors.New("start token not valid")
	ErrTokenExpired = errors.New("start token expired")
	ErrTokenUsed    = errors.New("start token used already")
	ErrNoSession    = errors.New("not signed in")
	ErrSecondToken  = errors.New("second token missing or wrong")
	ErrLimited      = errors.New("too many failed attempts")
)

// LimitError is ErrLimited with the time after which trying again makes sense.
type LimitError struct{ RetryAfter time.Duration }

func (e *LimitError) Error() string { return ErrLimited.Error() }

// Is matches ErrLimited.
func (e *LimitError) Is(target error) bool { return target == ErrLimited }

// Params are the limits of the service.
type Params struct {
	// Idle is how long a session lives without being used.
	Idle time.Duration
	// TouchEvery is how exactly the last use is stored.
	TouchEvery time.Duration
	// MaxSessions bounds the sessions; the one unused for the longest time makes room.
	MaxSessions int
	// FailWindow and FailMax: after FailMax failures within FailWindow an address is locked out
	// until the first of them is older than the window.
	FailWindow time.Duration
	FailMax    int
}

// DefaultParams returns the values used in production.
func DefaultParams() Params {
	return Params{
		Idle:        30 * 24 * time.Hour,
		TouchEvery:  time.Minute,
		MaxSessions: 200,
		FailWindow:  10 * time.Minute,
		FailMax:     10,
	}
}

// Config is what a service needs. Sessions, Attempts, Secret and Rand are required.
type Config struct {
	Sessions store.Sessions
	Attempts store.Attempts
	Secret   Secret
	Rand     io.Reader
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Idle returns the present idle time of sessions; nil means Params.Idle.
	Idle   func() time.Duration
	Logger *slog.Logger
	Params Params
}

// Client is where a request comes from.
type Client struct {
	// Address without the port.
	Address   string
	UserAgent string
}

// SessionID names a session in lists; it is no secret.
type SessionID [8]byte

// String returns the id in hexadecimal.
func (id SessionID) String() string { return hex.EncodeToString(id[:]) }

// Session is a signed-in browser or program.
type Session struct {
	ID                           SessionID
	CreatedAt, SeenAt, ExpiresAt time.Time
	Address, UserAgent           string
}

// Grant is a new session with its secrets.
type Grant struct {
	Session Session
	// Token goes into the cookie, Second to the page.
	Token, Second string
}

// entry is a session in memory.
type entry struct {
	row   store.Session
	saved time.Time // last use as stored
	ended chan struct{}
}

// Service keeps the sessions. Use New.
type Service struct {
	conf    Config
	limiter limiter

	mu       sync.Mutex // guards sessions and the entries in it
	sessions map[store.TokenHash]*entry
}

// New loads the sessions and the recent failures from the store.
func New(ctx context.Context, c Config) (*Service, error) {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Params == (Params{}) {
		c.Params = DefaultParams()
	}
	if c.Idle == nil {
		c.Idle = func() time.Duration { return c.Params.Idle }
	}
	s := &Service{conf: c, sessions: make(map[store.TokenHash]*entry)}
	now := c.Now()
	rows, err := c.Sessions.List(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("load sessions: %w", err)
	}
	for _, row := range rows {
		s.sessions[row.Token] = &entry{row: row, saved: row.SeenAt, ended: make(chan struct{})}
	}
	failed, err := c.Attempts.DeniedSince(ctx, now.Add(-c.Params.FailWindow))
	if err != nil {
		return nil, fmt.Errorf("load access attempts: %w", err)
	}
	s.limiter.init(c.Params, failed)
	return s, nil
}

// NewStartToken makes a token for a one-time address.
func (s *Service) NewStartToken() (string, error) {
	return s.conf.Secret.StartToken(s.conf.Rand, s.conf.Now())
}

// Exchange trades a start token for a session. A good token works from a locked out address too:
// it cannot be guessed, so it proves its owner.
func (s *Service) Exchange(ctx context.Context, token string, c Client) (Grant, error) {
	now := s.conf.Now()
	nonce, expires, err := s.conf.Secret.check(token, now)
	if err == nil {
		var first bool
		if first, err = s.conf.Sessions.UseToken(ctx, nonce, now, expires); err != nil {
			return Grant{}, fmt.Errorf("use start token: %w", err)
		}
		if !first {
			err = ErrTokenUsed
		}
	}
	if err != nil {
		return Grant{}, s.denied(ctx, store.AccessStartToken, c, err)
	}
	return s.grant(ctx, store.AccessStartToken, c)
}

// grant makes a session. Every way of signing in ends here.
func (s *Service) grant(ctx context.Context, how store.AccessMethod, c Client) (Grant, error) {
	token, tokenHash, err := s.newToken()
	if err != nil {
		return Grant{}, err
	}
	second, secondHash, err := s.newToken()
	if err != nil {
		return Grant{}, err
	}
	now := s.conf.Now()
	row := store.Session{
		Token: tokenHash, Second: secondHash, CreatedAt: now, SeenAt: now, ExpiresAt: now.Add(s.conf.Idle()),
		Address: c.Address, UserAgent: cut(c.UserAgent),
	}
	if err := s.makeRoom(ctx); err != nil {
		return Grant{}, err
	}
	if err := s.conf.Sessions.Add(ctx, row); err != nil {
		return Grant{}, fmt.Errorf("store session: %w", err)
	}
	s.note(ctx, how, c, store.AccessGranted)
	s.mu.Lock()
	s.sessions[tokenHash] = &entry{row: row, saved: now, ended: make(chan struct{})}
	s.mu.Unlock()
	return Grant{Session: view(row), Token: token, Second: second}, nil
}

// makeRoom ends the session unused for the longest time when there are too many.
func (s *Service) makeRoom(ctx context.Context) error {
	all := s.List()
	for i := s.conf.Params.MaxSessions - 1; i < len(all); i++ {
		if err := s.Revoke(ctx, all[i].ID); err != nil {
			return err
		}
	}
	return nil
}

// Authenticate returns the session a token belongs to, or ErrNoSession, and records its use.
func (s *Service) Authenticate(ctx context.Context, token string, c Client) (Session, error) {
	hash := hashToken(token)
	now := s.conf.Now()
	s.mu.Lock()
	e, ok := s.sessions[hash]
	if !ok || !now.Before(e.row.ExpiresAt) {
		s.mu.Unlock()
		return Session{}, ErrNoSession
	}
	e.row.SeenAt, e.row.ExpiresAt = now, now.Add(s.conf.Idle())
	e.row.Address, e.row.UserAgent = c.Address, cut(c.UserAgent)
	row := e.row
	save := now.Sub(e.saved) >= s.conf.Params.TouchEvery
	if save {
		e.saved = now
	}
	s.mu.Unlock()
	if save {
		// The session is good whether or not its use could be stored, as on a full disk.
		if err := s.conf.Sessions.Touch(ctx, row); err != nil {
			s.conf.Logger.Warn("session use not stored", "error", err)
		}
	}
	return view(row), nil
}

// CheckSecond checks the second token of a session: nil or ErrSecondToken.
func (s *Service) CheckSecond(id SessionID, second string) error {
	hash := hashToken(second)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.sessions {
		if view(e.row).ID == id {
			if subtle.ConstantTimeCompare(hash[:], e.row.Second[:]) == 1 {
				return nil
			}
			return ErrSecondToken
		}
	}
	return ErrSecondToken
}

// List returns the sessions, the most recently used first.
func (s *Service) List() []Session {
	now := s.conf.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Session, 0, len(s.sessions))
	for _, e := range s.sessions {
		if now.Before(e.row.ExpiresAt) {
			out = append(out, view(e.row))
		}
	}
	slices.SortFunc(out, func(a, b Session) int {
		return cmp.Or(b.SeenAt.Compare(a.SeenAt), cmp.Compare(a.ID.String(), b.ID.String()))
	})
	return out
}

// Ended returns a channel that is closed when a session ends, so that its sockets can be closed.
// For an unknown session it is closed already.
func (s *Service) Ended(id SessionID) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.sessions {
		if view(e.row).ID == id {
			return e.ended
		}
	}
	done := make(chan struct{})
	close(done)
	return done
}

// Revoke ends a session. Without one it returns ErrNoSession.
func (s *Service) Revoke(ctx context.Context, id SessionID) error {
	n, err := s.end(ctx, func(row store.Session) bool { return view(row).ID == id })
	if err == nil && n == 0 {
		return ErrNoSession
	}
	return err
}

// RevokeOthers ends every session but one.
func (s *Service) RevokeOthers(ctx context.Context, keep SessionID) error {
	_, err := s.end(ctx, func(row store.Session) bool { return view(row).ID != keep })
	return err
}

// Sweep ends sessions that have expired and forgets used tokens. Call it now and then.
func (s *Service) Sweep(ctx context.Context) error {
	now := s.conf.Now()
	if _, err := s.end(ctx, func(row store.Session) bool { return !now.Before(row.ExpiresAt) }); err != nil {
		return err
	}
	s.limiter.sweep(now)
	return s.conf.Sessions.Expire(ctx, now)
}

// Unlock forgets failed attempts, which ends every lock-out.
func (s *Service) Unlock(ctx context.Context) error {
	s.limiter.clear()
	return s.conf.Attempts.ClearDenied(ctx)
}

// end removes the sessions that match, first from the store.
func (s *Service) end(ctx context.Context, match func(store.Session) bool) (int, error) {
	s.mu.Lock()
	var found []store.TokenHash
	for hash, e := range s.sessions {
		if match(e.row) {
			found = append(found, hash)
		}
	}
	s.mu.Unlock()
	for _, hash := range found {
		if err := s.conf.Sessions.Delete(ctx, hash); err != nil {
			return 0, fmt.Errorf("end session: %w", err)
		}
		s.mu.Lock()
		if e, ok := s.sessions[hash]; ok {
			delete(s.sessions, hash)
			close(e.ended)
		}
		s.mu.Unlock()
	}
	return len(found), nil
}

func (s *Service) newToken() (string, store.TokenHash, error) {
	b := make([]byte, secretSize)
	if _, err := io.ReadFull(s.conf.Rand, b); err != nil {
		return "", store.TokenHash{}, fmt.Errorf("make session: %w", err)
	}
	token := base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token), nil
}

func hashToken(token string) store.TokenHash { return sha256.Sum256([]byte(token)) }

func view(row store.Session) Session {
	return Session{
		ID: SessionID(row.Token[:8]), CreatedAt: row.CreatedAt, SeenAt: row.SeenAt, ExpiresAt: row.ExpiresAt,
		Address: row.Address, UserAgent: row.UserAgent,
	}
}

// maxUserAgent bounds what a client can make us store, in bytes.
const maxUserAgent = 200

func cut(userAgent string) string {
	if len(userAgent) > maxUserAgent {
		userAgent = userAgent[:maxUserAgent]
	}
	return userAgent
}
