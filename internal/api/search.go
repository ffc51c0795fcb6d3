package api

// SearchHit is one message that matches.
type SearchHit struct {
	Message MessageView `json:"message"`
	Name    string      `json:"name" doc:"Name of the peer."`
	Snippet []Fragment  `json:"snippet" doc:"Text around the match, in order."`
}

// Fragment is a piece of text, marked when it matched.
type Fragment struct {
	Text string `json:"text"`
	Hit  bool   `json:"hit"`
}

type searchInput struct {
	IdentityPath
	Page
	Query string `query:"q" minLength:"1" maxLength:"200" required:"true"`
	Peer  string `query:"peer" pattern:"^([0-9a-f]{32})?$" doc:"Only this conversation."`
}
type searchOutput struct {
	Body struct {
		Items      []SearchHit `json:"items" doc:"Newest first."`
		NextCursor string      `json:"next_cursor,omitempty"`
	}
}
