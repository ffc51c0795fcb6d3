package interfaces

import (
	"context"
	"errors"
	"fmt"

	"meshchatx/rns/config"
	"meshchatx/rns/discovery"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/backbone"
	"meshchatx/rns/node"
)

// discoveryHost is the service as the agent sees it.
type discoveryHost struct{ *Service }

// connectBitrate is assumed of what was connected to by itself, in bit/s.
// spec: rns-core §22.6
const connectBitrate = 5_000_000

// Connect attaches a backbone client. Its access code is that of the record.
// spec: rns-core §22.6
func (h discoveryHost) Connect(_ context.Context, r discovery.Record) (node.InterfaceID, error) {
	h.mu.Lock()
	conf := h.doc.conf.Reticulum
	h.mu.Unlock()
	build := h.opt.Reach
	if build == nil {
		build = reach
	}
	driver, err := build(r)
	if err != nil {
		return 0, err
	}
	return h.opt.Node.AddInterface(driver, connectConfig(conf, r))
}

// reach makes the driver that leads to a discovered interface.
func reach(r discovery.Record) (iface.Interface, error) {
	return backbone.NewClient(backbone.ClientConfig{Name: r.Name, Host: r.ReachableOn, Port: r.Port})
}

// connectConfig is what an interface is given that was connected to by itself.
// spec: rns-core §22.6
func connectConfig(conf config.Reticulum, r discovery.Record) node.InterfaceConfig {
	c := config.Interface{
		Mode: config.ModeFull, Outgoing: true, Bitrate: connectBitrate, Gravity: conf.AutoconnectGravity, IngressControl: true,
		EgressControl: conf.EgressControl, Limits: conf.Limits, AnnouncesFromInternal: true,
	}
	if conf.EnableTransport {
		c.Mode, c.AnnounceRate = config.ModeGateway, conf.DefaultAnnounceRate
	}
	if conf.AutoconnectMode != 0 {
		c.Mode = conf.AutoconnectMode
	}
	if conf.AutoconnectAnnouncesToInternal {
		c.AnnouncesToInternal = config.Yes
	}
	if r.Access != nil {
		c.NetworkName, c.Passphrase = r.Access.NetworkName, r.Access.Passphrase
	}
	made := general(c)
	made.AutoconnectSource = r.NetworkID
	return made
}

// up lists the blocks of the file that run.
func (h discoveryHost) up() []config.Interface {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []config.Interface
	for _, c := range h.doc.conf.Interfaces {
		if _, runs := h.running[c.Name]; runs {
			all = append(all, c)
		}
	}
	return all
}

// Endpoints lists where the configured interfaces lead. spec: rns-core §22.6
func (h discoveryHost) Endpoints(ctx context.Context) []discovery.Endpoint {
	var all []discovery.Endpoint
	for _, c := range h.up() {
		r := options{c.Options, nil}
		switch c.Type {
		case string(TypeTCPClient):
			all = append(all, discovery.Endpoint{Host: r.text(keyTargetHost), Port: r.number(keyTargetPort)})
		case string(discovery.TypeBackbone), typeBackboneClient:
			if host := r.text(remoteKey, keyTargetHost); host != "" {
				all = append(all, discovery.Endpoint{Host: host, Port: r.number(keyPort, keyTargetPort)})
			}
		case string(discovery.TypeI2P):
			if own := h.address(ctx, c.Name); own != "" {
				all = append(all, discovery.Endpoint{Host: own})
			}
			for _, peer := range r.list("peers") {
				all = append(all, discovery.Endpoint{Host: peer})
			}
		}
	}
	return all
}

const (
	typeBackboneClient = "BackboneClientInterface"
	remoteKey          = "remote"
)

// address is the name under which others reach an interface through a network
// that hides places; empty where there is none, or not yet.
func (h discoveryHost) address(ctx context.Context, name string) string {
	live, err := h.live(ctx)
	if err != nil {
		return "" // the node is closing
	}
	h.mu.Lock()
	id := h.running[name].id
	h.mu.Unlock()
	for _, i := range live {
		if own, ok := i.Driver.(iface.Reachable); ok && i.ID == id && own.Endpoint().Connectable {
			return own.Endpoint().Address
		}
	}
	return ""
}

