package api

// PathView is one row of the path table.
type PathView struct {
	Destination string `json:"destination"`
	Name        string `json:"name,omitempty"`
	Kind        string `json:"kind,omitempty" enum:"person,propagation,page,phone,other"`
	Hops        int    `json:"hops"`
	NextHop     string `json:"next_hop,omitempty"`
	Interface   string `json:"interface"`
	LearnedAt   int64  `json:"learned_at" format:"int64"`
	ExpiresAt   int64  `json:"expires_at" format:"int64"`
	State       string `json:"state" enum:"unknown,responsive,unresponsive"`
}

type listPathsInput struct {
	Page
	Query     string `query:"q" maxLength:"200" doc:"Part of a hash or a name."`
	Interface string `query:"interface" maxLength:"200"`
	Hops      int    `query:"hops" minimum:"0" maximum:"128" doc:"At most this many hops; 0: any."`
	Sort      string `query:"sort" enum:"hops,recent,expires,destination" default:"hops"`
}
type listPathsOutput struct {
	Body struct {
		Items      []PathView `json:"items"`
		NextCursor string     `json:"next_cursor,omitempty"`
		Total      int        `json:"total"`
	}
}

// DestinationPath names a destination.
type DestinationPath struct {
	Destination string `path:"destination" pattern:"^[0-9a-f]{32}$"`
}
