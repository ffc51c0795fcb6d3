package bridge

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/iface"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func pathCommands() map[string]handler {
	return map[string]handler{
		"wire_announce":                      onPeer(wireAnnounce),
		"wire_poll_path":                     onPeer(pollPath),
		"wire_request_path":                  onPeer(requestPath),
		"wire_read_path_entry":               onPeer(readPath),
		"wire_read_path_random_hash":         onPeer(readPathBlob),
		"wire_has_discovery_path_request":    onPeer(hasSearch),
		"wire_has_announce_table_entry":      onPeer(hasPending),
		"wire_read_announce_table_timestamp": onPeer(readPending),
		"wire_identity_recall":               onPeer(recall),
		"wire_first_hop_timeout":             onPeer(firstHop),
	}
}

type destParam struct {
	Dest    hexed    `json:"destination_hash"`
	Timeout *float64 `json:"timeout_ms"`
}

// within is the timeout, or a preset.
func (p destParam) within(preset time.Duration) time.Duration { return within(p.Timeout, preset) }

func within(ms *float64, preset time.Duration) time.Duration {
	if ms == nil {
		return preset
	}
	return milliseconds(*ms)
}

// create registers a destination of a new identity.
func (p *peer) create(app string, aspects names, ratchets bool, c node.DestinationConfig) (*node.Destination, error) {
	id, err := rns.NewIdentity(p.node.Random())
	if err != nil {
		return nil, err
	}
	name, err := rns.JoinName(app, aspects...)
	if err != nil {
		return nil, err
	}
	c.Identity, c.Name = id, name
	if ratchets {
		c.Ratchets.Name = ratchetFile(rns.DestinationHash(name, id.Hash()))
	}
	d, err := p.node.Register(c)
	if err != nil {
		return nil, err
	}
	p.dests[d.Addr()] = d
	return d, nil
}

func ratchetFile(dest rns.Addr) string { return "own_ratchets/" + dest.Hex() }

// ownRatchets are the retained ratchets of a destination as they are stored, newest first.
func (p *peer) ownRatchets(d *node.Destination) ([]rns.RatchetPrivate, error) {
	b, err := p.node.Storage().Read(ratchetFile(d.Addr()))
	if err != nil {
		return nil, err
	}
	return rns.ParseRatchetFile(b, d.Identity().Public())
}

// describeRatchets adds what the suite wants to know of the ratchets of a new destination.
func (p *peer) describeRatchets(out obj, d *node.Destination) error {
	keys, err := p.ownRatchets(d)
	out["ratchets_enabled"], out["ratchet_count"], out["current_ratchet_id"] = err == nil, len(keys), nil
	if len(keys) > 0 {
		out["current_ratchet_id"] = keys[0].Public().ID().Hex()
	}
	return err
}

// settle is how long an announce waits for the first peer: the suite announces as soon as the other side has connected.
const settle = time.Second

// announce announces where there is an interface; without one the announce is lost, as with the reference.
func announce(ctx context.Context, d *node.Destination, o node.AnnounceOptions) error {
	wait(settle, func() bool {
		all, err := d.Node().Interfaces(ctx)
		return err != nil || slices.ContainsFunc(all, func(s node.InterfaceStatus) bool {
			return s.Info.Role != iface.RoleListener && s.State.Word == node.StateUp
		})
	})
	if err := d.Announce(ctx, o); err != nil && !errors.Is(err, node.ErrNotSent) {
		return err
	}
	return nil
}

func wireAnnounce(ctx context.Context, n *peer, p struct {
	AppName  string `json:"app_name"`
	Aspects  names
	AppData  hexed `json:"app_data"`
	Empty    bool  `json:"app_data_empty"`
	Ratchets bool  `json:"enable_ratchets"`
}) (any, error) {
	d, err := n.create(p.AppName, p.Aspects, p.Ratchets, node.DestinationConfig{})
	if err != nil {
		return nil, err
	}
	data := []byte(p.AppData)
	if len(data) == 0 {
		data = nil
		if p.Empty {
			data = []byte{}
		}
	}
	if err := announce(ctx, d, node.AnnounceOptions{AppData: data}); err != nil {
		return nil, err
	}
	out := obj{"destination_hash": d.Addr().Hex(), "identity_hash": d.Identity().Hash().Hex()}
	if p.Ratchets {
		err = n.describeRatchets(out, d)
	}
	return out, err
}

