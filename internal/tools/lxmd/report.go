package lxmd

import (
	"cmp"
	"fmt"
	"slices"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Report is what a propagation node says about itself. Numbers it leaves out are zero. spec: lxmf §13
type Report struct {
	Identity    rns.Addr `json:"identity"`
	Destination rns.Addr `json:"destination"`
	// Uptime is in seconds.
	Uptime float64 `json:"uptime"`
	// TransferLimit and SyncLimit are in thousands of bytes.
	TransferLimit  float64 `json:"propagation_limit"`
	SyncLimit      float64 `json:"sync_limit"`
	StampCost      int64   `json:"target_stamp_cost"`
	Flexibility    int64   `json:"stamp_cost_flexibility"`
	PeeringCost    int64   `json:"peering_cost"`
	MaxPeeringCost int64   `json:"max_peering_cost"`
	StaticOnly     bool    `json:"from_static_only"`
	// Messages, Bytes and Limit are those of the store; a limit of 0 is none.
	Messages int64   `json:"messages"`
	Bytes    float64 `json:"bytes"`
	Limit    float64 `json:"limit"`
	// Received and Served count messages of clients, Unpeered those of nodes that are no peers.
	Received      int64   `json:"client_received"`
	Served        int64   `json:"client_served"`
	Unpeered      int64   `json:"unpeered_incoming"`
	UnpeeredBytes float64 `json:"unpeered_rx_bytes"`
	Static        int64   `json:"static_peers"`
	Discovered    int64   `json:"discovered_peers"`
	MaxPeers      int64   `json:"max_peers"`
	// Peers are in the order of their addresses.
	Peers []PeerReport `json:"peers"`
}

// PeerReport is what a node says about one of its peers.
type PeerReport struct {
	Destination rns.Addr `json:"destination"`
	Type        string   `json:"type"`
	Name        string   `json:"name,omitempty"`
	State       int64    `json:"state"`
	Alive       bool     `json:"alive"`
	// Heard and Synced are seconds since 1970, 0 for never.
	Heard  float64 `json:"last_heard"`
	Synced float64 `json:"last_sync_attempt"`
	// Hops is 128 if unknown.
	Hops int64 `json:"network_distance"`
	// Costs and the value of the key are nil while unknown.
	StampCost   *int64 `json:"target_stamp_cost"`
	Flexibility *int64 `json:"stamp_cost_flexibility"`
	PeeringCost *int64 `json:"peering_cost"`
	Key         *int64 `json:"peering_key"`
	// Rates are in bit/s.
	LinkRate     float64 `json:"link_rate"`
	TransferRate float64 `json:"transfer_rate"`
	// Limits are in thousands of bytes, 0 while unknown.
	TransferLimit float64 `json:"transfer_limit"`
	SyncLimit     float64 `json:"sync_limit"`
	RxBytes       float64 `json:"rx_bytes"`
	TxBytes       float64 `json:"tx_bytes"`
	Acceptance    float64 `json:"acceptance_rate"`
	Offered       int64   `json:"offered"`
	Outgoing      int64   `json:"outgoing"`
	Incoming      int64   `json:"incoming"`
	Unhandled     int64   `json:"unhandled"`
}

// entries reads values of a map by name; what is missing or of another kind is zero.
type entries struct{ msgpack.Pairs }

func (e entries) of(key string) entries {
	v, _ := e.Text(key)
	m, _ := v.Map()
	return entries{m}
}

func (e entries) number(key string) float64 {
	v, _ := e.Text(key)
	f, _ := v.Number()
	return f
}

func (e entries) int(key string) int64 {
	if n := e.maybe(key); n != nil {
		return *n
	}
	return 0
}

func (e entries) maybe(key string) *int64 {
	v, _ := e.Text(key)
	if n, ok := v.Int(); ok {
		return &n
	}
	return nil
}

func (e entries) flag(key string) bool {
	v, _ := e.Text(key)
	b, _ := v.Bool()
	return b
}

func (e entries) string(key string) string {
	v, _ := e.Text(key)
	b, _ := v.BytesOrText()
	return string(b)
}

func (e entries) addr(key string) (a rns.Addr, ok bool) {
	v, _ := e.Text(key)
	b, ok := v.Bytes()
	if !ok || len(b) != rns.AddrSize {
		return a, false
	}
	return rns.Addr(b), true
}

// ParseReport reads the answer of a node. The error is ErrAnswer.
func ParseReport(v msgpack.Value) (Report, error) {
	m, ok := v.Map()
	e := entries{m}
	dest, ok2 := e.addr("destination_hash")
	if !ok || !ok2 {
		return Report{}, fmt.Errorf("%w: no statistics", ErrAnswer)
	}
	store, clients := e.of("messagestore"), e.of("clients")
	r := Report{
		Destination: dest, Uptime: e.number("uptime"), TransferLimit: e.number("propagation_limit"), SyncLimit: e.number("sync_limit"),
		StampCost: e.int("target_stamp_cost"), Flexibility: e.int("stamp_cost_flexibility"), PeeringCost: e.int("peering_cost"),
		MaxPeeringCost: e.int("max_peering_cost"), StaticOnly: e.flag("from_static_only"),
		Messages: store.int("count"), Bytes: store.number("bytes"), Limit: store.number("limit"),
		Received: clients.int("client_propagation_messages_received"), Served: clients.int("client_propagation_messages_served"),
		Unpeered: e.int("unpeered_propagation_incoming"), UnpeeredBytes: e.number("unpeered_propagation_rx_bytes"),
		Static: e.int("static_peers"), Discovered: e.int("discovered_peers"), MaxPeers: e.int("max_peers"),
	}
	r.Identity, _ = e.addr("identity_hash")
	for k, v := range e.of("peers").All() {
		b, ok := k.Bytes()
		m, ok2 := v.Map()
		if ok && ok2 && len(b) == rns.AddrSize {
			r.Peers = append(r.Peers, parsePeer(rns.Addr(b), entries{m}))
		}
	}
	slices.SortFunc(r.Peers, func(a, b PeerReport) int { return cmp.Compare(a.Destination.Hex(), b.Destination.Hex()) })
	return r, nil
}

func parsePeer(addr rns.Addr, e entries) PeerReport {
	messages := e.of("messages")
	return PeerReport{
		Destination: addr, Type: e.string("type"), Name: e.string("name"), State: e.int("state"), Alive: e.flag("alive"),
		Heard: e.number("last_heard"), Synced: e.number("last_sync_attempt"), Hops: e.int("network_distance"),
		StampCost: e.maybe("target_stamp_cost"), Flexibility: e.maybe("stamp_cost_flexibility"), PeeringCost: e.maybe("peering_cost"),
		Key: e.maybe("peering_key"), LinkRate: e.number("ler"), TransferRate: e.number("str"),
		TransferLimit: e.number("transfer_limit"), SyncLimit: e.number("sync_limit"),
		RxBytes: e.number("rx_bytes"), TxBytes: e.number("tx_bytes"), Acceptance: e.number("acceptance_rate"),
		Offered: messages.int("offered"), Outgoing: messages.int("outgoing"), Incoming: messages.int("incoming"), Unhandled: messages.int("unhandled"),
	}
}
