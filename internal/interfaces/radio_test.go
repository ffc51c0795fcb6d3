package interfaces

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/ax25"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/rnodemulti"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
)

const rnodeBase = "port = /dev/ttyUSB0; frequency = 867200000; bandwidth = 125000; spreadingfactor = 8; codingrate = 5"

// spec: rns-interfaces §7, §10, §11, §12.1
func TestSerialKindsFromTheFile(t *testing.T) {
	line := func(port string) serialport.Settings { return serialport.Settings{Port: port}.Filled() }
	modem := func(f func(*kiss.Config)) kiss.Config {
		c := kiss.DefaultConfig("X", "p")
		c.Settings, c.Type = line("p"), "KISSInterface"
		f(&c)
		return c
	}
	radio := func(f func(*rnode.Config)) rnode.Config {
		c := rnode.Config{
			Name: "X", Port: "/dev/ttyUSB0", Frequency: 867_200_000, Bandwidth: 125_000, SpreadingFactor: 8, CodingRate: 5,
		}
		f(&c)
		return c
	}
	for _, c := range []struct {
		kind, lines string
		want        any
	}{
		{"SerialInterface", "port = COM3", line("COM3")},
		{"SerialInterface", "port = p; speed = 115200; databits = 7; parity = Even; stopbits = 2", serialport.Settings{
			Port: "p", Speed: 115200, DataBits: 7, StopBits: 2, Parity: serialport.ParityEven,
		}},
		{"KISSInterface", "port = p", modem(func(*kiss.Config) {})},
		{"KISSInterface", "port = p; preamble = 150; txtail = 10; persistence = 200; slottime = 40; flow_control = yes", modem(func(c *kiss.Config) {
			c.Channel = kiss.Channel{Preamble: 150 * time.Millisecond, Tail: 10 * time.Millisecond, SlotTime: 40 * time.Millisecond, Persistence: 200}
			c.Flow = serialport.FlowReady
		})},
		{"KISSInterface", "port = p; persistence = 999; preamble = -5", modem(func(c *kiss.Config) {
			c.Channel.Persistence, c.Channel.Preamble = 255, 0
		})},
		{"KISSInterface", "port = p; id_interval = 600; id_callsign = MYCALL-0", modem(func(c *kiss.Config) {
			c.BeaconInterval, c.Callsign = 10*time.Minute, "MYCALL-0"
		})},
		{"KISSInterface", "port = p; beacon_interval = 600; beacon_data = MYCALL-0", modem(func(c *kiss.Config) {
			c.BeaconInterval, c.Callsign = 10*time.Minute, "MYCALL-0"
		})},
		{"KISSInterface", "port = p; id_callsign = MYCALL-0", modem(func(*kiss.Config) {})},
		{"AX25KISSInterface", "port = p; callsign = n0call; ssid = 3", modem(func(c *kiss.Config) {
			c.Type = "AX25KISSInterface"
			c.Header = ax25.Header{Destination: ax25.Destination, Source: ax25.Address{Callsign: "N0CALL", SSID: 3}}.Append(nil)
		})},
		{"RNodeInterface", rnodeBase, radio(func(*rnode.Config) {})},
		{"RNodeInterface", rnodeBase + "; txpower = 7; flow_control = yes; airtime_limit_short = 33; airtime_limit_long = 1.5", radio(func(c *rnode.Config) {
			c.TXPower, c.Flow, c.ShortLimit, c.LongLimit = 7, serialport.FlowReady, iface.Measured(33), iface.Measured(1.5)
		})},
		{"RNodeInterface", rnodeBase + "; frequency = 2999999999; id_interval = 60; id_callsign = A", radio(func(c *rnode.Config) {
			c.Frequency, c.BeaconInterval, c.Callsign = 2_999_999_999, time.Minute, "A"
		})},
		{"RNodeInterface", rnodeBase + "; port = TCP://10.0.0.9", radio(func(c *rnode.Config) { c.Port = "TCP://10.0.0.9" })},
	} {
		d, _, err := build(t, new(Builder), c.kind, lastWins(c.lines))
		if err != nil {
			t.Errorf("%s, %s: %v", c.kind, c.lines, err)
			continue
		}
		var got any
		switch d := d.(type) {
		case *serial.Interface:
			got = d.Config().Settings
		case *kiss.Interface:
			k := d.Config()
			k.Open = nil
			got = k
		case *rnode.Interface:
			k := d.Config()
			k.Open, k.Dial = nil, nil
			got = k
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s, %s:\n%s", c.kind, c.lines, diff)
		}
		if i := d.Info(); i.Type != c.kind || i.Label != c.kind+"[X]" || !i.NeverLimited {
			t.Errorf("info %+v", i)
		}
	}
}

// lastWins keeps the last of several lines about one option.
func lastWins(lines string) string {
	var keys []string
	value := make(map[string]string)
	for _, l := range splitLines(lines) {
		if _, has := value[l[0]]; !has {
			keys = append(keys, l[0])
		}
		value[l[0]] = l[1]
	}
	out := ""
	for _, k := range keys {
		out += k + " = " + value[k] + "; "
	}
	return out
}

