package chat

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Inbound is a message that arrived.
type Inbound struct {
	Message    *lxmf.Message
	Packed     []byte
	Method     store.Method
	Verified   store.Verification
	StampCost  *int // asked for, nil if none was
	StampValue *int
	Signal     store.Signal
	Received   time.Time
}

// Receive stores an incoming message. Nil means that it is on the disk, and the
// proof may leave; ErrDiscard that policy refuses it; any other error that
// nothing was kept, so that no proof must leave and the sender tries again. A
// second copy of a message, stored or deleted meanwhile, changes nothing.
func (s *Service) Receive(ctx context.Context, in Inbound) error {
	return s.ReceiveAll(ctx, []Inbound{in})[0]
}

// ReceiveAll is Receive for messages that have come together, in their order, and
// returns what Receive would to each. They share one transaction; where that
// fails, each has one of its own, so that one of them cannot keep out the others.
func (s *Service) ReceiveAll(ctx context.Context, in []Inbound) []error {
	said := make([]error, len(in))
	var arrivals []*arrival
	for i := range in {
		l, err := s.prepare(ctx, in[i])
		if said[i] = err; l != nil {
			l.at = i
			arrivals = append(arrivals, l)
		}
	}
	if err := s.insertIncoming(ctx, arrivals...); err == nil || len(arrivals) == 1 {
		for _, l := range arrivals {
			said[l.at] = s.inserted(l, err)
		}
		return said
	}
	for _, l := range arrivals {
		said[l.at] = s.inserted(l, s.insertIncoming(ctx, l))
	}
	return said
}

// arrival is an incoming message that is ready to be stored.
type arrival struct {
	at     int // in the batch
	row    store.Message
	packed []byte
	icon   *store.Appearance // the author wants to be shown so from now on
	fresh  bool              // it was not there before
}

// prepare keeps the files of a message. It returns nil for one that is not to be
// stored.
func (s *Service) prepare(ctx context.Context, in Inbound) (*arrival, error) {
	msg := in.Message
	if err := s.wanted(ctx, msg.Source); err != nil {
		return nil, err
	}
	if seen, err := s.conf.Store.Deliveries.Seen(ctx, msg.Hash); err != nil || seen {
		return nil, err
	}
	l := &arrival{row: s.incoming(in), icon: appearance(in)}
	var err error
	if l.row.Attachments, err = s.detach(msg); err != nil {
		return nil, err
	}
	var whole bool
	l.row.Fields, whole = kept(msg)
	if l.packed, err = s.keepIncoming(in, &l.row, whole); err != nil {
		return nil, err
	}
	return l, nil
}

// inserted tells of a message that was stored and wraps the reason of one that was
// not.
func (s *Service) inserted(l *arrival, err error) error {
	if errors.Is(err, store.ErrExists) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("store incoming message: %w", err)
	}
	if l.fresh {
		s.added(l.row)
	}
	return nil
}

// wanted applies policy to the source before anything is stored.
func (s *Service) wanted(ctx context.Context, source rns.Addr) error {
	blocked, err := s.conf.Store.Blocked.Is(ctx, source)
	if err != nil {
		return err
	}
	if blocked {
		return ErrDiscard
	}
	if s.conf.Settings.Text(settings.KeyStrangers) != settings.StrangersIgnore {
		return nil
	}
	stranger, err := s.stranger(ctx, s.conf.Store.IdentityTables, source)
	if err == nil && stranger {
		err = ErrDiscard
	}
	return err
}

// Blocked reports whether messages of a source are discarded, for a look before
// anything expensive is done about them.
func (s *Service) Blocked(source rns.Addr) bool {
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.Params.StoreRetry)
	defer cancel()
	return errors.Is(s.wanted(ctx, source), ErrDiscard)
}

// stranger is who is no contact, was never written to and is not on the list of the allowed.
func (s *Service) stranger(ctx context.Context, tx store.IdentityTables, peer rns.Addr) (bool, error) {
	known, err := tx.Contacts.Known(ctx, peer)
	if err != nil || known {
		return false, err
	}
	if allowed, err := tx.Listed.Has(ctx, store.ListAllowed, peer); err != nil || allowed {
		return false, err
	}
	request, err := tx.Conversations.Request(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		return true, nil
	}
	return request != store.RequestNone, err
}

// insertIncoming stores messages in one transaction and marks those that are
// fresh.
func (s *Service) insertIncoming(ctx context.Context, arrivals ...*arrival) error {
	if len(arrivals) == 0 {
		return nil
	}
	return s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		raised := make(map[rns.Addr]bool)
		for _, l := range arrivals {
			var err error
			if l.fresh, err = tx.Deliveries.Add(ctx, l.row.ID, l.row.StoredAt); err != nil {
				return err
			}
			if !l.fresh {
				continue
			}
			if !raised[l.row.Peer] {
				raised[l.row.Peer] = true
				if err := s.raise(ctx, tx, &l.row); err != nil {
					return err
				}
			}
			if _, err := tx.Messages.Insert(ctx, l.row, l.packed); err != nil {
				return err
			}
			if l.icon == nil {
				continue
			}
			if err := tx.Appearances.Put(ctx, l.row.Peer, *l.icon); err != nil {
				return err
			}
		}
		return nil
	})
}

