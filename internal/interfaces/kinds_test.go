package interfaces

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func ptr[T any](v T) *T { return &v }

// allKinds are settings of every kind that a person can create, with the lines that they become.
func allKinds() map[string]struct {
	conf Config
	want string
} {
	lora := Radio{Frequency: 867_200_000, Bandwidth: 125_000, TXPower: 14, SpreadingFactor: 8, CodingRate: 5}
	const loraLines = "frequency = 867200000; bandwidth = 125000; txpower = 14; spreadingfactor = 8; codingrate = 5"
	limited := lora
	limited.AirtimeShort, limited.AirtimeLong = ptr(33.5), ptr(0.0)
	line := Line{Port: "/dev/ttyUSB0", Speed: 115200, DataBits: 7, StopBits: 2, Parity: "even"}
	const serialLines = "port = /dev/ttyUSB0; speed = 115200; databits = 7; stopbits = 2; parity = even"
	return map[string]struct {
		conf Config
		want string
	}{
		"listener":      {Config{Type: TypeBackbone, ListenIP: "::1", ListenPort: 4242}, "listen_ip = ::1; listen_port = 4242"},
		"device":        {Config{Type: TypeBackbone, Device: "lo", ListenPort: 1, PreferIPv6: true}, "prefer_ipv6 = Yes; device = lo; listen_port = 1"},
		"client":        {Config{Type: TypeBackbone, TargetHost: "hub.example.org", TargetPort: 4242}, "target_host = hub.example.org; target_port = 4242"},
		"backbone":      {Config{Type: TypeBackboneClient, TargetHost: "::1", TargetPort: 4242}, "target_host = ::1; target_port = 4242"},
		"garlic":        {Config{Type: TypeI2P, Connectable: true}, "connectable = Yes"},
		"garlic client": {Config{Type: TypeI2P, Peers: []string{strings.Repeat("a", 52) + ".b32.i2p"}}, "peers = " + strings.Repeat("a", 52) + ".b32.i2p,; connectable = No"},
		"web":           {Config{Type: TypeWebSocketClient, TargetURL: "wss://hub.example.org/ret"}, "target_url = wss://hub.example.org/ret"},
		"web server":    {Config{Type: TypeWebSocketServer, ListenIP: "127.0.0.1", ListenPort: 8080}, "listen_ip = 127.0.0.1; listen_port = 8080"},
		"serial":        {Config{Type: TypeSerial, Line: line}, serialLines},
		"serial short":  {Config{Type: TypeSerial, Line: Line{Port: "COM3"}}, "port = COM3"},
		"modem": {Config{
			Type: TypeKISS, Line: line, FlowControl: true, Beacon: Beacon{600, "MYCALL-0"},
			Modem: Modem{Preamble: ptr(150), Tail: ptr(0), SlotTime: ptr(20), Persistence: ptr(200)},
		}, serialLines + "; preamble = 150; txtail = 0; slottime = 20; persistence = 200; flow_control = Yes; id_interval = 600; id_callsign = MYCALL-0"},
		"packet": {Config{Type: TypeAX25KISS, Line: Line{Port: "p"}, Modem: Modem{Callsign: "N0CALL", SSID: ptr(0)}}, "port = p; callsign = N0CALL; ssid = 0"},
		"lora": {Config{Type: TypeRNode, Line: Line{Port: "tcp://192.0.2.1"}, Radio: limited, FlowControl: true}, "port = tcp://192.0.2.1; " + loraLines +
			"; airtime_limit_short = 33.5; airtime_limit_long = 0; flow_control = Yes"},
		"many": {Config{Type: TypeRNodeMulti, Line: Line{Port: "/dev/ttyACM0"}, Beacon: Beacon{60, "X"}, Radios: []Transceiver{
			{Name: "low", Enabled: true, VPort: 0, Radio: lora}, {Name: "high", ReceiveOnly: true, VPort: 1, Radio: lora},
		}}, "port = /dev/ttyACM0; id_interval = 60; id_callsign = X; [[[low]]]; enabled = Yes; vport = 0; " + loraLines +
			"; [[[high]]]; enabled = No; vport = 1; " + loraLines + "; outgoing = No"},
	}
}