// spec: rns-interfaces §13
func TestTransceiversFromTheFile(t *testing.T) {
	const radios = `
[[[Far]]]
vport = 0
frequency = 868000000
bandwidth = 125000
txpower = -5
spreadingfactor = 9
codingrate = 5
%far%
[[[Fast]]]
vport = 1
frequency = 2400000000
bandwidth = 1625000
txpower = 10
spreadingfactor = 5
codingrate = 5
%fast%`
	far := rnodemulti.Radio{Name: "Far", Frequency: 868_000_000, Bandwidth: 125_000, TXPower: -5, SpreadingFactor: 9, CodingRate: 5}
	fast := rnodemulti.Radio{
		Name: "Fast", VPort: 1, Frequency: 2_400_000_000, Bandwidth: 1_625_000, TXPower: 10, SpreadingFactor: 5, CodingRate: 5,
	}
	deaf := fast
	deaf.Receives, deaf.Flow, deaf.LongLimit = rnodemulti.ReceiveOnly, serialport.FlowReady, iface.Measured(2)
	for _, c := range []struct {
		far, fast string
		want      []rnodemulti.Radio
	}{
		{"", "", []rnodemulti.Radio{far, fast}}, // as the device says
		{"interface_enabled = yes", "interface_enabled = no", []rnodemulti.Radio{far}},
		{"enabled = no", "outgoing = no\nflow_control = yes\nairtime_limit_long = 2", []rnodemulti.Radio{deaf}},
	} {
		text := replaceAll(radios, "%far%", c.far, "%fast%", c.fast)
		d, _, err := build(t, new(Builder), "RNodeMultiInterface", "port = p; id_interval = 60; id_callsign = N0CALL"+text)
		if err != nil {
			t.Fatal(err)
		}
		got := d.(*rnodemulti.Interface).Config()
		if diff := cmp.Diff(c.want, got.Radios); diff != "" || got.Callsign != "N0CALL" || got.BeaconInterval != time.Minute {
			t.Errorf("%+v\n%s", got, diff)
		}
	}
	for _, bad := range []struct {
		far, fast string
		want      error
	}{
		{"enabled = no", "enabled = no", rnodemulti.ErrNoRadios},
		{"airtime_limit_short = many", "", config.ErrNotNumber},
	} {
		text := replaceAll(radios, "%far%", bad.far, "%fast%", bad.fast)
		if _, _, err := build(t, new(Builder), "RNodeMultiInterface", "port = p"+text); !errors.Is(err, bad.want) {
			t.Errorf("%v, want %v", err, bad.want)
		}
	}
}

// What no device can have is an error with the line of the option.
func TestSerialKindsOutOfRange(t *testing.T) {
	for _, c := range []struct {
		kind, lines string
		want        error
	}{
		{"SerialInterface", "speed = 9600", config.ErrMissing},
		{"SerialInterface", "port = p; speed = 0", config.ErrOutOfRange},
		{"SerialInterface", "port = p; databits = 9", config.ErrOutOfRange},
		{"SerialInterface", "port = p; stopbits = 3", config.ErrOutOfRange},
		{"KISSInterface", "port = p; preamble = long", config.ErrNotInteger},
		{"KISSInterface", "port = p; id_callsign = A; id_interval = 0", config.ErrOutOfRange},
		{"AX25KISSInterface", "port = p; callsign = N0CALL", config.ErrMissing},
		{"AX25KISSInterface", "port = p; ssid = 0", config.ErrMissing},
		{"AX25KISSInterface", "port = p; callsign = NO; ssid = 0", ax25.ErrCallsign},
		{"AX25KISSInterface", "port = p; callsign = N0CALL; ssid = 16", ax25.ErrSSID},
		{"RNodeInterface", "port = p", config.ErrMissing},
		{"RNodeInterface", rnodeBase + "; port = ble://RNode 1234", rnode.ErrBluetooth},
		{"RNodeInterface", rnodeBase + "; frequency = 100000000", rnode.ErrFrequency},
		{"RNodeInterface", rnodeBase + "; frequency = 8672000000", rnode.ErrFrequency},
		{"RNodeInterface", rnodeBase + "; bandwidth = 100", rnode.ErrBandwidth},
		{"RNodeInterface", rnodeBase + "; txpower = 40", rnode.ErrTXPower},
		{"RNodeInterface", rnodeBase + "; spreadingfactor = 13", rnode.ErrSpreadingFactor},
		{"RNodeInterface", rnodeBase + "; codingrate = 4", rnode.ErrCodingRate},
		{"RNodeInterface", rnodeBase + "; airtime_limit_long = 101", rnode.ErrAirtimeLimit},
		{"RNodeInterface", rnodeBase + "; id_interval = 9; id_callsign = 012345678901234567890123456789012", rnode.ErrCallsign},
		{"RNodeMultiInterface", "port = p", rnodemulti.ErrNoRadios},
	} {
		_, _, err := build(t, new(Builder), c.kind, lastWins(c.lines))
		if !errors.Is(err, c.want) {
			t.Errorf("%s, %s: %v, want %v", c.kind, c.lines, err, c.want)
		}
		var option *config.OptionError
		if !errors.Is(c.want, rnodemulti.ErrNoRadios) && !errors.Is(c.want, config.ErrMissing) && (!errors.As(err, &option) || option.Line < 5) {
			t.Errorf("%s, %s: no line in %v", c.kind, c.lines, err)
		}
	}
}

func TestReasonsOfDevices(t *testing.T) {
	for err, want := range map[error]string{
		serialport.ErrNotFound: "no_device", serialport.ErrUnplugged: "no_device", serialport.ErrBusy: "port_taken",
		serialport.ErrPermission: "no_permission", rnode.ErrNotDetected: "timeout",
	} {
		if got := Reason(err); got != want {
			t.Errorf("%v: %s", err, got)
		}
	}
}

func splitLines(lines string) (out [][2]string) {
	for l := range strings.SplitSeq(lines, ";") {
		if key, value, ok := strings.Cut(l, "="); ok {
			out = append(out, [2]string{strings.TrimSpace(key), strings.TrimSpace(value)})
		}
	}
	return out
}

func replaceAll(s string, pairs ...string) string { return strings.NewReplacer(pairs...).Replace(s) }
