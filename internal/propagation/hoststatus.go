package propagation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/internal/settings"
	pn "meshchatx/lxmf/propagation"
	"meshchatx/rns"
)

// HostState says how our own propagation node stands.
type HostState string

// States of the hosted node. Wanted and running are different things.
const (
	HostOff      HostState = "off"
	HostStarting HostState = "starting"
	HostOn       HostState = "on"
	HostFailed   HostState = "failed" // wanted, but it did not start; tried again by itself
)

// HostStatus is our own propagation node with its figures.
type HostStatus struct {
	State   HostState
	Problem error // HostFailed: why
	Since   time.Time
	// Settings are those in effect, or those it would start with.
	Settings pn.Settings
	// Stats are zero unless State is HostOn. Peers are those that need attention first, then by name.
	Stats pn.Stats
	// Synced is how the last synchronisation with a peer ended, since the start of the program.
	Synced map[rns.Addr]Sync
}

// Address is the destination of the hosted node, and whether it runs.
func (h *Host) Address() (rns.Addr, bool) {
	n, _, _ := h.running()
	if n == nil {
		return rns.Addr{}, false
	}
	return n.Addr(), true
}

// Status tells how the node stands.
func (h *Host) Status(ctx context.Context) (HostStatus, error) {
	n, since, problem := h.running()
	out := HostStatus{State: HostOff, Since: since, Settings: HostSettings(h.conf.Settings.Values()), Synced: h.syncs()}
	switch {
	case n != nil:
		stats, err := n.Stats(ctx)
		switch {
		case errors.Is(err, pn.ErrClosed):
			return out, nil // being switched off just now
		case err != nil:
			return out, err
		}
		out.State, out.Stats, out.Settings = HostOn, stats, stats.Settings
		sortPeers(out.Stats.Peers)
	case problem != nil:
		out.State, out.Problem = HostFailed, problem
	case h.conf.Settings.Bool(settings.KeyHostNode):
		out.State = HostStarting
	}
	return out, nil
}

func (h *Host) syncs() map[rns.Addr]Sync {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make(map[rns.Addr]Sync, len(h.synced))
	for a, s := range h.synced {
		out[a] = s
	}
	return out
}

// sortPeers puts those to whom most is owed first.
func sortPeers(peers []pn.PeerStats) {
	slices.SortStableFunc(peers, func(a, b pn.PeerStats) int {
		return cmp.Or(cmp.Compare(b.Outstanding, a.Outstanding), cmp.Compare(a.Name, b.Name))
	})
}