// Bootstrap counts the running interfaces that only help to find others.
// spec: rns-core §22.6
func (h discoveryHost) Bootstrap(context.Context) int {
	n := 0
	for _, c := range h.up() {
		if c.BootstrapOnly {
			n++
		}
	}
	return n
}

// StopBootstrap stops them. The file is not changed.
func (h discoveryHost) StopBootstrap(ctx context.Context) {
	h.editing.Lock()
	defer h.editing.Unlock()
	for _, c := range h.up() {
		if !c.BootstrapOnly {
			continue
		}
		h.mu.Lock()
		r := h.running[c.Name]
		h.mu.Unlock()
		h.opt.Log.Info("interface is not needed while others are connected", "interface", c.Name)
		h.stop(ctx, c.Name, r)
	}
}

// StartBootstrap starts those that the file enables.
func (h discoveryHost) StartBootstrap(context.Context) {
	h.editing.Lock()
	defer h.editing.Unlock()
	h.mu.Lock()
	doc := h.doc
	h.mu.Unlock()
	for _, c := range doc.conf.Interfaces {
		if c.Enabled && c.BootstrapOnly {
			h.start(c, fingerprint(doc.section(c.Name)))
		}
	}
}

// Offers lists the interfaces to publish. spec: rns-core §22.1
func (h discoveryHost) Offers(ctx context.Context) []discovery.Offer {
	var all []discovery.Offer
	for _, c := range h.up() {
		if !c.Discovery.Enabled {
			continue
		}
		info, err := h.info(ctx, c)
		if err != nil {
			h.opt.Log.Debug("interface is not published", "interface", c.Name, "error", err)
			continue
		}
		o := discovery.Offer{
			Name: c.Name, Info: info, Interval: c.Discovery.AnnounceInterval, Cost: c.Discovery.StampValue,
			LocationCommand: inHome(c.Discovery.LocationCommand),
		}
		if c.Discovery.Encrypt {
			o.Secrecy = discovery.Encrypted
		}
		all = append(all, o)
	}
	return all
}

var errNotPublished = errors.New("this kind of interface is not published")

// info is what is published of an interface. spec: rns-core §22.2
func (h discoveryHost) info(ctx context.Context, c config.Interface) (discovery.Info, error) {
	d, r := c.Discovery, options{c.Options, nil}
	i := discovery.Info{
		Type: discovery.Type(c.Type), Name: d.Name, Latitude: d.Latitude, Longitude: d.Longitude, Height: d.Height,
	}
	if d.PublishIFAC {
		i.Access = &discovery.Access{NetworkName: discovery.CleanText(c.NetworkName), Passphrase: discovery.CleanText(c.Passphrase)}
	}
	switch {
	case i.Type == discovery.TypeTCPServer, i.Type == discovery.TypeBackbone && r.text(remoteKey, keyTargetHost) == "":
		i.ReachableOn, i.Port = d.ReachableOn, r.number(keyPort, keyListenPort)
	case i.Type == discovery.TypeI2P:
		if i.ReachableOn = h.address(ctx, c.Name); i.ReachableOn == "" {
			return i, fmt.Errorf("%w before its address is known", errNotPublished)
		}
	case i.Type == discovery.TypeRNode:
		i.Frequency, i.Bandwidth = value(r, "frequency"), value(r, "bandwidth")
		i.SpreadingFactor, i.CodingRate = value(r, "spreadingfactor"), value(r, "codingrate")
	case i.Type == discovery.TypeKISS, c.Type == string(TypeTCPClient) && r.flag(keyKISS):
		i.Type = discovery.TypeKISS
		i.Frequency, i.Bandwidth, i.Modulation.Number = known(d.Frequency), known(d.Bandwidth), known(d.Modulation)
	default:
		return i, errNotPublished
	}
	return i, r.err
}

func value(r options, key string) *int64 {
	v, ok, err := r.Int(key)
	if !ok || err != nil {
		return nil
	}
	return &v
}

func known(v int64) *int64 {
	if v == 0 {
		return nil
	}
	return &v
}
