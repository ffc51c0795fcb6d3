package propagation

import "meshchatx/rns"

// EventKind says what an Event is about.
type EventKind uint8

// The kinds of events.
const (
	// EventStored: messages were taken; Count, Peer if they came from one.
	EventStored EventKind = iota
	// EventServed: messages were handed to their recipient; Count.
	EventServed
	// EventCleaned: messages were removed because of age or space; Count.
	EventCleaned
	// EventPeers: the peers changed.
	EventPeers
	// EventSync: a synchronisation with Peer ended, having sent Count messages; Err if it failed.
	EventSync
	// EventRefused: Peer sent something that was refused; Err.
	EventRefused
	// EventStorage: something could not be read or written; Err.
	EventStorage
)

// String returns the kind in words.
func (k EventKind) String() string {
	return [...]string{"stored", "served", "cleaned", "peers", "sync", "refused", "storage"}[min(k, EventStorage)]
}

// Event is something an observer of the node may want to know.
type Event struct {
	Kind  EventKind
	Peer  rns.Addr
	Count int
	Err   error
}

func (n *Node) tell(e Event) {
	if n.cfg.OnEvent != nil {
		n.cfg.OnEvent(e)
	}
}

// storage tells of an error of files or state; nil says nothing.
func (n *Node) storage(err error) {
	if err != nil {
		n.tell(Event{Kind: EventStorage, Err: err})
	}
}