func pollPath(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	if !wait(p.within(5*time.Second), func() bool { return n.node.HasPath(ctx, dest) }) {
		return obj{"found": false, "hops": nil}, nil
	}
	return obj{"found": true, "hops": n.node.HopsTo(ctx, dest)}, nil
}

func requestPath(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	return obj{"sent": true}, n.node.RequestPath(ctx, dest, 0)
}

// record finds one row of a snapshot.
func record[T any](ctx context.Context, n *node.Node, rows func(*node.Snapshot) []T, ok func(T) bool) (row T, found bool, err error) {
	s, err := n.Snapshot(ctx)
	if err != nil {
		return row, false, err
	}
	all := rows(&s)
	if i := slices.IndexFunc(all, ok); i >= 0 {
		return all[i], true, nil
	}
	return row, false, nil
}

func pathRecord(ctx context.Context, n *node.Node, dest rns.Addr) (transport.PathRecord, bool, error) {
	return record(ctx, n, func(s *node.Snapshot) []transport.PathRecord { return s.Paths },
		func(r transport.PathRecord) bool { return r.Destination == dest })
}

func readPath(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	r, ok, err := pathRecord(ctx, n.node, dest)
	if err != nil || !ok {
		return obj{"found": false}, err
	}
	out := obj{
		"found": true, "timestamp": millis(r.Timestamp), "expires": millis(r.Expires), "hops": r.Hops, "next_hop": r.NextHop.Hex(),
		"receiving_interface_name": nil,
	}
	if i, err := n.node.InterfaceStatus(ctx, r.Interface); err == nil {
		out["receiving_interface_name"] = i.Info.Label
	}
	return out, nil
}

func readPathBlob(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	r, ok, err := pathRecord(ctx, n.node, dest)
	if err != nil || !ok || r.Announce == nil {
		return obj{"found": false}, err
	}
	packet, err := rns.ParsePacket(r.Announce)
	if err != nil {
		return nil, err
	}
	a, err := rns.ParseAnnounce(packet)
	return obj{"found": true, "random_hash": hexed(a.Random[:])}, err
}

func hasSearch(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	_, ok, err := record(ctx, n.node, func(s *node.Snapshot) []transport.RequestRecord { return s.Requests },
		func(r transport.RequestRecord) bool {
			return r.Destination == dest && r.Kind == transport.RequestSearch
		})
	return obj{"found": ok}, err
}

func pendingRecord(ctx context.Context, n *node.Node, dest rns.Addr) (transport.PendingAnnounce, bool, error) {
	return record(ctx, n, func(s *node.Snapshot) []transport.PendingAnnounce { return s.PendingAnnounces },
		func(r transport.PendingAnnounce) bool { return r.Destination == dest && !r.Parked })
}

func hasPending(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	_, ok, err := pendingRecord(ctx, n.node, dest)
	return obj{"found": ok}, err
}

func readPending(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	r, ok, err := pendingRecord(ctx, n.node, dest)
	if err != nil || !ok {
		return obj{"found": false}, err
	}
	return obj{"found": true, "timestamp": millis(r.Added)}, nil
}

func recall(ctx context.Context, n *peer, p struct {
	destParam
	FromIdentity bool `json:"from_identity_hash"`
}) (any, error) {
	target, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	var k node.Known
	ok := wait(p.within(0), func() bool {
		if p.FromIdentity {
			k, err = n.node.RecallIdentity(ctx, target)
		} else {
			k, err = n.node.Recall(ctx, target)
		}
		return err == nil
	})
	if !ok {
		return obj{"found": false, "app_data": nil}, nil
	}
	return obj{
		"found": true, "public_key": hexed(k.Public[:]), "hash": k.Public.Hash().Hex(), "app_data": hexed(k.AppData),
	}, nil
}

func firstHop(ctx context.Context, n *peer, p destParam) (any, error) {
	dest, err := address(p.Dest)
	if err != nil {
		return nil, err
	}
	var t time.Duration
	err = n.node.Drive(ctx, func(_ time.Time, m *transport.Machine) *transport.Effects {
		t = m.FirstHopTimeout(dest)
		return nil
	})
	return obj{"timeout": t.Seconds(), "default_per_hop_timeout": rns.DefaultPerHopTimeout.Seconds()}, err
}
