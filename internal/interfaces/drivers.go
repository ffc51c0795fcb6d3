package interfaces

import (
	"errors"
	"fmt"
	"math"
	"time"

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

const (
	keyI2P      = "i2p_tunneled" //nolint:misspell // as the file has it
	keyFixedMTU = "fixed_mtu"
	keyTries    = "max_reconnect_tries"
)

// tcpClient reads the options of a client. spec: rns-interfaces §3.1
func tcpClient(name string, r *options) (iface.Interface, error) {
	c := tcp.ClientConfig{
		Name: name, Host: r.text(keyTargetHost), Port: r.port(keyTargetPort), FixedMTU: r.fixedMTU(), ConnectTimeout: r.connectTimeout(),
		Timeouts: r.timeouts(),
	}
	if r.flag(keyKISS) {
		c.Framing = tcp.KISS
	}
	return tcp.NewClient(c)
}

// tcpServer reads the options of a listener. spec: rns-interfaces §3.2
func tcpServer(c config.Interface, r *options) (iface.Interface, error) {
	return tcp.NewServer(tcp.ServerConfig{
		Name: c.Name, Host: r.text(keyListenIP), Port: r.required(keyPort, keyListenPort), Device: r.text(keyDevice), Prefer: r.family(),
		Timeouts: r.timeouts(), MaxPacket: maxPacket(c, 10_000_000),
	})
}

// backbone reads the options of both kinds: what names a remote host is a client. spec: rns-interfaces §4
func (b *Builder) backbone(c config.Interface, r *options, conf *node.InterfaceConfig) (iface.Interface, error) {
	if c.Type == string(TypeBackboneClient) || r.has(keyRemote) || r.has(keyTargetHost) {
		conf.MaxTries = r.tries()
		return backbone.NewClient(backbone.ClientConfig{
			Name: c.Name, Host: r.text(keyRemote, keyTargetHost), Port: r.port(keyPort, keyTargetPort), Prefer: r.family(),
			ConnectTimeout: r.connectTimeout(),
		})
	}
	return backbone.NewServer(backbone.ServerConfig{
		Name: c.Name, Host: r.text(keyListenOn, keyListenIP), Port: r.required(keyPort, keyListenPort), Device: r.text(keyDevice),
		Prefer: r.family(), Flapping: r.flapping(), Flaps: &b.flaps, MaxPacket: maxPacket(c, 1_000_000_000),
	})
}

// maxPacket is the largest packet at the bitrate of a listener, 0 where the bitrate gives none. spec: rns-interfaces §1.3
func maxPacket(c config.Interface, guess int64) int {
	if c.Bitrate > 0 {
		guess = c.Bitrate
	}
	return iface.OptimiseMTU(guess)
}

// flapping reads whose connections are refused. spec: rns-interfaces §4
func (o *options) flapping() backbone.Flapping {
	f := backbone.DefaultFlapping()
	if v, has, err := o.Bool("block_fast_flapping"); has {
		o.note(err)
		f.Off = !v
	}
	f.Threshold = o.duration("fast_flapping_threshold", time.Second, f.Threshold)
	f.BlockTime = o.duration("fast_flapping_block_time", time.Minute, f.BlockTime)
	if v, has := o.present("fast_flapping_grace"); has {
		f.Grace = v
	}
	return f
}

// udpInterface reads the options of datagrams. spec: rns-interfaces §6
func udpInterface(name string, r *options) (iface.Interface, error) {
	return udp.New(udp.Config{
		Name: name, ListenIP: r.text(keyListenIP), ListenPort: r.port(keyListenPort), ForwardIP: r.text(keyForwardIP),
		ForwardPort: r.port(keyForwardPort), Port: r.port(keyPort), Device: r.text(keyDevice),
	})
}

// autoInterface reads the options of the search for neighbours. spec: rns-interfaces §5.1
func autoInterface(name string, r *options) (iface.Interface, error) {
	c := auto.Config{
		Name: name, GroupID: r.text(keyGroupID), DiscoveryPort: r.port("discovery_port"), DataPort: r.port("data_port"),
		Devices: r.list(keyDevices), IgnoredDevices: r.list(keyIgnoredDevices),
	}
	if s := r.text(keyScope); s != "" {
		var err error
		if c.Scope, err = auto.ParseScope(s); err != nil {
			return nil, r.Error(keyScope, err)
		}
	}
	// What is not known means temporary, as in the reference.
	c.AddressType, _ = auto.ParseAddressType(r.text("multicast_address_type"))
	return auto.New(c)
}

// errNoStorage means that there is no place for the key of an endpoint.
var errNoStorage = errors.New("the endpoint of an I2P interface needs a storage directory")

// i2p reads the options of an I2P interface. spec: rns-interfaces §14
func (b *Builder) i2p(name string, r *options) (iface.Interface, error) {
	c := i2p.Config{Name: name, Connectable: r.flag(keyConnectable), Router: b.I2PRouter}
	for _, p := range r.list(keyPeers) {
		if p != "" {
			c.Peers = append(c.Peers, p)
		}
	}
	if c.Connectable {
		if b.Storage == "" || b.Identity == nil {
			return nil, errNoStorage
		}
		c.KeyFile = i2p.KeyFile(b.Storage, name, b.Identity())
	}
	return i2p.New(c)
}

// webSocketURL is the target of a client, in one piece or in three.
func (o *options) webSocketURL() string {
	if url := o.text(keyTargetURL); url != "" || !o.has(keyTargetHost) {
		return url
	}
	scheme := o.text(keyTargetType)
	if scheme == "" {
		scheme = "ws"
	}
	return fmt.Sprintf("%s://%s", scheme, hostPort(o.text(keyTargetHost), o.port(keyTargetPort)))
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

func (o *options) has(key string) bool {
	_, has, _ := o.List(key)
	return has
}

func (o *options) text(keys ...string) string {
	v, _, err := o.Text(keys...)
	o.note(err)
	return v
}

// present reads a number that may be left out. Numbers are bounded, so that none changes its value on its way.
func (o *options) present(keys ...string) (n int, has bool) {
	v, has, err := o.Int(keys...)
	o.note(err)
	if v > math.MaxInt32 || v < math.MinInt32 {
		o.note(o.Error(o.first(keys), config.ErrOutOfRange))
		return 0, has
	}
	return int(v), has
}

func (o *options) number(keys ...string) int {
	v, _ := o.present(keys...)
	return v
}

// port reads a port, 0 if there is none.
func (o *options) port(keys ...string) int {
	v, has := o.present(keys...)
	if has && (v < 0 || v > 65535) {
		o.note(o.Error(o.first(keys), config.ErrOutOfRange))
	}
	return v
}

// required reads a port that must be there.
func (o *options) required(keys ...string) int {
	v, has := o.present(keys...)
	switch {
	case !has:
		o.note(o.Error(keys[0], config.ErrMissing))
	case v < 0 || v > 65535:
		o.note(o.Error(o.first(keys), config.ErrOutOfRange))
	}
	return v
}

// first is the key that is in the file.
func (o *options) first(keys []string) string {
	for _, key := range keys {
		if o.has(key) {
			return key
		}
	}
	return keys[0]
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

// maxDuration bounds times: it is more than any setting means, and less than overflows.
const maxDuration = 100 * 365 * 24 * time.Hour

// duration reads a time that may have a fraction.
func (o *options) duration(key string, unit, without time.Duration) time.Duration {
	v, has, err := o.Float(key)
	o.note(err)
	if !has || err != nil {
		return without
	}
	if v < 0 || v > float64(maxDuration/unit) {
		o.note(o.Error(key, config.ErrOutOfRange))
		return without
	}
	return time.Duration(v * float64(unit))
}

// fixedMTU reads an MTU of at least 500 bytes, 0 if there is none. spec: rns-interfaces §3.1
func (o *options) fixedMTU() int {
	v, has := o.present(keyFixedMTU)
	if has && (v < rns.MTU || v > maxFixedMTU) {
		o.note(o.Error(keyFixedMTU, config.ErrOutOfRange))
	}
	return v
}

// maxFixedMTU is the largest automatic MTU. spec: rns-interfaces §1.3
const maxFixedMTU = 524_288

// connectTimeout bounds an attempt to connect; 0 means the default.
//
// differs: the reference reads the option and does not use it. spec: rns-interfaces §1.5
func (o *options) connectTimeout() time.Duration {
	return min(o.duration("connect_timeout", time.Second, 0), maxConnectTimeout)
}

const maxConnectTimeout = time.Hour

// tries is how often to try in a row: once, and as often again as the option says. 0 is without end.
// spec: rns-interfaces §1.5
func (o *options) tries() int {
	v, has := o.present(keyTries)
	if !has || v < 0 {
		return 0
	}
	return v + 1
}

func (o *options) family() stream.Family {
	if o.flag(keyPreferIPv6) {
		return stream.PreferIPv6
	}
	return stream.PreferIPv4
}

func (o *options) timeouts() stream.Timeouts {
	if o.flag(keyI2P) {
		return stream.TimeoutsI2P
	}
	return stream.TimeoutsNormal
}

// minRespawn keeps a program that ends at once from being started without pause.
const minRespawn = 100 * time.Millisecond

// respawnDelay is the wait before a program is started again. spec: rns-interfaces §8
func (o *options) respawnDelay() time.Duration {
	return max(o.duration("respawn_delay", time.Second, pipe.DefaultRespawnDelay), minRespawn)
}
