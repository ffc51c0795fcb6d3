package api

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"meshchatx/internal/announces"
	"meshchatx/internal/contacts"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

func (s *Server) contactView(ctx context.Context, c store.Contact) (ContactView, error) {
	v := ContactView{
		Address: c.Addr.Hex(), Name: c.Name, Notes: c.Notes, Trusted: c.Trust == store.TrustTrusted,
		KeyKnown: !c.PublicKey.IsZero(), CreatedAt: ms(c.CreatedAt),
	}
	h, err := s.conf.Announces.Get(ctx, c.Addr)
	if errors.Is(err, store.ErrNotFound) {
		return v, nil
	}
	v.KeyKnown, v.Announced, v.HeardAt, v.Hops = true, h.Name, ms(h.LastAt), hopsOf(h.Hops)
	return v, err
}

func (s *Server) contact(ctx context.Context, c store.Contact, err error) (*contactOutput, error) {
	if err != nil {
		return nil, s.problem(err)
	}
	v, err := s.contactView(ctx, c)
	return &contactOutput{v}, s.problem(err)
}

func (s *Server) listContacts(ctx context.Context, in *listContactsInput) (*listContactsOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	rows, next, total, err := sc.Contacts.List(ctx, in.Query, in.Cursor, in.Limit)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listContactsOutput{}
	out.Body.Items, out.Body.NextCursor, out.Body.Total = []ContactView{}, next, total
	for _, c := range rows {
		v, err := s.contactView(ctx, c)
		if err != nil {
			return nil, s.problem(err)
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func (s *Server) createContact(ctx context.Context, in *createContactInput) (*contactOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	c := store.Contact{Name: in.Body.Name, Notes: in.Body.Notes}
	if in.Body.Trusted {
		c.Trust = store.TrustTrusted
	}
	added, err := sc.Contacts.Add(ctx, in.Body.Address, c)
	return s.contact(ctx, added, err)
}

func (s *Server) getContact(ctx context.Context, in *PeerPath) (*contactOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	c, err := sc.Contacts.Get(ctx, in.peer())
	return s.contact(ctx, c, err)
}

func (s *Server) updateContact(ctx context.Context, in *updateContactInput) (*contactOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	c, err := sc.Contacts.Update(ctx, in.peer(), contacts.Change{Name: in.Body.Name, Notes: in.Body.Notes, Trusted: in.Body.Trusted})
	return s.contact(ctx, c, err)
}

func (s *Server) deleteContact(ctx context.Context, in *PeerPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Contacts.Delete(ctx, in.peer()))
}

func (s *Server) listBlocked(ctx context.Context, in *IdentityPath) (*listBlockedOutput, error) {
	sc, err := s.scope(ctx, *in)
	if err != nil {
		return nil, err
	}
	rows, err := sc.Contacts.Blocked(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listBlockedOutput{}
	out.Body.Items = []BlockedView{}
	for _, b := range rows {
		name, err := s.name(ctx, sc, b.Addr)
		if err != nil {
			return nil, s.problem(err)
		}
		out.Body.Items = append(out.Body.Items, BlockedView{Address: b.Addr.Hex(), Name: name, Since: ms(b.Since)})
	}
	return out, nil
}

// name is what an identity calls a peer.
func (s *Server) name(ctx context.Context, sc *Scope, peer rns.Addr) (string, error) {
	c, err := sc.Contacts.Get(ctx, peer)
	if err == nil && c.Name != "" {
		return c.Name, nil
	}
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return "", err
	}
	h, err := s.conf.Announces.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return h.Name, err
}

func (s *Server) blockPeer(ctx context.Context, in *PeerPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Contacts.Block(ctx, in.peer()))
}

func (s *Server) unblockPeer(ctx context.Context, in *PeerPath) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Contacts.Unblock(ctx, in.peer()))
}

var heardKinds = map[string]store.HeardKind{
	"person": store.HeardPerson, "propagation": store.HeardPropagationNode, "page": store.HeardPageNode,
	"phone": store.HeardPhone, "other": store.HeardOther,
}

var heardKindNames = map[store.HeardKind]string{
	store.HeardPerson: "person", store.HeardPropagationNode: "propagation", store.HeardPageNode: "page",
	store.HeardPhone: "phone", store.HeardOther: "other",
}

var heardSorts = map[string]store.HeardSort{
	"recent": store.SortLastHeard, "name": store.SortName, "hops": store.SortHops, "first": store.SortFirstHeard, "count": store.SortCount,
}

