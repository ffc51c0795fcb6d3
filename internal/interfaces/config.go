package interfaces

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode/utf8"
)

// Type is the name of a kind of interface in the configuration file.
type Type string

// The kinds that most people need.
const (
	TypeTCPClient Type = "TCPClientInterface"
	TypeTCPServer Type = "TCPServerInterface"
	TypeUDP       Type = "UDPInterface"
	TypeAuto      Type = "AutoInterface"
)

// The other kinds that this program can run, beside those on serial ports. What runs a command is set up in the
// configuration file alone.
const (
	TypeBackbone        Type = "BackboneInterface"
	TypeBackboneClient  Type = "BackboneClientInterface"
	TypeI2P             Type = "I2PInterface"
	TypePipe            Type = "PipeInterface"
	TypeWebSocketClient Type = "WebsocketClientInterface"
	TypeWebSocketServer Type = "WebsocketServerInterface"
)

// Config is what a person edits of an interface. Keys of the file that have no
// field here stay untouched.
type Config struct {
	Name    string
	Type    Type
	Enabled bool
	Mode    string // as in the API: full, gateway, access_point, roaming, boundary, point_to_point, internal

	TargetHost  string
	TargetPort  int
	KISSFraming bool

	ListenIP    string
	ListenPort  int
	Device      string
	ForwardIP   string
	ForwardPort int

	TargetURL  string // WebSocket client
	PreferIPv6 bool   // Backbone

	Peers       []string // I2P
	Connectable bool

	Line        Line // Serial, KISS, AX.25 KISS; the port alone: RNode
	FlowControl bool
	Modem       Modem // KISS, AX.25 KISS
	Beacon      Beacon
	Radio       Radio         // RNode
	Radios      []Transceiver // RNode with several transceivers

	GroupID        string
	Scope          string
	Devices        []string
	IgnoredDevices []string

	NetworkName   string
	Passphrase    string // write only: List never fills it
	HasPassphrase bool
	Bitrate       int64
}

// Errors of the service.
var (
	ErrNotFound  = errors.New("no such interface")
	ErrExists    = errors.New("an interface of this name exists")
	ErrBadFile   = errors.New("the configuration file cannot be read")
	ErrForeign   = errors.New("this kind of interface is set up in the configuration file")
	ErrNodeDown  = errors.New("the node is not running")
	ErrBadConfig = errors.New("settings do not make an interface")
	ErrCursor    = errors.New("not a cursor of this list")
)

// FieldError names the field that was refused and why. It Is ErrBadConfig.
type FieldError struct {
	Field  string
	Reason string
}

func (e *FieldError) Error() string        { return e.Field + ": " + e.Reason }
func (e *FieldError) Is(target error) bool { return target == ErrBadConfig }

func field(name, format string, args ...any) error {
	return &FieldError{Field: name, Reason: fmt.Sprintf(format, args...)}
}

var (
	modes  = []string{"", "full", "gateway", "access_point", "roaming", "boundary", "point_to_point", "internal"}
	scopes = []string{"", "link", "admin", "site", "organisation", "global"}
)

const maxNameLength = 64

// Validate reports the first field that cannot be used.
func (c Config) Validate() error {
	if err := validName(c.Name); err != nil {
		return err
	}
	if !slices.Contains(modes, c.Mode) {
		return field("mode", "%q is no mode", c.Mode)
	}
	if err := c.oneLine(); err != nil {
		return err
	}
	if c.Bitrate < 0 {
		return field("bitrate", "is negative")
	}
	if err := c.validMedium(); err != nil {
		return err
	}
	return c.builds()
}

func (c Config) validMedium() error {
	switch c.Type {
	case TypeTCPClient:
		return c.validClient()
	case TypeTCPServer:
		return c.validListener()
	case TypeUDP:
		return c.validUDP()
	case TypeAuto:
		return c.validAuto()
	}
	return c.validKind()
}

func validName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return field("name", "is empty")
	case name != strings.TrimSpace(name):
		return field("name", "begins or ends with a space")
	case len(name) > maxNameLength:
		return field("name", "is longer than %d bytes", maxNameLength)
	case !utf8.ValidString(name):
		return field("name", "is not text")
	case strings.ContainsAny(name, "[]\"'#,\r\n\t\x00"):
		return field("name", "contains a character the configuration file uses itself")
	}
	return nil
}

func (c Config) validClient() error {
	if c.TargetHost == "" {
		return field("target_host", "is empty")
	}
	if strings.ContainsAny(c.TargetHost, " /,#\"'") {
		return field("target_host", "is no host name or address")
	}
	return validPort("target_port", c.TargetPort)
}

func (c Config) validListener() error {
	if c.Device == "" && net.ParseIP(c.ListenIP) == nil {
		return field("listen_ip", "is no address")
	}
	return validPort("listen_port", c.ListenPort)
}

func (c Config) validUDP() error {
	if c.Device == "" && net.ParseIP(c.ListenIP) == nil {
		return field("listen_ip", "is no address")
	}
	if c.Device == "" && net.ParseIP(c.ForwardIP) == nil {
		return field("forward_ip", "is no address")
	}
	if err := validPort("listen_port", c.ListenPort); err != nil {
		return err
	}
	return validPort("forward_port", c.ForwardPort)
}

func (c Config) validAuto() error {
	if !slices.Contains(scopes, c.Scope) {
		return field("discovery_scope", "%q is no scope", c.Scope)
	}
	for _, d := range append(slices.Clone(c.Devices), c.IgnoredDevices...) {
		if strings.ContainsAny(d, " ,#\"'\r\n\x00") || d == "" || !utf8.ValidString(d) {
			return field("devices", "%q is no network card", d)
		}
	}
	return nil
}

func validPort(name string, port int) error {
	if port < 1 || port > 65535 {
		return field(name, "is not between 1 and 65535")
	}
	return nil
}

// ErrUnsupported means that this program has no driver for a kind of interface.
var ErrUnsupported = errors.New("kind of interface is not supported")
