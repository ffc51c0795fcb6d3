package chat

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/internal/event"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// tracked is an own message that is not final: its row, and what its events add
// up to so far, those included that are not stored yet.
type tracked struct {
	row      store.Message
	fold     folder
	progress time.Time // when progress was last queued for storage
}

// happening is an event on its way to the disk.
type happening struct {
	id  rns.Hash
	seq int64
	e   Event
	// status is what the row becomes; nil keeps it.
	status *store.Progress
}

// track begins to follow an outgoing message.
func (s *Service) track(m store.Message, events []Event) {
	t := &tracked{row: m, fold: folder{d: Delivery{State: StateWaiting, Hops: -1}}}
	for _, e := range events {
		t.fold.apply(e)
	}
	t.row.Content, t.row.Title, t.row.Fields, t.row.Attachments = "", "", nil, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox[m.ID] = t
}

// Happened takes an event of an outgoing message from the router. It returns at
// once: the event is visible immediately and on the disk soon. Events of
// messages that are final or unknown are dropped, except a late proof.
func (s *Service) Happened(id rns.Hash, e Event) {
	s.mu.Lock()
	t, ok := s.outbox[id]
	if !ok && e.Kind == EventDelivered {
		s.mu.Unlock()
		s.revive(id)
		s.mu.Lock()
		t, ok = s.outbox[id]
	}
	if !ok {
		s.mu.Unlock()
		return
	}
	t.fold.apply(e)
	if e.progress() && e.At.Sub(t.progress) < progressPause {
		s.mu.Unlock()
		return
	}
	if e.progress() {
		t.progress = e.At
	}
	s.queue = append(s.queue, happening{id: id, seq: t.row.Seq, e: e, status: t.advance(e)})
	peer := t.row.Peer
	s.mu.Unlock()
	s.nudge()
	s.changed(event.MessageChanged, peer, id)
	if _, ok := e.status(); ok {
		s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	}
}

// revive takes a final message back into the outbox for a proof that came late.
func (s *Service) revive(id rns.Hash) {
	ctx, cancel := context.WithTimeout(context.Background(), s.conf.Params.StoreRetry)
	defer cancel()
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil || m.Direction != store.Outgoing || m.Status == store.StatusDelivered {
		return
	}
	if log, err := s.conf.Store.Events.List(ctx, id); err == nil {
		s.track(m, eventsOf(log))
	}
}

// advance notes in the row what an event changes, and returns the columns to
// write, nil for none.
func (t *tracked) advance(e Event) *store.Progress {
	status, changes := e.status()
	attempts := t.fold.d.Attempt
	if !changes && attempts == t.row.Attempts {
		return nil
	}
	if changes {
		t.row.Status = status
	}
	t.row.Attempts, t.row.Reason, t.row.RetryAt = attempts, string(t.fold.d.Code), t.fold.d.RetryAt
	t.row.WaitHeard = t.row.WaitHeard && e.Kind != EventRetried
	return &store.Progress{
		Status: t.row.Status, Reason: t.row.Reason, Method: t.row.Method, WaitHeard: t.row.WaitHeard,
		Attempts: attempts, RetryAt: t.row.RetryAt,
	}
}

