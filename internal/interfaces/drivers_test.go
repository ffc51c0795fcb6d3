package interfaces

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/auto"
	"meshchatx/rns/iface/backbone"
	"meshchatx/rns/iface/i2p"
	"meshchatx/rns/iface/pipe"
	"meshchatx/rns/iface/stream"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/iface/udp"
	"meshchatx/rns/node"
)

// build makes the driver of one block.
func build(t *testing.T, b *Builder, kind, lines string) (iface.Interface, node.InterfaceConfig, error) {
	t.Helper()
	text := "[interfaces]\n[[X]]\ntype = " + kind + "\nenabled = yes\n" + strings.ReplaceAll(lines, "; ", "\n") + "\n"
	c, err := config.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return b.Build(c.Interfaces[0])
}

// effects are what a driver and its settings do, in words that differ when they do.
func effects(d iface.Interface, conf node.InterfaceConfig) map[string]string {
	out := make(map[string]string)
	put := func(key string, v any) { out[key] = fmt.Sprint(v) }
	i := d.Info()
	put("label", i.Label)
	put("mtu", fmt.Sprint(i.MTU, " ", i.MTUClass))
	put("tunnel", i.Tunnel)
	put("tries", conf.MaxTries)
	put("wait", conf.Reconnect)
	put("settings", fmt.Sprintf("%+v", node.InterfaceConfig{
		Mode: conf.Mode, ReceiveOnly: conf.ReceiveOnly, NetworkName: conf.NetworkName, Passphrase: conf.Passphrase, AccessCodeSize: conf.AccessCodeSize,
		Bitrate: conf.Bitrate, AnnounceCap: conf.AnnounceCap, AnnounceRate: conf.AnnounceRate, Gravity: conf.Gravity,
		IngressControl: conf.IngressControl, EgressControl: conf.EgressControl, RecursiveRequests: conf.RecursiveRequests,
		BlockInternalAnnounces: conf.BlockInternalAnnounces, AnnouncesToInternal: conf.AnnouncesToInternal,
	}))
	put("ingress", *conf.Ingress)
	client := func(c *stream.Client) {
		put("to", fmt.Sprint(c.Host, " ", c.Port))
		put("framing", c.Framing)
		put("timeouts", c.Timeouts)
		put("connect", c.ConnectTimeout)
	}
	listener := func(l *stream.Listener) {
		put("on", fmt.Sprint(l.Host, " ", l.Device, " ", l.Port))
		put("prefer", l.Prefer)
	}
	switch d := d.(type) {
	case *tcp.Client:
		client(d.Client)
	case *tcp.Server:
		listener(d.Listener)
	case *backbone.Client:
		client(d.Client)
	case *backbone.Server:
		listener(d.Listener)
		put("flapping", d.Flapping())
	case *udp.Interface:
		put("udp", fmt.Sprintf("%+v", d.Config()))
	case *auto.Interface:
		c := d.Config()
		put("group", c.GroupID)
		put("scope", auto.MulticastAddress(c.GroupID, c.AddressType, c.Scope))
		put("ports", fmt.Sprint(c.DiscoveryPort, c.DataPort))
		put("devices", c.Devices)
		put("ignored", c.IgnoredDevices)
	case *i2p.Interface:
		put("peers", d.Config().Peers)
		put("key", d.Config().KeyFile)
	case *pipe.Interface:
		put("program", d.Program())
	}
	return out
}

const (
	tcpBase      = "target_host = h; target_port = 1"
	serverBase   = "listen_ip = 127.0.0.1; listen_port = 1"
	backboneBase = "listen_on = 127.0.0.1; port = 1"
)

