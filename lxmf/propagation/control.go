package propagation

import (
	"context"
	"errors"
	"slices"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
	"meshchatx/rns/node"
)

// controlRequests serves operators. spec: lxmf §13
func (n *Node) controlRequests() []node.RequestHandler {
	handler := func(path string, serve func(*node.Request) (*node.Response, error)) node.RequestHandler {
		return node.RequestHandler{Path: path, Policy: node.AllowList, Allowed: n.mayControl, Serve: serve}
	}
	return []node.RequestHandler{
		handler(lxmf.PathStats, func(*node.Request) (*node.Response, error) {
			s, err := n.Stats(context.Background())
			if err != nil {
				return nil, err
			}
			return &node.Response{Value: s.Value()}, nil
		}),
		handler(lxmf.PathSync, n.command(n.SyncPeer)),
		handler(lxmf.PathUnpeer, n.command(n.Unpeer)),
	}
}

// mayControl tells whether an identity is an operator.
func (n *Node) mayControl(identity rns.Addr) bool {
	return identity == n.cfg.Identity.Hash() || slices.Contains(n.settings.Load().Control, identity)
}

// command serves a request whose data is the hash of a peer.
func (n *Node) command(do func(context.Context, rns.Addr) error) func(*node.Request) (*node.Response, error) {
	return func(r *node.Request) (*node.Response, error) {
		b, ok := r.Data.Bytes()
		if !ok || len(b) != rns.AddrSize {
			return refusal(lxmf.ErrorInvalidData)
		}
		err := do(context.Background(), rns.Addr(b))
		if errors.Is(err, ErrUnknown) {
			return refusal(lxmf.ErrorNotFound)
		}
		if err != nil {
			return nil, err
		}
		return &node.Response{Value: msgpack.Bool(true)}, nil
	}
}

// Stats are the counters and peers of a node. spec: lxmf §13
type Stats struct {
	Identity, Destination rns.Addr
	Uptime                time.Duration
	Settings              Settings
	Messages              int
	Bytes                 int64
	Counters              lxmf.NodeStats
	Peers                 []PeerStats
}

// PeerStats is what is known of a peer.
type PeerStats struct {
	lxmf.Peer
	Static      bool
	Name        string
	State       SyncState
	NextSync    time.Time // zero for now
	Backoff     time.Duration
	Hops        int // 128 if unknown
	Acceptance  float64
	Outstanding int // messages it is owed
}

// Stats returns a copy of the counters and peers, peers in the order of their addresses.
func (n *Node) Stats(ctx context.Context) (Stats, error) {
	s, err := ask(ctx, n, func(now time.Time) Stats {
		m := n.m
		s := Stats{
			Identity: m.own, Destination: n.Addr(), Uptime: now.Sub(m.started), Settings: m.set,
			Messages: m.index.len(), Bytes: m.index.bytes, Counters: m.stats,
		}
		for _, addr := range sortedAddrs(m.peers) {
			p := m.peers[addr]
			s.Peers = append(s.Peers, PeerStats{
				Peer: p.Peer, Static: p.static, Name: p.name(), State: p.state, NextSync: p.next, Backoff: p.backoff,
				Acceptance: p.acceptance(), Outstanding: p.unhandled.n,
			})
		}
		return s
	})
	for i := range s.Peers {
		s.Peers[i].Hops = n.cfg.Node.HopsTo(ctx, s.Peers[i].Destination)
	}
	return s, err
}

