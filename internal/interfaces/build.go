package interfaces

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/auto"
	"meshchatx/rns/iface/tcp"
	"meshchatx/rns/iface/udp"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Drivers builds the interfaces this program has drivers for. It is the usual
// Build. The error of a kind without a driver Is ErrUnsupported.
func Drivers(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
	r := options{c.Options, nil}
	d, err := driver(c, &r)
	if r.err != nil {
		err = r.err
	}
	if err != nil {
		return nil, node.InterfaceConfig{}, err
	}
	conf := general(c)
	conf.MaxTries = r.number("max_reconnect_tries")
	return d, conf, r.err
}

func driver(c config.Interface, r *options) (iface.Interface, error) {
	switch c.Type {
	case string(TypeTCPClient):
		return tcpClient(c.Name, r, keyTargetHost, keyTargetPort)
	case string(TypeTCPServer):
		return tcpServer(c.Name, r)
	case "BackboneInterface", "BackboneClientInterface":
		// The wire format is that of TCP. spec: rns-interfaces §4
		if r.text("remote", keyTargetHost) != "" {
			return tcpClient(c.Name, r, "remote", keyPort)
		}
		return tcpServer(c.Name, r)
	case string(TypeUDP):
		return udp.New(udp.Config{
			Name: c.Name, ListenIP: r.text(keyListenIP), ListenPort: r.number(keyListenPort),
			ForwardIP: r.text(keyForwardIP), ForwardPort: r.number(keyForwardPort), Port: r.number(keyPort), Device: r.text(keyDevice),
		})
	case string(TypeAuto):
		return autoInterface(c.Name, r)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnsupported, c.Type)
}

const keyI2P = "i2p_tunneled" //nolint:misspell // as the file has it

// tcpClient reads the options of a client. spec: rns-interfaces §3.1
func tcpClient(name string, r *options, host, port string) (iface.Interface, error) {
	c := tcp.ClientConfig{
		Name: name, Host: r.text(host, keyTargetHost), Port: r.number(port, keyTargetPort), FixedMTU: r.number("fixed_mtu"),
		ConnectTimeout: time.Duration(r.number("connect_timeout")) * time.Second,
	}
	if r.flag(keyKISS) {
		c.Framing = tcp.KISS
	}
	if r.flag(keyI2P) {
		c.Timeouts = tcp.TimeoutsI2P
	}
	return tcp.NewClient(c)
}

// tcpServer reads the options of a listener. spec: rns-interfaces §3.2
func tcpServer(name string, r *options) (iface.Interface, error) {
	c := tcp.ServerConfig{
		Name: name, Host: r.text("listen_on", keyListenIP), Port: r.number(keyPort, keyListenPort), Device: r.text(keyDevice),
	}
	if r.flag("prefer_ipv6") {
		c.Prefer = tcp.PreferIPv6
	}
	if r.flag(keyI2P) {
		c.Timeouts = tcp.TimeoutsI2P
	}
	return tcp.NewServer(c)
}

// autoInterface reads the options of the search for neighbours. spec: rns-interfaces §5.1
func autoInterface(name string, r *options) (iface.Interface, error) {
	c := auto.Config{
		Name: name, GroupID: r.text(keyGroupID), DiscoveryPort: r.number("discovery_port"), DataPort: r.number("data_port"),
		Devices: r.list(keyDevices), IgnoredDevices: r.list(keyIgnoredDevices),
	}
	var err error
	if s := r.text(keyScope); s != "" {
		if c.Scope, err = auto.ParseScope(s); err != nil {
			return nil, r.Error(keyScope, err)
		}
	}
	if s := r.text("multicast_address_type"); s != "" {
		if c.AddressType, err = auto.ParseAddressType(s); err != nil {
			return nil, r.Error("multicast_address_type", err)
		}
	}
	return auto.New(c)
}

// general maps what every kind of interface has. spec: rns-core §23.6
func general(c config.Interface) node.InterfaceConfig {
	conf := node.InterfaceConfig{
		Mode: transport.Mode(c.Mode), ReceiveOnly: node.Switch(!c.Outgoing), NetworkName: c.NetworkName, Passphrase: c.Passphrase,
		AccessCodeSize: c.AccessCodeSize, Bitrate: c.Bitrate, AnnounceCap: c.AnnounceCap, AnnounceRate: transport.AnnounceRate(c.AnnounceRate),
		Gravity: c.Gravity, IngressControl: limit(c.IngressControl), EgressControl: limit(c.EgressControl),
		RecursiveRequests: node.Switch(c.RecursiveRequests), BlockInternalAnnounces: node.Switch(!c.AnnouncesFromInternal),
		AnnouncesToInternal: node.Switch(c.AnnouncesToInternal == config.Yes),
	}
	l := c.Limits
	conf.Ingress = &transport.IngressParams{
		NewInterface: l.NewTime, AnnounceNew: l.BurstFreqNew, AnnounceOld: l.BurstFreq, RequestNew: l.PathRequestFreqNew,
		RequestOld: l.PathRequestFreq, BurstHold: l.BurstHold, BurstPenalty: l.BurstPenalty, HeldRelease: l.HeldReleaseInterval,
		MaxHeld: l.MaxHeldAnnounces, EgressRequests: l.EgressPathRequestMax,
	}
	return conf
}

func limit(on bool) transport.Limit {
	if on {
		return transport.LimitOn
	}
	return transport.LimitOff
}

// options reads a row of options and keeps the first error.
type options struct {
	config.Options
	err error
}

func (o *options) note(err error) {
	if o.err == nil {
		o.err = err
	}
}

func (o *options) text(keys ...string) string {
	v, _, err := o.Text(keys...)
	o.note(err)
	return v
}

func (o *options) number(keys ...string) int {
	v, _, err := o.Int(keys...)
	o.note(err)
	return int(v)
}

func (o *options) flag(keys ...string) bool {
	v, _, err := o.Bool(keys...)
	o.note(err)
	return v
}

func (o *options) list(keys ...string) []string {
	v, _, err := o.List(keys...)
	o.note(err)
	return v
}

// NodeConfig maps the general section of the file. spec: rns-core §23.5
func NodeConfig(c config.Config) node.Config {
	n := node.DefaultConfig()
	r := c.Reticulum
	n.Transport, n.StaticIdentity, n.HopsDelta = node.Switch(r.EnableTransport), node.Switch(r.StaticTransportIdentity), node.Switch(r.LocalHopsDelta)
	n.ImplicitProofs, n.LinkMTUDiscovery = node.Switch(r.UseImplicitProof), node.Switch(r.LinkMTUDiscovery)
	n.Management = node.Management{
		Remote: node.Switch(r.EnableRemoteManagement), Allowed: r.RemoteManagementAllowed, Probes: node.Switch(r.RespondToProbes),
		NetworkIdentity: inHome(r.NetworkIdentity), PublishBlackhole: node.Switch(r.PublishBlackhole),
		BlackholeSources: r.BlackholeSources, BlackholeInterval: r.BlackholeUpdateInterval,
	}
	return n
}

// inHome expands a leading "~" of a path to the home directory of the user.
func inHome(path string) string {
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/' || rest[0] == filepath.Separator) {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	return path
}