// Each option has its effect and no other. What is not named in want is as without the option.
// spec: rns-interfaces §3.1, §3.2, §4, §5.1, §6, §8, §14, §17
func TestOptionsHaveEffects(t *testing.T) {
	type want = map[string]string
	for _, tt := range []struct {
		kind, base, option string
		want               want
	}{
		{"TCPClientInterface", tcpBase, "kiss_framing = yes", want{"framing": "1", "tunnel": "false"}},
		{"TCPClientInterface", tcpBase, "i2p_tunneled = yes", want{"timeouts": "1"}}, //nolint:misspell // as the file has it
		{"TCPClientInterface", tcpBase, "fixed_mtu = 500", want{"mtu": "500 fixed"}},
		{"TCPClientInterface", tcpBase, "connect_timeout = 9", want{"connect": "9s"}},
		{"TCPClientInterface", tcpBase, "connect_timeout = 99999", want{"connect": "1h0m0s"}},
		{"TCPClientInterface", tcpBase, "max_reconnect_tries = 3", want{"tries": "4"}},
		{"TCPClientInterface", tcpBase, "max_reconnect_tries = 0", want{"tries": "1"}},
		{"TCPClientInterface", tcpBase, "max_reconnect_tries = -1", nil},
		{"TCPClientInterface", tcpBase, "some_other = 1", nil},
		{"TCPServerInterface", serverBase, "port = 2", want{"on": "127.0.0.1  2", "label": "TCPServerInterface[X/127.0.0.1:2]"}},
		{"TCPServerInterface", serverBase, "prefer_ipv6 = yes", want{"prefer": "1"}},
		{"TCPServerInterface", "listen_port = 1; device = none0", "listen_ip = 127.0.0.1", want{"on": "127.0.0.1 none0 1"}},
		{"TCPServerInterface", serverBase, "max_reconnect_tries = 3", nil},
		{"BackboneInterface", backboneBase, "listen_port = 2", nil},
		{"BackboneInterface", backboneBase, "listen_ip = 127.0.0.2", nil},
		{"BackboneInterface", backboneBase, "prefer_ipv6 = yes", want{"prefer": "1"}},
		{"BackboneInterface", backboneBase, "block_fast_flapping = no", want{"flapping": "{true 20s 5 12h0m0s}"}},
		{"BackboneInterface", backboneBase, "fast_flapping_threshold = 0.5", want{"flapping": "{false 500ms 5 12h0m0s}"}},
		{"BackboneInterface", backboneBase, "fast_flapping_grace = 0", want{"flapping": "{false 20s 0 12h0m0s}"}},
		{"BackboneInterface", backboneBase, "fast_flapping_block_time = 1", want{"flapping": "{false 20s 5 1m0s}"}},
		{"BackboneInterface", "remote = h; port = 1", "target_host = other; target_port = 2", nil},
		{"BackboneInterface", "target_host = h; target_port = 1", "connect_timeout = 9", want{"connect": "9s"}},
		{"BackboneClientInterface", "target_host = h; target_port = 1", "max_reconnect_tries = 3", want{"tries": "4"}},
		{"BackboneClientInterface", "target_host = h; target_port = 1", "i2p_tunneled = yes", nil}, //nolint:misspell // as the file has it
		{"BackboneClientInterface", "target_host = h; target_port = 1", "remote = r", want{"to": "r 1", "label": "BackboneInterface[X/r:1]"}},
		{"UDPInterface", "listen_ip = 127.0.0.1; port = 1", "listen_port = 2; forward_port = 3; forward_ip = 127.0.0.2", want{
			"label": "UDPInterface[X/127.0.0.1:2]",
			"udp":   "{Name:X ListenIP:127.0.0.1 ListenPort:2 ForwardIP:127.0.0.2 ForwardPort:3 Port:1 Device:}",
		}},
		{"UDPInterface", "listen_ip = 127.0.0.1; port = 1", "device = none0", want{
			"udp": "{Name:X ListenIP:127.0.0.1 ListenPort:1 ForwardIP: ForwardPort:1 Port:1 Device:none0}",
		}},
		{"AutoInterface", "", "group_id = g", want{"group": "g", "scope": "ff12:0:a985:6147:b6c5:b4ff:2b7d:fee5"}},
		{"AutoInterface", "", "discovery_scope = Global", want{"scope": "ff1e:0:d70b:fb1c:16e4:5e39:485e:31e1"}},
		{"AutoInterface", "", "multicast_address_type = Permanent", want{"scope": "ff02:0:d70b:fb1c:16e4:5e39:485e:31e1"}},
		{"AutoInterface", "", "multicast_address_type = whatever", nil},
		{"AutoInterface", "", "discovery_port = 1000", want{"ports": "1000 42671"}},
		{"AutoInterface", "", "data_port = 1000", want{"ports": "29716 1000"}},
		{"AutoInterface", "", "devices = eth0", want{"devices": "[eth0]"}},
		{"AutoInterface", "", "ignored_devices = eth0, eth1", want{"ignored": "[eth0 eth1]"}},
		{"AutoInterface", "", "devices =", nil},
		{"I2PInterface", "peers = a.b32.i2p", "connectable = yes", want{
			"key": "i2p/c037b0f05c00d16124ecb53b1de8612747101fdb2793ba876a610fc5968e5bf8.i2p",
		}},
		{"I2PInterface", "connectable = yes", "peers = a.b32.i2p, b.i2p", want{"peers": "[a.b32.i2p b.i2p]"}},
		{"PipeInterface", "command = nc -u 'a b'", "respawn_delay = 2.5", want{"wait": "2.5s"}},
		{"PipeInterface", "command = nc -u 'a b'", "respawn_delay = 0", want{"wait": "100ms"}},
		{"WebsocketClientInterface", "target_host = h; target_port = 1", "target_type = wss", want{
			"label": "WebsocketClientInterface[X/wss://h:1]",
		}},
		{"WebsocketClientInterface", "target_host = h; target_port = 1", "target_url = wss://other/p", want{
			"label": "WebsocketClientInterface[X/wss://other/p]",
		}},
		{"WebsocketServerInterface", serverBase, "mode = gateway", want{"settings": "gateway"}},
		{"TCPClientInterface", tcpBase, "outgoing = no", want{"settings": "ReceiveOnly:true"}},
		{"TCPClientInterface", tcpBase, "ifac_size = 128", want{"settings": "AccessCodeSize:16"}},
		{"TCPClientInterface", tcpBase, "networkname = n; passphrase = p", want{"settings": "NetworkName:n Passphrase:p"}},
		{"TCPClientInterface", tcpBase, "bitrate = 5", want{"settings": "Bitrate:5"}},
		{"TCPClientInterface", tcpBase, "announce_cap = 50", want{"settings": "AnnounceCap:0.5"}},
		{"TCPClientInterface", tcpBase, "announce_rate_target = 60; announce_rate_grace = 2; announce_rate_penalty = 7", want{
			"settings": "AnnounceRate:{Target:1m0s Grace:2 Penalty:7s}",
		}},
		{"TCPClientInterface", tcpBase, "gravity = -3", want{"settings": "Gravity:-3"}},
		{"TCPClientInterface", tcpBase, "recursive_prs = yes", want{"settings": "RecursiveRequests:true"}},
		{"TCPClientInterface", tcpBase, "announces_from_internal = no", want{"settings": "BlockInternalAnnounces:true"}},
		{"TCPClientInterface", tcpBase, "announces_to_internal = yes", want{"settings": "AnnouncesToInternal:true"}},
		{"TCPClientInterface", tcpBase, "ingress_control = no", want{"settings": "IngressControl:"}},
		{"TCPClientInterface", tcpBase, "egress_control = yes", want{"settings": "EgressControl:"}},
		{"TCPClientInterface", tcpBase, "ic_max_held_announces = 7", want{"ingress": " 7 "}},
	} {
		b := &Builder{Storage: "", Identity: func() rns.Addr { return rns.Addr{7} }}
		b.Storage = t.TempDir()
		d, conf, err := build(t, b, tt.kind, tt.base)
		if err != nil {
			t.Fatalf("%s: %v", tt.kind, err)
		}
		before := effects(d, conf)
		if d, conf, err = build(t, b, tt.kind, tt.base+"; "+tt.option); err != nil {
			t.Errorf("%s, %s: %v", tt.kind, tt.option, err)
			continue
		}
		after, changed := effects(d, conf), make(want)
		for key, v := range after {
			if v != before[key] {
				changed[key] = strings.TrimPrefix(v, b.Storage+string(filepath.Separator))
			}
		}
		for key, part := range tt.want { // long ones are only looked into
			if (key == "settings" || key == "ingress") && strings.Contains(changed[key], part) {
				changed[key] = part
			}
		}
		if diff := cmp.Diff(maps.Collect(maps.All(tt.want)), changed); diff != "" {
			t.Errorf("%s, %s:\n%s", tt.kind, tt.option, diff)
		}
	}
}