// Value is the form in which operators get it. spec: lxmf §13
func (s Stats) Value() msgpack.Value {
	peers := make([]msgpack.Pair, 0, len(s.Peers))
	discovered := 0
	for i := range s.Peers {
		p := &s.Peers[i]
		if !p.Static {
			discovered++
		}
		peers = append(peers, msgpack.Pair{Key: msgpack.Bin(p.Destination[:]), Value: p.value()})
	}
	set := &s.Settings
	limit := msgpack.Nil()
	if set.StorageLimit > 0 {
		limit = msgpack.Int(set.StorageLimit)
	}
	return texts(
		"identity_hash", msgpack.Bin(s.Identity[:]), "destination_hash", msgpack.Bin(s.Destination[:]),
		"uptime", msgpack.Float(s.Uptime.Seconds()), "delivery_limit", msgpack.Nil(),
		"propagation_limit", msgpack.Float(set.TransferLimit), "sync_limit", msgpack.Float(set.SyncLimit),
		"target_stamp_cost", msgpack.Int(int64(set.StampCost)), "stamp_cost_flexibility", msgpack.Int(int64(set.Flexibility)),
		"peering_cost", msgpack.Int(int64(set.PeeringCost)), "max_peering_cost", msgpack.Int(int64(set.MaxPeeringCost)),
		"autopeer_maxdepth", msgpack.Int(int64(set.AutoPeerDepth)), "from_static_only", msgpack.Bool(bool(set.StaticOnly)),
		"messagestore", texts("count", msgpack.Int(int64(s.Messages)), "bytes", msgpack.Int(s.Bytes), "limit", limit),
		"clients", texts(
			"client_propagation_messages_received", msgpack.Uint(s.Counters.ClientReceived),
			"client_propagation_messages_served", msgpack.Uint(s.Counters.ClientServed)),
		"unpeered_propagation_incoming", msgpack.Uint(s.Counters.UnpeeredIncoming),
		"unpeered_propagation_rx_bytes", msgpack.Uint(s.Counters.UnpeeredRxBytes),
		"static_peers", msgpack.Int(int64(len(set.StaticPeers))), "discovered_peers", msgpack.Int(int64(discovered)),
		"total_peers", msgpack.Int(int64(len(s.Peers))), "max_peers", msgpack.Int(int64(set.MaxPeers)),
		"peers", msgpack.Map(peers...),
	)
}

// value is the form of one peer.
func (p *PeerStats) value() msgpack.Value {
	kind := "discovered"
	if p.Static {
		kind = "static"
	}
	name, key := msgpack.Nil(), msgpack.Nil()
	if p.Name != "" {
		name = msgpack.Str(p.Name)
	}
	if p.Key != nil {
		key = msgpack.Int(int64(p.Key.Value))
	}
	next := 0.0
	if !p.NextSync.IsZero() {
		next = seconds(p.NextSync)
	}
	return texts(
		"type", msgpack.Str(kind), "state", msgpack.Int(int64(p.State)), "alive", msgpack.Bool(p.Alive), "name", name,
		"last_heard", msgpack.Int(int64(p.LastHeard)), "next_sync_attempt", msgpack.Float(next),
		"last_sync_attempt", msgpack.Float(p.LastSync), "sync_backoff", msgpack.Int(int64(p.Backoff.Seconds())),
		"peering_timebase", msgpack.Int(p.Timebase), "ler", msgpack.Int(int64(p.LinkRate)), "str", msgpack.Int(int64(p.TransferRate)),
		"transfer_limit", float(p.TransferLimit), "sync_limit", float(p.SyncLimit), "target_stamp_cost", integer(p.StampCost),
		"stamp_cost_flexibility", integer(p.Flexibility), "peering_cost", integer(p.PeeringCost), "peering_key", key,
		"network_distance", msgpack.Int(int64(p.Hops)), "rx_bytes", msgpack.Uint(p.RxBytes), "tx_bytes", msgpack.Uint(p.TxBytes),
		"acceptance_rate", msgpack.Float(p.Acceptance),
		"messages", texts("offered", msgpack.Uint(p.Offered), "outgoing", msgpack.Uint(p.Outgoing),
			"incoming", msgpack.Uint(p.Incoming), "unhandled", msgpack.Int(int64(p.Outstanding))),
	)
}

func float(f *float64) msgpack.Value {
	if f == nil {
		return msgpack.Nil()
	}
	return msgpack.Float(*f)
}

func integer(n *int) msgpack.Value {
	if n == nil {
		return msgpack.Nil()
	}
	return msgpack.Int(int64(*n))
}

// texts makes a map with text keys from keys and values in turn.
func texts(entries ...any) msgpack.Value {
	pairs := make([]msgpack.Pair, 0, len(entries)/2)
	for i := 0; i+1 < len(entries); i += 2 {
		key, _ := entries[i].(string)
		value, _ := entries[i+1].(msgpack.Value)
		pairs = append(pairs, msgpack.Pair{Key: msgpack.Str(key), Value: value})
	}
	return msgpack.Map(pairs...)
}
