package bridge

import (
	"context"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Reading of tables.
func mockTableCommands() map[string]handler {
	return map[string]handler{
		"behavioral_read_path_table":     onMock(mockPath),
		"behavioral_read_announce_table": onMock(mockPending),
		"behavioral_read_reverse_table":  onMock(mockReverse),
		"behavioral_read_link_table":     onMock(mockLinks),
		"behavioral_read_tunnels":        onMock(mockTunnels),
		"behavioral_read_announce_rate":  onMock(mockRate),
		"behavioral_packet_filter":       onMock(mockFilter),
		"behavioral_inbound_remembered":  onMock(mockRemembered),
	}
}

// snapshot is the state of the node when it has come to rest.
func (m *mock) snapshot(ctx context.Context) (node.Snapshot, error) {
	if err := m.node.Quiesce(ctx); err != nil {
		return node.Snapshot{}, err
	}
	return m.node.Snapshot(ctx)
}

// interfaceKeys are the names of an interface in an answer: handle, hash, name, null for none.
func (m *mock) interfaceKeys(out obj, id node.InterfaceID, key, hash, name string) {
	h, i := m.key(id)
	out[key], out[hash] = nil, nil
	if name != "" {
		out[name] = nil
	}
	if i == nil {
		return
	}
	out[key], out[hash] = h, i.hash.Hex()
	if name != "" {
		out[name] = i.name
	}
}

func find[T any](rows []T, ok func(T) bool) (row T, found bool) {
	for _, r := range rows {
		if ok(r) {
			return r, true
		}
	}
	return row, false
}

func mockPath(ctx context.Context, m *mock, p mockDest) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := find(s.Paths, func(r transport.PathRecord) bool { return string(r.Destination[:]) == string(p.Dest) })
	if !ok {
		return obj{"found": false}, nil
	}
	blobs := []hexed{}
	for _, b := range r.Blobs {
		blobs = append(blobs, append([]byte(nil), b[:]...))
	}
	out := obj{
		"found": true, "hops": r.Hops, "next_hop": r.NextHop.Hex(), "timestamp": epoch(r.Timestamp), "expires": epoch(r.Expires),
		"random_blobs": blobs, "packet_hash": r.PacketHash.Hex(), "receiving_interface": nil, "receiving_interface_hash": nil,
	}
	if _, i := m.key(r.Interface); i != nil {
		out["receiving_interface"], out["receiving_interface_hash"] = i.end.Info().Label, i.hash.Hex()
	}
	return out, nil
}

func (m *mock) pending(s *node.Snapshot, dest []byte) (transport.PendingAnnounce, bool) {
	return find(s.PendingAnnounces, func(r transport.PendingAnnounce) bool { return string(r.Destination[:]) == string(dest) && !r.Parked })
}

func mockPending(ctx context.Context, m *mock, p mockDest) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := m.pending(&s, p.Dest)
	if !ok {
		return obj{"found": false}, nil
	}
	out := obj{
		"found": true, "retries": r.Retries, "hops": r.Hops, "timestamp": epoch(r.Added), "retransmit_timeout": epoch(r.Retransmit),
		"local_rebroadcasts": r.LocalRebroadcasts, "block_rebroadcasts": r.Purpose == transport.AnnouncePathResponse,
		"received_from": r.From.Hex(), "attached_interface": nil, "packet_hash": nil,
	}
	if r.Retransmit.Sub(s.At) > farAhead/2 {
		out["retransmit_timeout"] = m.far
	}
	if key, i := m.key(r.Attached); i != nil {
		out["attached_interface"] = key
	}
	if path, ok := find(s.Paths, func(t transport.PathRecord) bool { return t.Destination == r.Destination }); ok {
		out["packet_hash"] = path.PacketHash.Hex()
	}
	return out, nil
}

func mockReverse(ctx context.Context, m *mock, p mockDest) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	row := func(r transport.ReverseRecord) obj {
		out := obj{"key": r.Packet.Hex(), "timestamp": epoch(r.Timestamp)}
		m.interfaceKeys(out, r.Received, "received_if", "received_if_hash", "received_if_name")
		m.interfaceKeys(out, r.Outbound, "outbound_if", "outbound_if_hash", "outbound_if_name")
		return out
	}
	if p.Dest != nil {
		r, ok := find(s.Reverse, func(r transport.ReverseRecord) bool { return string(r.Packet[:]) == string(p.Dest) })
		if !ok {
			return obj{"found": false}, nil
		}
		out := row(r)
		out["found"] = true
		return out, nil
	}
	all := []obj{}
	for _, r := range s.Reverse {
		all = append(all, row(r))
	}
	return obj{"entries": all}, nil
}

