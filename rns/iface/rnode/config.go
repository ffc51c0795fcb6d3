package rnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/serialport"
)

// Config describes an RNodeInterface. Name, Port and the radio parameters are required. spec: rns-interfaces §12.1
type Config struct {
	Name string
	// Port is a serial device, or tcp://host.
	Port string
	// Frequency and Bandwidth are in Hz, TXPower in dBm.
	Frequency, Bandwidth                 int64
	TXPower, SpreadingFactor, CodingRate int
	// ShortLimit and LongLimit are the airtime limits in percent that the device is to keep.
	ShortLimit, LongLimit iface.Measure
	Flow                  serialport.Flow
	// BeaconInterval and Callsign make the station identify itself, if both are set.
	BeaconInterval time.Duration
	Callsign       string

	// Open replaces the serial port of the system, Dial the connection to the network.
	Open serialport.Opener
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Params are timings, nil for DefaultParams.
	Params *Params
}

// Params are the timings of the driver. DefaultParams fills them.
type Params struct {
	// Boot is waited after opening, Online before the interface is up.
	Boot, Online time.Duration
	// Detect and Readback bound the waits for the answers of a device on a serial port; the TCP values are for devices on
	// the network. The driver goes on as soon as the answers are there.
	Detect, Readback, DetectTCP, ReadbackTCP time.Duration
	// Idle is how long the rest of a frame may take.
	Idle, IdleTCP time.Duration
	// Flow is how long a READY is waited for.
	Flow time.Duration
	// Keepalive is how long a device on the network is left alone, Silence after how long without a word it is lost,
	// Connect bounds one attempt to connect.
	Keepalive, Silence, Connect time.Duration
	// Detach bounds the farewell to the device, Linger is waited after it on the network.
	Detach, Linger time.Duration
}

// DefaultParams returns the timings of the specification. spec: rns-interfaces §12.3, §12.4, §12.5, §12.8
//
// differs: the reference waits 0.2 s for the detection and 0.25 s for the read-back of a serial device, whether the answers
// are there or not; here these are upper bounds, and larger, for devices behind slow adapters.
func DefaultParams() Params {
	return Params{
		Boot: 2 * time.Second, Online: 300 * time.Millisecond, Detect: time.Second, Readback: time.Second,
		DetectTCP: 5 * time.Second, ReadbackTCP: 3 * time.Second, Idle: 100 * time.Millisecond, IdleTCP: 1500 * time.Millisecond,
		Flow: serialport.FlowTimeout, Keepalive: 3500 * time.Millisecond, Silence: 24 * time.Second, Connect: 5 * time.Second,
		Detach: time.Second, Linger: 500 * time.Millisecond,
	}
}

// Limits of the hardware; what a country allows is less. spec: rns-interfaces §12.1
const (
	MinFrequency    = 137_000_000
	MaxFrequency    = 3_000_000_000
	MinBandwidth    = 7_800
	MaxBandwidth    = 1_625_000
	MaxTXPower      = 37
	MinSF           = 5
	MaxSF           = 12
	MinCR           = 5
	MaxCR           = 8
	MaxAirtimeLimit = 100
	// MaxCallsign bounds the call sign, in bytes of UTF-8.
	MaxCallsign = 32
)

// Values of the interface. spec: rns-interfaces §1.2, §12.8
const (
	// MTU is the largest packet of a device, in bytes.
	MTU = 508
	// AccessCodeSize is the default size of access codes, in bytes.
	AccessCodeSize = 8
	// Speed is that of the serial port, in baud.
	Speed   = 115_200
	tcpPort = "7633"
)

// Errors of settings.
var (
	ErrName            = errors.New("name is required")
	ErrFrequency       = errors.New("frequency is not between 137 MHz and 3 GHz")
	ErrBandwidth       = errors.New("bandwidth is not between 7.8 and 1625 kHz")
	ErrTXPower         = errors.New("TX power is not between 0 and 37 dBm")
	ErrSpreadingFactor = errors.New("spreading factor is not between 5 and 12")
	ErrCodingRate      = errors.New("coding rate is not between 5 and 8")
	ErrAirtimeLimit    = errors.New("airtime limit is not between 0 and 100 %")
	ErrCallsign        = errors.New("call sign is longer than 32 bytes")
	ErrBluetooth       = errors.New("no support for Bluetooth LE: connect the device by USB or TCP")
	ErrHost            = errors.New("host is missing after tcp://")
)

