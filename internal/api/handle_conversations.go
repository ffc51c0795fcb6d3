package api

import (
	"context"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

var views = map[string]store.View{
	"all": store.ViewInbox, "unread": store.ViewUnread, "failed": store.ViewFailed,
	"archived": store.ViewArchived, "requests": store.ViewRequests,
}

func (s *Server) listConversations(ctx context.Context, in *listConversationsInput) (*listConversationsOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	rows, next, err := sc.Chat.Conversations(ctx, views[in.Filter], in.Query, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.problem(err)
	}
	totals, err := sc.Chat.Totals(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listConversationsOutput{}
	out.Body.Items, out.Body.NextCursor = list(rows, conversationView), next
	out.Body.Counts = ConversationCounts{
		Messages: totals.Unread, Unread: totals.UnreadConversations, Failed: totals.FailedConversations, Requests: totals.Requests,
	}
	return out, nil
}

func conversationView(c chat.Conversation) ConversationView {
	v := ConversationView{
		Peer: c.Peer.Hex(), Name: c.ContactName, Announced: c.About.Name, Contact: c.ContactName != "",
		LastAt: ms(c.LastAt), Draft: c.Draft, Unread: c.Unread, Failed: c.Failed, Pending: c.Pending, Worst: string(c.Worst),
		Pinned: c.Pinned, Archived: c.Archived, Muted: c.Muted, Request: c.Request == store.RequestPending,
		Blocked: c.Blocked, HeardAt: ms(c.About.HeardAt),
	}
	if v.Name == "" {
		v.Name = c.About.Name
	}
	if !c.About.HeardAt.IsZero() {
		v.Hops = hopsOf(c.About.Hops)
	}
	if c.Last != nil {
		v.Last = &LastMessage{
			ID: c.Last.ID.Hex(), Direction: direction(c.Last.Direction), Snippet: c.Last.Text,
			Attachments: c.Last.Attachments, Kind: c.LastKind, State: string(c.LastState),
		}
	}
	return v
}

func direction(d store.Direction) string {
	if d == store.Outgoing {
		return "out"
	}
	return "in"
}

func (s *Server) conversation(ctx context.Context, sc *Scope, peer rns.Addr) (*conversationOutput, error) {
	c, err := sc.Chat.Conversation(ctx, peer)
	if err != nil {
		return nil, s.problem(err)
	}
	first, err := sc.Chat.FirstUnread(ctx, peer)
	if err != nil {
		return nil, s.problem(err)
	}
	route, media, err := sc.Chat.Route(ctx, peer)
	if err != nil {
		return nil, s.problem(err)
	}
	v := ConversationDetail{ConversationView: conversationView(c), Route: routeView(route, media)}
	v.FirstUnread = hexHash(first)
	return &conversationOutput{v}, nil
}

// singleMax is the largest content of a message that travels as one packet. spec: lxmf §5.1
const singleMax = 295

func routeView(r chat.Route, media []chat.Medium) RouteView {
	v := RouteView{
		State: "no_interface", HeardAt: ms(r.HeardAt), Limit: r.Limit, StampCost: r.StampCost, Ticket: r.Ticket, SingleMax: singleMax,
	}
	for _, m := range media {
		if m.Up {
			v.State = "no_path"
		}
	}
	switch {
	case v.State == "no_interface":
	case r.Known:
		v.State, v.Hops, v.Interface, v.Bitrate = "path", hopsOf(r.Hops), r.Interface, r.Bitrate
		v.LearnedAt, v.ExpiresAt = ms(r.LearnedAt), ms(r.ExpiresAt)
	case !r.Identity:
		v.State = "unknown_peer"
	}
	return v
}

func (s *Server) getConversation(ctx context.Context, in *PeerPath) (*conversationOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return s.conversation(ctx, sc, in.peer())
}

func (s *Server) updateConversation(ctx context.Context, in *updateConversationInput) (*conversationOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	err = sc.Chat.ChangeConversation(ctx, in.peer(), chat.Change{
		Pinned: in.Body.Pinned, Archived: in.Body.Archived, Muted: in.Body.Muted, Accept: in.Body.Accept,
	})
	if err != nil {
		return nil, s.problem(err)
	}
	return s.conversation(ctx, sc, in.peer())
}

func (s *Server) deleteConversation(ctx context.Context, in *PeerPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.DeleteConversation(ctx, in.peer()))
}

func (s *Server) markRead(ctx context.Context, in *markReadInput) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.MarkRead(ctx, in.peer(), hash(in.Body.UpTo)))
}

func (s *Server) retryFailed(ctx context.Context, in *PeerPath) (*retryFailedOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	out := &retryFailedOutput{}
	out.Body.Retried, out.Body.Skipped, err = sc.Chat.RetryFailed(ctx, in.peer())
	return out, s.problem(err)
}
