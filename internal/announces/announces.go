// Package announces keeps one row for each destination that was heard on the
// network. Announces arrive by the thousand; they are gathered in memory,
// written together and reported to browsers at a bounded rate.
package announces

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// Params are the limits of the service.
type Params struct {
	Flush   time.Duration // how long announces are gathered before they are written
	Backlog int           // most destinations gathered; more announces are counted, not kept
	Named   int           // most events that name a single destination; a larger batch is one event
	Trim    time.Duration // how often the oldest rows are forgotten
}

// DefaultParams are the production limits.
func DefaultParams() Params {
	return Params{Flush: 500 * time.Millisecond, Backlog: 50_000, Named: 20, Trim: time.Hour}
}

// Config is what a Service needs.
type Config struct {
	Store  *store.Server
	Bus    *event.Bus
	Now    func() time.Time
	Keep   func() int // rows to keep
	Params Params
	Log    *slog.Logger
}

// Service is the list of heard destinations. It is safe for concurrent use.
// Serve must run for announces to be stored.
type Service struct {
	conf Config

	mu      sync.Mutex
	pending map[rns.Addr]*store.Heard
	lost    int
	lastAt  time.Time
	wake    chan struct{}
}

// New makes the service.
func New(conf Config) *Service {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{conf: conf, pending: make(map[rns.Addr]*store.Heard), wake: make(chan struct{}, 1)}
}

// Heard takes an announce. It returns at once.
func (s *Service) Heard(a node.Announced) {
	h := record(a)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastAt = a.Received
	old, known := s.pending[h.Destination]
	switch {
	case known:
		h.Count += old.Count
		h.FirstAt = old.FirstAt
	case len(s.pending) >= s.conf.Params.Backlog:
		s.lost++
		return
	}
	s.pending[h.Destination] = &h
	if len(s.pending) == 1 {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// LastAt is when the latest announce was heard in this run, the zero time if none was.
func (s *Service) LastAt() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastAt
}

// Serve writes what was heard until ctx ends; what came before is written then.
func (s *Service) Serve(ctx context.Context) error {
	trim := time.NewTicker(s.conf.Params.Trim)
	defer trim.Stop()
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*s.conf.Params.Flush) // the last batch of a closing program
			defer cancel()
			return errors.Join(context.Cause(ctx), s.flush(ctx))
		case <-trim.C:
			if _, err := s.conf.Store.Heard.Trim(ctx, s.conf.Keep()); err != nil {
				s.conf.Log.Warn("heard destinations are not trimmed", "error", err)
			}
		case <-s.wake:
			gather := time.NewTimer(s.conf.Params.Flush)
			select {
			case <-gather.C:
			case <-ctx.Done():
				gather.Stop()
				continue
			}
			if err := s.flush(ctx); err != nil {
				s.conf.Log.Error("heard destinations are not stored", "error", err)
			}
		}
	}
}

func (s *Service) flush(ctx context.Context) error {
	s.mu.Lock()
	batch := make([]store.Heard, 0, len(s.pending))
	for _, h := range s.pending {
		batch = append(batch, *h)
	}
	clear(s.pending)
	lost := s.lost
	s.lost = 0
	s.mu.Unlock()
	if lost > 0 {
		s.conf.Log.Warn("more announces than can be kept", "lost", lost)
	}
	if len(batch) == 0 {
		return nil
	}
	if err := s.conf.Store.Heard.Record(ctx, batch); err != nil {
		return err
	}
	if len(batch) > s.conf.Params.Named {
		s.conf.Bus.Publish(event.Event{Type: event.HeardChanged})
		return nil
	}
	events := make([]event.Event, len(batch))
	for i, h := range batch {
		events[i] = event.Event{Type: event.HeardChanged, IDs: event.IDs{Peer: h.Destination}}
	}
	s.conf.Bus.Publish(events...)
	return nil
}

// kinds are the destinations people know by name.
var kinds = []struct {
	name string
	kind store.HeardKind
}{
	{"lxmf.delivery", store.HeardPerson},
	{"lxmf.propagation", store.HeardPropagationNode},
	{"nomadnetwork.node", store.HeardPageNode},
	{"lxst.telephony", store.HeardPhone},
	{"call.audio", store.HeardPhone},
}

// Aspect is the full name behind a name hash, or "" if it is not a known one.
func Aspect(n rns.NameHash) string {
	for _, k := range kinds {
		if rns.NameHashOf(k.name) == n {
			return k.name
		}
	}
	return ""
}

func kindOf(n rns.NameHash) store.HeardKind {
	for _, k := range kinds {
		if rns.NameHashOf(k.name) == n {
			return k.kind
		}
	}
	return store.HeardOther
}

func record(a node.Announced) store.Heard {
	h := store.Heard{
		Destination: a.Destination, Identity: a.Identity.Hash(), PublicKey: a.Identity, NameHash: a.Name,
		Kind: kindOf(a.Name), AppData: a.AppData, Hops: a.Hops, Interface: a.InterfaceName,
		FirstAt: a.Received, LastAt: a.Received, Count: 1,
	}
	if a.Signal.HasRSSI {
		h.RSSI = &a.Signal.RSSI
	}
	if a.Signal.HasSNR {
		h.SNR = &a.Signal.SNR
	}
	if a.Signal.HasQuality {
		h.Quality = &a.Signal.Quality
	}
	h.Name, h.StampCost = describe(h.Kind, a.AppData)
	return h
}

const maxPageName = 128

// describe reads the name and the stamp cost an announce brings. Data that cannot
// be read is an announce without either.
func describe(kind store.HeardKind, data []byte) (name string, cost *int) {
	switch kind {
	case store.HeardPerson:
		d, err := lxmf.ParseDeliveryInfo(data)
		if err != nil {
			return "", nil
		}
		if d.StampCost > 0 {
			cost = &d.StampCost
		}
		return d.Name, cost
	case store.HeardPropagationNode:
		p, err := lxmf.ParsePropagationInfo(data)
		if err != nil {
			return "", nil
		}
		if p.StampCost > 0 {
			cost = &p.StampCost
		}
		return p.Name, cost
	case store.HeardPageNode:
		return pageName(data), nil
	}
	return "", nil
}

// pageName reads the name of a page node: bare text.
func pageName(data []byte) string {
	if !utf8.Valid(data) {
		return ""
	}
	name := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return -1
		}
		return r
	}, string(data))
	for len(name) > maxPageName {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	return strings.TrimSpace(name)
}
