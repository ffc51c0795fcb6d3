package api

import (
	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/event"
)

// Event is one line of the WebSocket /ws. It names what changed and never
// carries it: the reader fetches what it shows.
//
// The socket is opened with the subprotocols meshchatx.v1 and token.<second
// token>, and with the query since=<last seq seen>, or without it for what
// happens from now on. The first event is hello; reset means that events
// were missed, so that everything shown must be fetched again. A ping comes
// every 25 s. Their seq is the number of the last event known.
type Event struct {
	Seq      uint64    `json:"seq" format:"int64" doc:"Grows from event to event, over restarts too."`
	Identity string    `json:"identity,omitempty" doc:"Absent: of the server."`
	Type     EventType `json:"type"`
	IDs      EventIDs  `json:"ids"`
}

// EventIDs name what an event is about.
type EventIDs struct {
	Peer    string `json:"peer,omitempty" doc:"Address of a correspondent or destination."`
	Message string `json:"message,omitempty" doc:"Message hash."`
	Item    string `json:"item,omitempty" doc:"Any other name: interface, key of a setting, check."`
}

// EventType says what happened.
type EventType string

// Types that only the socket itself makes.
const (
	eventHello EventType = "hello"
	eventReset EventType = "reset"
	eventPing  EventType = "ping"
)

// setupChanged: the welcome page moved on.
const setupChanged event.Type = "setup.changed"

// Schema implements huma.SchemaProvider.
func (EventType) Schema(huma.Registry) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeString, Description: "message.*: ids.peer and ids.message. conversation, draft, contact, blocked: ids.peer. announced, profile: the identity. check.progress: ids.peer, ids.message, ids.item. settings: ids.item, or absent for several. heard: ids.peer, or absent for many. interface: ids.item. path: ids.peer. propagation: the identity's node and fetching from it; without an identity, our own node."}
	for _, t := range []event.Type{
		event.MessageAdded, event.MessageChanged, event.MessageRemoved, event.ConversationChanged, event.DraftChanged,
		event.ContactChanged, event.BlockedChanged, event.Announced, event.ProfileChanged, event.CheckProgress,
		event.SettingsChanged, event.HeardChanged, event.InterfaceChanged, event.PathChanged, event.IdentitiesChanged,
		event.SessionsChanged, event.NetworkChanged, event.PropagationChanged, setupChanged,
	} {
		s.Enum = append(s.Enum, string(t))
	}
	for _, t := range []EventType{eventHello, eventReset, eventPing} {
		s.Enum = append(s.Enum, string(t))
	}
	return s
}
