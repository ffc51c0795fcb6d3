package api

type listMessagesInput struct {
	PeerPath
	Before string `query:"before" pattern:"^([0-9a-f]{64})?$" doc:"Messages older than this one."`
	After  string `query:"after" pattern:"^([0-9a-f]{64})?$" doc:"Messages newer than this one."`
	Around string `query:"around" pattern:"^([0-9a-f]{64})?$" doc:"A window around this one. Without any of the three: the newest."`
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50"`
}

// MessagePage is a window of a conversation, oldest first.
type MessagePage struct {
	Items       []MessageView `json:"items"`
	HasBefore   bool          `json:"has_before"`
	HasAfter    bool          `json:"has_after"`
	FirstUnread string        `json:"first_unread,omitempty" doc:"Oldest unread message of the conversation."`
}

type listMessagesOutput struct{ Body MessagePage }

// SendMessage is a message to send. The identity of the path writes it.
type SendMessage struct {
	Peer        string   `json:"peer" pattern:"^[0-9a-f]{32}$" doc:"LXMF address."`
	Content     string   `json:"content" maxLength:"1048576"`
	Title       string   `json:"title,omitempty" maxLength:"4096"`
	Attachments []string `json:"attachments,omitempty" maxItems:"32" doc:"Ids of uploads, in order."`
	ReplyTo     string   `json:"reply_to,omitempty" pattern:"^([0-9a-f]{64})?$"`
	Method      string   `json:"method,omitempty" enum:"auto,direct,opportunistic,propagated" default:"auto" doc:"auto: as the setting delivery_fallback says. direct: never through a propagation node. propagated: leave it in the propagation node at once."`
	Renderer    string   `json:"renderer,omitempty" enum:"plain,micron,markdown,bbcode" default:"plain" doc:"How the text wants to be shown."`
	Thread      string   `json:"thread,omitempty" pattern:"^([0-9a-f]{2}){0,32}$" doc:"Id of the thread the message belongs to."`
	CommentOn   string   `json:"comment_on,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"Message that the text comments on."`
	Continues   string   `json:"continues,omitempty" pattern:"^([0-9a-f]{64})?$" doc:"Message that the text continues."`
	When        string   `json:"when,omitempty" enum:"now,heard" default:"now" doc:"heard: wait until the peer is next heard."`
	Draft       string   `json:"draft,omitempty" enum:"sent,kept" default:"sent" doc:"sent: the draft to this peer has become the message and goes. kept: the message was written elsewhere and the draft stays."`
	ClientID    string   `json:"client_id,omitempty" maxLength:"64" doc:"Chosen by the client. A repetition with the same client_id and written_at returns the first message instead of making a second one."`
	WrittenAt   int64    `json:"written_at,omitempty" format:"int64" doc:"The client's clock when the person pressed Send."`
}

type sendMessageInput struct {
	IdentityPath
	Body SendMessage
}
type messageRefOutput struct{ Body MessageRef }
type messageOutput struct{ Body MessageView }
type messageEventsOutput struct {
	Body struct {
		Items []MessageEventView `json:"items"`
	}
}
