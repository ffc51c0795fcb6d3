package router

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// DefaultDeliveryLimit is the largest message accepted by default, in bytes.
//
// differs: the reference takes 1,000,000 bytes. spec: lxmf §9.6
const DefaultDeliveryLimit = 10_000_000

// Errors of a router.
var (
	// ErrClosed means that the router does not run any more. It Is net.ErrClosed.
	ErrClosed error = closedError{}
	// ErrServed means that Serve was called before.
	ErrServed = errors.New("router was already served")
	// ErrBusy means that too many messages are queued.
	ErrBusy = errors.New("too many queued messages")
	// ErrMethod means that the router does not carry messages this way; paper messages are no matter of a router.
	ErrMethod = errors.New("router does not carry this method")
	// ErrSource means that the message was not written by the router's identity.
	ErrSource = errors.New("message has another author")
	// ErrSelf means that the message is addressed to its author.
	ErrSelf = errors.New("message is addressed to its author")
)

type closedError struct{}

func (closedError) Error() string        { return "router is closed" }
func (closedError) Is(target error) bool { return target == net.ErrClosed }

// Outbound is a message to be sent. The router keeps the message: the caller must not change it any more.
type Outbound struct {
	// Message is signed and its timestamp fixed.
	Message *lxmf.Message
	// Method is how to send it: opportunistic, direct or propagated; zero lets the router choose between the first two, each
	// time anew. Without a propagation node in use, propagated fails with CodePropagationNone.
	Method lxmf.Method
	// Fallback says what may be tried when that does not work.
	Fallback Fallback
	// Oversize says what becomes of a message that is larger than the propagation node admits.
	Oversize Oversize
	// TicketWanted includes a ticket if one is due to the recipient. Only a message that is not signed yet can take one:
	// Send then signs it. For a message that must be stored before, see Router.Ticket.
	TicketWanted bool
	// WaitHeard keeps the message until an announce of the recipient is heard, and again after each round of failed
	// attempts.
	WaitHeard bool
	// Attempts is how many attempts failed before, for a message submitted again after a restart.
	Attempts int
}

// Config is what a router needs. Node, Identity and Inbox are required.
type Config struct {
	Node     *node.Node
	Identity *rns.Identity
	// Inbox keeps incoming messages.
	Inbox Inbox
	// State remembers costs, tickets and received ids; nil remembers them in memory.
	State State
	// Events is told every step of outbound messages, in order, on the router's goroutine: it must not block and must not
	// call the router. It may be nil.
	Events func(Event)
	// DisplayName is announced; nil or an empty result announces none.
	DisplayName func() string
	// StampCost is the work asked of strangers in bits, below 1 for none; nil asks for none.
	StampCost func() int
	// EnforceStamps discards messages whose stamp is missing or too weak; nil only flags them.
	EnforceStamps func() bool
	// DeliveryLimit is the largest message accepted, in bytes; nil takes DefaultDeliveryLimit.
	DeliveryLimit func() int64
	// Ignored tells whether messages of a source are discarded unread; they are proved all the same. It is asked before
	// anything expensive, on several goroutines. Nil ignores nobody.
	Ignored func(source rns.Addr) bool
	// Policy says what is accepted beyond that, from whom; nil accepts everything.
	Policy Policy
	// FloodLimit is how many messages of strangers a minute are taken as they come; beyond that strangers are asked for work,
	// see FloodParams. Nil or below 1 is no limit. Flood is how far that had gone before a restart, OnFlood is told when it
	// changes, on several goroutines: what is announced has changed then.
	FloodLimit func() int
	Flood      FloodState
	OnFlood    func(FloodState)
	// Notices is told about the propagation node and fetching from it, in order, under the rules of Events. It may be nil.
	Notices func(Notice)
	// Fallback is what messages do that do not say otherwise; nil is FallbackNode.
	Fallback func() Fallback
	// NodeMode and PropagationNode say which propagation node is used at first; see UseNode.
	NodeMode        NodeMode
	PropagationNode rns.Addr
	// SyncInterval is the time between fetches from the propagation node that happen by themselves, 0 for none; see SyncEvery.
	SyncInterval time.Duration
	// LeaveOnNode tells whether fetched messages stay on the propagation node; nil has them deleted there once they are stored.
	LeaveOnNode func() bool
	// Ratchets says where the ratchets of the delivery destination are kept. An empty Name takes
	// "lxmf/ratchets/<destination>.ratchets" in the node's storage. spec: lxmf §2
	Ratchets node.Ratchets
	// SpoolDir takes large messages while they arrive; empty keeps them in memory.
	SpoolDir string
	// Params are times and limits; the zero value takes DefaultParams.
	Params Params
}

