package api

import (
	"io"

	"github.com/danielgtaylor/huma/v2"
)

// AttachmentPath names an attachment of a message.
type AttachmentPath struct {
	MessagePath
	Index    int  `path:"index" minimum:"0" maximum:"255"`
	Download bool `query:"download" doc:"Offer it for saving even where it could be shown."`
}

type uploadInput struct {
	IdentityPath
	Name string `query:"name" maxLength:"255" doc:"Label for the receiver."`
	Type string `query:"type" maxLength:"127" doc:"What the browser takes it for; the bytes decide."`
	Kind string `query:"kind" enum:"auto,file" default:"auto" doc:"file: send a picture as a plain file."`

	body io.Reader
}

// Resolve implements huma.Resolver: it keeps the body as a stream, so that a
// file never stands in memory.
func (u *uploadInput) Resolve(ctx huma.Context) []error {
	u.body = ctx.BodyReader()
	return nil
}

func binary() map[string]*huma.MediaType {
	return map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}
}

func attachmentOperation(op huma.Operation) huma.Operation {
	op.Responses = map[string]*huma.Response{
		"200": {Description: "The bytes.", Content: binary()},
		"206": {Description: "A range of the bytes.", Content: binary()},
		"304": {Description: "Not changed."},
	}
	return op
}

func uploadOperation(op huma.Operation) huma.Operation {
	op.RequestBody = &huma.RequestBody{Required: true, Content: binary()}
	return op
}
