// Package profile is one identity with everything that belongs to it: its
// directory, database and files, its settings, router and services. A [Profile]
// is opened and closed as a whole; a [Set] holds those of an installation, all
// enabled ones online at once.
package profile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"meshchatx/internal/announces"
	"meshchatx/internal/blob"
	"meshchatx/internal/chat"
	"meshchatx/internal/contacts"
	"meshchatx/internal/event"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/policy"
	"meshchatx/internal/propagation"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Names inside the directory of an identity.
const (
	keyName      = "identity"
	databaseName = "messages.db"
	blobDir      = "blobs"
	spoolDir     = "spool"
	lxmfDir      = "lxmf"
	ratchetName  = "delivery.ratchets"
	dirMode      = 0o700
)

// Params are the times of a profile.
type Params struct {
	Chat   chat.Params
	Router router.Params
	// StartSpread is the longest random wait before the first announce, so that identities of one node do not announce
	// together.
	StartSpread time.Duration
	// Jitter is the share by which intervals between announces vary.
	Jitter float64
	// NewPeer is the least time from one announce to another that only a new connection is the reason for.
	NewPeer time.Duration
	// Offline is the wait after an announce that no interface took.
	Offline time.Duration
	// Sweep is how often forgotten things are removed.
	Sweep time.Duration
	// Stop is how long Close waits for the router to say goodbye.
	Stop time.Duration
}

// DefaultParams are the production times.
func DefaultParams() Params {
	return Params{
		Chat: chat.DefaultParams(), Router: router.DefaultParams(), StartSpread: 5 * time.Second, Jitter: 0.1, NewPeer: 10 * time.Minute,
		Offline: 5 * time.Second, Sweep: time.Hour, Stop: 3 * time.Second,
	}
}

// Shared is what all profiles of a node use together. Node is nil if the node
// did not start: then messages are kept until it does.
type Shared struct {
	Node       *node.Node
	Bus        *event.Bus
	Announces  *announces.Service
	Interfaces *interfaces.Service
	Now        func() time.Time
	Random     io.Reader
	Log        *slog.Logger
	Params     Params
	// SetAside is told the name of a damaged database that was replaced by an empty one. It may be nil.
	SetAside func(path string)
}

// Profile is an open identity. Its services are safe for concurrent use.
type Profile struct {
	Identity *rns.Identity
	Settings *settings.Set
	Chat     *chat.Service
	Contacts *contacts.Service
	Policy   *policy.Service

	Propagation *propagation.Client

	shared  Shared
	store   *store.Identity
	carrier carrier
	scope   *event.Scope
	ann     *announcer

	cancel context.CancelFunc
	life   sync.Mutex    // no job begins while Close does
	ending chan struct{} // closed when Close begins
	tasks  sync.WaitGroup
	once   sync.Once
	closed error
}

// Open opens the identity in a directory and brings it online. Report tells what
// became of a damaged database.
func Open(ctx context.Context, dir string, id *rns.Identity, sh Shared) (*Profile, error) {
	for _, d := range []string{dir, filepath.Join(dir, lxmfDir), filepath.Join(dir, spoolDir)} {
		if err := os.MkdirAll(d, dirMode); err != nil {
			return nil, fmt.Errorf("open identity %s: %w", id.Hash(), err)
		}
	}
	if sh.Log == nil {
		sh.Log = slog.New(slog.DiscardHandler)
	}
	sh.Log = sh.Log.With("identity", id.Hash())
	db, report, err := store.OpenIdentity(ctx, filepath.Join(dir, databaseName), store.Options{Now: sh.Now, Logger: sh.Log})
	if err != nil {
		return nil, fmt.Errorf("open identity %s: %w", id.Hash(), err)
	}
	if report.Damage != nil {
		sh.Log.Error("database was damaged; a new one was begun", "old", report.MovedAside, "error", report.Damage)
		if sh.SetAside != nil {
			sh.SetAside(report.MovedAside)
		}
	}
	p := &Profile{Identity: id, shared: sh, store: db, scope: sh.Bus.Scope(id.Hash()), ending: make(chan struct{})}
	if err := p.build(ctx, dir); err != nil {
		return nil, fmt.Errorf("open identity %s: %w", id.Hash(), errors.Join(err, db.Close()))
	}
	if err := p.run(ctx); err != nil {
		return nil, fmt.Errorf("open identity %s: %w", id.Hash(), errors.Join(err, p.Close()))
	}
	return p, nil
}

// build makes the services and ties them together. Nothing runs yet.
func (p *Profile) build(ctx context.Context, dir string) error {
	blobs, err := blob.Open(filepath.Join(dir, blobDir), p.shared.Now)
	if err != nil {
		return err
	}
	if p.Settings, err = settings.Open(ctx, settings.Identity, p.store.Settings); err != nil {
		return err
	}
	p.carrier = idle{}
	p.ann = newAnnouncer(p)
	address := lxmf.DeliveryHash(p.Identity.Hash())
	p.Policy = policy.New(policy.Config{
		Store: p.store, Settings: p.Settings, Self: address, Directory: p.shared.Announces, Bus: p.scope, Now: p.shared.Now,
	})
	if err := p.Policy.Load(ctx); err != nil {
		return err
	}
	p.Chat = chat.New(chat.Config{
		Identity: p.Identity, Store: p.store, Blobs: blobs, Settings: p.Settings, Router: (*chatRouter)(p), Desk: (*desk)(p), People: people{p.shared},
		Network: &network{profile: p}, Bus: p.scope, Go: p.background, Now: p.shared.Now, Random: p.shared.Random,
		Params: p.shared.Params.Chat, Log: p.shared.Log,
	})
	p.Contacts = contacts.New(contacts.Config{
		Store: p.store, Policy: p.Policy, Self: address, Directory: p.shared.Announces, Bus: p.scope, Now: p.shared.Now,
	})
	if p.shared.Node != nil {
		r, err := router.New(p.usesNodes(p.routerConfig(dir)))
		if err != nil {
			return err
		}
		p.carrier = r
	}
	p.nodeClient()
	return nil
}

