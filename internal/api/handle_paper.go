package api

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/chat"
	"meshchatx/internal/qrcode"
	"meshchatx/lxmf"
)

func paperView(in IdentityPath, p chat.Paper) PaperView {
	url := Prefix + "/identities/" + in.Identity + "/messages/" + p.ID.Hex() + "/paper/"
	return PaperView{
		ID: p.ID.Hex(), Peer: p.Peer.Hex(), URI: p.URI, Size: p.Size, Limit: lxmf.MaxPaper, PNG: url + "png", SVG: url + "svg",
	}
}

func (s *Server) makePaper(ctx context.Context, in *sendMessageInput) (*paperOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	o, err := outgoing(in.Body)
	if err != nil {
		return nil, s.problem(err)
	}
	p, err := sc.Chat.MakePaper(ctx, o)
	if err != nil {
		return nil, s.problem(err)
	}
	return &paperOutput{paperView(in.IdentityPath, p)}, nil
}

func (s *Server) getPaper(ctx context.Context, in *MessagePath) (*paperOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	p, err := sc.Chat.Paper(ctx, in.message())
	if err != nil {
		return nil, s.problem(err)
	}
	return &paperOutput{paperView(in.IdentityPath, p)}, nil
}

// getPaperImage draws the code. It is ours, made of nothing but modules; the browser is
// told all the same to run nothing in it.
func (s *Server) getPaperImage(ctx context.Context, in *paperImageInput) (*huma.StreamResponse, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	p, err := sc.Chat.Paper(ctx, in.message())
	if err != nil {
		return nil, s.problem(err)
	}
	code, err := qrcode.New(p.URI)
	if err != nil {
		return nil, s.problem(err)
	}
	body, kind := code.SVG(), "image/svg+xml"
	if in.Format == "png" {
		if body, err = code.PNG(in.Scale); err != nil {
			return nil, s.problem(err)
		}
		kind = "image/png"
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", kind)
		ctx.SetHeader("Content-Disposition", fmt.Sprintf(`inline; filename="paper-%s.%s"`, p.ID.Hex()[:16], in.Format))
		ctx.SetHeader("Content-Security-Policy", "sandbox; default-src 'none'")
		ctx.SetHeader("X-Content-Type-Options", "nosniff")
		ctx.SetHeader("Cache-Control", "no-store")
		_, _ = ctx.BodyWriter().Write(body) // a client that is gone needs no picture
	}}, nil
}

func (s *Server) readPaper(ctx context.Context, in *readPaperInput) (*readPaperOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	p, err := sc.Chat.ReadPaper(ctx, in.Body.URI)
	if err != nil {
		return nil, s.problem(err)
	}
	return &readPaperOutput{PaperReadView{ID: p.ID.Hex(), Peer: p.Peer.Hex(), Known: p.Known}}, nil
}

// paperParams are the figures of what is wrong with a paper message, nil for other errors.
func paperParams(err error) map[string]string {
	var size *chat.PaperSizeError
	var other *chat.PaperOtherError
	var refused *chat.PaperRefusedError
	switch {
	case errors.As(err, &size):
		return map[string]string{"size": strconv.Itoa(size.Size), "limit": strconv.Itoa(size.Limit)}
	case errors.As(err, &other):
		return map[string]string{"destination": other.Destination.Hex()}
	case errors.As(err, &refused):
		return map[string]string{"reason": refused.Cause}
	}
	return nil
}
