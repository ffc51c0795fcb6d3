package api

import (
	"context"
	"errors"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/internal/store"
	"meshchatx/rns"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

func (s *Server) getNetwork(ctx context.Context, _ *struct{}) (*networkOutput, error) {
	ids, err := s.conf.Identities.List(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	counts, err := s.conf.Announces.Counts(ctx, s.conf.Now().Add(-time.Hour))
	if err != nil {
		return nil, s.problem(err)
	}
	e := interfaces.Evidence{HeardAt: s.conf.Announces.LastAt(), HeardHour: countsView(counts).All}
	for _, id := range ids {
		if id.Enabled {
			e.Announced = append(e.Announced, interfaces.Announced{Identity: id.Hash, Name: id.Name, At: id.AnnouncedAt})
		}
	}
	o, err := s.conf.Interfaces.Overview(ctx, e)
	if err != nil {
		return nil, s.problem(err)
	}
	v := NetworkView{
		Reachable: o.Reachable, Facts: list(o.Facts, factView), Paths: o.Paths, Links: o.Links, HeardHour: e.HeardHour, HeardAt: ms(e.HeardAt),
		Transport: o.Transport, TransportID: hexAddr(o.TransportID), RxRate: o.RxRate, TxRate: o.TxRate, StartedAt: ms(s.conf.StartedAt),
		Interfaces: NetworkClasses{Up: o.Up, Enabled: o.Enabled, Errors: o.Errors, Classes: list(o.Classes, func(c interfaces.Class) NetworkClass {
			return NetworkClass(c)
		})},
	}
	v.Code, v.Detail = fileProblem(o.Err)
	if sh := o.Shared; sh != nil {
		v.Shared = &SharedView{
			Role: sh.Role, Address: sh.Address, Clients: sh.Clients, Connected: sh.Connected, Statistics: sh.Statistics,
			Since: ms(sh.Since), Code: sh.Code, Detail: sh.Detail,
		}
	}
	return &networkOutput{v}, nil
}

func fileProblem(err error) (code, detail string) {
	switch {
	case err == nil:
		return "", ""
	case errors.Is(err, interfaces.ErrBadFile):
		return "config_unreadable", err.Error()
	}
	return "node_down", err.Error()
}

func factView(f interfaces.Fact) NetworkFact {
	return NetworkFact{Fact: f.Fact, State: f.State, Identity: hexAddr(f.Identity), Name: f.Name, Count: f.Count, At: ms(f.At)}
}

func (s *Server) listHubs(context.Context, *struct{}) (*listHubsOutput, error) {
	l, err := s.conf.Interfaces.Hubs()
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listHubsOutput{}
	out.Body.AsOf = l.AsOf
	out.Body.Items = list(l.Hubs, func(h interfaces.Hub) HubView { return HubView{Name: h.Name, Host: h.Host, Port: h.Port, Used: h.Used} })
	return out, nil
}

func (s *Server) listDevices(context.Context, *struct{}) (*listDevicesOutput, error) {
	devices, err := interfaces.Devices()
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listDevicesOutput{}
	out.Body.Items = list(devices, func(d interfaces.Device) DeviceView {
		return DeviceView{Name: d.Name, Addresses: list(d.Addresses, same), LinkLocal: d.LinkLocal, Multicast: d.Multicast}
	})
	return out, nil
}

func same(s string) string { return s }

var pathStates = map[transport.PathState]string{
	transport.PathUnknown: "unknown", transport.PathResponsive: "responsive", transport.PathUnresponsive: "unresponsive",
}

func (s *Server) listPaths(ctx context.Context, in *listPathsInput) (*listPathsOutput, error) {
	about := make(map[rns.Addr]store.Heard)
	look := func(dest rns.Addr) store.Heard {
		h, seen := about[dest]
		if !seen {
			h, _ = s.conf.Announces.Get(ctx, dest) // unknown: no name
			about[dest] = h
		}
		return h
	}
	rows, next, total, err := s.conf.Interfaces.Paths(ctx, interfaces.PathQuery{
		Text: in.Query, Interface: in.Interface, MaxHops: in.Hops, Sort: in.Sort, Cursor: in.Cursor, Limit: in.Limit,
		Name: func(dest rns.Addr) string { return look(dest).Name },
	})
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listPathsOutput{}
	out.Body.NextCursor, out.Body.Total = next, total
	out.Body.Items = list(rows, func(p node.Path) PathView {
		h := look(p.Destination)
		v := PathView{
			Destination: p.Destination.Hex(), Name: h.Name, Hops: p.Hops, NextHop: hexAddr(p.NextHop), Interface: p.InterfaceName,
			LearnedAt: ms(p.Learned), ExpiresAt: ms(p.Expires), State: pathStates[p.State],
		}
		if !h.Destination.IsZero() {
			v.Kind = heardKindNames[h.Kind]
		}
		return v
	})
	return out, nil
}

func (s *Server) requestPath(ctx context.Context, in *DestinationPath) (*struct{}, error) {
	return nil, s.problem(s.conf.Interfaces.RequestPath(ctx, addr(in.Destination)))
}

func (s *Server) dropPath(ctx context.Context, in *DestinationPath) (*struct{}, error) {
	return nil, s.problem(s.conf.Interfaces.DropPath(ctx, addr(in.Destination)))
}

func (s *Server) listInterfaces(ctx context.Context, _ *struct{}) (*listInterfacesOutput, error) {
	l, err := s.conf.Interfaces.List(ctx)
	if err != nil {
		return nil, s.problem(err)
	}
	out := &listInterfacesOutput{}
	out.Body.Items, out.Body.Path, out.Body.Changed = list(l.Items, interfaceView), l.Path, l.Changed
	out.Body.Code, out.Body.Detail = fileProblem(l.Err)
	return out, nil
}

func interfaceView(st interfaces.Status) InterfaceView {
	v := InterfaceView{
		Name: st.Name, Type: st.Type, Enabled: st.Enabled, State: string(st.State), Code: st.Code, Detail: st.Detail, Line: st.Line,
		RetryAt: ms(st.RetryAt), Since: ms(st.Since), Mode: st.Mode, Bitrate: st.Bitrate, MTU: st.MTU, IFAC: st.IFAC,
		Endpoint: st.Endpoint, RxBytes: int64(st.RxBytes), TxBytes: int64(st.TxBytes), RxPackets: int64(st.RxPackets),
		TxPackets: int64(st.TxPackets), RxRate: st.RxRate, TxRate: st.TxRate, HeardAt: ms(st.HeardAt),
		Dropped: int64(st.Dropped), Refused: int64(st.Refused), Listens: st.Listens, Blocked: st.Blocked,
		Peers: list(st.Peers, func(p interfaces.Peer) InterfacePeer {
			return InterfacePeer{
				Name: p.Name, State: string(p.State), RxBytes: int64(p.RxBytes), TxBytes: int64(p.TxBytes), Since: ms(p.Since), Tunnel: p.Tunnel,
			}
		}),
	}
	if st.Config != nil {
		c := configView(*st.Config)
		c.Passphrase = ""
		v.Config = &c
	}
	return v
}

func (s *Server) oneInterface(st interfaces.Status, err error) (*interfaceOutput, error) {
	if err != nil {
		return nil, s.problem(err)
	}
	return &interfaceOutput{interfaceView(st)}, nil
}

func (s *Server) createInterface(ctx context.Context, in *createInterfaceInput) (*interfaceOutput, error) {
	return s.oneInterface(s.conf.Interfaces.Add(ctx, configOf(in.Body)))
}

func (s *Server) getInterface(ctx context.Context, in *InterfacePath) (*interfaceOutput, error) {
	return s.oneInterface(s.conf.Interfaces.Get(ctx, in.Name))
}

func (s *Server) replaceInterface(ctx context.Context, in *replaceInterfaceInput) (*interfaceOutput, error) {
	return s.oneInterface(s.conf.Interfaces.Replace(ctx, in.Name, configOf(in.Body)))
}

func (s *Server) updateInterface(ctx context.Context, in *updateInterfaceInput) (*interfaceOutput, error) {
	if in.Body.Enabled == nil {
		return s.oneInterface(s.conf.Interfaces.Get(ctx, in.Name))
	}
	return s.oneInterface(s.conf.Interfaces.SetEnabled(ctx, in.Name, *in.Body.Enabled))
}

func (s *Server) deleteInterface(ctx context.Context, in *InterfacePath) (*struct{}, error) {
	return nil, s.problem(s.conf.Interfaces.Remove(ctx, in.Name))
}

func (s *Server) testInterface(ctx context.Context, in *testInterfaceInput) (*testInterfaceOutput, error) {
	steps := s.conf.Interfaces.Test(ctx, configOf(in.Body))
	v := InterfaceTest{OK: true, Steps: list(steps, func(t interfaces.Step) TestStep {
		return TestStep{Step: t.Step, State: string(t.State), Code: t.Code, Detail: t.Detail, Took: t.Took.Milliseconds()}
	})}
	for _, t := range steps {
		v.OK = v.OK && t.State != interfaces.StepFail
	}
	return &testInterfaceOutput{v}, nil
}

func (s *Server) parseInterfaces(_ context.Context, in *parseInterfacesInput) (*parseInterfacesOutput, error) {
	found, problems := s.conf.Interfaces.Parse(in.Body.Text)
	out := &parseInterfacesOutput{}
	out.Body.Items, out.Body.Problems = list(found, configView), list(problems, same)
	return out, nil
}
