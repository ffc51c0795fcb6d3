package store

import (
	"context"
	"time"

	"meshchatx/internal/store/sqlite"
)

// AccessMethod is how someone tried to get in.
type AccessMethod uint8

// Ways of signing in. The numbers are stored.
const (
	AccessStartToken AccessMethod = 1
	AccessPassword   AccessMethod = 2
)

// AccessOutcome is what came of an attempt.
type AccessOutcome uint8

// Outcomes of attempts. The numbers are stored.
const (
	AccessGranted AccessOutcome = 1
	AccessDenied  AccessOutcome = 2
	AccessLimited AccessOutcome = 3 // not even looked at: too many failures before
)

// Attempt is one attempt to sign in.
type Attempt struct {
	Seq       int64
	At        time.Time
	Address   string
	UserAgent string
	Method    AccessMethod
	Outcome   AccessOutcome
}

// KeptAttempts is how many attempts are remembered.
const KeptAttempts = 10_000

// Attempts are the attempts to sign in.
type Attempts struct{ h sqlite.Handle }

const (
	attemptColumns = `seq, at, address, user_agent, method, outcome`

	qAttemptAdd     = `INSERT INTO attempts (at, address, user_agent, method, outcome) VALUES (?,?,?,?,?)`
	qAttemptTrim    = `DELETE FROM attempts WHERE seq <= ?`
	qAttemptList    = `SELECT ` + attemptColumns + ` FROM attempts WHERE seq < ? ORDER BY seq DESC LIMIT ?`
	qAttemptsFailed = `SELECT ` + attemptColumns + ` FROM attempts WHERE outcome = 2 AND at >= ? ORDER BY at`
	qAttemptsClear  = `DELETE FROM attempts WHERE outcome <> 1`
)

// Add records an attempt and forgets those before the last KeptAttempts.
func (t Attempts) Add(ctx context.Context, a Attempt) error {
	return t.h.Write(ctx, func(tx *sqlite.Tx) error {
		seq, err := tx.Insert(ctx, qAttemptAdd, ms(a.At), a.Address, a.UserAgent, a.Method, a.Outcome)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, qAttemptTrim, seq-KeptAttempts)
		return err
	})
}

// List returns attempts before a Seq (0: from the newest), the newest first.
func (t Attempts) List(ctx context.Context, before int64, limit int) ([]Attempt, error) {
	if before <= 0 {
		before = maxSeq
	}
	return sqlite.Collect(ctx, t.h, scanAttempt, qAttemptList, before, bound(limit, MaxPage))
}

// DeniedSince returns the failed attempts since a time, the oldest first.
func (t Attempts) DeniedSince(ctx context.Context, since time.Time) ([]Attempt, error) {
	return sqlite.Collect(ctx, t.h, scanAttempt, qAttemptsFailed, ms(since))
}

// ClearDenied forgets failed attempts, which ends every lock-out.
func (t Attempts) ClearDenied(ctx context.Context) error {
	_, err := sqlite.Exec(ctx, t.h, qAttemptsClear)
	return err
}

func scanAttempt(r sqlite.Row) (Attempt, error) {
	var a Attempt
	err := r.Scan(&a.Seq, timeInto{&a.At}, &a.Address, &a.UserAgent, &a.Method, &a.Outcome)
	return a, err
}
