package api

import (
	"context"
	"encoding/hex"
	"strconv"
	"time"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
)

var methods = map[string]store.Method{
	"": store.MethodAuto, "auto": store.MethodAuto, "direct": store.MethodDirect, "opportunistic": store.MethodOpportunistic,
	"propagated": store.MethodPropagated,
}

var methodNames = map[store.Method]string{
	store.MethodAuto: "auto", store.MethodOpportunistic: "opportunistic", store.MethodDirect: "direct",
	store.MethodPropagated: "propagated", store.MethodPaper: "paper",
}

var renderers = map[uint8]string{0: "plain", 1: "micron", 2: "markdown", 3: "bbcode"}

// clockSkew is how far an author's clock may be off without a remark.
const clockSkew = time.Hour

// outgoing is a message as the chat service takes it.
func outgoing(b SendMessage) (chat.Outgoing, error) {
	o := chat.Outgoing{
		Peer: addr(b.Peer), Title: b.Title, Content: b.Content, ReplyTo: hash(b.ReplyTo), Method: methods[b.Method],
		WaitHeard: b.When == "heard", ClientID: b.ClientID, Comment: hash(b.CommentOn), Continues: hash(b.Continues),
	}
	for n, name := range renderers {
		if name == b.Renderer {
			o.Renderer = lxmf.Renderer(n)
		}
	}
	var err error
	if o.Thread, err = hex.DecodeString(b.Thread); err != nil {
		return o, err
	}
	if b.Draft == "kept" {
		o.Draft = chat.DraftKept
	}
	if b.WrittenAt > 0 {
		o.WrittenAt = time.UnixMilli(b.WrittenAt)
	}
	o.Uploads, err = uploadIDs(b.Attachments)
	return o, err
}

func (s *Server) sendMessage(ctx context.Context, in *sendMessageInput) (*messageRefOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	o, err := outgoing(in.Body)
	if err != nil {
		return nil, s.problem(err)
	}
	ref, err := sc.Chat.Send(ctx, o)
	if err != nil {
		return nil, s.problem(err)
	}
	return &messageRefOutput{MessageRef{ID: ref.ID.Hex(), Seq: ref.Seq, Peer: ref.Peer.Hex()}}, nil
}

func (s *Server) listMessages(ctx context.Context, in *listMessagesInput) (*listMessagesOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	place := chat.Place{Before: hash(in.Before), After: hash(in.After), Around: hash(in.Around)}
	w, err := sc.Chat.Messages(ctx, in.peer(), place, in.Limit)
	if err != nil {
		return nil, s.problem(err)
	}
	return &listMessagesOutput{MessagePage{
		Items:     list(w.Messages, func(m chat.Message) MessageView { return messageView(in.IdentityPath, m) }),
		HasBefore: w.MoreBefore, HasAfter: w.MoreAfter, FirstUnread: hexHash(w.FirstUnread),
	}}, nil
}

func (s *Server) getMessage(ctx context.Context, in *MessagePath) (*messageOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	m, err := sc.Chat.Message(ctx, in.message())
	if err != nil {
		return nil, s.problem(err)
	}
	return &messageOutput{messageView(in.IdentityPath, m)}, nil
}

func (s *Server) deleteMessage(ctx context.Context, in *MessagePath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.Delete(ctx, in.message()))
}

func (s *Server) cancelMessage(ctx context.Context, in *MessagePath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.Cancel(ctx, in.message()))
}

func (s *Server) retryMessage(ctx context.Context, in *MessagePath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Chat.Retry(ctx, in.message()))
}

func (s *Server) listMessageEvents(ctx context.Context, in *MessagePath) (*messageEventsOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	events, err := sc.Chat.Events(ctx, in.message())
	if err != nil {
		return nil, s.problem(err)
	}
	out := &messageEventsOutput{}
	out.Body.Items = list(events, eventView)
	return out, nil
}

func messageView(p IdentityPath, m chat.Message) MessageView {
	v := MessageView{
		ID: m.ID.Hex(), Seq: m.Seq, Peer: m.Peer.Hex(), Direction: direction(m.Direction), Title: m.Title, Content: m.Content,
		Renderer: renderers[m.Renderer], At: ms(m.StoredAt), SentAt: ms(m.SentAt), Method: methodNames[m.Method],
		ClockSkew: m.StoredAt.Sub(m.SentAt).Abs() > clockSkew, Unread: m.Unread, Size: m.Size, Hops: m.Signal.Hops,
		RSSI: m.Signal.RSSI, SNR: m.Signal.SNR, Quality: m.Signal.Quality, Verified: verifiedName(m.Verified),
	}
	if v.Renderer == "" {
		v.Renderer = "plain"
	}
	if m.Direction == store.Outgoing {
		d := deliveryView(m.Delivery)
		v.Delivery, v.ClockSkew = &d, false
		if m.Method == store.MethodAuto && m.Delivery.Travelled != chat.TravelUnknown {
			v.Method = string(m.Delivery.Travelled)
		}
	}
	v.Attachments = list(m.Attachments, func(a store.Attachment) AttachmentView {
		return AttachmentView{
			Index: a.Position, Kind: chat.KindName(a.Kind), Name: a.Name, MIME: a.MIME, Size: a.Size, Width: a.Width,
			Height: a.Height, Inline: chat.Inline(a.MIME), Gated: m.Gated,
			URL: Prefix + "/identities/" + p.Identity + "/messages/" + v.ID + "/attachments/" + strconv.Itoa(a.Position),
		}
	})
	tellDetails(&v, m)
	if m.Reply != nil {
		v.ReplyTo = &ReplyView{ID: m.Reply.ID.Hex(), Known: m.Reply.Known, Snippet: m.Reply.Snippet}
		if m.Reply.Known {
			v.ReplyTo.Direction = direction(m.Reply.Direction)
		}
	}
	return v
}

func verifiedName(v store.Verification) string {
	switch v {
	case store.SourceUnknown:
		return "unknown_source"
	case store.SignatureInvalid:
		return "bad_signature"
	}
	return "valid"
}

func deliveryView(d chat.Delivery) DeliveryView {
	v := DeliveryView{
		State: string(d.State), Code: string(d.Code), Final: d.State.Final(), Retryable: d.Retryable(), Since: ms(d.Since),
		Attempt: d.Attempt, Try: d.Try, Hops: hopsOf(d.Hops), Interface: d.Interface, Rate: d.Rate,
		ETA: d.ETA.Milliseconds(), Slow: d.Slow, RetryAt: ms(d.RetryAt), Via: d.Via, Bits: d.Bits, Limit: d.Limit,
	}
	switch d.State {
	case chat.StateStamp, chat.StateSending:
		v.Percent = &d.Percent
	case chat.StateDelivered:
		took := d.Took.Milliseconds()
		v.Took = &took
	}
	return v
}

func eventView(e chat.Event) MessageEventView {
	v := MessageEventView{
		Seq: e.Seq, At: ms(e.At), Kind: string(e.Kind), Attempt: e.Attempt, Code: string(e.Code), Detail: e.Detail, Try: e.Try,
		Interface: e.Interface, Part: e.Part, Parts: e.Parts, Bytes: e.Bytes, Rate: e.Rate,
		RTT: e.RTT.Milliseconds(), RetryAt: ms(e.RetryAt), Bits: e.Bits,
	}
	switch e.Kind {
	case chat.EventPathFound, chat.EventLinkRequest:
		v.Hops = hopsOf(e.Hops)
	case chat.EventStampProgress, chat.EventProgress:
		v.Percent = &e.Percent
	}
	return v
}
