package router

import (
	"bytes"
	"context"
	"strings"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// Policy is what the owner of an identity wants to receive. Its methods are called on several goroutines.
type Policy interface {
	// Rules are the present ones. They must be ready before Serve, so that they count before the first announce, and must
	// not be changed once they are returned.
	Rules() *Rules
	// Relation is what the owner of an lxmf.delivery address is to us.
	Relation(ctx context.Context, source rns.Addr) (Relation, error)
}

// Relation is what a peer is to the owner.
type Relation uint8

// The relations. Relations are ordered: a later one is trusted more.
const (
	RelationUnlisted Relation = iota // not looked up
	RelationStranger                 // never written to
	RelationKnown                    // written to before, or accepted
	RelationContact                  // in the address book
)

// Gate is how far something that comes in has got. Every gate costs more than the one before.
type Gate uint8

// The gates.
const (
	GateLink   Gate = iota + 1 // the peer of a link has proved its identity; nothing was received
	GateOffer                  // a resource is announced; nothing of it was received
	GateSource                 // a message is parsed and says who wrote it; nothing is checked
	GateAuthor                 // its signature was looked at; neither stamp nor storage yet
)

// Action is what becomes of something that comes in.
type Action uint8

// The actions.
const (
	ActionAccept  Action = iota
	ActionRequest        // accepted, to be kept apart until the owner decides
	ActionDiscard        // proved and dropped: its sender learns nothing
	ActionRefuse         // the link is closed, the resource refused: nothing is spent, and its sender learns it
	ActionDefer          // no proof leaves: its sender tries again
)

// Cause says why, in a closed set of stable words.
type Cause string

// The reasons.
const (
	CauseNone          Cause = ""
	CauseListed        Cause = "allowed"        // on the list of those who always may
	CauseBlocked       Cause = "blocked"        // the owner blocked the identity
	CauseIgnored       Cause = "ignored"        // on the list of those who are not heard
	CauseBlackholed    Cause = "blackholed"     // the node refuses the identity
	CauseNotListed     Cause = "not_listed"     // only those listed or in the address book may write
	CauseStranger      Cause = "stranger"       // strangers may not write
	CauseStrangerFiles Cause = "stranger_files" // strangers may not send files
	CauseWord          Cause = "word"           // a stranger's text contains a word the owner excluded
	CauseSize          Cause = "size"           // larger than the owner accepts
	CauseStamp         Cause = "stamp"          // less work than asked for
	CauseFlood         Cause = "flood"          // less work than asked of strangers while many write
)

// Answer is a decision with its reason. The zero value accepts.
type Answer struct {
	Action Action
	Cause  Cause
}

// Accepted reports whether things go on.
func (a Answer) Accepted() bool { return a.Action == ActionAccept || a.Action == ActionRequest }

// Peers is a set of identities, each by its hash and by that of its lxmf.delivery destination. The zero value is empty.
type Peers map[rns.Addr]struct{}

// Add puts the owner of an lxmf.delivery address into the set, with its identity where that is known.
func (p Peers) Add(address, identity rns.Addr) {
	p[address] = struct{}{}
	if !identity.IsZero() {
		p[identity] = struct{}{}
		p[lxmf.DeliveryHash(identity)] = struct{}{}
	}
}

// has reports whether the set holds an identity or an address; what is not known is zero.
func (p Peers) has(identity, address rns.Addr) bool {
	if len(p) == 0 {
		return false
	}
	if _, ok := p[address]; ok && !address.IsZero() {
		return true
	}
	if identity.IsZero() {
		return false
	}
	if _, ok := p[identity]; ok {
		return true
	}
	_, ok := p[lxmf.DeliveryHash(identity)]
	return ok
}

// StrangerRule is what happens to messages of strangers.
type StrangerRule uint8

// The rules for strangers.
const (
	StrangersAccepted StrangerRule = iota
	StrangersAsk                   // as requests
	StrangersRefused
)

// FileRule is what happens to messages of strangers with files.
type FileRule uint8

// The rules for files of strangers.
const (
	FilesAccepted FileRule = iota
	FilesRefused
)

// Audience is who may write at all.
type Audience uint8

// The audiences.
const (
	Everybody  Audience = iota
	ListedOnly          // those on the list of the allowed, in the address book, or written to
)

// Rules are the policy of one identity, as data. The zero value accepts everything. Immutable once in use.
type Rules struct {
	// Blocked are refused as early as possible, Ignored are not told; Allowed are exempt from everything but these two and
	// the limit of size.
	Blocked, Ignored, Allowed Peers
	Audience                  Audience
	Strangers                 StrangerRule
	StrangerFiles             FileRule
	// Words exclude messages of strangers whose title or content contains one of them, in lower case.
	Words []string
	// Limit is the largest message in bytes, 0 for any.
	Limit int64
}

// Query is something that comes in, as far as it is known at its gate.
type Query struct {
	Gate Gate
	// Identity is that of the peer or author, Source the lxmf.delivery address of the author; zero while not known.
	Identity, Source rns.Addr
	Relation         Relation
	Size             int64 // of a resource, in bytes
	// Message is the message from GateSource on, Unverified what GateAuthor found.
	Message    *lxmf.Message
	Unverified lxmf.Unverified
}

// Decide is the whole policy: a function of the rules and of what is known. What later gates could still find never makes it
// refuse. spec: lxmf §9.6
func (r *Rules) Decide(q Query) Answer {
	switch {
	case r.Blocked.has(q.Identity, q.Source):
		return Answer{q.turnAway(), CauseBlocked}
	case q.Gate == GateOffer && r.Limit > 0 && q.Size > r.Limit:
		return Answer{ActionRefuse, CauseSize}
	case q.Gate >= GateSource && r.Ignored.has(q.Identity, q.Source):
		return Answer{ActionDiscard, CauseIgnored}
	case q.Unverified == 0 && r.Allowed.has(q.Identity, q.Source):
		return Answer{ActionAccept, CauseListed}
	}
	if !q.stranger() {
		return Answer{}
	}
	switch {
	case r.Audience == ListedOnly:
		return Answer{q.turnAway(), CauseNotListed}
	case r.Strangers == StrangersRefused:
		return Answer{q.turnAway(), CauseStranger}
	case q.Message == nil:
		return Answer{}
	case r.StrangerFiles == FilesRefused && hasFiles(q.Message.Fields):
		return Answer{ActionDiscard, CauseStrangerFiles}
	case r.excludes(q.Message.Title) || r.excludes(q.Message.Content):
		return Answer{ActionDiscard, CauseWord}
	case r.Strangers == StrangersAsk:
		return Answer{ActionRequest, CauseStranger}
	}
	return Answer{}
}

// stranger reports whether it comes from nobody the owner knows. Who writes with a wrong signature is not whom the message
// names.
func (q Query) stranger() bool {
	return q.Relation == RelationStranger || q.Relation != RelationUnlisted && q.Unverified == lxmf.SignatureInvalid
}

// turnAway is how something is not accepted: what has not arrived yet is refused, a message is dropped without telling.
func (q Query) turnAway() Action {
	if q.Gate < GateSource {
		return ActionRefuse
	}
	return ActionDiscard
}

func hasFiles(f lxmf.Fields) bool {
	return f.Has(lxmf.FieldAttachments) || f.Has(lxmf.FieldImage) || f.Has(lxmf.FieldAudio)
}

// excludes reports whether a text contains an excluded word.
func (r *Rules) excludes(text []byte) bool {
	if len(r.Words) == 0 || len(text) == 0 {
		return false
	}
	lower := strings.ToLower(string(bytes.ToValidUTF8(text, []byte("\ufffd"))))
	for _, w := range r.Words {
		if w != "" && strings.Contains(lower, w) {
			return true
		}
	}
	return false
}

// judge asks the policy, and counts what it refuses.
func (r *Router) judge(q Query) Answer {
	if r.cfg.Policy == nil {
		return Answer{}
	}
	return r.counted(r.cfg.Policy.Rules().Decide(q))
}

// counted counts a refusal.
func (r *Router) counted(a Answer) Answer {
	if !a.Accepted() {
		r.in.mu.Lock()
		r.in.refused[a.Cause]++
		r.in.mu.Unlock()
	}
	return a
}

// Refused returns how often policy refused something since the router was made, by reason.
func (r *Router) Refused() map[Cause]uint64 {
	r.in.mu.Lock()
	defer r.in.mu.Unlock()
	out := make(map[Cause]uint64, len(r.in.refused))
	for why, n := range r.in.refused {
		out[why] = n
	}
	return out
}

// relation looks up what the author of a message is to the owner.
func (r *Router) relation(ctx context.Context, source rns.Addr) (Relation, error) {
	if r.cfg.Policy == nil {
		return RelationUnlisted, nil
	}
	return r.cfg.Policy.Relation(ctx, source)
}

// peerQuery is what is known of the peer of a link.
func (r *Router) peerQuery(ctx context.Context, stage Gate, peer rns.PublicKey) (Query, error) {
	q := Query{Gate: stage}
	if peer.IsZero() || r.cfg.Policy == nil {
		return q, nil
	}
	q.Identity = peer.Hash()
	q.Source = lxmf.DeliveryHash(q.Identity)
	var err error
	q.Relation, err = r.relation(ctx, q.Source)
	return q, err
}

// welcome decides about a peer that has proved its identity on a link: nothing is accepted on a link that is refused, and it
// is closed. Who cannot be looked up stays until a message tells more.
func (r *Router) welcome(ctx context.Context, peer rns.PublicKey) bool {
	if r.cfg.Policy == nil {
		return true
	}
	q, err := r.peerQuery(ctx, GateLink, peer)
	if err != nil {
		return true
	}
	if r.blackholed(ctx, q.Identity) {
		return r.counted(Answer{ActionRefuse, CauseBlackholed}).Accepted()
	}
	return r.judge(q).Accepted()
}

// takes decides about a resource before any of it arrives.
func (r *Router) takes(ctx context.Context, peer rns.PublicKey, size int64) bool {
	if size > r.deliveryLimit() {
		return r.counted(Answer{ActionRefuse, CauseSize}).Accepted()
	}
	q, err := r.peerQuery(ctx, GateOffer, peer)
	if err != nil {
		return true
	}
	q.Size = size
	return r.judge(q).Accepted()
}