func (p *Profile) routerConfig(dir string) router.Config {
	set := p.Settings
	return router.Config{
		Node: p.shared.Node, Identity: p.Identity, Inbox: inbox{p}, State: memory{p.store}, Events: p.happened,
		DisplayName:   func() string { return set.Text(settings.KeyDisplayName) },
		StampCost:     func() int { return int(set.Int(settings.KeyStampCost)) },
		EnforceStamps: func() bool { return set.Bool(settings.KeyEnforceStamps) },
		DeliveryLimit: func() int64 { return set.Int(settings.KeyDeliveryLimit) },
		Policy:        p.Policy,
		FloodLimit:    func() int { return int(set.Int(settings.KeyFloodLimit)) },
		Flood:         p.Policy.Flood(),
		OnFlood:       p.policyKept,
		Ratchets:      node.Ratchets{Storage: node.NewDirStorage(filepath.Join(dir, lxmfDir)), Name: ratchetName},
		SpoolDir:      filepath.Join(dir, spoolDir),
		Params:        p.shared.Params.Router,
	}
}

// run starts what works in the background, and hands unfinished messages to the
// router again.
func (p *Profile) run(ctx context.Context) error {
	live, cancel := context.WithCancel(context.WithoutCancel(ctx)) // ended by Close, in order
	p.cancel = cancel
	p.task(live, "chat", p.Chat.Serve)
	p.task(live, "sweep", p.sweep)
	if r, ok := p.carrier.(*router.Router); ok {
		p.task(live, "router", r.Serve)
		p.task(live, "announcer", p.ann.serve)
		stop := p.shared.Node.OnAnnounce(node.AnnounceHandler{
			Name: lxmf.DeliveryName, PathResponses: node.On, Handle: func(a node.Announced) {
				p.learn(live, a)
				p.reverify(live, a)
			},
		})
		context.AfterFunc(live, stop)
		context.AfterFunc(live, p.shared.Node.OnEvent(func(e node.Event) {
			if e.Kind == node.EventInterfaceState && e.State.Word == node.StateUp {
				p.ann.appeared()
			}
		}))
	}
	p.Settings.Subscribe(p.settingsChanged)
	return p.Chat.Resume(ctx)
}

// task runs a long-lived function that Close waits for.
func (p *Profile) task(ctx context.Context, name string, f func(context.Context) error) {
	p.tasks.Go(func() {
		if err := f(ctx); err != nil && ctx.Err() == nil {
			p.shared.Log.Error("part of an identity stopped", "part", name, "error", err)
		}
	})
}

// background runs a short job on behalf of a service; Close ends it. What comes
// too late runs with a context that has ended.
func (p *Profile) background(f func(context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	p.life.Lock()
	defer p.life.Unlock()
	select {
	case <-p.ending:
		cancel()
		f(ctx)
		return
	default:
	}
	p.tasks.Go(func() {
		defer cancel()
		f(ctx)
	})
	p.tasks.Go(func() {
		select {
		case <-p.ending:
			cancel()
		case <-ctx.Done():
		}
	})
}

func (p *Profile) sweep(ctx context.Context) error {
	t := time.NewTicker(p.shared.Params.Sweep)
	defer t.Stop()
	for {
		if err := p.Chat.Sweep(ctx); err != nil && ctx.Err() == nil {
			p.shared.Log.Warn("old data is not removed", "error", err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
		}
	}
}

// reverify checks messages that came before their author was known.
func (p *Profile) reverify(ctx context.Context, a node.Announced) {
	if err := p.Chat.Reverify(ctx, a.Destination, a.Identity); err != nil && ctx.Err() == nil {
		p.shared.Log.Warn("messages are not verified", "peer", a.Destination, "error", err)
	}
}

// settingsChanged announces what others should know at once.
func (p *Profile) settingsChanged(old, now settings.Values) {
	for _, k := range []settings.Key{settings.KeyDisplayName, settings.KeyStampCost} {
		if old.Get(k) != now.Get(k) {
			p.ann.soon()
		}
	}
	if old.Get(settings.KeyAnnounceInterval) != now.Get(settings.KeyAnnounceInterval) {
		p.ann.reschedule()
	}
	p.Propagation.Changed(old, now)
	p.scope.Publish(event.ProfileChanged, event.IDs{})
}

// Announce tells the network that the identity can be reached.
func (p *Profile) Announce(ctx context.Context) error { return p.ann.now(ctx) }

// Announced is when the identity was last announced in this run, and when the
// next announce is planned; zero times for never.
func (p *Profile) Announced() (last, next time.Time) { return p.ann.times() }

// Close takes the identity offline. What was reported is on the disk and nothing
// of the profile runs any more when it returns. It may be called more than once.
func (p *Profile) Close() error {
	p.once.Do(func() {
		p.life.Lock()
		close(p.ending)
		p.life.Unlock()
		if p.cancel != nil {
			p.cancel()
		}
		p.tasks.Wait()
		p.closed = p.store.Close()
	})
	return p.closed
}
