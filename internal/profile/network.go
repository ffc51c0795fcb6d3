package profile

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/internal/chat"
	"meshchatx/internal/interfaces"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// network answers the questions of a diagnosis.
type network struct{ profile *Profile }

// Media implements chat.Network.
func (n *network) Media(ctx context.Context) ([]chat.Medium, error) {
	l, err := n.profile.shared.Interfaces.List(ctx)
	if err != nil {
		return nil, err
	}
	var out []chat.Medium
	for _, st := range l.Media() {
		out = append(out, chat.Medium{Name: st.Name, Up: interfaces.Useful(st), Traffic: st.HeardAt, Bitrate: st.Bitrate})
	}
	return out, nil
}

// reaches reports whether anybody is connected.
func (n *network) reaches(ctx context.Context) (bool, error) {
	l, err := n.profile.shared.Interfaces.List(ctx)
	if l.Shared != nil && l.Shared.Clients > 0 {
		return true, err
	}
	return slices.ContainsFunc(l.Media(), interfaces.Useful), err
}

// Route implements chat.Network.
func (n *network) Route(ctx context.Context, peer rns.Addr) (chat.Route, error) {
	r := chat.Route{Hops: -1}
	p := n.profile
	heard, err := p.shared.Announces.Get(ctx, peer)
	switch {
	case err == nil:
		r.Identity, r.HeardAt = true, heard.LastAt
		if heard.StampCost != nil {
			r.StampCost = *heard.StampCost
		}
	case !errors.Is(err, store.ErrNotFound):
		return r, err
	}
	if _, err := p.store.Tickets.Outbound(ctx, peer, p.shared.Now()); err == nil {
		r.Ticket = true
	} else if !errors.Is(err, store.ErrNotFound) {
		return r, err
	}
	if p.shared.Node == nil {
		return r, nil
	}
	if r.Node, r.NodeHeard, err = p.nodeInUse(ctx); err != nil {
		return r, err
	}
	return n.path(ctx, peer, r)
}

func (n *network) path(ctx context.Context, peer rns.Addr, r chat.Route) (chat.Route, error) {
	if known, err := n.profile.shared.Node.Recall(ctx, peer); err == nil {
		r.Identity = true
		if r.HeardAt.IsZero() {
			r.HeardAt = known.Announced
		}
	}
	path, err := n.profile.shared.Node.Path(ctx, peer)
	if errors.Is(err, node.ErrNoPath) {
		return r, nil
	}
	if err != nil {
		return r, err
	}
	r.Known, r.Hops, r.Bitrate = true, path.Hops, path.Bitrate
	r.Interface = n.profile.shared.Interfaces.Configured(path.InterfaceName)
	r.LearnedAt, r.ExpiresAt, r.Stale = path.Learned, path.Expires, path.State == transport.PathUnresponsive
	return r, nil
}

// FindPath implements chat.Network. It asks even where a path is known: the
// question is whether it answers.
func (n *network) FindPath(ctx context.Context, peer rns.Addr) (chat.Route, error) {
	nd := n.profile.shared.Node
	if nd == nil {
		return chat.Route{}, node.ErrClosed
	}
	answered := make(chan struct{}, 1)
	stop := nd.OnAnnounce(node.AnnounceHandler{PathResponses: node.On, Handle: func(a node.Announced) {
		if a.Destination == peer {
			select {
			case answered <- struct{}{}:
			default:
			}
		}
	}})
	defer stop()
	if err := nd.RequestPath(ctx, peer, 0); err != nil {
		return chat.Route{}, err
	}
	select {
	case <-answered:
		return n.Route(ctx, peer)
	case <-ctx.Done():
		// A path that is known may be too fresh for its announce to count as news.
		r, err := n.Route(context.WithoutCancel(ctx), peer)
		if err == nil && r.Known && !r.Stale {
			return r, nil
		}
		return chat.Route{}, context.Cause(ctx)
	}
}

// TryLink implements chat.Network.
func (n *network) TryLink(ctx context.Context, peer rns.Addr) (time.Duration, error) {
	nd := n.profile.shared.Node
	if nd == nil {
		return 0, node.ErrClosed
	}
	l, err := nd.OpenLink(ctx, peer, node.LinkHandler{})
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.RTT(), nil
}

// AnnouncedAt implements chat.Network.
func (n *network) AnnouncedAt() time.Time {
	last, _ := n.profile.ann.times()
	return last
}

// people tells the chat list who peers are.
type people struct{ sh Shared }

// Peers implements chat.People.
func (p people) Peers(ctx context.Context, addrs []rns.Addr) map[rns.Addr]chat.Peer {
	heard, err := p.sh.Announces.Many(ctx, addrs)
	if err != nil {
		p.sh.Log.Warn("names are not known", "error", err)
	}
	out := make(map[rns.Addr]chat.Peer, len(addrs))
	for _, a := range addrs {
		h, ok := heard[a]
		if !ok {
			out[a] = chat.Peer{Hops: -1}
			continue
		}
		peer := chat.Peer{Name: h.Name, HeardAt: h.LastAt, Hops: h.Hops}
		if h.StampCost != nil {
			peer.StampCost = *h.StampCost
		}
		out[a] = peer
	}
	return out
}
