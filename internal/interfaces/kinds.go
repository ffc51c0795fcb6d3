package interfaces

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"meshchatx/internal/wsiface"
	"meshchatx/rns"
	"meshchatx/rns/config"
)

// Line is how a serial port is opened. Zero numbers and an empty parity stand for 9600 baud, 8 data bits, 1 stop bit and no
// parity. An RNode uses the port alone, which may be tcp://host for it. spec: rns-interfaces §7, §12.1
type Line struct {
	Port     string
	Speed    int // baud
	DataBits int
	StopBits int
	Parity   string // even, odd or none
}

// Modem is how a KISS modem uses its channel. What is nil has the value of the protocol. spec: rns-interfaces §10, §11
type Modem struct {
	Preamble, Tail, SlotTime *int // milliseconds
	Persistence              *int // 0…255
	Callsign                 string
	SSID                     *int
}

// Beacon is what a radio identifies itself with. It counts only when both are set. spec: rns-interfaces §10
type Beacon struct {
	Interval int // seconds
	Callsign string
}

// Radio is how an RNode transmits. What is permitted where is up to the person. spec: rns-interfaces §12.1
type Radio struct {
	Frequency, Bandwidth                 int64 // Hz
	TXPower, SpreadingFactor, CodingRate int   // dBm, and as LoRa counts them
	AirtimeShort, AirtimeLong            *float64
}

// Transceiver is one of the radios of a device that has several. spec: rns-interfaces §13
type Transceiver struct {
	Name        string
	Enabled     bool
	ReceiveOnly bool
	FlowControl bool
	VPort       int
	Radio       Radio
}

// mainFields are the fields that the errors of a driver are mostly about, where it names no option.
var mainFields = map[Type]string{
	TypeTCPClient: "target_host", TypeTCPServer: "listen_ip", TypeUDP: "listen_ip", TypeAuto: "devices",
	TypeBackbone: "listen_ip", TypeBackboneClient: "target_host", TypeI2P: "peers",
	TypeWebSocketClient: "target_url", TypeWebSocketServer: "listen_ip",
	TypeSerial: "port", TypeKISS: "port", TypeAX25KISS: "port", TypeRNode: "port", TypeRNodeMulti: "radios",
}

// validKind reports what a person can be told before the driver is asked.
func (c Config) validKind() error {
	switch c.Type {
	case TypeBackbone:
		if c.TargetHost != "" {
			return c.validClient()
		}
		if c.Device == "" && c.ListenIP == "" {
			return field("listen_ip", "is empty")
		}
		return validPort("listen_port", c.ListenPort)
	case TypeBackboneClient:
		return c.validClient()
	case TypeWebSocketServer:
		return c.validListener()
	case TypeWebSocketClient:
		if err := wsiface.CheckURL(c.TargetURL); err != nil {
			return field("target_url", "%v", err)
		}
	case TypeSerial, TypeKISS, TypeAX25KISS, TypeRNode:
		if !slices.Contains(parities, c.Line.Parity) {
			return field("parity", "is not one of even, odd and none")
		}
	case TypeRNodeMulti:
		return c.validTransceivers()
	case TypeI2P:
	default:
		return field("type", "%q is not a kind that can be edited here", c.Type)
	}
	return nil
}

var parities = []string{"", "none", "even", "odd"}

func (c Config) validTransceivers() error {
	for i, r := range c.Radios {
		if err := validName(r.Name); err != nil {
			return field("radios", "a name %s", strings.TrimPrefix(err.Error(), "name: "))
		}
		if slices.ContainsFunc(c.Radios[:i], func(o Transceiver) bool { return o.Name == r.Name }) {
			return field("radios", "two are named %q", r.Name)
		}
	}
	return nil
}

// oneLine refuses texts that the file cannot hold in one line.
func (c Config) oneLine() error {
	texts := map[string]string{
		"network_name": c.NetworkName, "passphrase": c.Passphrase, "group_id": c.GroupID, "device": c.Device,
		"target_host": c.TargetHost, "listen_ip": c.ListenIP, "forward_ip": c.ForwardIP, "target_url": c.TargetURL,
		"port": c.Line.Port, "id_callsign": c.Beacon.Callsign, "callsign": c.Modem.Callsign, "peers": strings.Join(c.Peers, ""),
	}
	for name, value := range texts {
		if strings.ContainsAny(value, "\r\n\x00") || !utf8.ValidString(value) {
			return field(name, "must be one line of text")
		}
	}
	return nil
}

// builds writes the settings into an empty file and makes the driver of what is read back, which opens nothing: what the
// node would refuse later is refused now.
func (c Config) builds() error {
	d, err := parseDocument([]byte("[" + sectionName + "]\n"))
	if err != nil {
		return err
	}
	block, err := d.file.AddSection(d.file.Section(sectionName), c.Name)
	if err != nil {
		return unwritable(err)
	}
	if err := d.write(block, c); err != nil {
		return unwritable(err)
	}
	if d, err = parseDocument(d.file.Bytes()); err != nil {
		return unwritable(err)
	}
	i, ok := find(d.conf, c.Name)
	if !ok {
		return field("name", "cannot be written")
	}
	err = i.Err
	if err == nil {
		b := Builder{Storage: ".", Identity: func() rns.Addr { return rns.Addr{} }}
		_, _, err = b.Build(i)
	}
	return c.refused(err)
}

// refused names the field that an error of a block or of its driver is about.
func (c Config) refused(err error) error {
	if err == nil {
		return nil
	}
	var option *config.OptionError
	if !errors.As(err, &option) {
		return field(mainFields[c.Type], "%v", err)
	}
	if c.Type == TypeRNodeMulti && option.Section != c.Name {
		return field("radios", "%s: %s: %v", option.Section, option.Key, option.Err)
	}
	return field(option.Key, "%v", option.Err)
}

// webSocketHost is the host and port that a WebSocket client connects to.
func webSocketHost(target string) (host, port string) {
	u, err := url.Parse(target)
	if err != nil {
		return "", ""
	}
	port = u.Port()
	if port == "" {
		port = "80"
		if u.Scheme == "wss" {
			port = "443"
		}
	}
	return u.Hostname(), port
}
