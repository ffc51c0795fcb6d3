package node

import (
	"context"
	"fmt"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/transport"
)

// Blackhole refuses the announces and links of an identity from now on, and forgets its paths. It returns when the list is
// on disk. An identity on the list stays as it is. spec: rns-core §21.4
func (n *Node) Blackhole(ctx context.Context, b transport.Blackhole) error {
	if n.shared.role == RoleClient {
		if _, err := n.shared.remote.BlackholeIdentity(ctx, b.Identity, b.Until, b.Reason); err != nil {
			return err
		}
	}
	if b.Source.IsZero() {
		b.Source = n.TransportID()
	}
	if n.shared.role == RoleClient { // the list that counts
		if _, err := n.shared.remote.BlackholeIdentity(ctx, b.Identity, b.Until, b.Reason); err != nil {
			return fmt.Errorf("blackhole at the shared instance: %w", err)
		}
	}
	_, err := ask(ctx, n, func(now time.Time) struct{} {
		n.apply(now, n.m.Blackhole(now, b), nil)
		n.noteBlackholed()
		return struct{}{}
	})
	if err != nil {
		return err
	}
	return n.saveBlackhole()
}

// LiftBlackhole accepts an identity again and reports whether it was refused.
func (n *Node) LiftBlackhole(ctx context.Context, identity rns.Addr) (bool, error) {
	if n.shared.role == RoleClient {
		if _, err := n.shared.remote.UnblackholeIdentity(ctx, identity); err != nil {
			return false, err
		}
	}
	if n.shared.role == RoleClient {
		if _, err := n.shared.remote.UnblackholeIdentity(ctx, identity); err != nil {
			return false, fmt.Errorf("lift blackhole at the shared instance: %w", err)
		}
	}
	lifted, err := ask(ctx, n, func(time.Time) bool {
		lifted := n.m.LiftBlackhole(identity)
		n.noteBlackholed()
		return lifted
	})
	if err != nil || !lifted {
		return lifted, err
	}
	return true, n.saveBlackhole()
}

// loadBlackhole reads the own list and those of the configured sources; the own entries win. What the list of a source says
// of the source is not believed. spec: rns-core §19.6, §21.4
func (n *Node) loadBlackhole(now time.Time) {
	seed := func(source rns.Addr) func(rns.Blackhole) {
		return func(b rns.Blackhole) {
			if b.Identity == n.TransportID() {
				return
			}
			n.m.SeedBlackhole(now, transport.Blackhole{Identity: b.Identity, Source: source, Until: b.Until, Reason: b.Reason})
		}
	}
	load(n, fileBlackhole, rns.ParseBlackholes, seed(n.TransportID()))
	for _, source := range n.cfg.Management.BlackholeSources {
		load(n, dirBlackhole+"/"+source.Hex(), rns.ParseBlackholes, seed(source))
	}
}

// saveBlackhole writes the own list. That of a client belongs to its shared instance.
func (n *Node) saveBlackhole() error {
	if n.shared.role == RoleClient {
		return nil
	}
	if n.shared.role == RoleClient {
		return nil
	}
	n.listing.Lock()
	defer n.listing.Unlock()
	b, err := n.copyBlackhole(context.Background())
	if err != nil {
		return err
	}
	if err := n.env.storage.Write(fileBlackhole, b); err != nil {
		n.storageProblem(fileBlackhole, err)
		return fmt.Errorf("save %s: %w", fileBlackhole, err)
	}
	return nil
}

// copyBlackhole encodes the own list.
func (n *Node) copyBlackhole(ctx context.Context) ([]byte, error) {
	list, err := ask(ctx, n, func(time.Time) []rns.Blackhole {
		n.dirty &^= transport.TableBlackhole
		var list []rns.Blackhole
		for b := range n.m.Blackholed() {
			if b.Source == n.TransportID() {
				list = append(list, rns.Blackhole{Identity: b.Identity, Source: b.Source, Until: b.Until, Reason: b.Reason})
			}
		}
		return list
	})
	return rns.AppendBlackholes(nil, list), err
}

// Blackholed lists the refused identities.
func (n *Node) Blackholed(ctx context.Context) ([]transport.Blackhole, error) {
	return ask(ctx, n, func(time.Time) []transport.Blackhole {
		var all []transport.Blackhole
		collect(&all, n.m.Blackholed())
		return all
	})
}

// noteBlackholed publishes the list for links, which ask without the loop. It runs on the loop, or before it.
func (n *Node) noteBlackholed() {
	list := make(map[rns.Addr]time.Time)
	for b := range n.m.Blackholed() {
		list[b.Identity] = b.Until
	}
	n.black.Store(&list)
}

// refuses tells whether an identity is blackholed.
func (n *Node) refuses(identity rns.Addr) bool {
	list := n.black.Load()
	if list == nil {
		return false
	}
	until, ok := (*list)[identity]
	return ok && (until.IsZero() || n.env.now().Before(until))
}
