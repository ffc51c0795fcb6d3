package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// mail is the messenger of the node, with a durable store if it has a path.
type mail struct {
	*router.Router
	id *rns.Identity
	db *store.Identity

	mu     sync.Mutex
	ended  map[rns.Hash]func(router.Event)
	sent   int
	cancel context.CancelFunc
	served sync.WaitGroup
}

func newMail(b *bench, durable string) (*mail, error) {
	m := &mail{id: b.id, ended: make(map[rns.Hash]func(router.Event))}
	var err error
	if durable != "" {
		if m.db, _, err = store.OpenIdentity(context.Background(), durable, store.Options{}); err != nil {
			return nil, err
		}
	}
	m.Router, err = router.New(router.Config{Node: b.node, Identity: b.id, Inbox: m, Events: m.happened})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	m.cancel = cancel
	m.served.Go(func() { _ = m.Serve(ctx) })
	return m, nil
}

func (m *mail) close() {
	m.cancel()
	m.served.Wait()
	if m.db != nil {
		_ = m.db.Close()
	}
}

// Receive accepts a message: at once, or when it is on the disk.
func (m *mail) Receive(ctx context.Context, in router.Inbound) error {
	if m.db == nil {
		return nil
	}
	return m.store(ctx, in.Message, in.Packed, store.Incoming, store.StatusReceived)
}

// ReceiveAll accepts messages of one sender together.
func (m *mail) ReceiveAll(ctx context.Context, in []router.Inbound) []error {
	said := make([]error, len(in))
	if m.db == nil {
		return said
	}
	err := m.db.Update(ctx, func(tx store.IdentityTables) error {
		for _, msg := range in {
			if err := m.insert(ctx, tx, msg.Message, msg.Packed, store.Incoming, store.StatusReceived); err != nil {
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

func (m *mail) store(ctx context.Context, msg *lxmf.Message, packed []byte, d store.Direction, s store.Status) error {
	return m.db.Update(ctx, func(tx store.IdentityTables) error { return m.insert(ctx, tx, msg, packed, d, s) })
}

func (*mail) insert(ctx context.Context, tx store.IdentityTables, msg *lxmf.Message, packed []byte, d store.Direction, s store.Status) error {
	now := time.Now()
	row := store.Message{
		ID: msg.Hash, Peer: msg.Source, Direction: d, Source: msg.Source, Destination: msg.Destination, Content: string(msg.Content),
		SentAt: now, StoredAt: now, ChangedAt: now, Status: s, Method: store.MethodDirect, Size: int64(len(packed)),
	}
	if d == store.Outgoing {
		row.Peer = msg.Destination
	}
	if d == store.Incoming {
		if fresh, err := tx.Deliveries.Add(ctx, row.ID, now); err != nil || !fresh {
			return err
		}
	}
	_, err := tx.Messages.Insert(ctx, row, packed)
	return err
}

func (m *mail) happened(e router.Event) {
	if !e.Kind.Final() {
		return
	}
	m.mu.Lock()
	f := m.ended[e.ID]
	delete(m.ended, e.ID)
	m.mu.Unlock()
	if f != nil {
		f(e)
	}
}

// send stores the message where there is a store, and hands it to the router.
func (m *mail) send(ctx context.Context, to rns.Addr, method lxmf.Method, text string, ended func(router.Event)) error {
	m.mu.Lock()
	m.sent++
	n := m.sent
	m.mu.Unlock()
	msg := lxmf.New(to, m.Address(), time.Now(), nil, fmt.Appendf(nil, "%s %d", text, n))
	msg.Sign(m.id)
	if m.db != nil {
		packed, err := msg.Pack(nil)
		if err == nil {
			err = m.store(ctx, msg, packed, store.Outgoing, store.StatusPending)
		}
		if err != nil {
			return err
		}
	}
	m.mu.Lock()
	m.ended[msg.Hash] = ended
	m.mu.Unlock()
	return m.Send(router.Outbound{Message: msg, Method: method})
}

func (b *bench) lxmf(ctx context.Context, o order) (answer, error) {
	m := b.mail
	if m == nil {
		var err error
		if b.mail, err = newMail(b, o.Durable); err != nil {
			return nil, err
		}
		m = b.mail
	}
	to, err := rns.ParseAddr(o.Dest)
	if err != nil {
		return nil, err
	}
	method := lxmf.MethodDirect
	if o.Method == "opportunistic" {
		method = lxmf.MethodOpportunistic
	}
	text := strings.Repeat("x", 60)
	ends := make(chan router.Event, o.Window+1)
	ended := func(e router.Event) { ends <- e }
	if err := m.send(ctx, to, method, text, ended); err != nil { // opens the link
		return nil, err
	}
	if e := <-ends; e.Kind != router.KindDelivered {
		return nil, fmt.Errorf("first message: %s %s %s", e.Kind, e.Code, e.Detail)
	}
	return m.flood(ctx, o, func() error { return m.send(ctx, to, method, text, ended) }, ends)
}

// flood keeps a window of messages under way.
func (m *mail) flood(_ context.Context, o order, send func() error, ends <-chan router.Event) (answer, error) {
	begin := time.Now()
	slots := make(chan struct{}, o.Window)
	failed := make(chan error, o.Window)
	var writers sync.WaitGroup
	defer writers.Wait()
	delivered := 0
	for sent := 0; delivered < o.N; {
		var slot chan struct{}
		if sent < o.N {
			slot = slots
		}
		select {
		case slot <- struct{}{}:
			sent++
			writers.Go(func() {
				if err := send(); err != nil {
					failed <- err
				}
			})
		case err := <-failed:
			return nil, err
		case e := <-ends:
			if e.Kind != router.KindDelivered {
				return nil, fmt.Errorf("%s %s %s", e.Kind, e.Code, e.Detail)
			}
			delivered++
			<-slots
		case <-time.After(30 * time.Second):
			return nil, errors.New("nothing was delivered for 30 s")
		}
	}
	return answer{"delivered": delivered, "seconds": time.Since(begin).Seconds()}, nil
}
