// Package event tells the parts of the program, and through them the browsers, that something
// changed. Events are small: they name what changed, never its content; whoever cares reads the
// content where it is kept.
//
// There is one [Bus] for the process and one [Scope] for each identity. A scope can publish only
// in the name of its identity. Every event gets the next number of one sequence, and the bus
// keeps the most recent ones, so a reader that was away for a moment resumes where it stopped. A
// reader that was away too long is told to start over ([Batch].Reset) and reads everything again.
// Numbers grow over restarts too, so an old number never means a new event.
//
// Publishing never blocks and never waits for readers. All methods are safe for concurrent use.
package event

import "meshchatx/rns"

// Type names what happened. Types are stable: browsers know them.
type Type string

// Types of events. The comment says which ids are set.
const (
	// Of an identity.
	MessageAdded        Type = "message.added"        // Peer, Message
	MessageChanged      Type = "message.changed"      // Peer, Message: status, progress or log
	MessageRemoved      Type = "message.removed"      // Peer, Message
	ConversationChanged Type = "conversation.changed" // Peer: read, archived, accepted, removed ...
	DraftChanged        Type = "draft.changed"        // Peer
	ContactChanged      Type = "contact.changed"      // Peer
	BlockedChanged      Type = "blocked.changed"      // Peer
	Announced           Type = "announced"            // our own announce was sent
	ProfileChanged      Type = "profile.changed"      // name, address or state of the identity
	CheckProgress       Type = "check.progress"       // Peer, Item: a running diagnosis

	// Of an identity or, without one, of the server.
	SettingsChanged    Type = "settings.changed"    // Item: the key, or "" for several
	PropagationChanged Type = "propagation.changed" // the node in use, or fetching from it; without an identity our own node

	// Of the server.
	HeardChanged      Type = "heard.changed"      // Item: "" for many, else Peer
	InterfaceChanged  Type = "interface.changed"  // Item: the name
	PathChanged       Type = "path.changed"       // Peer: the destination
	IdentitiesChanged Type = "identities.changed" // the list of identities
	SessionsChanged   Type = "sessions.changed"   // the list of sessions
	NetworkChanged    Type = "network.changed"    // reachability facts
)

// Event is something that happened. The zero value is not valid: Type is required.
type Event struct {
	// Seq is the number given by the bus, from about 10^15 upwards and below 2^53.
	Seq uint64
	// Identity is the identity concerned; zero: the server.
	Identity rns.Addr
	Type     Type
	IDs
}

// IDs name what an event is about; zero values are absent.
type IDs struct {
	// Peer is a correspondent or destination.
	Peer rns.Addr
	// Message is a message hash.
	Message rns.Hash
	// Item is any other name, such as that of an interface or a settings key.
	Item string
}
