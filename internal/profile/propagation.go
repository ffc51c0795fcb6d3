package profile

import (
	"context"
	"time"

	"meshchatx/internal/propagation"
	"meshchatx/internal/settings"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// usesNodes adds to the configuration of the router which propagation node it uses, and how.
func (p *Profile) usesNodes(c router.Config) router.Config {
	set := p.Settings
	now := set.Values()
	c.NodeMode, c.PropagationNode = propagation.Mode(now)
	c.SyncInterval = propagation.Interval(now)
	c.Fallback = func() router.Fallback { return propagation.Fallback(set.Values()) }
	c.LeaveOnNode = func() bool { return set.Bool(settings.KeySyncLeave) }
	c.Notices = func(n router.Notice) { p.Propagation.Happened(n) }
	return c
}

// nodeClient makes the client of propagation nodes over the router, if there is one.
func (p *Profile) nodeClient() {
	conf := propagation.ClientConfig{Settings: p.Settings, Bus: p.scope}
	if r, online := p.carrier.(*router.Router); online {
		conf.Router, conf.Announce = r, p.ann.now
	}
	p.Propagation = propagation.NewClient(conf)
}

// nodeInUse is the name of the propagation node in use, or its address, and when it was last heard.
func (p *Profile) nodeInUse(ctx context.Context) (name string, heard time.Time, err error) {
	st, err := p.Propagation.Status(ctx)
	if err != nil || st.Choice.Node.IsZero() {
		return "", time.Time{}, err
	}
	name = st.Choice.Name
	if name == "" {
		name = st.Choice.Node.Hex()
	}
	for _, r := range st.Nodes {
		if r.Node == st.Choice.Node {
			heard = r.Heard
		}
	}
	return name, heard, nil
}

// fallbacks are what messages may do that were sent in a chosen way: who says "direct" does not want a node to have it.
var fallbacks = map[store.Method]router.Fallback{
	store.MethodDirect: router.FallbackDirect, store.MethodOpportunistic: router.FallbackDirect,
}

// Ingest hands a sealed message that came to our own propagation node to the identity it is for. It reports false if
// that is none of those online.
func (s *Set) Ingest(sealed []byte) (mine bool, err error) {
	if len(sealed) < lxmf.MinSealed {
		return false, nil
	}
	to := rns.Addr(sealed[:rns.AddrSize])
	for _, p := range s.profiles() {
		if lxmf.DeliveryHash(p.Identity.Hash()) != to {
			continue
		}
		r, online := p.carrier.(*router.Router)
		if !online {
			return false, nil
		}
		got, err := r.Ingest(context.Background(), sealed, lxmf.MethodPropagated) // ends with the router
		return got != router.IngestForeign, err
	}
	return false, nil
}

func (s *Set) profiles() []*Profile {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]*Profile, 0, len(s.open))
	for _, p := range s.open {
		out = append(out, p)
	}
	return out
}
