package profile

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/keyfile"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Errors a caller can act on.
var (
	// ErrUnknown: there is no such identity.
	ErrUnknown = errors.New("no such identity")
	// ErrExists: the identity is here already.
	ErrExists = errors.New("identity is here already")
	// ErrOffline: the identity is not online.
	ErrOffline = errors.New("identity is not online")
	// ErrLast: the last enabled identity cannot be disabled.
	ErrLast = errors.New("the last enabled identity cannot be disabled")
)

const identitiesDir = "identities"

// Set is the identities of an installation. It is safe for concurrent use.
type Set struct {
	dir    string // storage directory
	server *store.Server
	shared Shared

	changing sync.Mutex // one change of the list at a time

	mu   sync.RWMutex
	open map[rns.Addr]*Profile
	bad  map[rns.Addr]error // why an enabled one is not open
	keys map[rns.Addr]*rns.Identity
}

// NewSet makes the set of a storage directory. Nothing is open before Open.
func NewSet(dir string, server *store.Server, sh Shared) *Set {
	if sh.Log == nil {
		sh.Log = slog.New(slog.DiscardHandler)
	}
	return &Set{
		dir: dir, server: server, shared: sh, open: make(map[rns.Addr]*Profile), bad: make(map[rns.Addr]error),
		keys: make(map[rns.Addr]*rns.Identity),
	}
}

// Info is what is known of an identity, open or not.
type Info struct {
	store.IdentityEntry
	Public                   rns.PublicKey
	Online                   bool
	Problem                  error
	AnnouncedAt, Next        time.Time
	Unread, Failed, Requests int
}

func (s *Set) identityDir(hash rns.Addr) string {
	return filepath.Join(s.dir, identitiesDir, hash.Hex())
}

// Open brings every enabled identity online. On the first start it makes one. An
// identity that cannot be opened stays in the list with its reason, and the
// others come up.
func (s *Set) Open(ctx context.Context) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	if err := s.adopt(ctx); err != nil {
		return err
	}
	all, err := s.server.Identities.List(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		id, err := rns.NewIdentity(s.shared.Random)
		if err != nil {
			return err
		}
		if err := s.add(ctx, id, ""); err != nil {
			return err
		}
		if all, err = s.server.Identities.List(ctx); err != nil {
			return err
		}
	}
	for _, e := range all {
		if e.Enabled {
			s.bring(ctx, e.Hash)
		}
	}
	return nil
}

// adopt lists identities whose directory is there although the list does not
// know them, as after the loss of the server's database.
func (s *Set) adopt(ctx context.Context) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, identitiesDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, e := range entries {
		hash, err := rns.ParseAddr(e.Name())
		if err != nil || !e.IsDir() {
			continue
		}
		_, err = s.server.Identities.Get(ctx, hash)
		if err == nil {
			continue
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		id, err := keyfile.Read(filepath.Join(s.identityDir(hash), keyName))
		if err != nil || id.Hash() != hash {
			s.shared.Log.Warn("directory holds no identity", "directory", e.Name(), "error", err)
			continue
		}
		if err := s.list(ctx, id, ""); err != nil {
			return err
		}
	}
	return nil
}

// add makes an identity durable: its key first, then its place in the list.
func (s *Set) add(ctx context.Context, id *rns.Identity, name string) error {
	dir := s.identityDir(id.Hash())
	if err := os.MkdirAll(dir, dirMode); err != nil {
		return err
	}
	path := filepath.Join(dir, keyName)
	err := keyfile.Create(path, id)
	if errors.Is(err, os.ErrExist) {
		if old, rerr := keyfile.Read(path); rerr != nil || old.Hash() != id.Hash() {
			return fmt.Errorf("store key: %w", errors.Join(err, rerr))
		}
		err = nil
	}
	if err != nil {
		return fmt.Errorf("store key: %w", err)
	}
	return s.list(ctx, id, name)
}

func (s *Set) list(ctx context.Context, id *rns.Identity, name string) error {
	return s.server.Identities.Add(ctx, store.IdentityEntry{
		Hash: id.Hash(), Address: lxmf.DeliveryHash(id.Hash()), Name: name, Enabled: true, CreatedAt: s.shared.Now(),
	})
}

