// Package chat is the product's heart: conversations, sending, receiving,
// drafts, files and the question why a message is not delivered. One Service
// belongs to one identity and reaches its database only.
//
// Sending stores a message and its first event in one transaction and hands it
// to the router; what the router reports becomes the message's append-only
// event log, from which the thirteen states derive ([Derive]). Receiving returns
// when the message is on the disk, so that its proof follows storage.
package chat

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"sync"
	"time"

	"meshchatx/internal/blob"
	"meshchatx/internal/event"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Router carries messages to their recipients. It reports every step through
// Service.Happened and never blocks on the network.
type Router interface {
	// Send takes charge of a message.
	Send(Outbound) error
	// Cancel stops a message; the router reports that it did.
	Cancel(id rns.Hash)
	// RetryNow ends the pause before the next attempt.
	RetryNow(id rns.Hash)
	// Ticket returns the ticket to put into a message to a peer, if one is due.
	Ticket(ctx context.Context, peer rns.Addr) (t lxmf.Ticket, due bool, err error)
}

// Bus tells the browsers what changed.
type Bus interface {
	Publish(event.Type, event.IDs)
}

// Config is what a Service needs. All fields are required except Log and Desk.
// Without a Desk paper messages cannot be read, and written only to those whose key
// is in the address book.
type Config struct {
	Identity *rns.Identity
	Store    *store.Identity
	Blobs    *blob.Store
	Settings *settings.Set
	Router   Router
	Desk     Desk
	People   People
	Network  Network
	Bus      Bus
	Go       func(func(context.Context)) // runs a function on a goroutine that the profile owns
	Now      func() time.Time
	Random   io.Reader
	Params   Params
	Log      *slog.Logger
}

// Params are the limits of the service.
type Params struct {
	MaxUpload      int64         // bytes of one file
	MaxMessage     int64         // bytes of one message with its files
	PackedInRow    int           // packed messages up to this size, in bytes, are kept in the row
	ClockTolerance time.Duration // how far a client's clock may be off and still date a message
	StoreRetry     time.Duration // pause before a failed write of events is tried again
	CheckTimeout   time.Duration // longest live check
	TicketWait     time.Duration // longest wait for a ticket; without one a message goes all the same
}

// DefaultParams are the production limits.
func DefaultParams() Params {
	return Params{
		MaxUpload: 1 << 30, MaxMessage: 1 << 30, PackedInRow: 32 << 10,
		ClockTolerance: 10 * time.Minute, StoreRetry: time.Second, CheckTimeout: 15 * time.Second, TicketWait: 2 * time.Second,
	}
}

// Service is the conversations of one identity. It is safe for concurrent use.
// Serve must run for events to be stored.
type Service struct {
	conf Config
	addr rns.Addr

	mu     sync.Mutex
	outbox map[rns.Hash]*tracked // own messages that are not final
	queue  []happening           // events not yet stored, in order
	sent   map[string]Ref        // by client id, since the start
	wake   chan struct{}
	checks *checkBoard

	flushing sync.Mutex // one flush at a time, so that none is stored twice
}

const deliveryName = "lxmf.delivery"

// New makes the service. Call Resume once the router runs.
func New(conf Config) *Service {
	if conf.Log == nil {
		conf.Log = slog.New(slog.DiscardHandler)
	}
	return &Service{
		conf: conf, addr: rns.DestinationHash(deliveryName, conf.Identity.Hash()),
		outbox: make(map[rns.Hash]*tracked), sent: make(map[string]Ref), wake: make(chan struct{}, 1),
		checks: newCheckBoard(),
	}
}

// Address is the LXMF address of the identity.
func (s *Service) Address() rns.Addr { return s.addr }

// Serve stores what the router reports until ctx ends. What was reported before
// is on the disk when it returns, if the disk takes it.
func (s *Service) Serve(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.conf.Params.StoreRetry) // the last events of a closing profile
			defer cancel()
			return errors.Join(context.Cause(ctx), s.flush(ctx))
		case <-s.wake:
		}
		if err := s.flush(ctx); err != nil {
			s.conf.Log.Error("events are not stored yet", "error", err)
			if !s.pause(ctx) {
				continue
			}
			s.nudge()
		}
	}
}

func (s *Service) pause(ctx context.Context) bool {
	t := time.NewTimer(s.conf.Params.StoreRetry)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Service) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// added tells of a new message. A reaction changes the message it belongs to.
func (s *Service) added(row store.Message) {
	s.changed(event.MessageAdded, row.Peer, row.ID)
	if row.Reaction != "" {
		s.changed(event.MessageChanged, row.Peer, row.ReplyTo)
	}
}

// changed tells that messages of a conversation are not what they were.
func (s *Service) changed(what event.Type, peer rns.Addr, message rns.Hash) {
	s.conf.Bus.Publish(what, event.IDs{Peer: peer, Message: message})
	if what != event.MessageChanged {
		s.conf.Bus.Publish(event.ConversationChanged, event.IDs{Peer: peer})
	}
}
