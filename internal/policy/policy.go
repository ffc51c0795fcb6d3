// Package policy is what one identity wants to receive and from whom: the blocked,
// the allowed and the ignored, and the settings about strangers, as the rules that
// the router asks before it spends anything. It is the one place where they are
// put together. The rules are loaded when a profile is opened, so that they count
// before the first announce.
package policy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// ErrSelf means that somebody wants to put the own address on a list.
var ErrSelf = errors.New("that is your own address")

// Directory tells what announces said about destinations.
type Directory interface {
	// Get returns a destination, or store.ErrNotFound.
	Get(ctx context.Context, destination rns.Addr) (store.Heard, error)
}

// Bus tells the browsers what changed.
type Bus interface {
	Publish(event.Type, event.IDs)
}

// Router is the part of the router that knows what became of the policy.
type Router interface {
	Refused() map[router.Cause]uint64
	Asked() (cost int, flood router.FloodState)
}

// Config is what a Service needs.
type Config struct {
	Store     *store.Identity
	Settings  *settings.Set
	Self      rns.Addr // LXMF address of the identity
	Directory Directory
	Bus       Bus
	Now       func() time.Time
}

// Service is the policy of one identity. It is safe for concurrent use. It
// implements router.Policy; use Load before the router serves.
type Service struct {
	conf   Config
	rules  atomic.Pointer[router.Rules]
	change sync.Mutex // orders reading of the tables and publishing of the rules
}

// New makes the service, with rules that accept everything until Load.
func New(conf Config) *Service {
	s := &Service{conf: conf}
	s.rules.Store(new(router.Rules))
	return s
}

// Load reads the lists and settings, and follows the settings from then on.
func (s *Service) Load(ctx context.Context) error {
	s.conf.Settings.Subscribe(func(_, now settings.Values) {
		s.change.Lock()
		defer s.change.Unlock()
		rules := *s.rules.Load()
		apply(&rules, now)
		s.rules.Store(&rules)
	})
	return s.Reload(ctx)
}

// Reload reads the lists anew, after they were changed.
func (s *Service) Reload(ctx context.Context) error {
	s.change.Lock()
	defer s.change.Unlock()
	rules := router.Rules{Blocked: make(router.Peers), Allowed: make(router.Peers), Ignored: make(router.Peers)}
	err := s.conf.Store.View(ctx, func(tx store.IdentityTables) error {
		blocked, err := tx.Blocked.List(ctx)
		if err != nil {
			return err
		}
		for _, b := range blocked {
			rules.Blocked.Add(b.Addr, b.Identity)
		}
		for list, peers := range map[store.List]router.Peers{store.ListAllowed: rules.Allowed, store.ListIgnored: rules.Ignored} {
			all, err := tx.Listed.All(ctx, list)
			if err != nil {
				return err
			}
			for _, a := range all {
				peers.Add(a.Addr, a.Identity)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load policy: %w", err)
	}
	apply(&rules, s.conf.Settings.Values())
	s.rules.Store(&rules)
	return nil
}

// apply fills in what the settings say.
func apply(r *router.Rules, v settings.Values) {
	r.Audience = router.Everybody
	if v.Get(settings.KeyWriters).Text() == settings.WritersListed {
		r.Audience = router.ListedOnly
	}
	switch v.Get(settings.KeyStrangers).Text() {
	case settings.StrangersAllow:
		r.Strangers = router.StrangersAccepted
	case settings.StrangersIgnore:
		r.Strangers = router.StrangersRefused
	default:
		r.Strangers = router.StrangersAsk
	}
	r.StrangerFiles = router.FilesAccepted
	if v.Get(settings.KeyStrangerFiles).Text() == settings.StrangerFilesRefuse {
		r.StrangerFiles = router.FilesRefused
	}
	r.Words = Words(v.Get(settings.KeySpamWords).Text())
	r.Limit = v.Get(settings.KeyDeliveryLimit).Int()
}

// Words splits a list of words as people write it, with commas between them.
func Words(text string) []string {
	var words []string
	for w := range strings.SplitSeq(text, ",") {
		if w = strings.ToLower(strings.TrimSpace(w)); w != "" && !slices.Contains(words, w) {
			words = append(words, w)
		}
	}
	return words
}

// Rules implements router.Policy.
func (s *Service) Rules() *router.Rules { return s.rules.Load() }

// Relation implements router.Policy: who is in the address book is a contact, whose
// conversation was begun or accepted is known.
func (s *Service) Relation(ctx context.Context, source rns.Addr) (router.Relation, error) {
	known, err := s.conf.Store.Contacts.Known(ctx, source)
	if err != nil {
		return router.RelationUnlisted, err
	}
	if known {
		return router.RelationContact, nil
	}
	request, err := s.conf.Store.Conversations.Request(ctx, source)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return router.RelationStranger, nil
	case err != nil:
		return router.RelationUnlisted, err
	case request != store.RequestNone:
		return router.RelationStranger, nil
	}
	return router.RelationKnown, nil
}

// identityOf is the identity that owns an address, zero if nothing told it yet.
func (s *Service) identityOf(ctx context.Context, addr rns.Addr) (rns.Addr, error) {
	h, err := s.conf.Directory.Get(ctx, addr)
	if err == nil {
		return h.Identity, nil
	}
	if !errors.Is(err, store.ErrNotFound) {
		return rns.Addr{}, err
	}
	c, err := s.conf.Store.Contacts.Get(ctx, addr)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.PublicKey.IsZero() {
		return rns.Addr{}, nil
	}
	return c.PublicKey.Hash(), err
}

// Block refuses an identity, named by any of its addresses, with everything it owns.
func (s *Service) Block(ctx context.Context, addr rns.Addr) error {
	if addr == s.conf.Self {
		return ErrSelf
	}
	identity, err := s.identityOf(ctx, addr)
	if err != nil {
		return err
	}
	return s.changed(ctx, addr, s.conf.Store.Blocked.Add(ctx, store.BlockedAddr{Addr: addr, Identity: identity, Since: s.conf.Now()}))
}

// Unblock takes messages of an identity again. Whichever of its addresses was
// blocked, none is any more.
func (s *Service) Unblock(ctx context.Context, addr rns.Addr) error {
	identity, err := s.identityOf(ctx, addr)
	if err != nil {
		return err
	}
	err = s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		all, err := tx.Blocked.List(ctx)
		if err != nil {
			return err
		}
		for _, b := range all {
			same := b.Addr == addr || !identity.IsZero() && (b.Identity == identity || b.Addr == lxmf.DeliveryHash(identity))
			if !same {
				continue
			}
			if err := tx.Blocked.Remove(ctx, b.Addr); err != nil {
				return err
			}
		}
		return nil
	})
	return s.changed(ctx, addr, err)
}