// bring opens a profile and remembers why if it does not open.
func (s *Set) bring(ctx context.Context, hash rns.Addr) {
	p, err := s.start(ctx, hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.bad, hash)
	if err != nil {
		s.bad[hash] = err
		if ctx.Err() != nil {
			return // the program is being stopped while it starts
		}
		s.shared.Log.Error("identity is not online", "identity", hash, "error", err)
		return
	}
	s.open[hash] = p
}

func (s *Set) start(ctx context.Context, hash rns.Addr) (*Profile, error) {
	id, err := s.Key(ctx, hash)
	if err != nil {
		return nil, err
	}
	p, err := Open(ctx, s.identityDir(hash), id, s.shared)
	if err != nil {
		return nil, err
	}
	p.Settings.Subscribe(func(_, now settings.Values) { s.copyName(hash, now.Get(settings.KeyDisplayName).Text()) })
	return p, nil
}

// copyName keeps the copy of a display name that is shown without opening the
// identity.
func (s *Set) copyName(hash rns.Addr, name string) {
	if err := s.server.Identities.SetName(context.Background(), hash, name); err != nil {
		s.shared.Log.Warn("name is not copied", "identity", hash, "error", err)
	}
	s.shared.Bus.Publish(event.Event{Type: event.IdentitiesChanged})
}

// Profile returns an identity that is online.
func (s *Set) Profile(ctx context.Context, hash rns.Addr) (*Profile, error) {
	s.mu.RLock()
	p, ok := s.open[hash]
	s.mu.RUnlock()
	if ok {
		return p, nil
	}
	if _, err := s.entry(ctx, hash); err != nil {
		return nil, err
	}
	return nil, ErrOffline
}

func (s *Set) entry(ctx context.Context, hash rns.Addr) (store.IdentityEntry, error) {
	e, err := s.server.Identities.Get(ctx, hash)
	if errors.Is(err, store.ErrNotFound) {
		err = ErrUnknown
	}
	return e, err
}

// Key reads the private key of an identity.
func (s *Set) Key(ctx context.Context, hash rns.Addr) (*rns.Identity, error) {
	s.mu.RLock()
	id, ok := s.keys[hash]
	s.mu.RUnlock()
	if ok {
		return id, nil
	}
	if _, err := s.entry(ctx, hash); err != nil {
		return nil, err
	}
	id, err := keyfile.Read(filepath.Join(s.identityDir(hash), keyName))
	if err != nil {
		return nil, fmt.Errorf("read key of %s: %w", hash, err)
	}
	if id.Hash() != hash {
		return nil, fmt.Errorf("read key of %s: it is the key of %s", hash, id.Hash())
	}
	s.mu.Lock()
	s.keys[hash] = id
	s.mu.Unlock()
	return id, nil
}

// List returns every identity in its order.
func (s *Set) List(ctx context.Context) ([]Info, error) {
	all, err := s.server.Identities.List(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]Info, 0, len(all))
	for _, e := range all {
		i, err := s.info(ctx, e)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, nil
}

// Get returns one identity.
func (s *Set) Get(ctx context.Context, hash rns.Addr) (Info, error) {
	e, err := s.entry(ctx, hash)
	if err != nil {
		return Info{}, err
	}
	return s.info(ctx, e)
}

func (s *Set) info(ctx context.Context, e store.IdentityEntry) (Info, error) {
	i := Info{IdentityEntry: e}
	s.mu.RLock()
	p, open := s.open[e.Hash]
	i.Problem = s.bad[e.Hash]
	s.mu.RUnlock()
	if id, err := s.Key(ctx, e.Hash); err == nil {
		i.Public = id.Public()
	}
	if !open {
		return i, nil
	}
	i.Online = p.shared.Node != nil
	i.Name = p.Settings.Text(settings.KeyDisplayName)
	i.AnnouncedAt, i.Next = p.Announced()
	totals, err := p.Chat.Totals(ctx)
	if errors.Is(err, store.ErrClosed) {
		return i, nil // being disabled just now
	}
	i.Unread, i.Failed, i.Requests = totals.Unread, totals.FailedConversations, totals.Requests
	return i, err
}

// Close takes every identity offline, all at once.
func (s *Set) Close() error {
	s.changing.Lock()
	defer s.changing.Unlock()
	s.mu.Lock()
	open := s.open
	s.open = make(map[rns.Addr]*Profile)
	s.mu.Unlock()
	errs := make(chan error, len(open))
	for _, p := range open {
		go func() { errs <- p.Close() }()
	}
	var all error
	for range open {
		all = errors.Join(all, <-errs)
	}
	return all
}
