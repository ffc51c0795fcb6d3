package chat

import (
	"context"
	"errors"
	"strings"
	"unicode"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// ErrReaction: what was given is no emoji or short text.
var ErrReaction = errors.New("not a reaction: expected one emoji or a few characters without spaces")

// maxReaction is the longest reaction in bytes. spec: lxmf §4.7
const maxReaction = 64

// Reaction is what some people say to a message, all with the same emoji.
type Reaction struct {
	Content string
	// From are who reacted, the latest last; those whose signature could not be checked are not among them.
	From []rns.Addr
	// Mine is our own reaction, if we gave this one: its message can be asked for its delivery.
	Mine rns.Hash
}

// React sends a reaction to a message of a conversation. The same reaction to the
// same message is not sent twice. Nothing is shown by itself: it belongs to the
// message. spec: lxmf §4.7
func (s *Service) React(ctx context.Context, to rns.Hash, content string) (Ref, error) {
	content = strings.TrimSpace(content)
	if content == "" || len(content) > maxReaction || strings.ContainsFunc(content, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r)
	}) {
		return Ref{}, ErrReaction
	}
	m, err := s.conf.Store.Messages.Get(ctx, to)
	if err != nil {
		return Ref{}, err
	}
	given, err := s.conf.Store.Messages.Reactions(ctx, to)
	if err != nil {
		return Ref{}, err
	}
	for _, r := range given {
		again := r.Status == store.StatusFailed || r.Status == store.StatusRejected || r.Status == store.StatusCancelled
		if r.Direction == store.Outgoing && r.Content == content && !again {
			return s.known(ctx, r.ID)
		}
	}
	return s.Send(ctx, Outgoing{Peer: m.Peer, ReplyTo: to, Reaction: content, Draft: DraftKept})
}

// reactions returns the reactions to a message, by emoji in the order in which they
// were given first.
func (s *Service) reactions(ctx context.Context, m store.Message) ([]Reaction, error) {
	rows, err := s.conf.Store.Messages.Reactions(ctx, m.ID)
	if err != nil {
		return nil, err
	}
	var out []Reaction
	at := make(map[string]int)
	seen := make(map[string]bool)
	for _, r := range rows {
		foreign := r.Direction == store.Incoming && r.Source != m.Peer // of another conversation
		if foreign || r.Verified != store.Verified || seen[r.Content+string(r.Source[:])] {
			continue
		}
		seen[r.Content+string(r.Source[:])] = true
		i, ok := at[r.Content]
		if !ok {
			i = len(out)
			at[r.Content] = i
			out = append(out, Reaction{Content: r.Content})
		}
		out[i].From = append(out[i].From, r.Source)
		if r.Direction == store.Outgoing {
			out[i].Mine = r.ID
		}
	}
	return out, nil
}

// appearance is how the author of a message wants to be shown from now on, nil for
// not said. Only who is verified is believed. spec: lxmf §4.1
func appearance(in Inbound) *store.Appearance {
	icon, ok := in.Message.Fields.Icon()
	if !ok || in.Verified != store.Verified {
		return nil
	}
	rgb := func(c [3]byte) uint32 { return uint32(c[0])<<16 | uint32(c[1])<<8 | uint32(c[2]) }
	return &store.Appearance{Icon: icon.Name, Foreground: rgb(icon.Foreground), Background: rgb(icon.Background), At: in.Received}
}

// Appearance is how a peer wants to be shown; false if it never said.
func (s *Service) Appearance(ctx context.Context, peer rns.Addr) (store.Appearance, bool, error) {
	a, err := s.conf.Store.Appearances.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		return store.Appearance{}, false, nil
	}
	return a, err == nil, err
}