// Router sends and receives the messages of one identity over a node. It is safe for concurrent use. Use New, then Serve.
type Router struct {
	cfg  Config
	addr rns.Addr

	box      mailbox
	in       intake
	incoming atomic.Uint64 // links that peers opened
	keep     keeper
	work     stampWorker
	fetch    fetcher
	spool    spool
	flood    flood
	papers   sync.Mutex // lets one paper message be opened at a time
	watching sync.Mutex // orders looks at the interfaces

	// What follows belongs to the goroutine of Serve.
	m     *machine
	links map[linkRef]*node.Link
	moves map[uint64]*node.Transfer // outgoing resources by try

	life struct {
		sync.Mutex
		served bool
		dest   *node.Destination
	}
	done chan struct{} // closed when Serve has ended
}

// New makes a router. It does nothing before Serve, but messages can be handed in already.
func New(c Config) (*Router, error) {
	if c.Node == nil || c.Identity == nil || c.Inbox == nil {
		return nil, errors.New("router needs a node, an identity and an inbox")
	}
	if c.State == nil {
		c.State = new(MemoryState)
	}
	if c.Params == (Params{}) {
		c.Params = DefaultParams()
	}
	r := &Router{
		cfg: c, addr: lxmf.DeliveryHash(c.Identity.Hash()),
		links: make(map[linkRef]*node.Link), moves: make(map[uint64]*node.Transfer), done: make(chan struct{}),
	}
	if r.cfg.Ratchets.Name == "" {
		r.cfg.Ratchets.Name = "lxmf/ratchets/" + r.addr.Hex() + ".ratchets"
	}
	r.box.init(c.Params.Mailbox)
	r.in.init(r)
	r.keep.init(r)
	r.work.init(r)
	r.fetch.init(r)
	r.spool.init(r)
	r.flood = flood{p: c.Params.Flood, limit: c.FloodLimit, state: c.Flood}
	r.m = newMachine(c.Params, r, c.Node.Random())
	return r, nil
}

// Address is the LXMF address of the identity: the hash of its delivery destination.
func (r *Router) Address() rns.Addr { return r.addr }

// Send takes charge of a message. What becomes of it is told by events; nothing here waits for the network. A message that is
// queued already is tried again at once.
func (r *Router) Send(o Outbound) error {
	m := *o.Message
	switch {
	case m.Source != r.addr:
		return fmt.Errorf("send message: %w", ErrSource)
	case m.Destination == r.addr:
		return fmt.Errorf("send message: %w", ErrSelf)
	case o.Method != methodAuto && o.Method != lxmf.MethodOpportunistic && o.Method != lxmf.MethodDirect &&
		o.Method != lxmf.MethodPropagated:
		return fmt.Errorf("send message: %w: %d", ErrMethod, o.Method)
	}
	if m.Hash.IsZero() {
		if err := r.complete(&m, o.TicketWanted); err != nil {
			return fmt.Errorf("send message: %w", err)
		}
		*o.Message = m
	}
	o.Message = &m
	if o.Fallback == FallbackDefault {
		o.Fallback = r.fallback()
	}
	if !r.box.submit(r.cfg.Params.MaxQueued, func(x *machine, now time.Time) { x.submit(now, o) }) {
		return r.refusal()
	}
	return nil
}

// fallback is what messages do that do not say otherwise.
func (r *Router) fallback() Fallback {
	if r.cfg.Fallback != nil {
		if f := r.cfg.Fallback(); f != FallbackDefault {
			return f
		}
	}
	return FallbackNode
}

// refusal is why the mailbox takes nothing.
func (r *Router) refusal() error {
	select {
	case <-r.done:
		return ErrClosed
	default:
		return ErrBusy
	}
}

// Cancel stops a message at whatever stage it is: KindCancelled follows. A packet that has left cannot be recalled; if its
// proof arrives, KindDelivered follows later. A message that is not queued is left alone.
func (r *Router) Cancel(id rns.Hash) {
	r.box.post(func(x *machine, now time.Time) { x.cancel(now, id) })
}

// RetryNow starts the attempts of a queued message anew, at once: the same message with the same id. One that waits to be
// heard stops waiting.
func (r *Router) RetryNow(id rns.Hash) {
	r.box.post(func(x *machine, now time.Time) { x.retryNow(now, id) })
}

// Announce tells the network that the identity can be reached: name, stamp cost and capabilities. The error is
// node.ErrNotSent if there is no interface.
func (r *Router) Announce(ctx context.Context) error {
	r.life.Lock()
	dest := r.life.dest
	r.life.Unlock()
	if dest == nil {
		return ErrClosed
	}
	return dest.Announce(ctx, node.AnnounceOptions{})
}