// raise brings the conversation of an incoming message back to the list.
func (s *Service) raise(ctx context.Context, tx store.IdentityTables, row *store.Message) error {
	stranger, err := s.stranger(ctx, tx, row.Peer)
	if err != nil {
		return err
	}
	request := store.RequestNone
	if stranger && s.conf.Settings.Text(settings.KeyStrangers) != settings.StrangersAllow {
		request = store.RequestPending
	}
	if _, err := tx.Conversations.Ensure(ctx, row.Peer, request, row.StoredAt); err != nil {
		return err
	}
	return tx.Conversations.SetArchived(ctx, row.Peer, false)
}

// incoming fills a row from a message. Texts are made fit to show; the exact
// bytes stay in the packed form while anything may still need them.
func (s *Service) incoming(in Inbound) store.Message {
	msg := in.Message
	row := store.Message{
		ID: msg.Hash, Peer: msg.Source, Direction: store.Incoming, Source: msg.Source, Destination: msg.Destination,
		Title: text(msg.Title), Content: text(msg.Content), Renderer: uint8(msg.Fields.Renderer()), SentAt: msg.Time(),
		StoredAt: s.conf.Now(), Status: store.StatusReceived, Method: in.Method, Verified: in.Verified,
		StampCost: in.StampCost, StampValue: in.StampValue, Signal: in.Signal, Size: int64(len(in.Packed)),
		Ticket: msg.Fields.Has(lxmf.FieldTicket),
	}
	if t, ok := msg.ReplyTo(); ok && !t.Truncated {
		row.ReplyTo = t.Hash
	}
	if r, ok := msg.Fields.Reaction(); ok && row.Content == "" {
		row.Content = r.Content // shown as a short answer, unless the message it is about is here
		if !r.To.Truncated {
			row.ReplyTo = r.To.Hash
			if msg.Silent() {
				row.Reaction = r.Content
			}
		}
	}
	return row
}

func text(b []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "\ufffd"), "\x00", "")
}

// detach stores the files of a message and lists them: picture, recording, files.
func (s *Service) detach(msg *lxmf.Message) ([]store.Attachment, error) {
	var files []store.File
	add := func(name string, kind store.AttachmentKind, data []byte) error {
		f, err := s.keep(name, bytes.NewReader(data), s.conf.Params.MaxMessage)
		if err != nil {
			return err
		}
		if f.Kind != kind && kind != store.KindFile {
			f.Kind = store.KindFile // it is not what it is said to be
		}
		files = append(files, f)
		return nil
	}
	if i, ok := msg.Fields.Image(); ok {
		if err := add("image."+i.Format, store.KindImage, i.Data); err != nil {
			return nil, err
		}
	}
	if a, ok := msg.Fields.Audio(); ok {
		if err := add(audioName(a.Mode), store.KindAudio, a.Data); err != nil {
			return nil, err
		}
	}
	for _, a := range msg.Fields.Attachments() {
		if err := add(a.FileName(), store.KindFile, a.Data); err != nil {
			return nil, err
		}
	}
	return number(files), nil
}

func audioName(m lxmf.AudioMode) string {
	if m == lxmf.AudioOpusOgg {
		return "recording.opus"
	}
	return fmt.Sprintf("recording-%02x.bin", uint8(m))
}

// keepIncoming decides whether the packed form is kept: as long as its author may
// yet be verified, where it is short anyway, and where fields are nowhere else.
func (s *Service) keepIncoming(in Inbound, row *store.Message, whole bool) ([]byte, error) {
	if in.Verified == store.Verified && whole && len(in.Packed) > s.conf.Params.PackedInRow {
		row.Size = int64(len(in.Packed))
		return nil, nil
	}
	return s.keepPacked(in.Packed, row)
}

const reverifyPage = 100

// Reverify checks messages whose author was not known when they came, now that a
// key is.
func (s *Service) Reverify(ctx context.Context, peer rns.Addr, key rns.PublicKey) error {
	ids, err := s.conf.Store.Messages.Unverified(ctx, peer, reverifyPage)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.reverify(ctx, id, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) reverify(ctx context.Context, id rns.Hash, key rns.PublicKey) error {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil {
		return err
	}
	packed, err := s.packed(ctx, m)
	if err != nil {
		return err
	}
	msg, err := lxmf.Parse(packed)
	if err != nil {
		return err
	}
	now := store.Verified
	switch err := msg.Verify(key); {
	case errors.Is(err, lxmf.SourceUnknown):
		return nil
	case err != nil:
		now = store.SignatureInvalid
	}
	if err := s.conf.Store.Messages.SetVerified(ctx, id, now, s.conf.Now()); err != nil {
		return err
	}
	s.changed(event.MessageChanged, m.Peer, id)
	return nil
}
