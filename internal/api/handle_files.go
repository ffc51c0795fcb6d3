package api

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
)

func (p UploadPath) upload() store.UploadID { return uploadID(p.Upload) }

// uploadID reads an id whose form has been checked.
func uploadID(s string) store.UploadID { return store.UploadID(addr(s)) }

func uploadIDs(in []string) ([]store.UploadID, error) {
	out := make([]store.UploadID, 0, len(in))
	for _, s := range in {
		id := uploadID(s)
		if id == (store.UploadID{}) {
			return nil, chat.ErrUpload
		}
		out = append(out, id)
	}
	return out, nil
}

func uploadView(p IdentityPath, u store.Upload) UploadView {
	id := hex.EncodeToString(u.ID[:])
	return UploadView{
		ID: id, Name: u.Name, Kind: chat.KindName(u.Kind), MIME: u.MIME, Size: u.Size, Width: u.Width, Height: u.Height,
		Inline: chat.Inline(u.MIME), ExpiresAt: ms(u.ExpiresAt),
		URL: Prefix + "/identities/" + p.Identity + "/uploads/" + id + "/content",
	}
}

func (s *Server) createUpload(ctx context.Context, in *uploadInput) (*uploadOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	form := chat.FormAuto
	if in.Kind == "file" {
		form = chat.FormFile
	}
	u, err := sc.Chat.Upload(ctx, in.Name, form, in.body)
	if err != nil {
		return nil, s.problem(err)
	}
	return &uploadOutput{uploadView(in.IdentityPath, u)}, nil
}

func (s *Server) getUpload(ctx context.Context, in *UploadPath) (*uploadOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	u, err := sc.Chat.GetUpload(ctx, in.upload())
	if errors.Is(err, chat.ErrUpload) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, s.problem(err)
	}
	return &uploadOutput{uploadView(in.IdentityPath, u)}, nil
}

func (s *Server) deleteUpload(ctx context.Context, in *UploadPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.DeleteUpload(ctx, in.upload()))
}

func (s *Server) getAttachment(ctx context.Context, in *AttachmentPath) (*huma.StreamResponse, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	f, body, err := sc.Chat.OpenAttachment(ctx, in.message(), in.Index)
	if err != nil {
		return nil, s.problem(err)
	}
	return serve(f, body, in.Download), nil
}

func (s *Server) getUploadContent(ctx context.Context, in *UploadPath) (*huma.StreamResponse, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	f, body, err := sc.Chat.OpenUpload(ctx, in.upload())
	if errors.Is(err, chat.ErrUpload) {
		err = store.ErrNotFound
	}
	if err != nil {
		return nil, s.problem(err)
	}
	return serve(f, body, false), nil
}

// serve streams stored bytes with Range. Only types that cannot run anything are
// shown in the page; the browser is told not to guess and to trust nothing.
func serve(f store.File, body io.ReadSeekCloser, download bool) *huma.StreamResponse {
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer func() { _ = body.Close() }()
		r, w := humago.Unwrap(ctx)
		h := w.Header()
		disposition, contentType := "inline", f.MIME
		if download || !chat.Inline(f.MIME) {
			disposition, contentType = "attachment", "application/octet-stream"
		}
		h.Set("Content-Type", contentType)
		h.Set("Content-Disposition", contentDisposition(disposition, f.Name))
		h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cache-Control", "private, max-age=31536000, immutable")
		h.Set("ETag", `"`+f.Blob.Hex()+`"`)
		http.ServeContent(w, r, "", time.Time{}, body)
	}}
}

// contentDisposition writes a name that came from a peer: quoted plain text for
// old readers, the exact name beside it in the form of RFC 8187.
func contentDisposition(how, name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '_'
		}
		return r
	}, name)
	v := how + `; filename="` + plain + `"`
	if plain == name {
		return v
	}
	return v + "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(strings.ToValidUTF8(name, "\ufffd")), "+", "%20")
}

func (s *Server) getDraft(ctx context.Context, in *PeerPath) (*draftOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	d, err := sc.Chat.Draft(ctx, in.peer())
	if err != nil {
		return nil, s.problem(err)
	}
	return &draftOutput{draftView(in.IdentityPath, d)}, nil
}

func (s *Server) putDraft(ctx context.Context, in *putDraftInput) (*draftOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	d := store.Draft{
		Peer: in.peer(), Rev: int(in.Body.Version), Title: in.Body.Title, Content: in.Body.Text, ReplyTo: hash(in.Body.ReplyTo),
	}
	ids, err := uploadIDs(in.Body.Attachments)
	if err != nil {
		return nil, s.problem(err)
	}
	for _, id := range ids {
		d.Uploads = append(d.Uploads, store.Upload{ID: id})
	}
	if d, err = sc.Chat.PutDraft(ctx, d); err != nil {
		return nil, s.problem(err)
	}
	return &draftOutput{draftView(in.IdentityPath, d)}, nil
}

func (s *Server) deleteDraft(ctx context.Context, in *PeerPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.DeleteDraft(ctx, in.peer()))
}

func draftView(p IdentityPath, d store.Draft) DraftView {
	return DraftView{
		Text: d.Content, Title: d.Title, ReplyTo: hexHash(d.ReplyTo), Version: int64(d.Rev), UpdatedAt: ms(d.ChangedAt),
		Attachments: list(d.Uploads, func(u store.Upload) UploadView { return uploadView(p, u) }),
	}
}
