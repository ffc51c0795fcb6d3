package rnode

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/serialport"
)

// maxReport is the longest frame of a device, in bytes: what the display shows.
const maxReport = 1024

// Errors of opening a device.
var (
	// ErrNotDetected means that what is on the port does not answer as an RNode does.
	ErrNotDetected = errors.New("no RNode answered on this port")
	// ErrFirmware means that the firmware is older than what this driver needs.
	ErrFirmware = errors.New("the firmware of the RNode is too old: update it with rnodeconf")
	// ErrMismatch means that the radio does not do what it was told to. It is a MismatchError.
	ErrMismatch = errors.New("the radio reports other parameters than configured")
	// ErrSilent means that a device on the network stopped answering.
	ErrSilent = errors.New("the RNode stopped answering")
)

// MismatchError names a parameter that the radio did not take. It Is ErrMismatch.
type MismatchError struct {
	Parameter          string
	Configured, Actual int64
	// Missing says that the radio reported nothing.
	Missing bool
}

func (e *MismatchError) Error() string {
	if e.Missing {
		return fmt.Sprintf("%v: %s should be %d and was not reported", ErrMismatch, e.Parameter, e.Configured)
	}
	return fmt.Sprintf("%v: %s should be %d and is %d", ErrMismatch, e.Parameter, e.Configured, e.Actual)
}

// Is tells that this is an ErrMismatch.
func (e *MismatchError) Is(target error) bool { return target == ErrMismatch }

// frequencyTolerance is by how many Hz a radio may be off. spec: rns-interfaces §12.4
const frequencyTolerance = 100

// Compare holds what a radio reports against what it was told; coding rates are not compared. The error Is ErrMismatch.
// spec: rns-interfaces §12.4
func (s Setup) Compare(st *State) error {
	off := int64(st.Radio.Frequency) - int64(s.Radio.Frequency)
	for _, p := range []struct {
		name         string
		want, actual int64
		has, same    bool
	}{
		{"frequency", int64(s.Radio.Frequency), int64(st.Radio.Frequency), true,
			!st.HasFrequency || off >= -frequencyTolerance && off <= frequencyTolerance},
		{"bandwidth", int64(s.Radio.Bandwidth), int64(st.Radio.Bandwidth), st.HasBandwidth, st.Radio.Bandwidth == s.Radio.Bandwidth},
		{"TX power", int64(s.Radio.TXPower), int64(st.Radio.TXPower), st.HasTXPower, st.Radio.TXPower == s.Radio.TXPower},
		{"spreading factor", int64(s.Radio.SpreadingFactor), int64(st.Radio.SpreadingFactor), st.HasSF,
			st.Radio.SpreadingFactor == s.Radio.SpreadingFactor},
		{"radio state", RadioOn, int64(st.RadioState), st.HasRadioState, st.RadioState == RadioOn},
	} {
		if !p.has || !p.same {
			return &MismatchError{Parameter: p.name, Configured: p.want, Actual: p.actual, Missing: !p.has}
		}
	}
	return nil
}

// Confirmed says that the radio reported everything, as configured: there is nothing more to wait for.
func (s Setup) Confirmed(st *State) bool { return st.HasFrequency && s.Compare(st) == nil }

// CheckFirmware compares the version of a device with the least one. The error Is ErrFirmware.
// spec: rns-interfaces §12.3
func (s *State) CheckFirmware(major, minor uint8) error {
	if s.AtLeast(major, minor) {
		return nil
	}
	return fmt.Errorf("%w: it is %d.%02d, at least %d.%02d is needed", ErrFirmware, s.Major, s.Minor, major, minor)
}

// Identified says that everything AppendDetect asks for was answered.
func (s *State) Identified() bool { return s.Detected && s.HasVersion && s.HasPlatform && s.HasMCU }

// Device is an open device whose frames go to a function. Its owner calls Await and Run from one goroutine; Write may be
// called from any. Close must be called once.
type Device struct {
	*serialport.Line
	frames *framing.KISS
	handle func(Command, []byte) error
}

// NewDevice takes an open connection over. Data given to handle are valid until it returns; an error of it ends Await and
// Run.
func NewDevice(conn io.ReadWriteCloser, handle func(Command, []byte) error) *Device {
	return &Device{
		Line: serialport.NewLine(conn), frames: framing.NewKISS(framing.Limits{Max: maxReport}), handle: handle,
	}
}

func (d *Device) feed(chunk []byte) error {
	var failed error
	d.frames.Feed(chunk, func(command byte, data []byte) {
		if failed == nil {
			failed = d.handle(Command(command), data)
		}
	})
	return failed
}

// errDone ends a wait.
var errDone = errors.New("done")

// Await handles frames until done says so or the time is up, neither of which is an error.
func (d *Device) Await(ctx context.Context, limit time.Duration, done func() bool) error {
	if done() {
		return nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, limit, errDone)
	defer cancel()
	err := d.Deliver(ctx, limit, d.frames, func(chunk []byte) error {
		if err := d.feed(chunk); err != nil {
			return err
		}
		if done() {
			return errDone
		}
		return nil
	})
	if errors.Is(err, errDone) {
		return nil
	}
	return err
}

// Run handles frames until ctx or the device ends.
func (d *Device) Run(ctx context.Context, idle time.Duration) error {
	return d.Deliver(ctx, idle, d.frames, d.feed)
}