func (s *Server) listHeard(ctx context.Context, in *listHeardInput) (*listHeardOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	q := store.HeardQuery{
		MaxHops: in.Hops, Interface: in.Interface, Named: in.Named, Text: in.Query, Sort: heardSorts[in.Sort], Limit: in.Limit,
	}
	if kind, limits := heardKinds[in.Kind]; limits {
		q.Kind = &kind
	}
	if in.Within > 0 {
		q.Since = s.conf.Now().Add(-time.Duration(in.Within) * time.Second)
	}
	rows, next, err := s.conf.Announces.List(ctx, q, in.Cursor)
	if err != nil {
		return nil, s.problem(err)
	}
	counts, err := s.conf.Announces.Counts(ctx, q.Since)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listHeardOutput{}
	out.Body.Items, out.Body.NextCursor, out.Body.Counts = []HeardView{}, next, countsView(counts)
	for _, h := range rows {
		v, err := s.heardView(ctx, sc, h)
		if err != nil {
			return nil, s.problem(err)
		}
		out.Body.Items = append(out.Body.Items, v)
	}
	return out, nil
}

func countsView(c map[store.HeardKind]int) HeardCounts {
	v := HeardCounts{
		Person: c[store.HeardPerson], Propagation: c[store.HeardPropagationNode], Page: c[store.HeardPageNode],
		Phone: c[store.HeardPhone], Other: c[store.HeardOther],
	}
	v.All = v.Person + v.Propagation + v.Page + v.Phone + v.Other
	return v
}

func (s *Server) heardView(ctx context.Context, sc *Scope, h store.Heard) (HeardView, error) {
	v := HeardView{
		Address: h.Destination.Hex(), Identity: h.Identity.Hex(), Kind: heardKindNames[h.Kind], Aspect: announces.Aspect(h.NameHash),
		Name: h.Name, Hops: h.Hops, Interface: h.Interface, FirstAt: ms(h.FirstAt), LastAt: ms(h.LastAt), Count: int64(h.Count),
		RSSI: h.RSSI, SNR: h.SNR, Quality: h.Quality,
	}
	if h.StampCost != nil {
		v.StampCost = *h.StampCost
	}
	c, err := sc.Contacts.Get(ctx, h.Destination)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return v, err
	}
	v.Contact = c.Name
	if v.Own, err = s.own(ctx, h.Identity); err != nil {
		return v, err
	}
	if v.Blocked, err = sc.Contacts.IsBlocked(ctx, h.Destination); err != nil {
		return v, err
	}
	if h.Kind == store.HeardPerson {
		v.Lookalike, err = s.conf.Announces.Lookalike(ctx, h)
	}
	return v, err
}

func (s *Server) own(ctx context.Context, identity rns.Addr) (bool, error) {
	_, err := s.conf.Identities.Get(ctx, identity)
	if errors.Is(err, ErrIdentityUnknown) {
		return false, nil
	}
	return err == nil, err
}

func (s *Server) getPerson(ctx context.Context, in *PeerPath) (*personOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	v, err := s.person(ctx, sc, in.peer())
	return &personOutput{v}, s.problem(err)
}

func (s *Server) person(ctx context.Context, sc *Scope, peer rns.Addr) (PersonView, error) {
	v := PersonView{Address: peer.Hex(), Others: []HeardView{}}
	c, err := sc.Contacts.Get(ctx, peer)
	switch {
	case err == nil:
		cv, err := s.contactView(ctx, c)
		if err != nil {
			return v, err
		}
		v.Contact, v.Name = &cv, c.Name
		if !c.PublicKey.IsZero() {
			v.PublicKey, v.Identity = hex.EncodeToString(c.PublicKey[:]), c.PublicKey.Hash().Hex()
		}
	case !errors.Is(err, store.ErrNotFound):
		return v, err
	}
	if err := s.personHeard(ctx, sc, peer, &v); err != nil {
		return v, err
	}
	route, media, err := sc.Chat.Route(ctx, peer)
	if err != nil {
		return v, err
	}
	v.Route = routeView(route, media)
	conversation, err := sc.Chat.Conversation(ctx, peer)
	if err != nil {
		return v, err
	}
	if !conversation.LastAt.IsZero() {
		cv := conversationView(conversation)
		v.Conversation = &cv
	}
	v.Blocked, err = sc.Contacts.IsBlocked(ctx, peer)
	return v, err
}

func (s *Server) personHeard(ctx context.Context, sc *Scope, peer rns.Addr, v *PersonView) error {
	h, err := s.conf.Announces.Get(ctx, peer)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	hv, err := s.heardView(ctx, sc, h)
	if err != nil {
		return err
	}
	v.Heard, v.Own, v.Identity, v.PublicKey = &hv, hv.Own, h.Identity.Hex(), hex.EncodeToString(h.PublicKey[:])
	if v.Name == "" {
		v.Name = h.Name
	}
	others, err := s.conf.Announces.OfIdentity(ctx, h.Identity)
	if err != nil {
		return err
	}
	for _, o := range others {
		if o.Destination == peer {
			continue
		}
		ov, err := s.heardView(ctx, sc, o)
		if err != nil {
			return err
		}
		v.Others = append(v.Others, ov)
	}
	return nil
}
