package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// mail is a messenger with a durable store.
type mail struct {
	*router.Router
	id     *rns.Identity
	db     *store.Identity
	cancel context.CancelFunc
	served sync.WaitGroup

	mu    sync.Mutex
	ended map[rns.Hash]chan<- router.Event
	sent  int64
}

func newMail(ctx context.Context, n *node.Node, path string) (*mail, error) {
	m := &mail{ended: make(map[rns.Hash]chan<- router.Event)}
	var err error
	if m.id, err = rns.NewIdentity(rand.Reader); err != nil {
		return nil, err
	}
	if m.db, _, err = store.OpenIdentity(ctx, path, store.Options{}); err != nil {
		return nil, err
	}
	m.Router, err = router.New(router.Config{Node: n, Identity: m.id, Inbox: m, Events: m.happened})
	if err != nil {
		return nil, errors.Join(err, m.db.Close())
	}
	ctx, m.cancel = context.WithCancel(context.WithoutCancel(ctx))
	m.served.Go(func() { _ = m.Serve(ctx) })
	return m, nil
}

func (m *mail) close() error {
	m.cancel()
	m.served.Wait()
	return m.db.Close()
}

// Receive implements router.Inbox.
func (m *mail) Receive(ctx context.Context, in router.Inbound) error {
	return m.ReceiveAll(ctx, []router.Inbound{in})[0]
}

// ReceiveAll implements router.BatchInbox.
func (m *mail) ReceiveAll(ctx context.Context, in []router.Inbound) []error {
	said := make([]error, len(in))
	err := m.db.Update(ctx, func(tx store.IdentityTables) error {
		for _, i := range in {
			if err := insert(ctx, tx, i.Message, i.Packed, store.Incoming); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range said {
		said[i] = err
	}
	return said
}

func insert(ctx context.Context, tx store.IdentityTables, msg *lxmf.Message, packed []byte, d store.Direction) error {
	now := time.Now()
	row := store.Message{
		ID: msg.Hash, Peer: msg.Source, Direction: d, Source: msg.Source, Destination: msg.Destination, Content: string(msg.Content),
		SentAt: now, StoredAt: now, ChangedAt: now, Status: store.StatusReceived, Method: store.MethodDirect, Size: int64(len(packed)),
	}
	if d == store.Outgoing {
		row.Peer, row.Status = msg.Destination, store.StatusPending
	} else if fresh, err := tx.Deliveries.Add(ctx, row.ID, now); err != nil || !fresh {
		return err
	}
	_, err := tx.Messages.Insert(ctx, row, packed)
	return err
}

func (m *mail) happened(e router.Event) {
	if !e.Kind.Final() {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if c := m.ended[e.ID]; c != nil {
		delete(m.ended, e.ID)
		c <- e // has room for every message of its window
	}
}

// send stores a message and hands it to the router.
func (m *mail) send(ctx context.Context, to rns.Addr, method lxmf.Method, ended chan<- router.Event) error {
	m.mu.Lock()
	m.sent++
	text := fmt.Appendf(nil, "soak message number %d, of ordinary length as such messages go", m.sent)
	m.mu.Unlock()
	msg := lxmf.New(to, m.Address(), time.Now(), nil, text)
	msg.Sign(m.id)
	packed, err := msg.Pack(nil)
	if err != nil {
		return err
	}
	err = m.db.Update(ctx, func(tx store.IdentityTables) error { return insert(ctx, tx, msg, packed, store.Outgoing) })
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.ended[msg.Hash] = ended
	m.mu.Unlock()
	return m.Send(router.Outbound{Message: msg, Method: method})
}

const window = 16 // messages under way

// write sends messages until ctx ends, a window of them at a time.
func (w *world) write(ctx context.Context, method lxmf.Method) error {
	limit := newPace(messageRate / 2)
	ended := make(chan router.Event, window)
	under := 0
	for {
		if under == window {
			select {
			case e := <-ended:
				under--
				if e.Kind != router.KindDelivered {
					return fmt.Errorf("%s %s %s", e.Kind, e.Code, e.Detail)
				}
				w.messages.Add(1)
			case <-ctx.Done():
				return nil
			}
			continue
		}
		if !limit.wait(ctx, 1) {
			return nil
		}
		if err := w.from.send(ctx, w.to.Address(), method, ended); err != nil {
			return err
		}
		under++
	}
}
