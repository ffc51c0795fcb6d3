package kiss

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/serialport"
)

// Config describes a KISSInterface. Name and Settings.Port are required; DefaultConfig fills the rest.
// spec: rns-interfaces §10
type Config struct {
	Name     string
	Settings serialport.Settings
	Channel  Channel
	Flow     serialport.Flow
	// BeaconInterval and Callsign make the station identify itself, if both are set.
	BeaconInterval time.Duration
	Callsign       string

	// Type is the driver's name in configurations, empty for KISSInterface.
	Type string
	// Header stands before each packet on the air and is removed from received ones without being looked at.
	Header []byte

	// Open replaces the serial port of the system.
	Open serialport.Opener
	// Params are timings, nil for DefaultParams.
	Params *Params
}

// Params are the timings of the driver.
type Params struct {
	// Boot is waited after opening. Idle is how long the rest of a frame may take. Flow is how long a READY is waited for.
	Boot, Idle, Flow time.Duration
}

// DefaultParams returns the timings of the specification. spec: rns-interfaces §10
func DefaultParams() Params {
	return Params{Boot: 2 * time.Second, Idle: 100 * time.Millisecond, Flow: serialport.FlowTimeout}
}

// DefaultConfig is a modem with the channel timing of the specification.
func DefaultConfig(name, port string) Config {
	return Config{Name: name, Settings: serialport.Settings{Port: port}, Channel: DefaultChannel()}
}

// Values of the interface. spec: rns-interfaces §1.2, §10
const (
	hardwareMTU    = 564
	accessCodeSize = 8
	bitrateGuess   = 1200
	// beaconSize is what a call sign is padded to, in bytes.
	beaconSize = 15
	// MaxCallsign bounds the call sign, in bytes.
	MaxCallsign = 255
)

// Errors of settings.
var (
	errName     = errors.New("name is required")
	ErrCallsign = errors.New("call sign is too long")
)

// Interface is a modem. Use New.
type Interface struct {
	conf   Config
	params Params
	info   iface.Info
	live   atomic.Pointer[session]
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
	if len(c.Callsign) > MaxCallsign {
		return nil, fmt.Errorf("interface %s: %w: %d bytes", c.Name, ErrCallsign, len(c.Callsign))
	}
	if c.Open == nil {
		c.Open = serialport.Open
	}
	if c.Type == "" {
		c.Type = "KISSInterface"
	}
	i := &Interface{conf: c, params: DefaultParams(), info: iface.Info{
		Name: c.Name, Label: c.Type + "[" + c.Name + "]", Type: c.Type, Bitrate: bitrateGuess, MTU: hardwareMTU,
		AccessCodeSize: accessCodeSize, NeverLimited: true,
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

// session is one Serve.
type session struct {
	*Interface
	line   *serialport.Line
	gate   *serialport.Gate // nil without flow control
	host   iface.Host
	beacon serialport.Beacon

	mu  sync.Mutex // of out
	out []byte
}

// Serve opens and sets up the modem and runs until it is lost.
func (i *Interface) Serve(ctx context.Context, h iface.Host) error {
	conn, err := i.conf.Open(ctx, i.conf.Settings)
	if err != nil {
		return err
	}
	s := &session{
		Interface: i, line: serialport.NewLine(conn), host: h,
		beacon: serialport.Beacon{Interval: i.conf.BeaconInterval, Data: i.conf.beacon()},
	}
	defer s.line.Close()
	stop := context.AfterFunc(ctx, s.line.Interrupt) // ends a Send that the device blocks
	defer stop()
	if i.conf.Flow == serialport.FlowReady {
		s.gate = serialport.NewGate(i.params.Flow)
	}
	if err := s.line.Settle(ctx, i.params.Boot); err != nil {
		return err
	}
	if err := s.line.Write(i.conf.Channel.Append(nil)); err != nil {
		return err
	}
	i.live.Store(s)
	defer i.live.Store(nil)
	h.Up()
	return s.run(ctx)
}

func (s *session) run(ctx context.Context) error {
	bctx, cancel := context.WithCancel(ctx)
	var chores sync.WaitGroup
	chores.Go(func() { s.beacon.Run(bctx, s.transmit) })
	defer chores.Wait()
	defer s.line.Interrupt() // lets a beacon that waits for the device go
	defer cancel()
	frames := framing.NewKISS(framing.Limits{Max: hardwareMTU + iface.MaxAccessCodeSize + len(s.conf.Header)})
	return s.line.Deliver(ctx, s.params.Idle, frames, func(chunk []byte) error {
		frames.Feed(chunk, s.received)
		return nil
	})
}

// received handles one frame of the modem.
func (s *session) received(command byte, data []byte) {
	switch CommandOf(command) {
	case CommandData:
		if len(data) >= len(s.conf.Header)+framing.MinFrame {
			s.host.Receive([]iface.Frame{{Data: data[len(s.conf.Header):]}})
		}
	case CommandReady:
		if s.gate != nil {
			s.gate.Ready()
		}
	}
}

// Send writes one frame, after the modem is ready for it.
func (i *Interface) Send(frame []byte) error {
	s := i.live.Load()
	switch {
	case s == nil:
		return iface.ErrOffline
	case len(frame) > hardwareMTU+iface.MaxAccessCodeSize:
		return fmt.Errorf("%w: %d bytes", iface.ErrFrameSize, len(frame))
	}
	if err := s.transmit(frame); err != nil {
		return err
	}
	s.beacon.Sent()
	return nil
}

// transmit is used for packets and beacons.
func (s *session) transmit(frame []byte) error {
	if s.gate != nil {
		err := s.gate.Pass(s.line.Closed(), iface.ErrOffline)
		if errors.Is(err, serialport.ErrNoReady) {
			s.host.Note(err)
		} else if err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	data := frame
	if len(s.conf.Header) > 0 {
		data = append(bytes.Clone(s.conf.Header), frame...)
	}
	s.out = framing.AppendKISS(s.out[:0], byte(CommandData), data)
	return s.line.Write(s.out)
}

// beacon is the call sign as it is sent. spec: rns-interfaces §10
func (c Config) beacon() []byte {
	if c.Callsign == "" {
		return nil
	}
	return append([]byte(c.Callsign), make([]byte, max(0, beaconSize-len(c.Callsign)))...)
}
