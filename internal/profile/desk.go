package profile

import (
	"context"
	"errors"

	"meshchatx/internal/chat"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
	"meshchatx/rns/node"
)

// desk is where paper messages are written and read.
type desk Profile

// Keys implements chat.Desk.
func (d *desk) Keys(ctx context.Context, to rns.Addr) (rns.PublicKey, *rns.RatchetPublic, error) {
	if d.shared.Node == nil {
		return rns.PublicKey{}, nil, chat.ErrNoKey
	}
	keys, err := d.shared.Node.KeysOf(ctx, to)
	if errors.Is(err, node.ErrUnknownIdentity) {
		err = chat.ErrNoKey
	}
	return keys.Public, keys.Ratchet, err
}

// Read implements chat.Desk.
func (d *desk) Read(ctx context.Context, sealed []byte) (chat.PaperRead, error) {
	r, ok := d.carrier.(*router.Router)
	if !ok {
		return chat.PaperRead{}, node.ErrClosed
	}
	p, err := r.ReadPaper(ctx, sealed)
	var other *router.NotAddressed
	var refused *router.Refused
	switch {
	case errors.As(err, &other):
		err = &chat.PaperOtherError{Destination: other.Destination}
	case errors.As(err, &refused):
		err = &chat.PaperRefusedError{Cause: string(refused.Cause)}
	case unreadable(err):
		err = chat.ErrPaperUnreadable
	}
	return chat.PaperRead{ID: p.ID, Peer: p.Source, Known: p.Known}, err
}

// unreadable reports whether a paper message itself is at fault.
func unreadable(err error) bool {
	for _, why := range []error{
		rns.ErrNotDecrypted, rns.ErrNoRatchetMatched, lxmf.ErrShort, lxmf.ErrPayload, lxmf.ErrTime, lxmf.ErrText, lxmf.ErrFields,
	} {
		if errors.Is(err, why) {
			return true
		}
	}
	return false
}

// policyKept carries what the router tells about floods to the settings, and
// announces what strangers are asked for.
func (p *Profile) policyKept(f router.FloodState) {
	p.background(func(ctx context.Context) {
		if err := p.Policy.KeepFlood(ctx, f); err != nil && ctx.Err() == nil {
			p.shared.Log.Warn("state of a flood is not kept", "error", err)
		}
		p.ann.soon()
	})
}

// learn notes which identity owns an address on a list of the policy.
func (p *Profile) learn(ctx context.Context, a node.Announced) {
	if err := p.Policy.Learn(ctx, a.Destination, a.Identity.Hash()); err != nil && ctx.Err() == nil {
		p.shared.Log.Warn("identity of a listed address is not kept", "peer", a.Destination, "error", err)
	}
}

// Refused is how often policy refused something since the start, by reason, and
// what strangers are asked for at present.
func (p *Profile) Refused() (by map[router.Cause]uint64, cost int, flood router.FloodState) {
	r, ok := p.carrier.(*router.Router)
	if !ok {
		return nil, 0, router.FloodState{}
	}
	cost, flood = r.Asked()
	return r.Refused(), cost, flood
}