// Validate reports the first setting that no device can have.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return ErrName
	case strings.TrimSpace(c.Port) == "":
		return serialport.ErrNoPort
	case hasScheme(c.Port, bleScheme):
		return ErrBluetooth
	case hasScheme(c.Port, tcpScheme) && len(c.Port) == len(tcpScheme):
		return ErrHost
	case c.Frequency < MinFrequency || c.Frequency > MaxFrequency:
		return fmt.Errorf("%w: %d Hz", ErrFrequency, c.Frequency)
	case c.TXPower < 0 || c.TXPower > MaxTXPower:
		return fmt.Errorf("%w: %d dBm", ErrTXPower, c.TXPower)
	}
	if err := ValidateModulation(c.Bandwidth, c.SpreadingFactor, c.CodingRate); err != nil {
		return err
	}
	if err := ValidateLimits(c.ShortLimit, c.LongLimit); err != nil {
		return err
	}
	return ValidateCallsign(c.Callsign)
}

// ValidateModulation checks bandwidth in Hz, spreading factor and coding rate. spec: rns-interfaces §12.1
func ValidateModulation(bandwidth int64, sf, cr int) error {
	switch {
	case bandwidth < MinBandwidth || bandwidth > MaxBandwidth:
		return fmt.Errorf("%w: %d Hz", ErrBandwidth, bandwidth)
	case sf < MinSF || sf > MaxSF:
		return fmt.Errorf("%w: %d", ErrSpreadingFactor, sf)
	case cr < MinCR || cr > MaxCR:
		return fmt.Errorf("%w: %d", ErrCodingRate, cr)
	}
	return nil
}

// ValidateLimits checks airtime limits in percent.
func ValidateLimits(limits ...iface.Measure) error {
	for _, l := range limits {
		if l.Known && (l.Value < 0 || l.Value > MaxAirtimeLimit) {
			return fmt.Errorf("%w: %g", ErrAirtimeLimit, l.Value)
		}
	}
	return nil
}

// ValidateCallsign checks the length of a call sign.
func ValidateCallsign(s string) error {
	if len(s) > MaxCallsign {
		return fmt.Errorf("%w: %d", ErrCallsign, len(s))
	}
	return nil
}

func (c Config) setup() Setup {
	return Setup{
		Radio: iface.RadioParams{
			Frequency: uint32(c.Frequency), Bandwidth: uint32(c.Bandwidth), TXPower: int8(c.TXPower),
			SpreadingFactor: uint8(c.SpreadingFactor), CodingRate: uint8(c.CodingRate),
		},
		ShortLimit: c.ShortLimit, LongLimit: c.LongLimit,
	}
}

// Schemes of ports. spec: rns-interfaces §12.1
const (
	tcpScheme = "tcp://"
	bleScheme = "ble://"
)

func hasScheme(port, scheme string) bool {
	return len(port) >= len(scheme) && strings.EqualFold(port[:len(scheme)], scheme)
}

// tcpAddress is where a device on the network is. A port may follow the host, which the reference does not offer.
func tcpAddress(port string) string {
	host := port[len(tcpScheme):]
	if h, p, err := net.SplitHostPort(host); err == nil && h != "" && p != "" {
		return host
	}
	return net.JoinHostPort(strings.Trim(host, "[]"), tcpPort)
}

// open connects to the device.
func (i *Interface) open(ctx context.Context) (io.ReadWriteCloser, error) {
	if !i.network {
		return i.conf.Open(ctx, serialport.Settings{Port: i.conf.Port, Speed: Speed}.Filled())
	}
	ctx, cancel := context.WithTimeout(ctx, i.params.Connect)
	defer cancel()
	return i.conf.Dial(ctx, "tcp", tcpAddress(i.conf.Port))
}
