package chat

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// ErrCursor: a place in a list that this program never gave out.
var ErrCursor = errors.New("not a cursor of this list")

// maxScan bounds how many conversations a search by name looks at.
const maxScan = 5000

// Conversations returns a page of the chat list. q limits it to names and
// addresses that contain it. next is empty at the end.
func (s *Service) Conversations(ctx context.Context, v store.View, q, cursor string, limit int) (out []Conversation, next string, err error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	q = strings.ToLower(strings.TrimSpace(q))
	for scanned := 0; scanned < maxScan; {
		rows, err := s.conf.Store.Conversations.List(ctx, v, after, limit)
		if err != nil {
			return nil, "", err
		}
		shown, err := s.describe(ctx, rows)
		if err != nil {
			return nil, "", err
		}
		for i, c := range shown {
			after = rows[i].Cursor()
			if q != "" && !c.matches(q) {
				continue
			}
			out = append(out, c)
			if len(out) == limit {
				return out, formatCursor(after), nil
			}
		}
		if scanned += len(rows); len(rows) < limit {
			return out, "", nil
		}
	}
	return out, formatCursor(after), nil
}

func (c Conversation) matches(q string) bool {
	return strings.Contains(strings.ToLower(c.ContactName), q) || strings.Contains(strings.ToLower(c.About.Name), q) ||
		strings.Contains(c.Peer.Hex(), q)
}

// Conversation returns one row. A peer never written to or heard from has an
// empty one.
func (s *Service) Conversation(ctx context.Context, peer rns.Addr) (Conversation, error) {
	row, err := s.conf.Store.Conversations.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		row, err = store.Conversation{Peer: peer}, nil
		if c, cerr := s.conf.Store.Contacts.Get(ctx, peer); cerr == nil {
			row.ContactName = c.Name
		}
	}
	if err != nil {
		return Conversation{}, err
	}
	shown, err := s.describe(ctx, []store.Conversation{row})
	if err != nil {
		return Conversation{}, err
	}
	return shown[0], nil
}

// Totals are the counts outside the list.
func (s *Service) Totals(ctx context.Context) (store.Totals, error) {
	return s.conf.Store.Conversations.Totals(ctx, s.conf.Now())
}

func (s *Service) describe(ctx context.Context, rows []store.Conversation) ([]Conversation, error) {
	addrs := make([]rns.Addr, len(rows))
	for i, r := range rows {
		addrs[i] = r.Peer
	}
	about := s.conf.People.Peers(ctx, addrs)
	worst := s.worst()
	out := make([]Conversation, len(rows))
	for i, r := range rows {
		c := Conversation{Conversation: r, About: about[r.Peer], Worst: worst[r.Peer], LastKind: "text", Muted: r.MutedUntil.After(s.conf.Now())}
		if r.Failed > 0 {
			c.Worst = StateFailed
		}
		if err := s.describeLast(ctx, &c); err != nil {
			return nil, err
		}
		out[i] = c
	}
	return out, nil
}

// describeLast says what the newest message is when its text does not.
func (s *Service) describeLast(ctx context.Context, c *Conversation) error {
	last := c.Last
	if last == nil {
		return nil
	}
	last.Text = oneLine(last.Text)
	if last.Direction == store.Outgoing {
		c.LastState = stateOf(last.Status)
		if d, ok := s.live(last.ID); ok {
			c.LastState = d.State
		}
	}
	if last.Attachments == 0 {
		return nil
	}
	a, err := s.conf.Store.Attachments.Get(ctx, last.ID, 0)
	if errors.Is(err, store.ErrNotFound) {
		return nil // deleted meanwhile
	}
	c.LastKind = KindName(a.Kind)
	return err
}

// KindName names a kind of attachment.
func KindName(k store.AttachmentKind) string {
	switch k {
	case store.KindImage:
		return "image"
	case store.KindAudio:
		return "audio"
	}
	return "file"
}

