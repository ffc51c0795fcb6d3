package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"meshchatx/internal/store"
)

// bench is a service over a real database, with a settable clock.
type bench struct {
	*Service
	t      *testing.T
	db     *store.Server
	secret Secret

	mu  sync.Mutex
	now time.Time
}

var (
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	laptop = Client{Address: "127.0.0.1", UserAgent: "Browser/1"}
)

func (b *bench) clock() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.now
}

func (b *bench) advance(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.now = b.now.Add(d)
}

func newBench(t *testing.T) *bench {
	t.Helper()
	dir := t.TempDir()
	db, _, err := store.OpenServer(t.Context(), filepath.Join(dir, "server.db"), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	secret, err := LoadSecret(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, db: db, secret: secret, now: start}
	b.restart()
	return b
}

// restart replaces the service by a new one over the same database.
func (b *bench) restart() {
	b.t.Helper()
	s, err := New(b.t.Context(), Config{
		Sessions: b.db.Sessions, Attempts: b.db.Attempts, Secret: b.secret, Rand: rand.Reader, Now: b.clock,
	})
	if err != nil {
		b.t.Fatal(err)
	}
	b.Service = s
}

func (b *bench) signIn(c Client) Grant {
	b.t.Helper()
	token, err := b.NewStartToken()
	if err != nil {
		b.t.Fatal(err)
	}
	g, err := b.Exchange(b.t.Context(), token, c)
	if err != nil {
		b.t.Fatal(err)
	}
	return g
}

func TestStartTokenWorksOnceAndForAnHour(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	token, err := b.secret.StartToken(rand.Reader, b.clock())
	if err != nil {
		t.Fatal(err)
	}
	g, err := b.Exchange(ctx, token, laptop)
	if err != nil || g.Token == "" || g.Second == "" || g.Token == g.Second {
		t.Fatalf("grant %+v, %v", g, err)
	}
	if _, err := b.Exchange(ctx, token, laptop); !errors.Is(err, ErrTokenUsed) {
		t.Errorf("second use: %v", err)
	}
	b.restart()
	if _, err := b.Exchange(ctx, token, laptop); !errors.Is(err, ErrTokenUsed) {
		t.Errorf("second use after a restart: %v", err)
	}
	late, _ := b.secret.StartToken(rand.Reader, b.clock())
	b.advance(StartTokenLife)
	if _, err := b.Exchange(ctx, late, laptop); !errors.Is(err, ErrTokenExpired) {
		t.Errorf("expired token: %v", err)
	}
}

func TestForgedStartTokens(t *testing.T) {
	b := newBench(t)
	good, _ := b.secret.StartToken(rand.Reader, b.clock())
	raw, _ := base64.RawURLEncoding.DecodeString(good)
	longer := append([]byte(nil), raw...)
	longer[3]++ // a later expiry
	other, _ := NewSecret(t.TempDir(), rand.Reader)
	foreign, _ := other.StartToken(rand.Reader, b.clock())
	none, _ := Secret{}.StartToken(rand.Reader, b.clock())
	for name, token := range map[string]string{
		"empty": "", "not base64": "%%%", "cut": good[:len(good)-2], "longer life": base64.RawURLEncoding.EncodeToString(longer),
		"of another installation": foreign, "of no secret": none, "with padding": good + "=", "very long": strings.Repeat("A", 10_000),
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := b.Exchange(t.Context(), token, Client{Address: name}); !errors.Is(err, ErrTokenInvalid) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestSessionSurvivesRestartAndEndsWhenIdle(t *testing.T) {
	b := newBench(t)
	g := b.signIn(laptop)
	b.advance(29 * 24 * time.Hour)
	b.restart()
	s, err := b.Authenticate(t.Context(), g.Token, Client{Address: "127.0.0.1", UserAgent: "Browser/2"})
	if err != nil || s.ID != g.Session.ID || s.UserAgent != "Browser/2" {
		t.Fatalf("session %+v, %v", s, err)
	}
	if err := b.CheckSecond(s.ID, g.Second); err != nil {
		t.Errorf("second token: %v", err)
	}
	b.restart() // the use was stored
	b.advance(29 * 24 * time.Hour)
	if _, err := b.Authenticate(t.Context(), g.Token, laptop); err != nil {
		t.Errorf("used within the idle time: %v", err)
	}
	b.advance(30 * 24 * time.Hour)
	if _, err := b.Authenticate(t.Context(), g.Token, laptop); !errors.Is(err, ErrNoSession) {
		t.Errorf("idle session: %v", err)
	}
	ended := b.Ended(g.Session.ID)
	if err := b.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-ended
}

func TestSecretsAreNotStored(t *testing.T) {
	b := newBench(t)
	g := b.signIn(laptop)
	rows, err := b.db.Sessions.List(t.Context(), b.clock())
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	if text := fmt.Sprintf("%s%x%+v", rows[0].Token[:], rows[0], rows[0]); strings.Contains(text, g.Token) || strings.Contains(text, g.Second) {
		t.Error("a token is stored in the clear")
	}
	if _, err := b.Authenticate(t.Context(), base64.RawURLEncoding.EncodeToString(rows[0].Token[:]), laptop); !errors.Is(err, ErrNoSession) {
		t.Errorf("what is stored serves as a token: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v %s", b.secret, b.secret, b.secret, b.secret); strings.Contains(text, string(b.secret.key)) {
		t.Errorf("secret prints as %s", text)
	}
}

func TestRevoking(t *testing.T) {
	b := newBench(t)
	mine, other, third := b.signIn(laptop), b.signIn(Client{Address: "192.0.2.9"}), b.signIn(laptop)
	ended := b.Ended(other.Session.ID)
	if err := b.Revoke(t.Context(), other.Session.ID); err != nil {
		t.Fatal(err)
	}
	<-ended
	if _, err := b.Authenticate(t.Context(), other.Token, laptop); !errors.Is(err, ErrNoSession) {
		t.Errorf("revoked session: %v", err)
	}
	if err := b.Revoke(t.Context(), other.Session.ID); !errors.Is(err, ErrNoSession) {
		t.Errorf("revoking again: %v", err)
	}
	<-b.Ended(other.Session.ID)
	if err := b.RevokeOthers(t.Context(), mine.Session.ID); err != nil {
		t.Fatal(err)
	}
	b.restart()
	list := b.List()
	if len(list) != 1 || list[0].ID != mine.Session.ID || list[0].Address != "127.0.0.1" {
		t.Errorf("sessions left: %+v", list)
	}
	if _, err := b.Authenticate(t.Context(), third.Token, laptop); !errors.Is(err, ErrNoSession) {
		t.Errorf("session revoked with the others: %v", err)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	b := newBench(t)
	b.conf.Params.MaxSessions = 3
	first := b.signIn(laptop)
	for range 4 {
		b.advance(time.Second)
		b.signIn(laptop)
	}
	if n := len(b.List()); n != 3 {
		t.Errorf("%d sessions", n)
	}
	if _, err := b.Authenticate(t.Context(), first.Token, laptop); !errors.Is(err, ErrNoSession) {
		t.Errorf("the oldest session: %v", err)
	}
}

func TestLockOut(t *testing.T) {
	b := newBench(t)
	ctx := t.Context()
	attacker := Client{Address: "192.0.2.66"}
	before := b.signIn(attacker)
	try := func(c Client) error {
		_, err := b.Exchange(ctx, "wrong", c)
		return err
	}
	for i := range b.conf.Params.FailMax {
		if err := try(attacker); !errors.Is(err, ErrTokenInvalid) {
			t.Fatalf("attempt %d: %v", i, err)
		}
		b.advance(time.Second)
	}
	b.restart() // a restart does not help
	var limited *LimitError
	if err := try(attacker); !errors.As(err, &limited) || limited.RetryAfter != b.conf.Params.FailWindow-10*time.Second {
		t.Errorf("locked out: %v, %+v", err, limited)
	}
	if err := try(laptop); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("another address: %v", err)
	}
	if _, err := b.Authenticate(ctx, before.Token, attacker); err != nil {
		t.Errorf("live session from a locked out address: %v", err)
	}
	b.signIn(attacker) // a good token cannot be guessed
	attempts, err := b.db.Attempts.List(ctx, 0, 100)
	if err != nil || attempts[0].Outcome != store.AccessGranted || len(attempts) != 14 {
		t.Errorf("%d attempts stored, %v; newest %+v", len(attempts), err, attempts[0])
	}
	b.advance(limited.RetryAfter)
	if err := try(attacker); !errors.Is(err, ErrTokenInvalid) {
		t.Errorf("after the lock-out: %v", err)
	}
	if err := b.Unlock(ctx); err != nil {
		t.Fatal(err)
	}
	b.restart()
	for range b.conf.Params.FailMax {
		if err := try(attacker); !errors.Is(err, ErrTokenInvalid) {
			t.Fatalf("after unlocking: %v", err)
		}
	}
}

func TestLockOutCountsNetworks(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "2001:db8:1:2:3::4": "2001:db8:1:2::/64", "fe80::1%eth0": "fe80::/64", "::ffff:192.0.2.1": "::ffff:192.0.2.1", "pipe": "pipe",
	} {
		if got := place(address); got != want {
			t.Errorf("%s counts as %s, want %s", address, got, want)
		}
	}
}

func TestFullDiskKeepsSessionsAlive(t *testing.T) {
	b := newBench(t)
	g := b.signIn(laptop)
	if err := b.db.Close(); err != nil {
		t.Fatal(err)
	}
	b.advance(time.Hour)
	if _, err := b.Authenticate(context.WithoutCancel(t.Context()), g.Token, laptop); err != nil {
		t.Errorf("session while nothing can be stored: %v", err)
	}
	token, _ := b.NewStartToken()
	if _, err := b.Exchange(t.Context(), token, laptop); !errors.Is(err, store.ErrClosed) {
		t.Errorf("new session while nothing can be stored: %v", err)
	}
}

func TestSecretFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, SecretFile)
	if _, err := ReadSecret(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("reading what is not there: %v", err)
	}
	made, err := LoadSecret(dir, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("file %v, %v", info.Mode(), err)
	}
	again, err := ReadSecret(dir)
	if err != nil || string(again.key) != string(made.key) {
		t.Errorf("read back: %v", err)
	}
	for name, damage := range map[string]func() error{
		"readable by others": func() error { return os.Chmod(path, 0o644) },
		"cut":                func() error { return os.WriteFile(path, []byte("abc"), 0o600) },
		"empty":              func() error { return os.WriteFile(path, nil, 0o600) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "readable by others" && runtime.GOOS == "windows" {
				t.Skip("Windows has no file modes; access there is by ACL")
			}
			if err := damage(); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadSecret(dir); err == nil {
				t.Error("accepted")
			}
			fresh, err := LoadSecret(dir, rand.Reader)
			if err != nil || string(fresh.key) == string(made.key) {
				t.Errorf("not replaced: %v", err)
			}
			if info, err := os.Stat(path); err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
				t.Errorf("file %v, %v", info.Mode(), err)
			}
		})
	}
	if left, _ := filepath.Glob(path + "-*"); len(left) != 0 {
		t.Errorf("temporary files left: %v", left)
	}
}

// emptyService knows no session and needs no database to say so.
func emptyService(tb testing.TB) *Service {
	tb.Helper()
	s := &Service{conf: Config{Now: func() time.Time { return start }, Params: DefaultParams()}}
	s.limiter.init(s.conf.Params, nil)
	return s
}
