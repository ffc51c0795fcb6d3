package api

// ConversationView is one row of the chat list.
type ConversationView struct {
	Peer        string       `json:"peer"`
	Name        string       `json:"name" doc:"Contact name, else announced name, else empty."`
	Announced   string       `json:"announced_name" doc:"Name in the peer's last announce."`
	Contact     bool         `json:"contact"`
	LastAt      int64        `json:"last_at" format:"int64"`
	Last        *LastMessage `json:"last,omitempty"`
	Draft       string       `json:"draft,omitempty" doc:"First words of an unsent draft."`
	Unread      int          `json:"unread"`
	FirstUnread string       `json:"first_unread,omitempty" doc:"Oldest unread message."`
	Failed      int          `json:"failed" doc:"Messages not delivered."`
	Pending     int          `json:"pending" doc:"Outbound messages on their way."`
	Worst       string       `json:"worst,omitempty" enum:"waiting,stamp,path,connecting,sending,sent,retry_wait,wait_heard,failed,refused" doc:"Worst unresolved delivery state."`
	Pinned      bool         `json:"pinned"`
	Archived    bool         `json:"archived"`
	Muted       bool         `json:"muted"`
	Request     bool         `json:"request" doc:"True: a stranger wrote; accept, block or delete."`
	Blocked     bool         `json:"blocked"`
	HeardAt     int64        `json:"heard_at,omitempty" format:"int64" doc:"Last announce heard."`
	Hops        *int         `json:"hops,omitempty"`
}

// LastMessage is the preview in a chat list row.
type LastMessage struct {
	ID          string `json:"id"`
	Direction   string `json:"direction" enum:"in,out"`
	Snippet     string `json:"snippet" doc:"At most 160 characters, one line."`
	Attachments int    `json:"attachments"`
	Kind        string `json:"kind" enum:"text,image,audio,file"`
	State       string `json:"state,omitempty" doc:"Delivery state of an outbound message."`
}

// ConversationCounts are the figures beside the filters.
type ConversationCounts struct {
	Messages int `json:"messages" doc:"Unread messages, for the title of the page."`
	Unread   int `json:"unread" doc:"Conversations with unread messages."`
	Failed   int `json:"failed" doc:"Conversations with messages not delivered."`
	Requests int `json:"requests" doc:"Conversations begun by strangers."`
}

// RouteView is what is known about the way to a peer; it feeds the composer's
// hint and estimate.
type RouteView struct {
	State     string `json:"state" enum:"path,no_path,unknown_peer,no_interface"`
	Hops      *int   `json:"hops,omitempty"`
	Interface string `json:"interface,omitempty"`
	Bitrate   int64  `json:"bitrate,omitempty" format:"int64" doc:"Bits per second of the first hop, or measured on the way where known."`
	LearnedAt int64  `json:"learned_at,omitempty" format:"int64"`
	ExpiresAt int64  `json:"expires_at,omitempty" format:"int64"`
	HeardAt   int64  `json:"heard_at,omitempty" format:"int64"`
	Limit     int64  `json:"limit,omitempty" format:"int64" doc:"Largest message the peer takes, in bytes, where known."`
	StampCost int    `json:"stamp_cost" doc:"Leading zero bits the peer asks for; 0: none."`
	Ticket    bool   `json:"ticket" doc:"True when a ticket replaces the stamp."`
	SingleMax int    `json:"single_max" doc:"Largest content of a single packet, in bytes."`
}

// ConversationDetail is a conversation with the way to its peer.
type ConversationDetail struct {
	ConversationView
	Route RouteView `json:"route"`
}

type listConversationsInput struct {
	IdentityPath
	Page
	Filter string `query:"filter" enum:"all,unread,failed,archived,requests" default:"all"`
	Query  string `query:"q" maxLength:"200" doc:"Only conversations whose name or address contains this."`
}
type listConversationsOutput struct {
	Body struct {
		Items      []ConversationView `json:"items"`
		NextCursor string             `json:"next_cursor,omitempty"`
		Counts     ConversationCounts `json:"counts"`
	}
}
type conversationOutput struct{ Body ConversationDetail }
type updateConversationInput struct {
	PeerPath
	Body struct {
		Pinned   *bool `json:"pinned,omitempty"`
		Archived *bool `json:"archived,omitempty"`
		Muted    *bool `json:"muted,omitempty"`
		Accept   *bool `json:"accept,omitempty" doc:"True: accept a stranger's request."`
	}
}
type markReadInput struct {
	PeerPath
	Body struct {
		UpTo string `json:"up_to,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"Newest message seen; empty: all."`
	}
}
type retryFailedOutput struct {
	Body struct {
		Retried int `json:"retried"`
		Skipped int `json:"skipped" doc:"Messages whose reason is permanent."`
	}
}
