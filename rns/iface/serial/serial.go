package serial

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/serialport"
)

// Config describes a SerialInterface. Name and Settings.Port are required. spec: rns-interfaces §7
type Config struct {
	Name     string
	Settings serialport.Settings
	// Open replaces the serial port of the system.
	Open serialport.Opener
	// Params are timings, nil for DefaultParams.
	Params *Params
}

// Params are the timings of the driver.
type Params struct {
	// Settle is waited after opening. Idle is how long the rest of a frame may take.
	Settle, Idle time.Duration
}

// DefaultParams returns the timings of the specification. spec: rns-interfaces §7
func DefaultParams() Params {
	return Params{Settle: 500 * time.Millisecond, Idle: 100 * time.Millisecond}
}

// Values of the interface. spec: rns-interfaces §1.2
const (
	hardwareMTU    = 564
	accessCodeSize = 8
)

var errName = errors.New("name is required")

// Interface is a serial line. Use New.
type Interface struct {
	conf   Config
	params Params
	info   iface.Info
	live   atomic.Pointer[serialport.Line]
	out    []byte // of Send
}

// New returns an interface. It does not open the device before it is served.
func New(c Config) (*Interface, error) {
	c.Settings = c.Settings.Filled()
	if c.Name == "" {
		return nil, errName
	}
	if err := c.Settings.Validate(); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	if c.Open == nil {
		c.Open = serialport.Open
	}
	i := &Interface{conf: c, params: DefaultParams(), info: iface.Info{
		Name: c.Name, Label: "SerialInterface[" + c.Name + "]", Type: "SerialInterface", Bitrate: int64(c.Settings.Speed),
		MTU: hardwareMTU, AccessCodeSize: accessCodeSize, NeverLimited: true,
	}}
	if c.Params != nil {
		i.params = *c.Params
	}
	return i, nil
}

// Info describes the interface.
func (i *Interface) Info() iface.Info { return i.info }

// Config is what the interface was made of, with defaults filled in.
func (i *Interface) Config() Config { return i.conf }

// Serve opens the device and runs until it is lost.
func (i *Interface) Serve(ctx context.Context, h iface.Host) error {
	conn, err := i.conf.Open(ctx, i.conf.Settings)
	if err != nil {
		return err
	}
	line := serialport.NewLine(conn)
	defer line.Close()
	if err := line.Settle(ctx, i.params.Settle); err != nil {
		return err
	}
	i.live.Store(line)
	defer i.live.Store(nil)
	stop := context.AfterFunc(ctx, line.Interrupt) // ends a Send that the device blocks
	defer stop()
	h.Up()
	frames := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: hardwareMTU + iface.MaxAccessCodeSize})
	one := make([]iface.Frame, 1)
	return line.Deliver(ctx, i.params.Idle, frames, func(chunk []byte) error {
		frames.Feed(chunk, func(packet []byte) {
			one[0] = iface.Frame{Data: packet}
			h.Receive(one)
		})
		return nil
	})
}

// Send writes one frame.
func (i *Interface) Send(frame []byte) error {
	line := i.live.Load()
	switch {
	case line == nil:
		return iface.ErrOffline
	case len(frame) > hardwareMTU+iface.MaxAccessCodeSize:
		return fmt.Errorf("%w: %d bytes", iface.ErrFrameSize, len(frame))
	}
	i.out = framing.AppendHDLC(i.out[:0], frame)
	return line.Write(i.out)
}
