// Package interfaces is the node's interfaces as people see and edit them. They
// live in the configuration file that all Reticulum programs of a user share:
// it is edited in place, foreign lines stay, and only what changed is restarted.
// A broken block is shown as such and stops nothing else.
package interfaces

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/discovery"
	"meshchatx/rns/discovery/agent"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
)

// Node is what the service needs of the running stack.
type Node interface {
	AddInterface(iface.Interface, node.InterfaceConfig) (node.InterfaceID, error)
	RemoveInterface(context.Context, node.InterfaceID) error
	Interfaces(context.Context) ([]node.InterfaceStatus, error)
	Paths(context.Context) ([]node.Path, error)
	Counts(context.Context) (node.Counts, error)
	RequestPath(context.Context, rns.Addr, node.InterfaceID) error
	DropPath(context.Context, rns.Addr) error
	OnEvent(func(node.Event)) (stop func())
	TransportID() rns.Addr
	Config() node.Config
	SharedStatus(context.Context) (node.SharedStatus, error)
	Service() control.Service
}

// Build makes a driver and its settings from a block of the file.
type Build func(config.Interface) (iface.Interface, node.InterfaceConfig, error)

// Try tests a medium for settings that are in order: it gives each step a name
// and runs it through step, which reports whether to go on.
type Try func(ctx context.Context, c Config, step func(name string, run func() error) bool)

// Params are the times of the service.
type Params struct {
	Sample time.Duration // between two looks at the counters
	Window int           // samples a rate is taken over
	Live   time.Duration // least time between two events that only tell of traffic
}

// DefaultParams are the production times.
func DefaultParams() Params {
	return Params{Sample: time.Second, Window: 4, Live: 2 * time.Second}
}

// Options is what a Service needs. Node may be nil: then the node did not start,
// and interfaces can be edited but not run.
type Options struct {
	Dir    string // configuration directory
	Node   Node
	Build  Build // nil: a Builder
	Try    Try   // nil: the real media
	Bus    *event.Bus
	Log    *slog.Logger
	Events store.InterfaceEvents // zero: no history is kept
	Now    func() time.Time
	Params Params
	// Reach makes the driver that leads to a discovered interface; nil: the real one. Discovery are the times of discovery;
	// zero: the usual ones.
	Reach     func(discovery.Record) (iface.Interface, error)
	Discovery agent.Params
}

// Service is the interfaces of one node. It is safe for concurrent use.
type Service struct {
	opt Options

	editing sync.Mutex // one edit at a time

	mu      sync.Mutex
	doc     document
	docErr  error
	running map[string]running
	failed  map[string]error
	meters  map[node.InterfaceID]*meter

	paths atomic.Bool // the path table changed since it was last told

	found discoverer
}

type running struct {
	id    node.InterfaceID
	print string // of the block it was built from
}

// Load reads the configuration file of a directory without running anything, and
// writes the default one where there is none. The settings of an unreadable file
// are the defaults, and the error says why.
func Load(dir string) (config.Config, error) {
	doc, err := readDocument(dir)
	if err != nil {
		return config.Default(), err
	}
	return doc.conf, nil
}

// New makes the service.
func New(opt Options) *Service {
	if opt.Log == nil {
		opt.Log = slog.New(slog.DiscardHandler)
	}
	if opt.Build == nil {
		b := &Builder{Storage: filepath.Join(opt.Dir, storageName), I2PRouter: os.Getenv(i2pVariable)}
		if opt.Node != nil {
			b.Identity = opt.Node.TransportID
		}
		opt.Build = b.Build
	}
	return &Service{
		opt: opt, running: make(map[string]running), failed: make(map[string]error),
		meters: make(map[node.InterfaceID]*meter), found: newDiscoverer(),
	}
}

// storageName is the directory of Reticulum's data beside its configuration, i2pVariable names the environment's I2P
// router. spec: rns-core §23.2, rns-interfaces §14
const (
	storageName = "storage"
	i2pVariable = "I2P_SAM_ADDRESS"
)

// Path is the configuration file.
func (s *Service) Path() string { return filepath.Join(s.opt.Dir, configName) }

// Start reads the file and starts every enabled interface. What cannot be
// started shows in the list; nothing here ends the program.
func (s *Service) Start(ctx context.Context) {
	s.editing.Lock()
	defer s.editing.Unlock()
	doc, err := readDocument(s.opt.Dir)
	if err != nil {
		s.opt.Log.Error("interfaces are not started", "error", err)
	}
	s.mu.Lock()
	s.doc, s.docErr = doc, err
	s.mu.Unlock()
	s.apply(ctx)
	s.beginDiscovery()
}

