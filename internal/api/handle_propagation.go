package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"meshchatx/internal/propagation"
	pn "meshchatx/lxmf/propagation"
	"meshchatx/rns"
)

func (s *Server) registerHost(a huma.API) {
	const tag, base = "propagation", "/propagation/host"
	huma.Register(a, operation("get-host", get, base, tag, ok, "The propagation node of this program, with its peers"), s.getHost)
	huma.Register(a, operation("announce-host", post, base+"/announce", tag, accepted, "Announce the propagation node"), s.announceHost)
	huma.Register(a, operation("sync-host-peer", post, base+"/peers/{peer}/sync", tag, accepted, "Exchange messages with a peer now; an event tells when figures changed"), s.syncHostPeer)
	huma.Register(a, operation("unpeer-host-peer", remove, base+"/peers/{peer}", tag, noContent, "End a peering; a listed peer has to be taken out of the list"), s.unpeerHostPeer)
}

func (s *Server) getHost(ctx context.Context, _ *struct{}) (*hostOutput, error) {
	st, err := s.conf.Host.Status(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	return &hostOutput{hostView(st)}, nil
}

func (s *Server) announceHost(context.Context, *struct{}) (*struct{}, error) {
	return nil, s.problem(s.conf.Host.Announce())
}

func (s *Server) syncHostPeer(ctx context.Context, in *HostPeerPath) (*struct{}, error) {
	return nil, s.problem(s.conf.Host.SyncPeer(ctx, addr(in.Peer)))
}

func (s *Server) unpeerHostPeer(ctx context.Context, in *HostPeerPath) (*struct{}, error) {
	return nil, s.problem(s.conf.Host.Unpeer(ctx, addr(in.Peer)))
}

const bytesPerKilobyte = 1000

func hostView(st propagation.HostStatus) HostView {
	v := HostView{
		State: string(st.State), Name: st.Settings.Name, StorageLimit: st.Settings.StorageLimit,
		MessageLimit: int64(st.Settings.TransferLimit * bytesPerKilobyte), StampCost: st.Settings.StampCost,
		PeeringCost: st.Settings.PeeringCost, MaxPeers: st.Settings.MaxPeers, Peers: []HostPeerView{},
	}
	if st.Problem != nil {
		v.Detail = st.Problem.Error()
	}
	if st.State != propagation.HostOn {
		return v
	}
	n := &st.Stats
	v.Address, v.StartedAt, v.Messages, v.Bytes = hexAddr(n.Destination), ms(st.Since), n.Messages, n.Bytes
	v.FromClients, v.ToClients = int64(n.Counters.ClientReceived), int64(n.Counters.ClientServed)
	v.FromStrangers = int64(n.Counters.UnpeeredIncoming)
	v.Peers = list(n.Peers, func(p pn.PeerStats) HostPeerView { return hostPeerView(p, st.Synced[p.Destination]) })
	return v
}

var hostSyncNames = map[pn.SyncState]string{
	pn.SyncIdle: "idle", pn.SyncLinkEstablishing: "connecting", pn.SyncLinkReady: "connected", pn.SyncRequestSent: "offering",
	pn.SyncResponseReceived: "answered", pn.SyncTransferring: "transferring",
}

func hostPeerView(p pn.PeerStats, last propagation.Sync) HostPeerView {
	v := HostPeerView{
		Address: p.Destination.Hex(), Name: p.Name, Static: p.Static, Alive: p.Alive, State: hostSyncNames[p.State],
		Ready: p.Key != nil && (p.PeeringCost == nil || p.Key.Value >= *p.PeeringCost), HeardAt: seconds(p.LastHeard),
		SyncedAt: seconds(p.LastSync), NextAt: ms(p.NextSync), Offered: int64(p.Offered), Sent: int64(p.Outgoing),
		Received: int64(p.Incoming), SentBytes: int64(p.TxBytes), TakenBytes: int64(p.RxBytes), Outstanding: p.Outstanding,
		Rate: int64(p.TransferRate),
	}
	if p.Hops < rns.MaxHops {
		v.Hops = hopsOf(p.Hops)
	}
	if p.Offered > 0 {
		v.Acceptance = &p.Acceptance
	}
	if last.Err != nil {
		v.LastError = last.Err.Error()
	}
	return v
}

// seconds is a time in seconds since 1970 as this API writes it; 0 is 0.
func seconds(at float64) int64 {
	if at <= 0 {
		return 0
	}
	return time.UnixMicro(int64(at * 1e6)).UnixMilli()
}
