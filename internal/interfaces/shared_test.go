package interfaces

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns/config"
	"meshchatx/rns/control"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/local"
	"meshchatx/rns/node"
)

// TestSharedConfig: every option of the file reaches the node. spec: rns-link §11.1, rns-core §23.5
func TestSharedConfig(t *testing.T) {
	conf, err := config.Parse([]byte(`[reticulum]
share_instance = Yes
instance_name = other
shared_instance_type = tcp
shared_instance_port = 1111
instance_control_port = 2222
rpc_key = 0a0b
force_shared_instance_bitrate = 1200
`))
	if err != nil {
		t.Fatal(err)
	}
	want := node.Shared{
		Mode:     node.SharedAuto,
		Endpoint: local.Endpoint{Kind: local.KindTCP, Name: "other", Port: 1111, ControlPort: 2222},
		Key:      []byte{0x0a, 0x0b}, Bitrate: 1200,
	}
	if d := cmp.Diff(want, NodeConfig(conf).Shared); d != "" {
		t.Error(d)
	}
	if conf, err = config.Parse([]byte("[reticulum]\nshare_instance = No\n")); err != nil || NodeConfig(conf).Shared.Mode != node.SharedOff {
		t.Errorf("switched off: %v", err)
	}
	if NodeConfig(config.Default()).Shared.Mode != node.SharedAuto {
		t.Error("the default does not share")
	}
}

// owner answers the calls of the welcome page.
type owner struct{ control.Service }

func (owner) InterfaceStats(context.Context) (control.Stats, error) {
	return control.Stats{Interfaces: []control.InterfaceStats{
		{Name: "Shared Instance[rns/default]", Type: "LocalServerInterface"}, {Name: "LocalInterface[rns/default]", Parent: "Shared Instance[rns/default]"},
		{Name: "TCPInterface[a/b:1]"}, {Name: "AutoInterface[c]"},
	}}, nil
}

func (owner) PathTable(context.Context, int) ([]control.PathEntry, error) {
	return make([]control.PathEntry, 5), nil
}

// TestClientOfAnotherProgram: nothing of the file is started, and the pages say who runs it. spec: rns-link §11.2
func TestClientOfAnotherProgram(t *testing.T) {
	s, n := service(t, sample)
	n.took()
	n.shared = node.SharedStatus{Role: node.RoleClient, Address: "rns/default", Connected: true}
	n.calls = owner{}
	s.opt.Build = func(c config.Interface) (iface.Interface, node.InterfaceConfig, error) { return Drivers(c) }
	again := New(s.opt)
	again.Start(t.Context())
	if moves := n.took(); len(moves) != 0 {
		t.Fatalf("started %v", moves)
	}
	l, err := again.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st := l.Items[0]; st.Name != "Hub" || st.State != StateOff || st.Code != "shared_instance" {
		t.Errorf("%s is %s, %s", st.Name, st.State, st.Code)
	}
	for name, c := range map[string]struct {
		status             node.SharedStatus
		up, errs           int
		reachable          string
		code               string
		connected, answers bool
	}{
		"connected": {node.SharedStatus{Connected: true}, 1, 0, "waiting", "", true, true},
		"wrong key": {node.SharedStatus{Connected: true, ControlErr: control.ErrAuth}, 1, 0, "waiting", "statistics_locked", true, false},
		"silent":    {node.SharedStatus{Connected: true, ControlErr: errors.New("timeout")}, 1, 0, "waiting", "statistics_silent", true, false},
		"away":      {node.SharedStatus{Err: errors.New("refused")}, 0, 1, "no", "instance_lost", false, false},
		"foreign":   {node.SharedStatus{Err: &local.ForeignError{UID: 7}}, 0, 1, "no", "instance_foreign", false, false},
	} {
		c.status.Role, c.status.Address = node.RoleClient, "rns/default"
		n.shared = c.status
		o, err := again.Overview(t.Context(), Evidence{})
		if err != nil {
			t.Fatal(err)
		}
		if o.Enabled != 1 || o.Up != c.up || o.Errors != c.errs || o.Reachable != c.reachable || o.Classes[0].Class != "shared" {
			t.Errorf("%s: %+v", name, o)
		}
		if sh := o.Shared; sh == nil || sh.Code != c.code || sh.Connected != c.connected || sh.Statistics != c.answers {
			t.Errorf("%s: %+v", name, o.Shared)
		}
	}
	n.shared = node.SharedStatus{Role: node.RoleClient, Connected: true}
	probes, err := again.Probes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if p := probes[0]; p.State != "found" || p.Interfaces != 2 || p.Paths != 5 {
		t.Errorf("welcome page %+v", p)
	}
}

// TestInstanceShowsItsClients: nothing else changes for the owner of the interfaces.
func TestInstanceShowsItsClients(t *testing.T) {
	s, n := service(t, sample)
	n.shared = node.SharedStatus{Role: node.RoleInstance, Address: "rns/default", Clients: 3, Since: time.Now()}
	o, err := s.Overview(t.Context(), Evidence{})
	if err != nil || o.Up != 1 || o.Shared == nil || o.Shared.Role != "instance" || o.Shared.Clients != 3 {
		t.Errorf("%+v, %v", o, err)
	}
}