// Blocked reports whether an address, or the identity that owns it, is blocked.
func (s *Service) Blocked(ctx context.Context, addr rns.Addr) (bool, error) {
	rules := s.Rules()
	if len(rules.Blocked) == 0 {
		return false, nil
	}
	identity, err := s.identityOf(ctx, addr)
	if err != nil {
		return false, err
	}
	return rules.Decide(router.Query{Gate: router.GateLink, Identity: identity, Source: addr}).Cause == router.CauseBlocked, nil
}

// changed reads the lists anew and tells the browsers.
func (s *Service) changed(ctx context.Context, addr rns.Addr, err error) error {
	if err != nil {
		return err
	}
	if err := s.Reload(ctx); err != nil {
		return err
	}
	s.conf.Bus.Publish(event.BlockedChanged, event.IDs{Peer: addr})
	s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: addr})
	return nil
}

// Put puts an address on a list, with everything its identity owns.
func (s *Service) Put(ctx context.Context, l store.List, addr rns.Addr, note string) error {
	if addr == s.conf.Self {
		return ErrSelf
	}
	identity, err := s.identityOf(ctx, addr)
	if err != nil {
		return err
	}
	a := store.ListedAddr{Addr: addr, Identity: identity, Note: note, Since: s.conf.Now()}
	return s.changed(ctx, addr, s.conf.Store.Listed.Add(ctx, l, a))
}

// Remove takes an address off a list.
func (s *Service) Remove(ctx context.Context, l store.List, addr rns.Addr) error {
	return s.changed(ctx, addr, s.conf.Store.Listed.Remove(ctx, l, addr))
}

// List returns the addresses on a list, the latest first.
func (s *Service) List(ctx context.Context, l store.List) ([]store.ListedAddr, error) {
	return s.conf.Store.Listed.All(ctx, l)
}

// Learn notes which identity owns a listed or blocked address that was put there
// before anything told it. Profiles call it for announces.
func (s *Service) Learn(ctx context.Context, addr, identity rns.Addr) error {
	rules := s.Rules()
	var lists []store.List
	for list, peers := range map[store.List]router.Peers{0: rules.Blocked, store.ListAllowed: rules.Allowed, store.ListIgnored: rules.Ignored} {
		_, here := peers[addr]
		if _, known := peers[identity]; here && !known {
			lists = append(lists, list)
		}
	}
	if len(lists) == 0 {
		return nil
	}
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		for _, list := range lists {
			if err := tx.Listed.Learn(ctx, list, addr, identity); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return s.Reload(ctx)
}

// Flood is how far the answer to a flood had gone before a restart.
func (s *Service) Flood() router.FloodState {
	level := s.conf.Settings.Int(settings.KeyFloodLevel)
	if level <= 0 {
		return router.FloodState{}
	}
	return router.FloodState{Level: int(level), Since: time.UnixMilli(s.conf.Settings.Int(settings.KeyFloodSince))}
}

// KeepFlood remembers how far the answer to a flood has gone.
func (s *Service) KeepFlood(ctx context.Context, f router.FloodState) error {
	since := int64(0)
	if f.Level > 0 {
		since = f.Since.UnixMilli()
	}
	return s.conf.Settings.Keep(ctx, settings.Changes{
		settings.KeyFloodLevel: settings.IntValue(int64(f.Level)), settings.KeyFloodSince: settings.IntValue(since),
	})
}
