package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"

	"go.bug.st/serial"
)

// Errors of opening, for what an operator can do something about.
var (
	// ErrNotFound means that there is no such device: not plugged in, or another name.
	ErrNotFound = errors.New("serial port not found")
	// ErrBusy means that another program has the device open.
	ErrBusy = errors.New("serial port is in use")
	// ErrPermission means that this user may not open the device.
	ErrPermission = errors.New("no permission for serial port")
)

// Open opens a device for this program alone, without flow control lines, and discards what the system had buffered.
func Open(ctx context.Context, s Settings) (io.ReadWriteCloser, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	c, err := open(s.Port, s.mode())
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", s.Port, explain(err))
	}
	return c, nil
}

// List returns the names of the serial ports of this machine.
func List() ([]string, error) { return serial.GetPortsList() }

func (s Settings) mode() *serial.Mode {
	m := &serial.Mode{BaudRate: s.Speed, DataBits: s.DataBits, Parity: serial.NoParity, StopBits: serial.OneStopBit}
	switch s.Parity {
	case ParityEven:
		m.Parity = serial.EvenParity
	case ParityOdd:
		m.Parity = serial.OddParity
	}
	if s.StopBits == 2 {
		m.StopBits = serial.TwoStopBits
	}
	return m
}

// explain gives the errors of the library and the system one name each.
func explain(err error) error {
	var p *serial.PortError
	if errors.As(err, &p) {
		switch p.Code() {
		case serial.PortNotFound:
			return fmt.Errorf("%w (%w)", ErrNotFound, err)
		case serial.PortBusy:
			return fmt.Errorf("%w (%w)", ErrBusy, err)
		case serial.PermissionDenied:
			return fmt.Errorf("%w (%w)", ErrPermission, err)
		}
	}
	return explainSystem(err)
}
