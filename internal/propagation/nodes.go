package propagation

import (
	"cmp"
	"context"
	"slices"
	"time"

	"meshchatx/internal/announces"
	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/router"
	"meshchatx/rns"
)

// maxNodes bounds the list of nodes.
const maxNodes = 200

// NodeInfo is a propagation node that was heard, with what one identity has experienced with it.
type NodeInfo struct {
	store.Heard
	Info       lxmf.PropagationInfo
	Record     router.NodeRecord // zero if the identity knows nothing of it
	Chosen     bool
	Own        bool      // hosted by this program
	Resting    time.Time // not chosen automatically before, zero for now
	Unsuitable Unsuitable
}

// Unsuitable says why a node is never chosen automatically.
type Unsuitable string

// The reasons.
const (
	Suitable         Unsuitable = ""
	UnsuitableClosed Unsuitable = "inactive" // it does not serve everybody
	UnsuitableOld    Unsuitable = "too_old"  // not heard for too long
	UnsuitableDear   Unsuitable = "too_dear" // asks for too much work
)

// Nodes lists the propagation nodes that were heard and whose name or address contains a text: the one in use first, then
// those that can be used, the nearest first.
func Nodes(ctx context.Context, heard *announces.Service, st Status, own rns.Addr, now time.Time, text string) ([]NodeInfo, error) {
	kind := store.HeardPropagationNode
	rows, _, err := heard.List(ctx, store.HeardQuery{Kind: &kind, Text: text, Sort: store.SortLastHeard, Limit: maxNodes}, "")
	if err != nil {
		return nil, err
	}
	records := make(map[rns.Addr]router.NodeRecord, len(st.Nodes))
	for _, r := range st.Nodes {
		records[r.Node] = r
	}
	rules := router.DefaultChoiceParams()
	var out []NodeInfo
	for _, h := range rows {
		info, err := lxmf.ParsePropagationInfo(h.AppData)
		if err != nil {
			continue // another program's idea of the name
		}
		n := NodeInfo{Heard: h, Info: info, Record: records[h.Destination], Chosen: h.Destination == st.Choice.Node, Own: h.Destination == own}
		if until := rules.RestsUntil(n.Record); until.After(now) {
			n.Resting = until
		}
		switch {
		case !info.Active:
			n.Unsuitable = UnsuitableClosed
		case now.Sub(h.LastAt) > rules.MaxAge:
			n.Unsuitable = UnsuitableOld
		case info.StampCost > rules.MaxCost:
			n.Unsuitable = UnsuitableDear
		}
		out = append(out, n)
	}
	slices.SortStableFunc(out, func(a, b NodeInfo) int {
		return cmp.Or(rank(a)-rank(b), cmp.Compare(a.Hops, b.Hops), b.LastAt.Compare(a.LastAt))
	})
	return out, nil
}

func rank(n NodeInfo) int {
	switch {
	case n.Chosen:
		return 0
	case n.Unsuitable != Suitable:
		return 3
	case !n.Resting.IsZero():
		return 2
	}
	return 1
}
