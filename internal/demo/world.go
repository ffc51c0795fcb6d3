package demo

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// world is the simulated network: nodes of this process, the media between them, and the people on them.
//
//	program ── Oslo Hub ────── hub ── village: Sakura, Kari, weather station
//	   ├────── Melbourne Hub ─ far, with nobody but announces
//	   ├────── Home network ── Mira; Solveig (24 kbit/s)
//	   └────── Ridge radio ─── ridge: Tomas, relay (3 kbit/s)
type world struct {
	conf Config
	seed source
	log  *slog.Logger

	people                                 cast
	hub, far, home, garden, village, ridge *node.Node

	crowd map[string]*mem.Endpoint // where announces of strangers enter, by interface

	peers []*peer
	wires wires

	tasks  sync.WaitGroup
	ctx    context.Context //nolint:containedctx // of everybody who lives here; ended by close
	cancel context.CancelFunc
}

// newWorld starts the network.
func newWorld(conf Config, seed source, people cast) (w *world, err error) {
	w = &world{conf: conf, seed: seed, log: conf.Log, people: people}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, w.close())
		}
	}()
	for _, n := range []struct {
		at    **node.Node
		name  string
		relay node.Switch
	}{
		{&w.hub, "hub", node.On}, {&w.far, "far", node.On}, {&w.home, "home", node.Off}, {&w.garden, "garden", node.Off},
		{&w.village, "village", node.Off}, {&w.ridge, "ridge", node.Off},
	} {
		if *n.at, err = w.newNode(n.name, n.relay); err != nil {
			return w, err
		}
	}
	a, b := mem.Pair("village", "hub", mem.Conditions{Delay: 12 * time.Millisecond})
	if err := errors.Join(join(w.village, b), join(w.hub, a)); err != nil {
		return w, err
	}
	w.crowd = map[string]*mem.Endpoint{ifaceHub: mem.New("crowd"), ifaceFar: mem.New("crowd")}
	if err := errors.Join(join(w.hub, w.crowd[ifaceHub]), join(w.far, w.crowd[ifaceFar])); err != nil {
		return w, err
	}
	for at, keys := range map[*node.Node][]string{
		w.home: {"mira"}, w.garden: {"solveig"}, w.village: {"sakura", "kari", "weather"}, w.ridge: {"tomas", "ridge"},
	} {
		for _, key := range keys {
			if err := w.settle(people[key], at); err != nil {
				return w, err
			}
		}
	}
	return w, nil
}

func (w *world) newNode(name string, relay node.Switch) (*node.Node, error) {
	c := node.DefaultConfig()
	c.Transport = relay
	w.conf.Pace.node(&c)
	id, err := w.seed.identity("node " + name)
	if err != nil {
		return nil, err
	}
	var memory node.MemStorage
	if err := memory.Write("transport_identity", id.Bytes()); err != nil {
		return nil, err
	}
	n, err := node.New(c, node.WithLogger(w.log), node.WithStorage(&memory))
	if err != nil {
		return nil, err
	}
	return n, n.Start(w.ctx)
}

func join(n *node.Node, e *mem.Endpoint) error {
	_, err := n.AddInterface(e, node.InterfaceConfig{IngressControl: transport.LimitOff})
	return err
}

// attach joins the far end of a medium to a node of the simulated network and takes away the one that was there for the
// same interface before.
func (w *world) attach(name string, to *node.Node, far *mem.Endpoint, conf node.InterfaceConfig) error {
	id, err := to.AddInterface(far, conf)
	if err != nil {
		return err
	}
	w.wires.replace(name, func() { w.detach(to, id) })
	return nil
}

func (w *world) detach(from *node.Node, id node.InterfaceID) {
	ctx, cancel := context.WithTimeout(w.ctx, time.Second)
	defer cancel()
	if err := from.RemoveInterface(ctx, id); err != nil {
		w.log.Debug("simulated interface is not removed", "error", err)
	}
}

