package api

import (
	"context"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/propagation"
	"meshchatx/internal/settings"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

func (s *Server) registerPropagation(a huma.API) {
	const tag, base = "propagation", "/identities/{identity}/propagation"
	huma.Register(a, operation("get-propagation", get, base, tag, ok, "The propagation node in use, why, and fetching from it"), s.getPropagation)
	huma.Register(a, operation("choose-node", put, base, tag, ok, "Choose a propagation node, let it be chosen, or use none"), s.chooseNode)
	huma.Register(a, operation("sync-messages", post, base+"/sync", tag, accepted, "Fetch messages from the propagation node; events tell the steps"), s.syncMessages)
	huma.Register(a, operation("cancel-sync", remove, base+"/sync", tag, noContent, "Stop fetching; what is not stored stays on the node"), s.cancelSync)
	huma.Register(a, operation("list-nodes", get, base+"/nodes", tag, ok, "Propagation nodes that were heard"), s.listNodes)
}

func (s *Server) getPropagation(ctx context.Context, in *IdentityPath) (*propagationOutput, error) {
	sc, err := s.scope(ctx, *in)
	if err != nil {
		return nil, err
	}
	return s.propagation(ctx, sc)
}

func (s *Server) propagation(ctx context.Context, sc *Scope) (*propagationOutput, error) {
	st, err := sc.Propagation.Status(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	v := PropagationView{Choice: s.choiceView(st), Sync: syncView(st)}
	v.Sync.Every = sc.Settings.Int(settings.KeySyncInterval)
	return &propagationOutput{v}, nil
}

var nodeModes = map[string]router.NodeMode{"auto": router.NodeAuto, "fixed": router.NodeFixed, "none": router.NodeOff}

var nodeModeNames = map[router.NodeMode]string{router.NodeAuto: "auto", router.NodeFixed: "fixed", router.NodeOff: "none"}

func (s *Server) chooseNode(ctx context.Context, in *chooseNodeInput) (*propagationOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	if err := sc.Propagation.Choose(ctx, nodeModes[in.Body.Mode], addr(in.Body.Node)); err != nil {
		return nil, s.problem(err)
	}
	return s.propagation(ctx, sc)
}

func (s *Server) syncMessages(ctx context.Context, in *syncInput) (*struct{}, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	return nil, s.problem(sc.Propagation.Sync(ctx, in.Body.Max))
}

func (s *Server) cancelSync(ctx context.Context, in *IdentityPath) (*struct{}, error) {
	sc, err := s.scope(ctx, *in)
	if err != nil {
		return nil, err
	}
	sc.Propagation.CancelSync()
	return nil, nil
}

func (s *Server) listNodes(ctx context.Context, in *listNodesInput) (*listNodesOutput, error) {
	sc, err := s.scope(ctx, in.IdentityPath)
	if err != nil {
		return nil, err
	}
	st, err := sc.Propagation.Status(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	own, _ := s.conf.Host.Address()
	nodes, err := propagation.Nodes(ctx, s.conf.Announces, st, own, s.conf.Now(), in.Query)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listNodesOutput{}
	out.Body.Items, out.Body.Total = list(nodes, nodeView), len(nodes)
	return out, nil
}

func (s *Server) choiceView(st propagation.Status) NodeChoice {
	c := st.Choice
	v := NodeChoice{
		Mode: nodeModeNames[st.Mode], Address: hexAddr(c.Node), Name: c.Name, Reason: string(c.Reason), Cost: c.Cost,
		Heard: c.Heard, Usable: c.Usable, Resting: c.Resting, Until: ms(c.Until),
	}
	if c.Hops > 0 && c.Hops < rns.MaxHops {
		v.Hops = &c.Hops
	}
	for _, r := range st.Nodes {
		if r.Node == c.Node {
			v.HeardAt, v.Cost = ms(r.Heard), r.StampCost
		}
	}
	return v
}

func syncView(st propagation.Status) SyncView {
	y := st.Sync
	v := SyncView{
		State: y.State.String(), Number: int(y.State), Active: y.State.Active(), Failed: y.State.Failed(), Code: string(y.Code),
		Detail: y.Detail, Node: hexAddr(y.Node), Listed: y.Listed, Wanted: y.Wanted, Received: y.Received, Stored: y.Stored,
		Duplicates: y.Duplicates, Unreadable: y.Unreadable, Unstored: y.Unstored, Left: y.Left, Size: y.Size,
		StartedAt: ms(y.Started), EndedAt: ms(y.Ended),
	}
	if y.State == router.SyncReceiving {
		v.Percent = &y.Percent
	}
	for _, r := range st.Nodes {
		if r.Node == y.Node {
			v.Name = r.Name
		}
	}
	return v
}

func nodeView(n propagation.NodeInfo) NodeView {
	r := n.Record
	v := NodeView{
		Address: n.Destination.Hex(), Identity: n.Identity.Hex(), Name: n.Name, Interface: n.Interface, HeardAt: ms(n.LastAt),
		Active: n.Info.Active, MessageLimit: int64(n.Info.TransferLimit * bytesPerKilobyte),
		SyncLimit: int64(n.Info.SyncLimit * bytesPerKilobyte), StampCost: n.Info.StampCost, StampLeast: n.Info.RequiredCost(),
		PeeringCost: n.Info.PeeringCost, Own: n.Own, Chosen: n.Chosen, RestingUntil: ms(n.Resting), Unsuitable: string(n.Unsuitable),
		Experience: NodeExperience{
			Successes: r.Successes, Failures: r.Failures, Streak: r.Streak, LastSuccess: ms(r.LastSuccess),
			LastFailure: ms(r.LastFailure), Latency: r.Latency.Milliseconds(),
		},
	}
	if n.Hops < rns.MaxHops {
		v.Hops = hopsOf(n.Hops)
	}
	return v
}
