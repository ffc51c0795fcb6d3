package bridge

import (
	"fmt"
	"net"
	"strings"
)

type startParams struct {
	Host        string   `json:"target_host"`
	Port        int      `json:"target_port"`
	BindPort    int      `json:"bind_port"`
	NetworkName string   `json:"network_name"`
	Passphrase  string   `json:"passphrase"`
	IFACSize    *int     `json:"ifac_size"`
	Bitrate     *int64   `json:"bitrate"`
	Mode        string   `json:"mode"`
	FixedMTU    *int     `json:"fixed_mtu"`
	Transport   setting  `json:"enable_transport"`
	Share       bool     `json:"share_instance"`
	ShareType   string   `json:"share_instance_type"`
	Probes      bool     `json:"respond_to_probes"`
	Implicit    *bool    `json:"use_implicit_proof"`
	Remote      bool     `json:"enable_remote_management"`
	Allowed     []string `json:"remote_management_allowed"`
	Panic       *bool    `json:"panic_on_interface_error"`
	Blackhole   []string `json:"blackhole_sources"`
	Discovery   []string `json:"interface_discovery_sources"`
	RPCKey      *string  `json:"rpc_key"`
	SharedPort  *int     `json:"shared_instance_port"`
	ControlPort *int     `json:"instance_control_port"`
}

// setting is a parameter with three values: true, false and null, which leaves the line out. Missing means true.
type setting struct{ line string }

func (s *setting) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		s.line = "yes"
	case "false":
		s.line = "no"
	default:
		s.line = "unset"
	}
	return nil
}

// text writes configuration files.
type text struct{ strings.Builder }

func (t *text) set(key string, v any) {
	switch v := v.(type) {
	case *int:
		if v != nil {
			fmt.Fprintf(t, "%s = %d\n", key, *v)
		}
	case *int64:
		if v != nil {
			fmt.Fprintf(t, "%s = %d\n", key, *v)
		}
	case *bool:
		if v != nil {
			fmt.Fprintf(t, "%s = %t\n", key, *v)
		}
	case *string:
		if v != nil {
			fmt.Fprintf(t, "%s = %s\n", key, *v)
		}
	case []string:
		if len(v) > 0 {
			fmt.Fprintf(t, "%s = %s\n", key, strings.Join(v, ", "))
		}
	default:
		if s := fmt.Sprint(v); s != "" {
			fmt.Fprintf(t, "%s = %s\n", key, s)
		}
	}
}

// general writes the general section.
func (p startParams) general(t *text, instance string) {
	t.WriteString("[reticulum]\n")
	switch p.Transport.line {
	case "":
		t.set("enable_transport", true)
	case "yes", "no":
		t.set("enable_transport", p.Transport.line)
	}
	t.set("share_instance", p.Share)
	if p.Share {
		t.set("instance_name", instance)
		t.set("shared_instance_type", p.ShareType)
		t.set("shared_instance_port", p.SharedPort)
		t.set("instance_control_port", p.ControlPort)
	}
	t.set("rpc_key", p.RPCKey)
	t.set("respond_to_probes", p.Probes)
	t.set("enable_remote_management", p.Remote)
	t.set("remote_management_allowed", p.Allowed)
	t.set("use_implicit_proof", p.Implicit)
	t.set("panic_on_interface_error", p.Panic)
	t.set("blackhole_sources", p.Blackhole)
	t.set("interface_discovery_sources", p.Discovery)
}

// block writes what all interfaces may have.
func (p startParams) block(t *text) {
	t.set("fixed_mtu", p.FixedMTU)
	t.set("network_name", p.NetworkName)
	t.set("passphrase", p.Passphrase)
	t.set("ifac_size", p.IFACSize)
	t.set("bitrate", p.Bitrate)
	t.set("mode", p.Mode)
}

func freePort() (int, error) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// shareByTCP draws what a shared instance on TCP needs.
func (p *startParams) shareByTCP() error {
	for _, to := range []**int{&p.SharedPort, &p.ControlPort} {
		port, err := freePort()
		if err != nil {
			return err
		}
		*to = &port
	}
	if p.RPCKey == nil {
		key := handle() + handle() + handle() + handle()
		p.RPCKey = &key
	}
	return nil
}
