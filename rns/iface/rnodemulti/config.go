package rnodemulti

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/serialport"
)

// Config describes an RNodeMultiInterface. Name, Port and at least one Radio are required. spec: rns-interfaces §13
type Config struct {
	Name string
	// Port is a serial device.
	Port   string
	Radios []Radio
	// BeaconInterval and Callsign make the station identify itself on all transceivers, if both are set.
	BeaconInterval time.Duration
	Callsign       string

	// Open replaces the serial port of the system.
	Open serialport.Opener
	// Params are timings, nil for rnode.DefaultParams.
	Params *rnode.Params
}

// Radio is one transceiver of the device.
type Radio struct {
	Name string
	// VPort is the number of the transceiver on the device.
	VPort int
	// Frequency and Bandwidth are in Hz, TXPower in dBm.
	Frequency, Bandwidth                 int64
	TXPower, SpreadingFactor, CodingRate int
	// ShortLimit and LongLimit are the airtime limits in percent that the device is to keep.
	ShortLimit, LongLimit iface.Measure
	Flow                  serialport.Flow
	// Receives is "outgoing = no".
	Receives Direction
}

// Direction says whether an interface sends.
type Direction uint8

// The directions.
const (
	Both Direction = iota
	ReceiveOnly
)

// Limits of the hardware. spec: rns-interfaces §13
const (
	maxRadios  = 11
	minTXPower = -9
	maxTXPower = rnode.MaxTXPower
	minMajor   = 1
	minMinor   = 74
)

// Errors of settings.
var (
	ErrNoRadios   = errors.New("no transceiver is enabled")
	ErrTooMany    = errors.New("a device has at most 11 transceivers")
	ErrVPort      = errors.New("vport is not between 0 and 10")
	ErrSameVPort  = errors.New("two transceivers have the same vport")
	ErrTXPower    = errors.New("TX power is not between -9 and 37 dBm")
	ErrNotSerial  = errors.New("a device with several transceivers is connected by a serial port")
	ErrNoSuchPort = errors.New("the device has no transceiver with this vport")
)

// ErrFrequency is a frequency that the chip of a transceiver does not have.
var ErrFrequency = errors.New("frequency is outside the range of the transceiver")

// Validate reports the first setting that no device can have.
func (c Config) Validate() error {
	switch {
	case c.Name == "":
		return rnode.ErrName
	case strings.TrimSpace(c.Port) == "":
		return serialport.ErrNoPort
	case strings.Contains(c.Port, "://"):
		return ErrNotSerial
	case len(c.Radios) == 0:
		return ErrNoRadios
	case len(c.Radios) > maxRadios:
		return ErrTooMany
	}
	seen := make(map[int]bool)
	for _, r := range c.Radios {
		if err := r.validate(); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		if seen[r.VPort] {
			return fmt.Errorf("%s: %w: %d", r.Name, ErrSameVPort, r.VPort)
		}
		seen[r.VPort] = true
	}
	return rnode.ValidateCallsign(c.Callsign)
}

func (r Radio) validate() error {
	switch {
	case r.Name == "":
		return rnode.ErrName
	case r.VPort < 0 || r.VPort >= maxRadios:
		return fmt.Errorf("%w: %d", ErrVPort, r.VPort)
	case !low.has(r.Frequency) && !high.has(r.Frequency):
		return fmt.Errorf("%w: %d Hz", ErrFrequency, r.Frequency)
	case r.TXPower < minTXPower || r.TXPower > maxTXPower:
		return fmt.Errorf("%w: %d dBm", ErrTXPower, r.TXPower)
	}
	if err := rnode.ValidateModulation(r.Bandwidth, r.SpreadingFactor, r.CodingRate); err != nil {
		return err
	}
	return rnode.ValidateLimits(r.ShortLimit, r.LongLimit)
}

// band is a range of frequencies in Hz.
type band struct{ from, to int64 }

// The bands of the chips. spec: rns-interfaces §13
var (
	low  = band{137_000_000, 1_000_000_000}
	high = band{2_200_000_000, 2_600_000_000}
)

func (b band) has(hz int64) bool { return hz >= b.from && hz <= b.to }

// Families of chips, the upper four bits of their codes. spec: rns-interfaces §13
const (
	familySX127x = 0x0
	familySX126x = 0x1
	familySX128x = 0x2
)

// suits checks a frequency against the chip of a transceiver. Of unknown chips nothing is known.
func suits(chip uint8, hz int64) error {
	b := low
	switch chip >> 4 {
	case familySX127x, familySX126x:
	case familySX128x:
		b = high
	default:
		return nil
	}
	if !b.has(hz) {
		return fmt.Errorf("%w: %d Hz", ErrFrequency, hz)
	}
	return nil
}

func (r Radio) setup() rnode.Setup {
	return rnode.Setup{
		Radio: iface.RadioParams{
			Frequency: uint32(r.Frequency), Bandwidth: uint32(r.Bandwidth), TXPower: int8(r.TXPower),
			SpreadingFactor: uint8(r.SpreadingFactor), CodingRate: uint8(r.CodingRate),
		},
		ShortLimit: r.ShortLimit, LongLimit: r.LongLimit,
	}
}
