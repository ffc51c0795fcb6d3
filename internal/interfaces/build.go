package interfaces

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meshchatx/internal/wsiface"
	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/backbone"
	"meshchatx/rns/iface/i2p"
	"meshchatx/rns/iface/pipe"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// Builder makes the interfaces this program has drivers for. The zero value makes all of them but endpoints of I2P, which
// keep their key. Build is safe for concurrent use.
type Builder struct {
	// Storage is the storage directory of Reticulum. Identity is the hash of the transport identity.
	Storage  string
	Identity func() rns.Addr
	// I2PRouter is the address of the SAM interface of an I2P router, empty for the usual one.
	I2PRouter string

	flaps backbone.Flaps // of all listeners
}

// Drivers builds like the zero Builder.
func Drivers(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
	return new(Builder).Build(c)
}

// Build makes a driver and its settings from a block of the file. The error of a kind without a driver Is ErrUnsupported.
func (b *Builder) Build(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
	r := options{c.Options, nil}
	conf := general(c)
	d, err := b.driver(c, &r, &conf)
	if r.err != nil {
		err = r.err
	}
	if err != nil {
		return nil, node.InterfaceConfig{}, err
	}
	return d, conf, nil
}

// driver makes the driver of a kind. What the kind sets beyond it goes into conf.
func (b *Builder) driver(c config.Interface, r *options, conf *node.InterfaceConfig) (iface.Interface, error) {
	switch c.Type {
	case string(TypeTCPClient):
		conf.MaxTries = r.tries()
		return tcpClient(c.Name, r)
	case string(TypeTCPServer):
		return tcpServer(c, r)
	case string(TypeBackbone), string(TypeBackboneClient):
		return b.backbone(c, r, conf)
	case string(TypeUDP):
		return udpInterface(c.Name, r)
	case string(TypeAuto):
		return autoInterface(c.Name, r)
	case string(TypeI2P):
		conf.Reconnect = i2p.DefaultReconnect
		return b.i2p(c.Name, r)
	case string(TypePipe):
		conf.Reconnect = r.respawnDelay()
		return pipe.New(pipe.Config{Name: c.Name, Command: r.text(keyCommand)})
	case string(TypeWebSocketClient):
		conf.Reconnect = wsiface.DefaultReconnect
		return wsiface.NewClient(wsiface.ClientConfig{Name: c.Name, URL: r.webSocketURL()})
	case string(TypeWebSocketServer):
		conf.Reconnect = wsiface.DefaultReconnect
		return wsiface.NewServer(wsiface.ServerConfig{Name: c.Name, Host: r.text(keyListenIP), Port: r.port(keyListenPort, keyPort)})
	case string(TypeSerial), string(TypeKISS), string(TypeAX25KISS), string(TypeRNode), string(TypeRNodeMulti):
		return serialKind(c, r)
	}
	return nil, fmt.Errorf("%w: %s", ErrUnsupported, c.Type)
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

// NodeConfig maps the general section of the file. spec: rns-core §23.5
func NodeConfig(c config.Config) node.Config {
	n := node.DefaultConfig()
	r := c.Reticulum
	n.Transport, n.StaticIdentity, n.HopsDelta = node.Switch(r.EnableTransport), node.Switch(r.StaticTransportIdentity), node.Switch(r.LocalHopsDelta)
	n.ImplicitProofs, n.LinkMTUDiscovery = node.Switch(r.UseImplicitProof), node.Switch(r.LinkMTUDiscovery)
	n.Shared = SharedConfig(r)
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
