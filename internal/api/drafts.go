package api

// DraftView is unsent text with its files.
type DraftView struct {
	Text        string       `json:"text"`
	Title       string       `json:"title"`
	ReplyTo     string       `json:"reply_to"`
	Attachments []UploadView `json:"attachments"`
	Version     int64        `json:"version" format:"int64" doc:"0: there is no draft."`
	UpdatedAt   int64        `json:"updated_at,omitempty" format:"int64"`
}

type draftOutput struct{ Body DraftView }
type putDraftInput struct {
	PeerPath
	Body struct {
		Text        string   `json:"text" maxLength:"1048576"`
		Title       string   `json:"title,omitempty" maxLength:"4096"`
		ReplyTo     string   `json:"reply_to,omitempty" pattern:"^([0-9a-f]{64})?$"`
		Attachments []string `json:"attachments,omitempty" maxItems:"32" doc:"Ids of uploads."`
		Version     int64    `json:"version" format:"int64" doc:"The version this edit started from; another one is refused with draft_conflict."`
	}
}
