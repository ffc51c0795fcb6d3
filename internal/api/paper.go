package api

import "github.com/danielgtaylor/huma/v2"

// PaperView is a message as text for a QR code.
type PaperView struct {
	ID    string `json:"id" doc:"LXMF message hash."`
	Peer  string `json:"peer"`
	URI   string `json:"uri" doc:"The message as text, for a QR code or to be copied: lxm:// and what only the recipient can read."`
	Size  int    `json:"size" doc:"Bytes of the encrypted message."`
	Limit int    `json:"limit" doc:"Most bytes that fit the largest QR code."`
	PNG   string `json:"png_url" doc:"Path of the QR code as PNG."`
	SVG   string `json:"svg_url" doc:"Path of the QR code as SVG."`
}

type paperOutput struct{ Body PaperView }

type paperImageInput struct {
	MessagePath
	Format string `path:"format" enum:"png,svg"`
	Scale  int    `query:"scale" minimum:"1" maximum:"16" default:"4" doc:"png: pixels of a module."`
}

type readPaperInput struct {
	IdentityPath
	Body struct {
		URI string `json:"uri" minLength:"7" maxLength:"8000" doc:"Text of a paper message."`
	}
}

// PaperReadView is what became of a paper message that was read.
type PaperReadView struct {
	ID    string `json:"id"`
	Peer  string `json:"peer" doc:"Who wrote it, as the message says."`
	Known bool   `json:"known" doc:"True when it had been received before; nothing was stored again."`
}

type readPaperOutput struct{ Body PaperReadView }

func (s *Server) registerPaper(a huma.API) {
	const tag, base = "chat", "/identities/{identity}"
	const message = base + "/messages/{message}"
	huma.Register(a, operation("make-paper", post, base+"/messages/paper", tag, created, "Write a message on paper: it is stored, encrypted to its recipient, and not sent"), s.makePaper)
	huma.Register(a, operation("get-paper", get, message+"/paper", tag, ok, "An own message as text for a QR code, whatever became of it otherwise"), s.getPaper)
	huma.Register(a, imageOperation(operation("get-paper-image", get, message+"/paper/{format}", tag, ok, "The QR code of a message")), s.getPaperImage)
	huma.Register(a, operation("read-paper", post, base+"/paper/read", tag, ok, "Read a paper message that somebody else wrote"), s.readPaper)
}

func imageOperation(op huma.Operation) huma.Operation {
	op.Responses = map[string]*huma.Response{"200": {Description: "The picture.", Content: map[string]*huma.MediaType{
		"image/png":     {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}},
		"image/svg+xml": {Schema: &huma.Schema{Type: huma.TypeString}},
	}}}
	return op
}
