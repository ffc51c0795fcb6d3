package node

import (
	"context"
	"fmt"
	"time"

	"meshchatx/rns"
)

// Keys are what something for a destination is encrypted to.
type Keys struct {
	Public rns.PublicKey
	// Ratchet is the newest one known, nil for none.
	Ratchet *rns.RatchetPublic
}

// KeysOf returns the keys of a destination, for what is encrypted now and travels by other ways than packets, such as through
// a propagation node or on paper. The error is ErrUnknownIdentity. spec: rns-core §4.2
func (n *Node) KeysOf(ctx context.Context, dest rns.Addr) (Keys, error) {
	type answer struct {
		keys  Keys
		ok    bool
		local *Destination
	}
	a, err := ask(ctx, n, func(now time.Time) (a answer) {
		a.local = n.dests[dest]
		known, ok := n.known(now, dest)
		if a.ok = ok; !ok {
			return a
		}
		n.m.MarkUsed(now, dest)
		a.keys.Public = known.Public
		if r, ok := n.m.Ratchet(now, dest); ok {
			a.keys.Ratchet = &r
		}
		return a
	})
	switch {
	case err != nil:
		return Keys{}, err
	case !a.ok:
		return Keys{}, fmt.Errorf("keys of %s: %w", dest, ErrUnknownIdentity)
	case a.local != nil:
		a.keys.Ratchet = a.local.ratchets.newest()
	}
	return a.keys, nil
}

// Decrypt opens a ciphertext for the destination that came by other ways than packets. All retained ratchets are tried, for
// such things may be old: that costs up to some 25 ms, so let strangers not ask for it without bounds. Errors are those of
// rns.Identity.Open. It is for destinations of an identity.
func (d *Destination) Decrypt(ciphertext []byte) (rns.Opened, error) {
	if d.kind != rns.DestSingle {
		return rns.Opened{}, rns.ErrNotDecrypted
	}
	return d.conf.Identity.Open(ciphertext, d.ratchets.all(), d.ratchets.policy())
}
