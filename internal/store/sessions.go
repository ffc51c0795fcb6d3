package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
)

// TokenHash is the SHA-256 of a secret token; the token itself is never stored.
type TokenHash [32]byte

// Session is a signed-in browser or program.
type Session struct {
	// Token and Second are the hashes of the two tokens of the session.
	Token, Second                TokenHash
	CreatedAt, SeenAt, ExpiresAt time.Time
	Address, UserAgent           string
}

// Sessions are the signed-in browsers and programs.
type Sessions struct{ h sqlite.Handle }

const (
	qSessionAdd = `INSERT INTO sessions (token, second, created_at, seen_at, expires_at, address, user_agent) VALUES (?,?,?,?,?,?,?)`
	qSessions   = `SELECT token, second, created_at, seen_at, expires_at, address, user_agent FROM sessions
		WHERE expires_at > ? ORDER BY expires_at LIMIT 10000`
	qSessionTouch  = `UPDATE sessions SET seen_at = ?2, expires_at = ?3, address = ?4, user_agent = ?5 WHERE token = ?1`
	qSessionDelete = `DELETE FROM sessions WHERE token = ?`
	qSessionClear  = `DELETE FROM sessions`
	qSessionExpire = `DELETE FROM sessions WHERE expires_at <= ?`
	qTokenUse      = `INSERT INTO used_tokens (nonce, used_at, expires_at) VALUES (?,?,?) ON CONFLICT (nonce) DO NOTHING`
	qTokenExpire   = `DELETE FROM used_tokens WHERE expires_at <= ?`
)

// Add stores a session.
func (t Sessions) Add(ctx context.Context, s Session) error {
	_, err := sqlite.Exec(ctx, t.h, qSessionAdd, s.Token[:], s.Second[:], ms(s.CreatedAt), ms(s.SeenAt), ms(s.ExpiresAt), s.Address, s.UserAgent)
	return err
}

// List returns the sessions that have not expired, at most 10,000.
func (t Sessions) List(ctx context.Context, now time.Time) ([]Session, error) {
	return sqlite.Collect(ctx, t.h, func(r sqlite.Row) (s Session, err error) {
		err = r.Scan(bytesInto(s.Token[:]), bytesInto(s.Second[:]), timeInto{&s.CreatedAt}, timeInto{&s.SeenAt},
			timeInto{&s.ExpiresAt}, &s.Address, &s.UserAgent)
		return s, err
	}, qSessions, ms(now))
}

// Touch records when and from where a session was last used and until when it lives.
func (t Sessions) Touch(ctx context.Context, s Session) error {
	_, err := sqlite.Exec(ctx, t.h, qSessionTouch, s.Token[:], ms(s.SeenAt), ms(s.ExpiresAt), s.Address, s.UserAgent)
	return err
}

// Delete ends a session. It is no error if there is none.
func (t Sessions) Delete(ctx context.Context, token TokenHash) error {
	_, err := sqlite.Exec(ctx, t.h, qSessionDelete, token[:])
	return err
}

// Clear ends every session.
func (t Sessions) Clear(ctx context.Context) error {
	_, err := sqlite.Exec(ctx, t.h, qSessionClear)
	return err
}

// UseToken records the use of a one-time token and says whether it was the first.
func (t Sessions) UseToken(ctx context.Context, nonce []byte, now, expires time.Time) (first bool, err error) {
	n, err := sqlite.Exec(ctx, t.h, qTokenUse, nonce, ms(now), ms(expires))
	return n > 0, err
}

// Expire removes sessions and used tokens past their time.
func (t Sessions) Expire(ctx context.Context, now time.Time) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		if _, err := tx.Exec(ctx, qSessionExpire, ms(now)); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, qTokenExpire, ms(now))
		return err
	})
}
