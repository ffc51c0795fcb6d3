package chat

import (
	"context"
	"errors"
	"unicode/utf8"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Place says where a window of a conversation lies; at most one is set, and the
// zero value means the newest messages.
type Place struct {
	Before, After, Around rns.Hash
}

// Messages returns a window of a conversation, oldest first.
func (s *Service) Messages(ctx context.Context, peer rns.Addr, at Place, limit int) (Window, error) {
	w := store.Window{Limit: limit}
	for _, p := range []struct {
		id  rns.Hash
		seq *int64
	}{{at.Before, &w.Before}, {at.After, &w.After}, {at.Around, &w.Around}} {
		if p.id.IsZero() {
			continue
		}
		seq, err := s.conf.Store.Messages.Seq(ctx, p.id)
		if err != nil {
			return Window{}, err
		}
		*p.seq = seq
	}
	page, err := s.conf.Store.Messages.Page(ctx, peer, w)
	if err != nil {
		return Window{}, err
	}
	shown, err := s.show(ctx, page.Messages)
	if err != nil {
		return Window{}, err
	}
	first, err := s.FirstUnread(ctx, peer)
	return Window{Messages: shown, MoreBefore: page.MoreBefore, MoreAfter: page.MoreAfter, FirstUnread: first}, err
}

// FirstUnread is the oldest unread message of a conversation, or the zero hash.
func (s *Service) FirstUnread(ctx context.Context, peer rns.Addr) (rns.Hash, error) {
	c, err := s.conf.Store.Conversations.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) || err == nil && c.Unread == 0 {
		return rns.Hash{}, nil
	}
	if err != nil {
		return rns.Hash{}, err
	}
	w := store.Window{After: c.ReadSeq, Limit: store.MaxPage}
	if c.ReadSeq == 0 {
		w.Around = 1 // the beginning: no message has a smaller place
	}
	for {
		page, err := s.conf.Store.Messages.Page(ctx, peer, w)
		if err != nil {
			return rns.Hash{}, err
		}
		for _, m := range page.Messages {
			if m.Direction == store.Incoming {
				return m.ID, nil
			}
			w.After, w.Around = m.Seq, 0
		}
		if !page.MoreAfter || len(page.Messages) == 0 {
			return rns.Hash{}, nil
		}
	}
}

// Message returns one message.
func (s *Service) Message(ctx context.Context, id rns.Hash) (Message, error) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil {
		return Message{}, err
	}
	shown, err := s.show(ctx, []store.Message{m})
	if err != nil {
		return Message{}, err
	}
	return shown[0], nil
}

// Events returns the log of a message, with what is not on the disk yet.
func (s *Service) Events(ctx context.Context, id rns.Hash) ([]Event, error) {
	if _, err := s.conf.Store.Messages.Seq(ctx, id); err != nil {
		return nil, err
	}
	rows, err := s.conf.Store.Events.List(ctx, id)
	if err != nil {
		return nil, err
	}
	out := eventsOf(rows)
	next := int64(len(out)) + 1
	if len(out) > 0 {
		next = out[len(out)-1].Seq + 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, h := range s.queue {
		if h.id == id {
			e := h.e
			e.Seq = next
			next++
			out = append(out, e)
		}
	}
	return out, nil
}

// show adds to stored messages what is derived: delivery, unread, replies.
func (s *Service) show(ctx context.Context, rows []store.Message) ([]Message, error) {
	conversations := make(map[rns.Addr]store.Conversation)
	var final []int64
	for _, m := range rows {
		if _, known := conversations[m.Peer]; !known {
			c, err := s.conf.Store.Conversations.Get(ctx, m.Peer)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return nil, err
			}
			conversations[m.Peer] = c
		}
		if _, live := s.live(m.ID); !live && m.Direction == store.Outgoing {
			final = append(final, m.Seq)
		}
	}
	logs, err := s.conf.Store.Events.ListMany(ctx, final)
	if err != nil {
		return nil, err
	}
	out := make([]Message, len(rows))
	for i, m := range rows {
		c := conversations[m.Peer]
		v := Message{Message: m}
		if m.Direction == store.Outgoing {
			d, live := s.live(m.ID)
			if !live {
				d = Derive(eventsOf(logs[m.Seq]))
			}
			v.Delivery = d
		} else {
			v.Unread = m.Seq > c.ReadSeq
			v.Gated = c.Request == store.RequestPending || m.Verified != store.Verified
		}
		if v.Reply, err = s.reply(ctx, m.ReplyTo); err != nil {
			return nil, err
		}
		if v.Reactions, err = s.reactions(ctx, m); err != nil {
			return nil, err
		}
		v.Details = details(m)
		out[i] = v
	}
	return out, nil
}

const snippetLength = 160

func (s *Service) reply(ctx context.Context, id rns.Hash) (*Reply, error) {
	if id.IsZero() {
		return nil, nil
	}
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return &Reply{ID: id}, nil
	}
	if err != nil {
		return nil, err
	}
	text := m.Content
	if text == "" && len(m.Attachments) > 0 {
		text = m.Attachments[0].Name
	}
	return &Reply{ID: id, Known: true, Direction: m.Direction, Snippet: cut(oneLine(text), snippetLength)}, nil
}

// cut shortens a text to at most n bytes at a character's border.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// names returns what to call peers: the contact's name, else the announced one.
func (s *Service) names(ctx context.Context, peers []rns.Addr) (map[rns.Addr]string, error) {
	about := s.conf.People.Peers(ctx, peers)
	out := make(map[rns.Addr]string, len(peers))
	for _, p := range peers {
		if _, done := out[p]; done {
			continue
		}
		out[p] = about[p].Name
		c, err := s.conf.Store.Contacts.Get(ctx, p)
		if err == nil && c.Name != "" {
			out[p] = c.Name
		} else if err != nil && !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return out, nil
}
