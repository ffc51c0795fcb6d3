package bridge

import (
	"context"
	"errors"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Refused identities. What the suite does to the files of the reference is not here: a node reads its lists at its start.
func blackholeCommands() map[string]handler {
	return map[string]handler{
		"behavioral_blackhole_identity":     onMock(mockBlackhole),
		"behavioral_unblackhole_identity":   onMock(mockLift),
		"behavioral_read_blackhole_table":   onMock(mockBlackholed),
		"behavioral_blackhole_list_handler": onMock(mockBlackholeList),
	}
}

func mockBlackhole(ctx context.Context, m *mock, p struct {
	Identity hexed `json:"identity_hash"`
	Until    *float64
	Reason   *string
}) (any, error) {
	id, err := address(p.Identity)
	if err != nil {
		return nil, err
	}
	before, err := m.node.Blackholed(ctx)
	if err != nil {
		return nil, err
	}
	_, known := find(before, func(b transport.Blackhole) bool { return b.Identity == id })
	b := transport.Blackhole{Identity: id, Reason: value(p.Reason)}
	if p.Until != nil {
		b.Until = fromEpoch(*p.Until)
	}
	return obj{"blackholed": !known}, m.node.Blackhole(ctx, b)
}

func mockLift(ctx context.Context, m *mock, p struct {
	Identity hexed `json:"identity_hash"`
}) (any, error) {
	id, err := address(p.Identity)
	if err != nil {
		return nil, err
	}
	lifted, err := m.node.LiftBlackhole(ctx, id)
	return obj{"lifted": lifted}, err
}

func mockBlackholed(ctx context.Context, m *mock, _ none) (any, error) {
	all, err := m.node.Blackholed(ctx)
	entries := []obj{}
	for _, b := range all {
		e := obj{"identity_hash": b.Identity.Hex(), "source": b.Source.Hex(), "until": epoch(b.Until), "reason": nil}
		if b.Reason != "" {
			e["reason"] = b.Reason
		}
		entries = append(entries, e)
	}
	return obj{"count": len(entries), "entries": entries}, err
}

// mockBlackholeList asks the node for its list as others do: by a request over a link, here from within. The list is the live
// table if it is what the node itself says at this moment.
func mockBlackholeList(ctx context.Context, m *mock, _ none) (any, error) {
	dest := rns.DestinationHash(rns.NameBlackholeInfo, m.node.TransportID())
	l, err := m.node.OpenLink(ctx, dest, node.LinkHandler{})
	if err != nil {
		return nil, err
	}
	defer l.Close()
	v, err := l.RequestValue(ctx, "/list", msgpack.Nil(), node.RequestOptions{})
	if err != nil {
		return nil, err
	}
	b := v.Append(nil)
	list, err := rns.ParseBlackholes(b)
	entries := []obj{}
	table, terr := m.node.Blackholed(ctx)
	live := len(list) == len(table)
	for _, h := range list {
		_, own := find(table, func(t transport.Blackhole) bool {
			return t.Identity == h.Identity && t.Source == h.Source && t.Reason == h.Reason && epoch(t.Until) == epoch(h.Until)
		})
		live = live && own
		e := obj{"identity_hash": h.Identity.Hex(), "source": h.Source.Hex(), "until": epoch(h.Until), "reason": h.Reason}
		entries = append(entries, e)
	}
	return obj{"is_blackhole_table": live, "count": len(entries), "entries": entries}, errors.Join(err, terr)
}
