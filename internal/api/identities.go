package api

// IdentityView is one identity of this installation.
type IdentityView struct {
	Hash         string `json:"hash" doc:"Identity hash."`
	Address      string `json:"address" doc:"LXMF delivery address: what to give to others."`
	PublicKey    string `json:"public_key" doc:"128 hex digits; with the address it makes an lxma:// link."`
	DisplayName  string `json:"display_name" doc:"Empty: anonymous."`
	Enabled      bool   `json:"enabled"`
	Online       bool   `json:"online" doc:"True while its profile is open and its destinations are registered."`
	Code         string `json:"code,omitempty" doc:"Why an enabled identity is not online."`
	Order        int    `json:"order"`
	CreatedAt    int64  `json:"created_at" format:"int64"`
	AnnouncedAt  int64  `json:"announced_at,omitempty" format:"int64" doc:"Last announce sent."`
	NextAnnounce int64  `json:"next_announce_at,omitempty" format:"int64" doc:"Next scheduled announce; absent: only by hand."`
	Unread       int    `json:"unread" doc:"Unread messages."`
	Failed       int    `json:"failed" doc:"Messages not delivered."`
	Requests     int    `json:"requests" doc:"Unread conversations of strangers."`
}

// IdentityPreview tells which identity a key file holds before it is imported.
type IdentityPreview struct {
	Hash    string `json:"hash"`
	Address string `json:"address"`
	Exists  bool   `json:"exists" doc:"True when this identity is already here."`
}

// IdentityKey is an exported private key. Whoever has it can read and write as
// this identity.
type IdentityKey struct {
	Format   string `json:"format" enum:"base64,base32,hex"`
	Data     string `json:"data"`
	FileName string `json:"file_name"`
	Checksum string `json:"checksum" doc:"Four groups of four hex digits of the key's SHA-256, to compare by eye."`
}

// IdentityKeyInput carries the text of a private key.
type IdentityKeyInput struct {
	Data string `json:"data" minLength:"1" maxLength:"400" doc:"The 64-byte key as base64, base32 or hexadecimal text; the form is recognised."`
}

type identityListOutput struct {
	Body struct {
		Items []IdentityView `json:"items"`
	}
}
type identityOutput struct{ Body IdentityView }
type createIdentityInput struct {
	Body struct {
		DisplayName string `json:"display_name,omitempty" maxLength:"128"`
	}
}
type previewIdentityInput struct{ Body IdentityKeyInput }
type previewIdentityOutput struct{ Body IdentityPreview }
type importIdentityInput struct {
	Body struct {
		IdentityKeyInput
		DisplayName string `json:"display_name,omitempty" maxLength:"128"`
	}
}
type updateIdentityInput struct {
	IdentityPath
	Body struct {
		DisplayName *string `json:"display_name,omitempty" maxLength:"128"`
		Enabled     *bool   `json:"enabled,omitempty"`
		Order       *int    `json:"order,omitempty" minimum:"0" maximum:"10000"`
	}
}
type exportIdentityInput struct {
	IdentityPath
	Body struct {
		Format string `json:"format" enum:"base64,base32,hex" default:"base64"`
	}
}
type exportIdentityOutput struct{ Body IdentityKey }
