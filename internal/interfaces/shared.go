package interfaces

import (
	"context"
	"errors"
	"time"

	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
)

// SharedConfig maps the options of the shared instance. spec: rns-link §11.1, rns-core §23.5
func SharedConfig(r config.Reticulum) node.Shared {
	s := node.Shared{
		Endpoint: local.Endpoint{Name: r.InstanceName, Port: r.SharedInstancePort, ControlPort: r.InstanceControlPort},
		Key:      r.RPCKey, Bitrate: r.ForceSharedInstanceBitrate,
	}
	if r.ShareInstance {
		s.Mode = node.SharedAuto
	}
	switch r.SharedInstanceType {
	case config.SharedByTCP:
		s.Endpoint.Kind = local.KindTCP
	case config.SharedByUnix:
		s.Endpoint.Kind = local.KindUnix
	}
	return s
}

// Shared says how this program stands to the other Reticulum programs of the
// machine.
type Shared struct {
	Role       string // instance: others use our interfaces; client: we use theirs
	Address    string // of the socket, as status programs show it
	Clients    int    // connected to us
	Connected  bool   // to the owner of the interfaces
	Statistics bool   // the owner answers questions about its interfaces
	Since      time.Time
	Code       string // instance_lost, instance_foreign, statistics_locked, statistics_silent
	Detail     string
}

// Roles.
const (
	roleInstance = "instance"
	roleClient   = "client"
)

// shared asks the node. Nil is a program that stands alone.
func (s *Service) shared(ctx context.Context) *Shared {
	if s.opt.Node == nil {
		return nil
	}
	st, err := s.opt.Node.SharedStatus(ctx)
	if err != nil || st.Role == node.RoleStandalone {
		return nil
	}
	out := &Shared{Role: roleInstance, Address: st.Address, Clients: st.Clients, Connected: true, Statistics: true, Since: st.Since}
	if st.Role != node.RoleClient {
		return out
	}
	out.Role, out.Connected, out.Statistics = roleClient, st.Connected, st.Connected && st.ControlErr == nil
	switch {
	case errors.Is(st.Err, local.ErrForeignOwner):
		out.Code, out.Detail = "instance_foreign", st.Err.Error()
	case !st.Connected:
		out.Code = "instance_lost"
		if st.Err != nil {
			out.Detail = st.Err.Error()
		}
	case errors.Is(st.ControlErr, control.ErrAuth):
		out.Code, out.Detail = "statistics_locked", st.ControlErr.Error()
	case st.ControlErr != nil:
		out.Code, out.Detail = "statistics_silent", st.ControlErr.Error()
	}
	return out
}

// join makes the connection to the owner of the interfaces count as the one
// interface of this program.
func (o *Overview) join(sh *Shared, live []node.InterfaceStatus) {
	o.Shared = sh
	if sh == nil || sh.Role != roleClient {
		return
	}
	c := Class{Class: "shared", Total: 1}
	o.Enabled, o.Up, o.Errors = 1, 0, 0
	if sh.Connected {
		o.Up, c.Up = 1, 1
	} else {
		o.Errors = 1
	}
	for _, l := range live {
		c.RxRate, c.TxRate = c.RxRate+int64(l.RxRate/8), c.TxRate+int64(l.TxRate/8)
	}
	o.RxRate, o.TxRate, o.Classes = c.RxRate, c.TxRate, []Class{c}
}

// sharedTimeout is how long the welcome page waits for the owner.
const sharedTimeout = 300 * time.Millisecond

// probeShared tells of the program that owns the interfaces, with what it says
// of them.
func (s *Service) probeShared(ctx context.Context) Probe {
	p := Probe{Kind: "shared", State: "none"}
	sh := s.shared(ctx)
	if sh == nil || sh.Role != roleClient {
		return p
	}
	p.Available, p.State, p.Code = sh.Connected, "found", sh.Code
	if !sh.Connected {
		p.State = "blocked"
		return p
	}
	if !sh.Statistics {
		return p
	}
	ctx, cancel := context.WithTimeout(ctx, sharedTimeout)
	defer cancel()
	calls := s.opt.Node.Service()
	if stats, err := calls.InterfaceStats(ctx); err == nil {
		for i := range stats.Interfaces {
			if stats.Interfaces[i].Parent == "" && stats.Interfaces[i].Type != "LocalServerInterface" {
				p.Interfaces++
			}
		}
	}
	if paths, err := calls.PathTable(ctx, control.AnyHops); err == nil {
		p.Paths = len(paths)
	}
	return p
}
