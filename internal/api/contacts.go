package api

// ContactView is a person of the address book.
type ContactView struct {
	Address   string `json:"address" doc:"LXMF address."`
	Name      string `json:"name"`
	Notes     string `json:"notes"`
	Trusted   bool   `json:"trusted"`
	KeyKnown  bool   `json:"key_known" doc:"False until the first announce, or a link with the key, was seen."`
	Announced string `json:"announced_name"`
	CreatedAt int64  `json:"created_at" format:"int64"`
	HeardAt   int64  `json:"heard_at,omitempty" format:"int64"`
	Hops      *int   `json:"hops,omitempty"`
}

type listContactsInput struct {
	IdentityPath
	Page
	Query string `query:"q" maxLength:"200"`
}
type listContactsOutput struct {
	Body struct {
		Items      []ContactView `json:"items" doc:"By name."`
		NextCursor string        `json:"next_cursor,omitempty"`
		Total      int           `json:"total"`
	}
}
type contactOutput struct{ Body ContactView }
type createContactInput struct {
	IdentityPath
	Body struct {
		Address string `json:"address" minLength:"32" maxLength:"300" doc:"Address with any delimiters, or an lxma:// link with the key. An identity hash is resolved to its LXMF address where known."`
		Name    string `json:"name,omitempty" maxLength:"128"`
		Notes   string `json:"notes,omitempty" maxLength:"4096"`
		Trusted bool   `json:"trusted,omitempty"`
	}
}
type updateContactInput struct {
	PeerPath
	Body struct {
		Name    *string `json:"name,omitempty" maxLength:"128"`
		Notes   *string `json:"notes,omitempty" maxLength:"4096"`
		Trusted *bool   `json:"trusted,omitempty"`
	}
}

// BlockedView is an address whose messages are refused.
type BlockedView struct {
	Address string `json:"address"`
	Name    string `json:"name"`
	Since   int64  `json:"since" format:"int64"`
}
type listBlockedOutput struct {
	Body struct {
		Items []BlockedView `json:"items"`
	}
}