func mockLinks(ctx context.Context, m *mock, p struct {
	Link hexed `json:"link_id"`
}) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	row := func(r transport.LinkRecord) obj {
		out := obj{
			"link_id": r.Link.Hex(), "timestamp": epoch(r.Timestamp), "next_hop_transport_id": r.NextHop.Hex(),
			"remaining_hops": r.Remaining, "hops": r.Taken, "destination_hash": r.Destination.Hex(), "validated": r.Validated,
			"proof_timeout": epoch(r.ProofTimeout),
		}
		m.interfaceKeys(out, r.NextInterface, "next_hop_if", "next_hop_if_hash", "")
		m.interfaceKeys(out, r.Received, "received_if", "received_if_hash", "")
		return out
	}
	if p.Link != nil {
		r, ok := find(s.LinksInTransit, func(r transport.LinkRecord) bool { return string(r.Link[:]) == string(p.Link) })
		if !ok {
			return obj{"found": false}, nil
		}
		out := row(r)
		out["found"] = true
		return out, nil
	}
	all := []obj{}
	for _, r := range s.LinksInTransit {
		all = append(all, row(r))
	}
	return obj{"entries": all}, nil
}

func mockTunnels(ctx context.Context, m *mock, _ none) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	all := []obj{}
	for _, t := range s.Tunnels {
		out := obj{"tunnel_id": t.ID.Hex(), "expires": epoch(t.Expires), "num_paths": len(t.Paths)}
		m.interfaceKeys(out, t.Interface, "interface_id", "interface_hash", "")
		all = append(all, out)
	}
	return obj{"tunnels": all}, nil
}

func mockRate(ctx context.Context, m *mock, p mockDest) (any, error) {
	s, err := m.snapshot(ctx)
	if err != nil {
		return nil, err
	}
	r, ok := find(s.Rates, func(r transport.RateRecord) bool { return string(r.Destination[:]) == string(p.Dest) })
	if !ok {
		return obj{"found": false}, nil
	}
	times := []any{}
	for _, t := range r.Times {
		times = append(times, epoch(t))
	}
	out := obj{"found": true, "last": epoch(r.Last), "rate_violations": r.Violations, "blocked_until": 0.0, "timestamps": times}
	if !r.BlockedUntil.IsZero() {
		out["blocked_until"] = epoch(r.BlockedUntil)
	}
	return out, nil
}

// mockFilter asks the packet filter, and on request lets it remember what it would accept.
func mockFilter(ctx context.Context, m *mock, p struct {
	Raw      hexed
	Remember *bool
}) (any, error) {
	if _, err := rns.ParsePacket(p.Raw); err != nil {
		return nil, err
	}
	hash := rns.PacketHash(p.Raw)
	accepted, remembered := false, false
	err := m.drive(ctx, func(_ time.Time, t *transport.Machine) *transport.Effects {
		accepted = t.WouldAccept(p.Raw) == rns.VerdictNone
		if remembered = accepted && (p.Remember == nil || *p.Remember); remembered {
			t.SeedPacketHash(hash)
		}
		return nil
	})
	return obj{"accepted": accepted, "packet_hash": hash.Hex(), "remembered": remembered}, err
}

func mockRemembered(ctx context.Context, m *mock, p ifaceParam) (any, error) {
	i, err := m.iface(p.Iface)
	if err != nil {
		return nil, err
	}
	out := obj{"unpackable": false, "packet_hash": nil, "in_hashlist": false}
	_, perr := rns.ParsePacket(p.Raw)
	hash := rns.PacketHash(p.Raw)
	before, err := m.node.Counts(ctx)
	if err != nil {
		return nil, err
	}
	if err := m.inject(ctx, i, p.Raw); err != nil {
		return nil, err
	}
	after, err := m.node.Counts(ctx)
	if perr == nil {
		out["unpackable"], out["packet_hash"], out["in_hashlist"] = true, hash.Hex(), m.node.Seen(ctx, hash)
	}
	out["hashlist_before"], out["hashlist_after"] = before.PacketHashes, after.PacketHashes
	out["hashlist_grew"] = after.PacketHashes > before.PacketHashes
	return out, err
}
