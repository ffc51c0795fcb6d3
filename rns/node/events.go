package node

import (
	"log/slog"
	"sync"
	"time"

	"meshchatx/rns"
)

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	// EventInterfaceState: an interface changed its state; Interface, Name, State, Err.
	EventInterfaceState EventKind = iota
	// EventInterfaceGone: an interface was removed, or a peer left; Interface, Name.
	EventInterfaceGone
	// EventInterfaceNote: something an operator should know of an interface; Interface, Name, Err.
	EventInterfaceNote
	// EventPathFound: a path was learned or renewed; Destination, Hops, Interface.
	EventPathFound
	// EventPathLost: a path expired or was dropped; Destination.
	EventPathLost
	// EventKeyConflict: a known destination was announced with another key, and refused; Destination, Interface.
	EventKeyConflict
	// EventStorage: something could not be stored or loaded; Name, Err.
	EventStorage
	// EventTunnel: a peer came back on another connection, and its paths with it; Interface, Restored.
	EventTunnel
	// EventPanic: a callback panicked; Err is a *PanicError.
	EventPanic
)

// String returns the kind in words.
func (k EventKind) String() string {
	return [...]string{
		"interface state", "interface gone", "interface note", "path found", "path lost", "key conflict", "storage", "tunnel", "panic",
	}[min(k, EventPanic)]
}

// Event is something an observer of the node may want to know. Which fields are set depends on Kind.
type Event struct {
	Kind        EventKind
	At          time.Time
	Interface   InterfaceID
	Name        string
	State       InterfaceState
	Destination rns.Addr
	Hops        int
	Restored    int
	Err         error
	// Missed counts the events this observer lost before this one, because it was behind.
	Missed int
}

// bus gives events to observers, each in order on its own executor. It is safe for concurrent use.
type bus struct {
	node *Node

	mu        sync.Mutex
	observers map[*observer]struct{}
	listeners []*listener // replaced, never changed
	closed    bool
}

// observer is one subscriber.
type observer struct {
	run    *serial
	event  func(Event)
	missed int // belongs to the bus
}

// OnEvent calls f for every event from now on, in order, until stop is called. An observer that falls behind by more than
// Params.CallbackBacklog events misses some.
func (n *Node) OnEvent(f func(Event)) (stop func()) {
	o := &observer{run: newSerial(&n.crew, n.cfg.Params.CallbackBacklog), event: f}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if n.bus.observers == nil {
		n.bus.observers = make(map[*observer]struct{})
	}
	n.bus.observers[o] = struct{}{}
	return func() {
		n.bus.mu.Lock()
		defer n.bus.mu.Unlock()
		delete(n.bus.observers, o)
		o.run.close()
	}
}

// publish gives an event to all observers. It never blocks.
func (n *Node) publish(e Event) {
	if e.At.IsZero() {
		e.At = n.env.now()
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	if n.bus.closed {
		return
	}
	for o := range n.bus.observers {
		mine := e
		mine.Missed = o.missed
		if o.run.do(func() { o.event(mine) }) {
			o.missed = 0
		} else {
			o.missed++
		}
	}
}

func (b *bus) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// panicked reports a callback that panicked.
func (n *Node) panicked(value any, stack []byte) {
	n.env.log.Error("callback panicked", slog.Any("value", value), slog.String("stack", string(stack)))
	n.publish(Event{Kind: EventPanic, Err: &PanicError{Value: value, Stack: stack}})
}