// TestEveryKindIsCreatedAndEdited: what was created is in the file as the other programs write it, reads back the same, and
// stays as it is when nothing is changed.
func TestEveryKindIsCreatedAndEdited(t *testing.T) {
	for name, c := range allKinds() {
		t.Run(name, func(t *testing.T) {
			s, _ := service(t, "[reticulum]\n[interfaces]\n")
			c.conf.Name, c.conf.Mode = name, "full"
			st, err := s.Add(t.Context(), c.conf)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(&c.conf, st.Config); diff != "" {
				t.Errorf("read back (-want +got):\n%s", diff)
			}
			text := s.text(t)
			var lines []string
			for l := range strings.Lines(text) {
				if l = strings.TrimSpace(l); l != "" {
					lines = append(lines, l)
				}
			}
			want := "type = " + string(c.conf.Type) + "; enabled = No; " + c.want
			if got := strings.Join(lines[3:], "; "); got != want {
				t.Errorf("written as\n%s\nwant\n%s", got, want)
			}
			if st, err = s.Replace(t.Context(), name, *st.Config); err != nil || s.text(t) != text {
				t.Errorf("changed by saving it again: %v\n%s", err, s.text(t))
			}
			st.Config.Mode = "gateway"
			if st, err = s.Replace(t.Context(), name, *st.Config); err != nil || st.Mode != "gateway" {
				t.Errorf("%+v, %v", st, err)
			}
			if err := s.Remove(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKindsNameTheFieldThatIsWrong: what the driver would refuse at the start is refused before it is saved.
func TestKindsNameTheFieldThatIsWrong(t *testing.T) {
	kinds := allKinds()
	for name, c := range map[string]struct {
		of     string
		change func(*Config)
		field  string
	}{
		"no port":               {"serial", func(c *Config) { c.Line.Port = "" }, "port"},
		"a line too many":       {"serial", func(c *Config) { c.Line.Port = "p\ncommand = x" }, "port"},
		"speed":                 {"serial", func(c *Config) { c.Line.Speed = -1 }, "speed"},
		"data bits":             {"serial", func(c *Config) { c.Line.DataBits = 9 }, "databits"},
		"parity":                {"serial", func(c *Config) { c.Line.Parity = "sometimes" }, "parity"},
		"callsign":              {"packet", func(c *Config) { c.Modem.Callsign = "LONGERCALL" }, "callsign"},
		"no callsign":           {"packet", func(c *Config) { c.Modem.Callsign = "" }, "callsign"},
		"ssid":                  {"packet", func(c *Config) { c.Modem.SSID = ptr(16) }, "ssid"},
		"no ssid":               {"packet", func(c *Config) { c.Modem.SSID = nil }, "ssid"},
		"beacon":                {"modem", func(c *Config) { c.Beacon.Interval = -1 }, "id_interval"},
		"frequency":             {"lora", func(c *Config) { c.Radio.Frequency = 1 }, "frequency"},
		"no frequency":          {"lora", func(c *Config) { c.Radio.Frequency = 0 }, "frequency"},
		"bandwidth":             {"lora", func(c *Config) { c.Radio.Bandwidth = 1 }, "bandwidth"},
		"power":                 {"lora", func(c *Config) { c.Radio.TXPower = 99 }, "txpower"},
		"spreading factor":      {"lora", func(c *Config) { c.Radio.SpreadingFactor = 13 }, "spreadingfactor"},
		"coding rate":           {"lora", func(c *Config) { c.Radio.CodingRate = 9 }, "codingrate"},
		"airtime":               {"lora", func(c *Config) { c.Radio.AirtimeShort = ptr(101.0) }, "airtime_limit_short"},
		"radio without a host":  {"lora", func(c *Config) { c.Line.Port = "tcp://" }, "port"},
		"radios of one name":    {"many", func(c *Config) { c.Radios[1].Name = "low" }, "radios"},
		"radio name":            {"many", func(c *Config) { c.Radios[1].Name = "a]]]\n[x" }, "radios"},
		"frequency of one":      {"many", func(c *Config) { c.Radios[0].Radio.Frequency = 1 }, "radios"},
		"no radio":              {"many", func(c *Config) { c.Radios = nil }, "radios"},
		"no peers":              {"garlic client", func(c *Config) { c.Peers = nil }, "peers"},
		"peer":                  {"garlic client", func(c *Config) { c.Peers = []string{"example.org"} }, "peers"},
		"url":                   {"web", func(c *Config) { c.TargetURL = "https://hub.example.org" }, "target_url"},
		"address":               {"web server", func(c *Config) { c.ListenIP = "here" }, "listen_ip"},
		"listening port":        {"listener", func(c *Config) { c.ListenPort = 0 }, "listen_port"},
		"neither":               {"listener", func(c *Config) { c.ListenIP = "" }, "listen_ip"},
		"port of the hub":       {"client", func(c *Config) { c.TargetPort = 70000 }, "target_port"},
		"host of the hub":       {"backbone", func(c *Config) { c.TargetHost = "" }, "target_host"},
		"kind":                  {"backbone", func(c *Config) { c.Type = "WeaveInterface" }, "type"},
		"kind that runs things": {"backbone", func(c *Config) { c.Type = TypePipe }, "type"},
	} {
		conf := kinds[c.of].conf
		conf.Name = "X"
		conf.Radios = append([]Transceiver(nil), conf.Radios...)
		c.change(&conf)
		var wrong *FieldError
		if err := conf.Validate(); !errors.As(err, &wrong) || wrong.Field != c.field {
			t.Errorf("%s: %v, want field %s", name, err, c.field)
		}
	}
}

// TestBackboneChangesSides: a listener that becomes a client is one after the next start, too.
func TestBackboneChangesSides(t *testing.T) {
	s, _ := service(t, "[interfaces]\n  [[B]]\n    type = BackboneInterface\n    listen_on = 127.0.0.1\n    port = 4000 # chosen\n    theirs = 1\n")
	client := Config{Name: "B", Type: TypeBackbone, TargetHost: "hub.example.org", TargetPort: 4242}
	st, err := s.Replace(t.Context(), "B", client)
	if err != nil || st.Config.TargetHost != "hub.example.org" || st.Config.ListenIP != "" || !strings.Contains(s.text(t), "theirs = 1") {
		t.Fatalf("%+v, %v\n%s", st.Config, err, s.text(t))
	}
	st, err = s.Replace(t.Context(), "B", Config{Name: "B", Type: TypeBackbone, ListenIP: "::", ListenPort: 4000})
	if err != nil || st.Config.TargetHost != "" || st.Config.ListenIP != "::" {
		t.Fatalf("%+v, %v\n%s", st.Config, err, s.text(t))
	}
}

// TestTransceiversComeAndGo: what others wrote beside a transceiver stays as long as it does.
func TestTransceiversComeAndGo(t *testing.T) {
	s, _ := service(t, "[interfaces]\n")
	conf := allKinds()["many"].conf
	conf.Name = "R"
	st, err := s.Add(t.Context(), conf)
	if err != nil {
		t.Fatal(err)
	}
	c := *st.Config
	c.Radios = append(c.Radios[1:], Transceiver{Name: "third", Enabled: true, VPort: 2, Radio: c.Radios[0].Radio})
	if st, err = s.Replace(t.Context(), "R", c); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(c.Radios, st.Config.Radios); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(s.text(t), "[[[low]]]") {
		t.Error(s.text(t))
	}
}

// TestDeviceIsLookedFor: the test of settings does not open a device.
func TestDeviceIsLookedFor(t *testing.T) {
	s, _ := service(t, "[interfaces]\n")
	for port, want := range map[string]StepState{t.TempDir(): StepOK, "/nowhere/tty": StepFail, "COM3": StepOK, "tcp://192.0.2.1": StepOK} {
		conf := allKinds()["lora"].conf
		conf.Name, conf.Line.Port = "X", port
		steps := s.Test(t.Context(), conf)
		last := steps[len(steps)-1]
		if last.Step != "device" || last.State != want || want == StepFail && last.Code != "no_device" {
			t.Errorf("%s: %+v", port, last)
		}
	}
}

func TestWebSocketHost(t *testing.T) {
	for target, want := range map[string][2]string{
		"ws://a.example/x": {"a.example", "80"}, "wss://a.example": {"a.example", "443"}, "ws://[::1]:81": {"::1", "81"}, "%": {},
	} {
		if host, port := webSocketHost(target); host != want[0] || port != want[1] {
			t.Error(target, host, port)
		}
	}
}
