package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Parity is the parity bit of each byte.
type Parity uint8

// The parities.
const (
	ParityNone Parity = iota
	ParityEven
	ParityOdd
)

// ParityOf reads the option: e or even, o or odd in any case; everything else is none. spec: rns-interfaces §7
func ParityOf(s string) Parity {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "e", "even":
		return ParityEven
	case "o", "odd":
		return ParityOdd
	default:
		return ParityNone
	}
}

// Settings describe how a device is opened. Port is required; zero numbers stand for 9600 baud, 8 data bits, 1 stop bit.
// spec: rns-interfaces §7
type Settings struct {
	// Port is the path or name of the device.
	Port string
	// Speed is in baud.
	Speed int
	// DataBits is 5 to 8, StopBits 1 or 2.
	DataBits, StopBits int
	Parity             Parity
}

// Defaults of Settings. spec: rns-interfaces §7
const (
	DefaultSpeed    = 9600
	DefaultDataBits = 8
	DefaultStopBits = 1
)

// Errors of settings.
var (
	ErrNoPort   = errors.New("port is required")
	ErrSpeed    = errors.New("speed is not positive")
	ErrDataBits = errors.New("data bits are not between 5 and 8")
	ErrStopBits = errors.New("stop bits are neither 1 nor 2")
)

// Filled returns the settings with defaults in place of zeros.
func (s Settings) Filled() Settings {
	if s.Speed == 0 {
		s.Speed = DefaultSpeed
	}
	if s.DataBits == 0 {
		s.DataBits = DefaultDataBits
	}
	if s.StopBits == 0 {
		s.StopBits = DefaultStopBits
	}
	return s
}

// Validate reports the first setting that cannot be used. Call it on filled settings.
func (s Settings) Validate() error {
	switch {
	case strings.TrimSpace(s.Port) == "":
		return ErrNoPort
	case s.Speed < 1:
		return fmt.Errorf("%w: %d", ErrSpeed, s.Speed)
	case s.DataBits < 5 || s.DataBits > 8:
		return fmt.Errorf("%w: %d", ErrDataBits, s.DataBits)
	case s.StopBits < 1 || s.StopBits > 2:
		return fmt.Errorf("%w: %d", ErrStopBits, s.StopBits)
	}
	return nil
}

// Opener opens a device. See the package for what it must return.
type Opener func(ctx context.Context, s Settings) (io.ReadWriteCloser, error)