// flush writes the queued events in one transaction and lets go of messages
// that became final.
func (s *Service) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()
	s.mu.Lock()
	batch := slices.Clone(s.queue)
	s.mu.Unlock()
	if len(batch) == 0 {
		return nil
	}
	err := s.conf.Store.Update(ctx, func(tx store.IdentityTables) error {
		for _, h := range batch {
			if err := h.write(ctx, tx); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.queue = append(s.queue[:0], s.queue[len(batch):]...)
	s.release(batch)
	s.mu.Unlock()
	for _, h := range batch {
		switch {
		case h.e.Kind == EventDelivered:
			s.dropPacked(ctx, h.id)
		case h.e.Kind == EventStampDone && len(h.e.Stamp) > 0:
			s.keepStamp(ctx, h.id, h.e.Stamp)
		}
	}
	return nil
}

// write stores one event. A message deleted meanwhile takes its events along.
func (h happening) write(ctx context.Context, tx store.IdentityTables) error {
	if known, err := tx.Messages.Exists(ctx, h.id); err != nil || !known {
		return err
	}
	appendTo := tx.Events.Append
	if h.e.progress() {
		appendTo = tx.Events.AppendProgress
	}
	if err := appendTo(ctx, h.seq, h.e.record()); err != nil {
		return err
	}
	if h.status == nil {
		return nil
	}
	err := tx.Messages.Advance(ctx, h.id, *h.status, h.e.At)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}

// release forgets messages whose final event is stored and has no successor in
// the queue. The caller holds the lock.
func (s *Service) release(batch []happening) {
	for _, h := range batch {
		t, ok := s.outbox[h.id]
		if !ok || !t.fold.d.State.Final() {
			continue
		}
		if !slices.ContainsFunc(s.queue, func(q happening) bool { return q.id == h.id }) {
			delete(s.outbox, h.id)
		}
	}
}

// live returns what a message that is not final adds up to.
func (s *Service) live(id rns.Hash) (Delivery, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.outbox[id]
	if !ok {
		return Delivery{}, false
	}
	return t.fold.d, true
}

const outboxPage = 100

// Resume hands every message that is not final to the router again, under the
// same id and with its attempts counted on. Call it once after opening.
func (s *Service) Resume(ctx context.Context) error {
	var after int64
	for {
		page, err := s.conf.Store.Messages.Pending(ctx, after, outboxPage)
		if err != nil {
			return err
		}
		for _, m := range page {
			after = m.Seq
			if err := s.resubmit(ctx, m, EventResumed); err != nil {
				return err
			}
		}
		if len(page) < outboxPage {
			return nil
		}
	}
}

// resubmit gives a stored message to the router. A message that cannot be read
// any more fails; it never disappears.
func (s *Service) resubmit(ctx context.Context, m store.Message, why EventKind) error {
	log, err := s.conf.Store.Events.List(ctx, m.ID)
	if err != nil {
		return err
	}
	s.track(m, eventsOf(log))
	s.Happened(m.ID, Event{At: s.conf.Now(), Kind: why, Hops: -1})
	m.Attempts = s.made(m.ID)
	out, err := s.outbound(ctx, m)
	if err == nil {
		err = s.conf.Router.Send(out)
	}
	if err != nil {
		s.conf.Log.Error("stored message cannot be sent", "message", m.ID, "error", err)
		s.Happened(m.ID, Event{At: s.conf.Now(), Kind: EventFailed, Code: CodeUnknown, Detail: err.Error(), Hops: -1})
	}
	return nil
}

// made counts the attempts of a message since a person last asked for it.
func (s *Service) made(id rns.Hash) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.outbox[id]
	if !ok {
		return 0
	}
	return t.fold.d.Attempt - t.fold.before
}

// Cancel stops an outgoing message. The router says when it has.
func (s *Service) Cancel(ctx context.Context, id rns.Hash) error {
	if _, ok := s.live(id); ok {
		s.conf.Router.Cancel(id)
		return nil
	}
	if _, err := s.outgoing(ctx, id); err != nil {
		return err
	}
	return ErrNotCancellable
}

// Retry starts another attempt of the same message: a planned one at once, or a
// new one after a failure that is not permanent.
func (s *Service) Retry(ctx context.Context, id rns.Hash) error {
	if d, ok := s.live(id); ok && !d.State.Final() {
		if !d.Retryable() {
			return ErrNotRetryable
		}
		s.conf.Router.RetryNow(id)
		return nil
	}
	if err := s.flush(ctx); err != nil {
		return err
	}
	m, err := s.outgoing(ctx, id)
	if err != nil {
		return err
	}
	log, err := s.conf.Store.Events.List(ctx, id)
	if err != nil {
		return err
	}
	if !Derive(eventsOf(log)).Retryable() {
		return ErrNotRetryable
	}
	m.Status = store.StatusPending
	return s.resubmit(ctx, m, EventRetried)
}

// RetryFailed retries every failed message of a conversation and counts those
// left alone because their reason is permanent.
func (s *Service) RetryFailed(ctx context.Context, peer rns.Addr) (retried, skipped int, err error) {
	failed, err := s.conf.Store.Messages.Failed(ctx, peer, store.MaxPage)
	if err != nil {
		return 0, 0, err
	}
	slices.Reverse(failed)
	for _, m := range failed {
		switch err := s.Retry(ctx, m.ID); {
		case err == nil:
			retried++
		case errors.Is(err, ErrNotRetryable):
			skipped++
		default:
			return retried, skipped, err
		}
	}
	return retried, skipped, nil
}

func (s *Service) outgoing(ctx context.Context, id rns.Hash) (store.Message, error) {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err == nil && m.Direction != store.Outgoing {
		err = ErrNotOutgoing
	}
	return m, err
}

// Delete removes a message on this device. One that is on its way is stopped.
func (s *Service) Delete(ctx context.Context, id rns.Hash) error {
	m, err := s.conf.Store.Messages.Get(ctx, id)
	if err != nil {
		return err
	}
	if _, ok := s.live(id); ok {
		s.conf.Router.Cancel(id)
	}
	if err := s.conf.Store.Messages.Delete(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	delete(s.outbox, id)
	s.mu.Unlock()
	s.changed(event.MessageRemoved, m.Peer, id)
	return nil
}
