package interop

import (
	"context"
	"fmt"
	"maps"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/ax25"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/rnodemulti"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
	"meshchatx/rns/node"
	"meshchatx/tools/peer"
)

// device is one kind of serial device, with both programs at it.
type device struct {
	name string
	// plugs are what is plugged into our port and the partner's.
	plugs func() (ours, theirs devicetest.Device)
	// driver is our side, args the partner's.
	driver func(port string) (iface.Interface, error)
	args   peer.Args
	access access
	// network reaches the devices by TCP instead of terminals.
	network bool
	// resource is the size in bytes of what is carried both ways.
	resource int
}

func radios(chips ...uint8) func() (devicetest.Device, devicetest.Device) {
	return func() (devicetest.Device, devicetest.Device) {
		air := devicetest.NewAir()
		p := devicetest.DefaultRNodeParams()
		p.Chips = chips
		return devicetest.NewRNode(air, p), devicetest.NewRNode(air, p)
	}
}

func modems() (devicetest.Device, devicetest.Device) {
	air := devicetest.NewAir()
	p := devicetest.DefaultTNCParams()
	p.Bitrate = 100_000
	return devicetest.NewTNC(air, p), devicetest.NewTNC(air, p)
}

const (
	liveFrequency = 2_400_000_000
	liveBandwidth = 812_500
	liveSF        = 6
	liveCR        = 5
)

func liveRadio(flow serialport.Flow) func(string) (iface.Interface, error) {
	return func(port string) (iface.Interface, error) {
		return rnode.New(rnode.Config{
			Name: "radio", Port: port, Frequency: liveFrequency, Bandwidth: liveBandwidth, TXPower: 10, SpreadingFactor: liveSF, CodingRate: liveCR,
			Flow: flow,
		})
	}
}

func radioArgs(more peer.Args) peer.Args {
	a := peer.Args{
		"type": "RNodeInterface", "frequency": liveFrequency, "bandwidth": liveBandwidth, "txpower": 10, "spreadingfactor": liveSF,
		"codingrate": liveCR,
	}
	maps.Copy(a, more)
	return a
}

func liveModem(port string) kiss.Config {
	c := kiss.DefaultConfig("tnc", port)
	c.Settings.Speed, c.Flow = 115_200, serialport.FlowReady
	c.Channel.Preamble, c.Channel.Tail = 10*time.Millisecond, 0
	return c
}

var modemArgs = peer.Args{"speed": 115_200, "preamble": 10, "txtail": 0, "flow_control": true}

// fastRadio is a subsection of the partner's configuration, up to its last value.
var fastRadio = fmt.Sprintf(`zz = 1
      [[[fast]]]
        vport = 1
        frequency = %d
        bandwidth = %d
        txpower = 10
        spreadingfactor = %d
        codingrate = %d
        interface_enabled`, liveFrequency, liveBandwidth, liveSF, liveCR)

func devices() []device {
	cable := func() (devicetest.Device, devicetest.Device) { return devicetest.NewCable().Ends() }
	line := func(port string) (iface.Interface, error) {
		return serial.New(serial.Config{Name: "line", Settings: serialport.Settings{Port: port, Speed: 115_200}})
	}
	with := func(a, b peer.Args) peer.Args {
		out := maps.Clone(a)
		maps.Copy(out, b)
		return out
	}
	return []device{
		{name: "Serial", plugs: cable, driver: line, args: peer.Args{"type": "SerialInterface", "speed": 115_200}, resource: 30_000},
		{name: "Serial IFAC", plugs: cable, driver: line, args: peer.Args{"type": "SerialInterface", "speed": 115_200}, access: codes, resource: 10_000},
		{name: "KISS", plugs: modems, driver: func(port string) (iface.Interface, error) {
			return kiss.New(liveModem(port))
		}, args: with(modemArgs, peer.Args{"type": "KISSInterface"}), resource: 10_000},
		{name: "AX25KISS", plugs: modems, driver: func(port string) (iface.Interface, error) {
			return ax25.New(ax25.Config{Modem: liveModem(port), Callsign: "N0CALL", SSID: 1})
		}, args: with(modemArgs, peer.Args{"type": "AX25KISSInterface", "callsign": "N1CALL", "ssid": 2}), resource: 10_000},
		{name: "RNode", plugs: radios(), driver: liveRadio(serialport.FlowNone), args: radioArgs(nil), resource: 20_000},
		{name: "RNode flow control IFAC", plugs: radios(), driver: liveRadio(serialport.FlowReady),
			args: radioArgs(peer.Args{"flow_control": true, "airtime_limit_short": 90}), access: codes, resource: 20_000},
		{name: "RNode TCP", plugs: radios(), driver: liveRadio(serialport.FlowNone), args: radioArgs(nil), network: true, resource: 20_000},
		{name: "RNodeMulti", plugs: radios(0x11, 0x20), driver: func(port string) (iface.Interface, error) {
			return rnodemulti.New(rnodemulti.Config{Name: "board", Port: port, Radios: []rnodemulti.Radio{{
				Name: "fast", VPort: 1, Frequency: liveFrequency, Bandwidth: liveBandwidth, TXPower: 10, SpreadingFactor: liveSF, CodingRate: liveCR,
			}}})
		}, args: peer.Args{"type": "RNodeMultiInterface", fastRadio: true}, resource: 20_000},
	}
}