// apply makes what runs the same as what the file says. The caller holds editing.
func (s *Service) apply(ctx context.Context) {
	s.mu.Lock()
	doc := s.doc
	before := make(map[string]running, len(s.running))
	for name, r := range s.running {
		before[name] = r
	}
	s.mu.Unlock()
	wanted := make(map[string]config.Interface)
	for _, c := range doc.conf.Interfaces {
		if c.Enabled {
			wanted[c.Name] = c
		}
	}
	for name, r := range before {
		if _, still := wanted[name]; !still || r.print != fingerprint(doc.section(name)) {
			s.stop(ctx, name, r)
		}
	}
	for _, c := range doc.conf.Interfaces {
		if c.Enabled {
			s.start(c, fingerprint(doc.section(c.Name)))
		}
	}
	s.opt.Bus.Publish(event.Event{Type: event.InterfaceChanged}, event.Event{Type: event.NetworkChanged})
}

func (s *Service) stop(ctx context.Context, name string, r running) {
	if err := s.opt.Node.RemoveInterface(ctx, r.id); err != nil && !errors.Is(err, node.ErrNoInterface) {
		s.opt.Log.Warn("interface does not stop", "interface", name, "error", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, name)
	delete(s.meters, r.id)
}

// start brings one interface up unless it runs. Its error stays with it.
func (s *Service) start(c config.Interface, print string) {
	s.mu.Lock()
	_, runs := s.running[c.Name]
	delete(s.failed, c.Name)
	s.mu.Unlock()
	if runs {
		return
	}
	id, err := s.attach(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed[c.Name] = err
		if errors.Is(err, node.ErrClientRole) { // it runs in another program
			return
		}
		s.opt.Log.Warn("interface is off", "interface", c.Name, "line", lineOf(c, err), "error", err)
		return
	}
	s.running[c.Name] = running{id: id, print: print}
}

func (s *Service) attach(c config.Interface) (node.InterfaceID, error) {
	if c.Err != nil {
		return 0, c.Err
	}
	if s.opt.Node == nil {
		return 0, ErrNodeDown
	}
	driver, conf, err := s.opt.Build(c)
	if err != nil {
		return 0, err
	}
	return s.opt.Node.AddInterface(driver, conf)
}

// Serve watches the interfaces until ctx ends: it measures their rates, reports
// and records their changes of state, and discovers those of others.
func (s *Service) Serve(ctx context.Context) error {
	if s.opt.Node == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	stop := s.opt.Node.OnEvent(func(e node.Event) { s.happened(ctx, e) })
	defer stop()
	var parts sync.WaitGroup
	defer parts.Wait()
	parts.Go(func() { s.discover(ctx) })
	tick := time.NewTicker(s.opt.Params.Sample)
	defer tick.Stop()
	var told time.Time
	moved := false
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-tick.C:
		}
		now := s.opt.Now()
		moved = s.sample(ctx, now) || moved
		if now.Sub(told) < s.opt.Params.Live {
			continue
		}
		if moved {
			told, moved = now, false
			s.opt.Bus.Publish(event.Event{Type: event.InterfaceChanged})
		}
		if s.paths.Swap(false) {
			told = now
			s.opt.Bus.Publish(event.Event{Type: event.PathChanged})
		}
	}
}

func (s *Service) happened(ctx context.Context, e node.Event) {
	switch e.Kind {
	case node.EventInterfaceState, node.EventInterfaceGone, node.EventInterfaceNote:
		s.opt.Bus.Publish(
			event.Event{Type: event.InterfaceChanged, IDs: event.IDs{Item: e.Name}}, event.Event{Type: event.NetworkChanged})
		s.remember(ctx, e)
	case node.EventPathLost, node.EventPathFound:
		s.paths.Store(true) // they come by the thousand: told at the pace of Serve
	}
}

// remember stores what happened to an interface. Attempts to connect that end as
// the one before are not worth a row.
func (s *Service) remember(ctx context.Context, e node.Event) {
	row := store.InterfaceEvent{At: e.At, Interface: e.Name, Kind: "note"}
	if e.Err != nil {
		row.Detail = e.Err.Error()
	}
	switch e.Kind {
	case node.EventInterfaceGone:
		row.Kind = "removed"
	case node.EventInterfaceState:
		if e.State.Word == node.StateConnecting || !s.news(e) {
			return
		}
		row.Kind = e.State.Word.String()
	}
	if s.opt.Events == (store.InterfaceEvents{}) { // a daemon keeps no history
		return
	}
	if err := s.opt.Events.Add(ctx, row); err != nil {
		s.opt.Log.Warn("event of an interface is not stored", "error", err)
	}
}

// news reports whether a state differs from the last one that was not merely
// connecting.
func (s *Service) news(e node.Event) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meter(e.Interface)
	text := e.State.Word.String()
	if e.Err != nil {
		text += e.Err.Error()
	}
	if m.lastState == text {
		return false
	}
	m.lastState, m.lastErr = text, e.Err
	return true
}