// buildClient connects to a hub, or fails as the name of the host says.
func (w *world) buildClient(c config.Interface, conf node.InterfaceConfig) (iface.Interface, error) {
	host, _, err := c.Options.Text("target_host")
	if err != nil {
		return nil, err
	}
	if _, _, err := c.Options.Int("target_port"); err != nil {
		return nil, err
	}
	i := info(c, iface.RoleEndpoint, 10_000_000)
	if r := refusal(host); r != nil {
		r.info = i
		return r, nil
	}
	to, delay := w.hub, 14*time.Millisecond
	if c.Name == ifaceFar {
		to, delay = w.far, 140*time.Millisecond
	}
	near, far := mem.Pair(c.Name, c.Name+" (hub)", mem.Conditions{Delay: delay, Jitter: delay / 4, Seed: uint64(w.seed)}, like(i))
	return near, w.attach(c.Name, to, far, remote(conf))
}

// buildRadio is a slow medium to those on the ridge.
func (w *world) buildRadio(c config.Interface, conf node.InterfaceConfig) (iface.Interface, error) {
	i := info(c, iface.RoleEndpoint, slowBitrate)
	i.MTU, i.MTUClass, i.AccessCodeSize = rns.MTU, iface.MTUFixed, 8
	near, far := mem.Pair(c.Name, c.Name+" (ridge)", mem.Conditions{
		Delay: 40 * time.Millisecond, Bandwidth: w.conf.Pace.bitrate(slowBitrate), Seed: uint64(w.seed),
	}, like(i))
	r := w.seed.chance("radio")
	var mu sync.Mutex
	measure := func() iface.Signal {
		mu.Lock()
		defer mu.Unlock()
		return iface.Signal{RSSI: -104 + float64(r.IntN(14)), SNR: 3 + float64(r.IntN(16))/2, Quality: 78, HasRSSI: true, HasSNR: true, HasQuality: true}
	}
	return &radio{Endpoint: near, measure: measure}, w.attach(c.Name, w.ridge, far, remote(conf))
}

// remote is the configuration of the far end: the same access code, nothing else of ours.
func remote(c node.InterfaceConfig) node.InterfaceConfig {
	return node.InterfaceConfig{
		NetworkName: c.NetworkName, Passphrase: c.Passphrase, AccessCodeSize: c.AccessCodeSize, IngressControl: transport.LimitOff,
	}
}

// neighbours are those found in the local network.
func (w *world) neighbours() (children []iface.Interface, leave func()) {
	var left []func()
	for _, n := range []struct {
		at        *node.Node
		addr      string
		bandwidth int64
	}{
		{w.home, "fe80::5c1d:20ff:fe12:77a1", 0}, {w.garden, "fe80::84b9:e2ff:fe03:1c9d", w.conf.Pace.bitrate(wifiBitrate)},
	} {
		i := iface.Info{
			Name: "AutoInterfacePeer[wlan0/" + n.addr + "]", Type: "AutoInterfacePeer", Bitrate: 10_000_000, MTU: 1196,
			MTUClass: iface.MTUFixed, AccessCodeSize: 16, Role: iface.RolePeer,
		}
		i.Label = i.Name
		near, far := mem.Pair(i.Name, i.Name+" (far)", mem.Conditions{Delay: 2 * time.Millisecond, Bandwidth: n.bandwidth}, like(i))
		id, err := n.at.AddInterface(&plain{far}, node.InterfaceConfig{IngressControl: transport.LimitOff})
		if err != nil {
			w.log.Error("neighbour does not join", "error", err)
			continue
		}
		children = append(children, near)
		left = append(left, func() { w.detach(n.at, id) })
	}
	return children, func() {
		for _, f := range left {
			f()
		}
	}
}

// plain makes an ordinary interface of the far end of a peer's medium.
type plain struct{ *mem.Endpoint }

// Info implements iface.Interface.
func (p *plain) Info() iface.Info {
	i := p.Endpoint.Info()
	i.Role, i.Name, i.Label = iface.RoleEndpoint, "home", "home"
	return i
}

// close ends the network. It may be called more than once.
func (w *world) close() error {
	w.cancel()
	w.tasks.Wait()
	var err error
	for _, n := range []*node.Node{w.hub, w.far, w.home, w.garden, w.village, w.ridge} {
		if n != nil {
			err = errors.Join(err, n.Close())
		}
	}
	return err
}