// plugged is a simulated device on a pseudo-terminal.
func plugged(t *testing.T, d devicetest.Device) *devicetest.Port {
	t.Helper()
	p, err := devicetest.NewTerminalPort(d, filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// TestLiveSerial: announces, links, packets with proofs and resources in both directions, with the reference at the one
// end of a simulated device and our driver at the other; then our device is pulled and put back.
func TestLiveSerial(t *testing.T) {
	pythonPath(t)
	for _, d := range devices() {
		t.Run(d.name, func(t *testing.T) {
			record(t, "serial", d.name, 4*time.Minute, func(ctx context.Context) []string { return d.run(ctx, t) })
		})
	}
}

func (d device) run(ctx context.Context, t *testing.T) []string {
	t.Helper()
	a, b := d.plugs()
	if d.network {
		return d.exchange(ctx, t, "tcp://"+reached(t, a, "127.0.0.1:0"), "tcp://"+reached(t, b, theirPort), func() {})
	}
	ours, theirs := plugged(t, a), plugged(t, b)
	return d.exchange(ctx, t, ours.Path(), theirs.Path(), func() {
		ours.Unplug()
		if err := ours.Plug(); err != nil {
			t.Fatal(err)
		}
	})
}

// theirPort is the only one that the reference knows; the address is one that nobody else uses.
const theirPort = "127.0.77.33:7633"

// reached is a simulated device on the network. The port is left out where it is the usual one.
func reached(t *testing.T, d devicetest.Device, address string) string {
	t.Helper()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Skip(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = devicetest.ServeTCP(l, d)
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return strings.TrimSuffix(l.Addr().String(), ":7633")
}

// exchange runs both programs, and again after the device was disturbed.
func (d device) exchange(ctx context.Context, t *testing.T, ours, theirs string, disturb func()) []string {
	t.Helper()
	l := &lab{peer: startPartner(t, filepath.Join(t.TempDir(), "partner"))}
	args := maps.Clone(d.args)
	args["port"] = theirs
	var err error
	if l.info, err = l.peer.Open(ctx, partnerArgs(d.access.args(args))); err != nil {
		t.Fatal(err)
	}
	n := startNode(t, node.Off, new(node.MemStorage))
	driver, err := d.driver(ours)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := attach(ctx, n, func() (node.InterfaceID, error) { return n.AddInterface(driver, d.access.config()) }); err != nil {
		t.Fatal(err)
	}
	l.ours = startStation(t, n)
	l.lxmf = addr(t, l.info.Delivery)
	l.echo, l.quiet = l.openDestination(ctx, t, echoName, false), l.openDestination(ctx, t, quietName, true)
	l.introduce(ctx, t)
	out, in := l.carry(ctx, t, d.resource), l.carryBack(ctx, t, d.resource)
	disturb()
	again := func() error {
		_ = l.ours.echo.Announce(ctx, node.AnnounceOptions{}) // at first there is no interface to send on
		return nil
	}
	l.announceUntil(ctx, t, again, l.partnerHears(l.ours.echo.Addr()))
	return []string{
		fmt.Sprintf("%d bytes out in %.1f s", d.resource, out.Seconds()), fmt.Sprintf("back in %.1f s", in.Seconds()),
	}
}

// carry uses a link that we open.
func (l *lab) carry(ctx context.Context, t *testing.T, size int) time.Duration {
	t.Helper()
	link, err := l.ours.node.OpenLink(ctx, l.echo, l.ours.handler(nil))
	if err != nil {
		t.Fatal(err)
	}
	defer link.Close()
	l.ourPackets(ctx, t, link)
	return l.sendResource(ctx, t, link, size, peer.Random)
}

// carryBack uses a link that the partner opens.
func (l *lab) carryBack(ctx context.Context, t *testing.T, size int) time.Duration {
	t.Helper()
	link, _ := l.openFromPartner(ctx, t, l.ours.echo, peer.Args{"name": echoName})
	defer link.Close()
	l.theirPackets(ctx, t, link)
	return l.receiveResource(ctx, t, link, size, peer.Random)
}
