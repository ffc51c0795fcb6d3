package api

// UploadView is a staged file that waits for its message.
type UploadView struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	Kind      string `json:"kind" enum:"file,image,audio"`
	MIME      string `json:"mime"`
	Size      int64  `json:"size" format:"int64"`
	Width     int    `json:"width,omitempty"`
	Height    int    `json:"height,omitempty"`
	Inline    bool   `json:"inline"`
	ExpiresAt int64  `json:"expires_at" format:"int64"`
	URL       string `json:"url"`
}

type uploadOutput struct{ Body UploadView }

// UploadPath names a staged file.
type UploadPath struct {
	IdentityPath
	Upload string `path:"upload" pattern:"^[0-9a-f]{32}$"`
}
