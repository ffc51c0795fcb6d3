package chat

import (
	"context"
	"errors"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Draft returns the unsent message to a peer; Rev 0 means that there is none.
func (s *Service) Draft(ctx context.Context, peer rns.Addr) (store.Draft, error) {
	d, err := s.conf.Store.Drafts.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		return store.Draft{Peer: peer}, nil
	}
	return d, err
}

// PutDraft saves an unsent message. d.Rev is the revision the edit started from;
// another one gives ErrDraftConflict. A first draft opens the conversation, so
// that it shows in the list.
func (s *Service) PutDraft(ctx context.Context, d store.Draft) (store.Draft, error) {
	d.ChangedAt = s.conf.Now()
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		if _, err := tx.Conversations.Ensure(ctx, d.Peer, store.RequestNone, d.ChangedAt); err != nil {
			return err
		}
		_, err := tx.Drafts.Put(ctx, d)
		return err
	})
	switch {
	case errors.Is(err, store.ErrStale):
		return store.Draft{}, ErrDraftConflict
	case errors.Is(err, store.ErrNotFound):
		return store.Draft{}, ErrUpload
	case err != nil:
		return store.Draft{}, err
	}
	s.conf.Bus.Publish(event.DraftChanged, event.IDs{Peer: d.Peer})
	s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: d.Peer})
	return s.Draft(ctx, d.Peer)
}

// DeleteDraft throws an unsent message away, with its staged files.
func (s *Service) DeleteDraft(ctx context.Context, peer rns.Addr) error {
	d, err := s.Draft(ctx, peer)
	if err != nil || d.Rev == 0 {
		return err
	}
	if err := s.conf.Store.Drafts.Delete(ctx, peer); err != nil {
		return err
	}
	for _, u := range d.Uploads {
		if err := s.DeleteUpload(ctx, u.ID); err != nil {
			return err
		}
	}
	s.conf.Bus.Publish(event.DraftChanged, event.IDs{Peer: peer})
	s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	return nil
}
