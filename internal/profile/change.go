package profile

import (
	"context"
	"errors"
	"slices"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Create makes an identity and brings it online.
func (s *Set) Create(ctx context.Context, name string) (Info, error) {
	id, err := rns.NewIdentity(s.shared.Random)
	if err != nil {
		return Info{}, err
	}
	return s.Import(ctx, id, name)
}

// Import adds an identity and brings it online.
func (s *Set) Import(ctx context.Context, id *rns.Identity, name string) (Info, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	_, err := s.entry(ctx, id.Hash())
	if err == nil {
		return Info{}, ErrExists
	}
	if !errors.Is(err, ErrUnknown) {
		return Info{}, err
	}
	if err := s.add(ctx, id, name); err != nil {
		return Info{}, err
	}
	s.bring(ctx, id.Hash())
	if name != "" {
		if err := s.rename(ctx, id.Hash(), name); err != nil {
			return Info{}, err
		}
	}
	s.shared.Bus.Publish(event.Event{Type: event.IdentitiesChanged})
	return s.Get(ctx, id.Hash())
}

func (s *Set) rename(ctx context.Context, hash rns.Addr, name string) error {
	p, err := s.Profile(ctx, hash)
	if err != nil {
		return err
	}
	return p.Settings.Change(ctx, settings.Changes{settings.KeyDisplayName: settings.StringValue(name)})
}

// Change is what can be changed of an identity; nil leaves a thing alone.
type Change struct {
	Name    *string
	Enabled *bool
	Order   *int
}

// Update renames, enables, disables or moves an identity.
func (s *Set) Update(ctx context.Context, hash rns.Addr, c Change) (Info, error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	e, err := s.entry(ctx, hash)
	if err != nil {
		return Info{}, err
	}
	if c.Enabled != nil && *c.Enabled != e.Enabled {
		if err := s.enable(ctx, hash, *c.Enabled); err != nil {
			return Info{}, err
		}
	}
	if c.Name != nil {
		if err := s.rename(ctx, hash, *c.Name); err != nil {
			return Info{}, err
		}
	}
	if c.Order != nil {
		if err := s.move(ctx, hash, *c.Order); err != nil {
			return Info{}, err
		}
	}
	s.shared.Bus.Publish(event.Event{Type: event.IdentitiesChanged})
	return s.Get(ctx, hash)
}

func (s *Set) enable(ctx context.Context, hash rns.Addr, on bool) error {
	if !on {
		all, err := s.server.Identities.List(ctx)
		if err != nil {
			return err
		}
		others := slices.ContainsFunc(all, func(e store.IdentityEntry) bool { return e.Enabled && e.Hash != hash })
		if !others {
			return ErrLast
		}
	}
	if err := s.server.Identities.SetEnabled(ctx, hash, on); err != nil {
		return err
	}
	if on {
		s.bring(ctx, hash)
		return nil
	}
	s.mu.Lock()
	p, open := s.open[hash]
	delete(s.open, hash)
	delete(s.bad, hash)
	s.mu.Unlock()
	if !open {
		return nil
	}
	return p.Close()
}

func (s *Set) move(ctx context.Context, hash rns.Addr, to int) error {
	all, err := s.server.Identities.List(ctx)
	if err != nil {
		return err
	}
	var order []rns.Addr
	for _, e := range all {
		if e.Hash != hash {
			order = append(order, e.Hash)
		}
	}
	return s.server.Identities.Arrange(ctx, slices.Insert(order, min(to, len(order)), hash))
}