// What cannot be meant is an error with the line of the option, and no interface.
func TestOptionsOutOfRange(t *testing.T) {
	for _, tt := range []struct {
		kind, lines string
		want        error
	}{
		{"TCPClientInterface", "target_port = 1", nil},
		{"TCPClientInterface", "target_host = h; target_port = 65536", config.ErrOutOfRange},
		{"TCPClientInterface", "target_host = h; target_port = -1", config.ErrOutOfRange},
		{"TCPClientInterface", "target_host = h; target_port = 4294967297", config.ErrOutOfRange},
		{"TCPClientInterface", tcpBase + "; fixed_mtu = 499", config.ErrOutOfRange},
		{"TCPClientInterface", tcpBase + "; fixed_mtu = 0", config.ErrOutOfRange},
		{"TCPClientInterface", tcpBase + "; connect_timeout = -1", config.ErrOutOfRange},
		{"TCPClientInterface", tcpBase + "; kiss_framing = perhaps", nil},
		{"TCPServerInterface", "listen_ip = 127.0.0.1", config.ErrMissing},
		{"TCPServerInterface", "listen_port = 1", nil},
		{"BackboneInterface", "listen_on = 127.0.0.1", config.ErrMissing},
		{"BackboneInterface", backboneBase + "; fast_flapping_block_time = 1e300", config.ErrOutOfRange},
		{"BackboneInterface", backboneBase + "; block_fast_flapping = perhaps", nil},
		{"BackboneClientInterface", "port = 1", nil},
		{"UDPInterface", "", nil},
		{"AutoInterface", "discovery_scope = galaxy", nil},
		{"AutoInterface", "data_port = 70000", config.ErrOutOfRange},
		{"I2PInterface", "", nil},
		{"I2PInterface", "peers = nonsense", i2p.ErrPeer},
		{"I2PInterface", "connectable = yes", errNoStorage},
		{"PipeInterface", "", nil},
		{"PipeInterface", "command = 'a", nil},
		{"PipeInterface", "command = a; respawn_delay = -1", config.ErrOutOfRange},
		{"WebsocketClientInterface", "target_url = https://h", nil},
		{"WebsocketServerInterface", "listen_port = 1", nil},
		{"WeaveInterface", "port = x", ErrUnsupported},
	} {
		if tt.lines == "command = 'a" {
			tt.lines = `command = "'a"`
		}
		_, _, err := build(t, new(Builder), tt.kind, tt.lines)
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) {
			t.Errorf("%s, %s: %v", tt.kind, tt.lines, err)
		}
		var option *config.OptionError
		if errors.Is(err, config.ErrOutOfRange) && (!errors.As(err, &option) || option.Line < 5) {
			t.Errorf("%s, %s: no line in %v", tt.kind, tt.lines, err)
		}
	}
}

// Peers of a listener cannot make it hold more than the largest packet of its bitrate.
func TestPeersAreBoundByTheBitrate(t *testing.T) {
	for _, tt := range []struct {
		kind, lines string
		want        int
	}{
		{"TCPServerInterface", serverBase, 8192}, {"TCPServerInterface", serverBase + "; bitrate = 1000000000", 524_288},
		{"TCPServerInterface", serverBase + "; bitrate = 1000", 0}, {"BackboneInterface", backboneBase, 524_288},
		{"BackboneInterface", backboneBase + "; bitrate = 100000000", 16_384},
	} {
		c, err := config.Parse([]byte("[interfaces]\n[[X]]\ntype = " + tt.kind + "\n" + strings.ReplaceAll(tt.lines, "; ", "\n")))
		if err != nil {
			t.Fatal(err)
		}
		guess := map[string]int64{"TCPServerInterface": 10_000_000, "BackboneInterface": 1_000_000_000}[tt.kind]
		if got := maxPacket(c.Interfaces[0], guess); got != tt.want {
			t.Errorf("%s, %s: %d, want %d", tt.kind, tt.lines, got, tt.want)
		}
	}
}