// stateOf maps the coarse status of a row without its events.
func stateOf(st store.Status) State {
	switch st {
	case store.StatusDelivered:
		return StateDelivered
	case store.StatusPropagated:
		return StatePropagated
	case store.StatusPaper:
		return StatePaper
	case store.StatusFailed:
		return StateFailed
	case store.StatusRejected:
		return StateRefused
	case store.StatusCancelled:
		return StateCancelled
	}
	return StateWaiting
}

// worst is the worst state of the messages on their way, by peer.
func (s *Service) worst() map[rns.Addr]State {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make(map[rns.Addr]State)
	for _, t := range s.outbox {
		if st := t.fold.d.State; st.Worse(out[t.row.Peer]) {
			out[t.row.Peer] = st
		}
	}
	return out
}

// Change is what can be set on a conversation; nil leaves a thing alone.
type Change struct {
	Pinned, Archived, Muted, Accept *bool
}

// forever is a mute without an end.
var forever = time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)

// ChangeConversation pins, archives, mutes or accepts a conversation.
func (s *Service) ChangeConversation(ctx context.Context, peer rns.Addr, c Change) error {
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		if _, err := tx.Conversations.Ensure(ctx, peer, store.RequestNone, s.conf.Now()); err != nil {
			return err
		}
		return errors.Join(
			set(c.Pinned, func(on bool) error { return tx.Conversations.SetPinned(ctx, peer, on) }),
			set(c.Archived, func(on bool) error { return tx.Conversations.SetArchived(ctx, peer, on) }),
			set(c.Muted, func(on bool) error {
				until := time.Time{}
				if on {
					until = forever
				}
				return tx.Conversations.SetMuted(ctx, peer, until)
			}),
			set(c.Accept, func(on bool) error {
				request := store.RequestNone
				if !on {
					request = store.RequestPending
				}
				return tx.Conversations.SetRequest(ctx, peer, request)
			}),
		)
	})
	if err == nil {
		s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	}
	return err
}

func set(v *bool, f func(bool) error) error {
	if v == nil {
		return nil
	}
	return f(*v)
}

// MarkRead marks messages up to one as read; the zero hash means all.
func (s *Service) MarkRead(ctx context.Context, peer rns.Addr, upTo rns.Hash) error {
	const all = 1<<62 - 1
	seq := int64(all)
	if !upTo.IsZero() {
		var err error
		if seq, err = s.conf.Store.Messages.Seq(ctx, upTo); err != nil {
			return err
		}
	}
	err := s.conf.Store.Conversations.MarkRead(ctx, peer, seq)
	if errors.Is(err, store.ErrNotFound) {
		return nil // nothing was ever written: everything is read
	}
	if err == nil {
		s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	}
	return err
}

// DeleteConversation removes a conversation on this device. What is on its way
// is stopped.
func (s *Service) DeleteConversation(ctx context.Context, peer rns.Addr) error {
	s.mu.Lock()
	var pending []rns.Hash
	for id, t := range s.outbox {
		if t.row.Peer == peer {
			pending = append(pending, id)
		}
	}
	s.mu.Unlock()
	for _, id := range pending {
		s.conf.Router.Cancel(id)
	}
	if err := s.conf.Store.Conversations.Delete(ctx, peer); err != nil {
		return err
	}
	s.mu.Lock()
	for _, id := range pending {
		delete(s.outbox, id)
	}
	s.mu.Unlock()
	s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	return nil
}

const cursorSize = 1 + 8 + 16

func formatCursor(c store.ConversationCursor) string {
	b := make([]byte, 1, cursorSize)
	if c.Pinned {
		b[0] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(c.LastAt.UnixMilli()))
	return base64.RawURLEncoding.EncodeToString(append(b, c.Peer[:]...))
}

func parseCursor(s string) (store.ConversationCursor, error) {
	if s == "" {
		return store.ConversationCursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != cursorSize {
		return store.ConversationCursor{}, ErrCursor
	}
	return store.ConversationCursor{
		Pinned: b[0] == 1, LastAt: time.UnixMilli(int64(binary.BigEndian.Uint64(b[1:]))), Peer: rns.Addr(b[9:]),
	}, nil
}
