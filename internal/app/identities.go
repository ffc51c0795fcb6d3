package app

import (
	"context"
	"errors"

	"meshchatx/internal/api"
	"meshchatx/internal/profile"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// identities is the set of profiles as operations use it.
type identities struct{ set *profile.Set }

// told maps errors of profiles to those of operations.
func told(err error) error {
	for from, to := range map[error]error{
		profile.ErrUnknown: api.ErrIdentityUnknown, profile.ErrOffline: api.ErrIdentityOffline,
		profile.ErrExists: api.ErrIdentityExists, profile.ErrLast: api.ErrLastIdentity,
		node.ErrNotSent: api.ErrNotSent, store.ErrClosed: api.ErrIdentityOffline,
	} {
		if errors.Is(err, from) {
			return to
		}
	}
	return err
}

func view(i profile.Info) api.Identity {
	v := api.Identity{
		Hash: i.Hash, Address: i.Address, Public: i.Public, Name: i.Name, Enabled: i.Enabled, Online: i.Online, Order: i.Position,
		CreatedAt: i.CreatedAt, AnnouncedAt: i.AnnouncedAt, NextAnnounce: i.Next, Unread: i.Unread, Failed: i.Failed, Requests: i.Requests,
	}
	switch {
	case !i.Enabled || i.Online:
	case errors.Is(i.Problem, store.ErrFull):
		v.Code = "storage_full"
	case i.Problem != nil:
		v.Code = "not_opened"
	default:
		v.Code = "starting"
	}
	return v
}

func one(i profile.Info, err error) (api.Identity, error) {
	if err != nil {
		return api.Identity{}, told(err)
	}
	return view(i), nil
}

// List implements api.Identities.
func (s identities) List(ctx context.Context) ([]api.Identity, error) {
	all, err := s.set.List(ctx)
	if err != nil {
		return nil, told(err)
	}
	out := make([]api.Identity, len(all))
	for i, v := range all {
		out[i] = view(v)
	}
	return out, nil
}

// Get implements api.Identities.
func (s identities) Get(ctx context.Context, hash rns.Addr) (api.Identity, error) {
	return one(s.set.Get(ctx, hash))
}

// Create implements api.Identities.
func (s identities) Create(ctx context.Context, name string) (api.Identity, error) {
	return one(s.set.Create(ctx, name))
}

// Import implements api.Identities.
func (s identities) Import(ctx context.Context, key *rns.Identity, name string) (api.Identity, error) {
	return one(s.set.Import(ctx, key, name))
}

// Update implements api.Identities.
func (s identities) Update(ctx context.Context, hash rns.Addr, c api.IdentityChange) (api.Identity, error) {
	return one(s.set.Update(ctx, hash, profile.Change(c)))
}

// Key implements api.Identities.
func (s identities) Key(ctx context.Context, hash rns.Addr) (*rns.Identity, error) {
	id, err := s.set.Key(ctx, hash)
	return id, told(err)
}

// Announce implements api.Identities.
func (s identities) Announce(ctx context.Context, hash rns.Addr) error {
	p, err := s.set.Profile(ctx, hash)
	if err != nil {
		return told(err)
	}
	return told(p.Announce(ctx))
}

// Scope implements api.Identities.
func (s identities) Scope(ctx context.Context, hash rns.Addr) (*api.Scope, error) {
	p, err := s.set.Profile(ctx, hash)
	if err != nil {
		return nil, told(err)
	}
	return &api.Scope{
		Identity: p.Identity, Chat: p.Chat, Contacts: p.Contacts, Settings: p.Settings, Propagation: p.Propagation,
		Policy: p.Policy, Refusals: p.Refused,
	}, nil
}
