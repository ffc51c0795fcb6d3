package api

import (
	"context"
	"strconv"

	"meshchatx/internal/chat"
)

func (s *Server) searchMessages(ctx context.Context, in *searchInput) (*searchOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	var before int64
	if in.Cursor != "" {
		if before, err = strconv.ParseInt(in.Cursor, 10, 64); err != nil {
			return nil, s.problem(chat.ErrCursor)
		}
	}
	hits, more, err := sc.Chat.Search(ctx, in.Query, addr(in.Peer), before, in.Limit)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &searchOutput{}
	out.Body.Items = list(hits, func(h chat.Hit) SearchHit {
		return SearchHit{
			Message: messageView(in.IdentityPath, h.Message), Name: h.Name,
			Snippet: list(h.Snippet, func(f chat.Fragment) Fragment { return Fragment(f) }),
		}
	})
	if more {
		out.Body.NextCursor = strconv.FormatInt(hits[len(hits)-1].Message.Seq, 10)
	}
	return out, nil
}

func (s *Server) getDiagnosis(ctx context.Context, in *MessagePath) (*diagnosisOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return s.diagnosis(ctx, sc, in)
}

func (s *Server) runChecks(ctx context.Context, in *MessagePath) (*diagnosisOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	if err := sc.Chat.RunChecks(ctx, in.message()); err != nil {
		return nil, s.problem(err)
	}
	return s.diagnosis(ctx, sc, in)
}

func (s *Server) diagnosis(ctx context.Context, sc *Scope, in *MessagePath) (*diagnosisOutput, error) {
	d, err := sc.Chat.Diagnose(ctx, in.message())
	if err != nil {
		return nil, s.problem(err)
	}
	return &diagnosisOutput{Diagnosis{
		Message: d.Message.Hex(), Delivery: deliveryView(d.Delivery), Timeline: list(d.Timeline, eventView),
		Verdict: Verdict{
			Code: string(d.Verdict.Code), Confidence: string(d.Verdict.Confidence), HeardAt: ms(d.Verdict.HeardAt),
			Hops: hopsOf(d.Verdict.Hops), Limit: d.Verdict.Limit, Size: d.Verdict.Size,
		},
		Path: list(d.Path, func(p chat.PathNode) PathNode {
			return PathNode{Kind: p.Kind, Name: p.Name, Hops: hopsOf(p.Hops), State: p.State, At: ms(p.At)}
		}),
		Checks: list(d.Checks, func(c chat.Check) CheckView {
			return CheckView{
				Check: string(c.Name), State: string(c.State), Code: c.Code, Value: c.Value, Limit: c.Limit, Name: c.Label,
				Took: c.Took.Milliseconds(),
			}
		}),
		CheckedAt: ms(d.CheckedAt), Actions: d.Actions,
	}}, nil
}
