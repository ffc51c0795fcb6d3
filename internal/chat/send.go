package chat

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Outbound is a message for the router: signed, its timestamp fixed for good.
type Outbound struct {
	Message   *lxmf.Message
	Method    store.Method
	WaitHeard bool
	Attempts  int // attempts made before, after a restart
}

// Send stores a message with its first event in one transaction and hands it to
// the router. It does not wait for the network. When it returns nil the message
// is on the disk.
func (s *Service) Send(ctx context.Context, o Outgoing) (Ref, error) {
	if ref, ok := s.repeated(o); ok {
		return ref, nil
	}
	if err := s.acceptable(ctx, o); err != nil {
		return Ref{}, err
	}
	msg, files, err := s.compose(ctx, o)
	if err != nil {
		return Ref{}, err
	}
	now := s.conf.Now()
	row := store.Message{
		ID: msg.Hash, Peer: o.Peer, Direction: store.Outgoing, Source: s.addr, Destination: o.Peer,
		Title: o.Title, Content: o.Content, Renderer: uint8(o.Renderer), ReplyTo: o.ReplyTo, Reaction: o.Reaction, SentAt: msg.Time(), StoredAt: now,
		Status: store.StatusPending, Method: o.Method, WaitHeard: o.WaitHeard, Attachments: files,
	}
	packed, err := s.pack(msg, &row)
	if err != nil {
		return Ref{}, err
	}
	queued := Event{At: now, Kind: EventQueued, Hops: -1}
	ref, err := s.insert(ctx, row, packed, queued, o.Draft)
	if errors.Is(err, store.ErrExists) {
		return s.known(ctx, msg.Hash)
	}
	if err != nil {
		return Ref{}, fmt.Errorf("store message: %w", err)
	}
	row.Seq = ref.Seq
	s.remember(o, ref)
	s.track(row, []Event{queued})
	s.added(row)
	if o.Draft == DraftSent {
		s.conf.Bus.Publish(event.DraftChanged, event.IDs{Peer: o.Peer})
	}
	out := Outbound{Message: msg, Method: o.Method, WaitHeard: o.WaitHeard}
	if err := s.conf.Router.Send(out); err != nil {
		// The message is safe: it is taken up again at the next start.
		s.conf.Log.Warn("router did not take a message", "message", ref.ID, "error", err)
	}
	return ref, nil
}

// insert makes the message, its conversation and its first event durable
// together. Writing to a stranger accepts them; the draft goes if it has become the message.
func (s *Service) insert(ctx context.Context, row store.Message, packed []byte, first Event, draft DraftUse) (Ref, error) {
	ref := Ref{ID: row.ID, Peer: row.Peer}
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		if _, err := tx.Conversations.Ensure(ctx, row.Peer, store.RequestNone, row.StoredAt); err != nil {
			return err
		}
		if err := tx.Conversations.SetRequest(ctx, row.Peer, store.RequestNone); err != nil {
			return err
		}
		seq, err := tx.Messages.Insert(ctx, row, packed)
		if err != nil {
			return err
		}
		ref.Seq = seq
		if err := tx.Events.Append(ctx, seq, first.record()); err != nil {
			return err
		}
		if draft == DraftKept {
			return nil
		}
		return tx.Drafts.Delete(ctx, row.Peer)
	})
	return ref, err
}

func (s *Service) acceptable(ctx context.Context, o Outgoing) error {
	switch {
	case o.Reaction == "" && strings.TrimSpace(o.Content) == "" && strings.TrimSpace(o.Title) == "" && len(o.Uploads) == 0:
		return ErrEmpty
	case o.Peer == s.addr:
		return ErrSelf
	}
	blocked, err := s.conf.Store.Blocked.Is(ctx, o.Peer)
	if err == nil && blocked {
		err = ErrBlocked
	}
	return err
}

const rememberedSends = 1000

func (s *Service) repeated(o Outgoing) (Ref, bool) {
	if o.ClientID == "" {
		return Ref{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ref, ok := s.sent[o.ClientID]
	return ref, ok
}

func (s *Service) remember(o Outgoing, ref Ref) {
	if o.ClientID == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) >= rememberedSends {
		clear(s.sent) // the timestamp still makes a repetition the same message
	}
	s.sent[o.ClientID] = ref
}

func (s *Service) known(ctx context.Context, id rns.Hash) (Ref, error) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	return Ref{ID: m.ID, Seq: m.Seq, Peer: m.Peer}, err
}

// timestamp fixes the author's time of a message in seconds. A client that says
// when it wrote, and under which id, gets the same time and so the same message
// when it asks again, whatever happened to the program in between.
func (s *Service) timestamp(o Outgoing) float64 {
	now := s.conf.Now()
	at, fraction := now, time.Duration(0)
	if skew := now.Sub(o.WrittenAt).Abs(); !o.WrittenAt.IsZero() && skew <= s.conf.Params.ClockTolerance {
		sum := sha256.Sum256([]byte(o.ClientID))
		at, fraction = o.WrittenAt.Truncate(time.Millisecond), time.Duration(binary.BigEndian.Uint16(sum[:])%1000)*time.Microsecond
	}
	return float64(at.Add(fraction).UnixMicro()) / 1e6
}
