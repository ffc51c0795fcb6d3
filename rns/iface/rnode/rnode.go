package rnode

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/serialport"
)

// The least firmware. spec: rns-interfaces §12.3
const (
	minMajor = 1
	minMinor = 52
)

// Interface is an RNode. Use New. It is an iface.Radio.
type Interface struct {
	conf    Config
	params  Params
	info    iface.Info
	setup   Setup
	network bool
	live    atomic.Pointer[session]

	mu    sync.Mutex // of state
	state State
}

// New returns an interface. It does not open the device before it is served.
func New(c Config) (*Interface, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	if c.Open == nil {
		c.Open = serialport.Open
	}
	if c.Dial == nil {
		c.Dial = new(net.Dialer).DialContext
	}
	setup := c.setup()
	i := &Interface{conf: c, params: DefaultParams(), setup: setup, network: hasScheme(c.Port, tcpScheme), info: iface.Info{
		Name: c.Name, Label: "RNodeInterface[" + c.Name + "]", Type: "RNodeInterface", Bitrate: int64(setup.Radio.Bitrate()),
		MTU: MTU, AccessCodeSize: AccessCodeSize, NeverLimited: true,
	}}
	if c.Params != nil {
		i.params = *c.Params
	}
	return i, nil
}

// Info describes the interface. The bitrate is that of the configured parameters.
func (i *Interface) Info() iface.Info { return i.info }

// Config is what the interface was made of, with defaults filled in.
func (i *Interface) Config() Config { return i.conf }

// RadioStatus is what the device reported since it was opened.
func (i *Interface) RadioStatus() iface.RadioStatus {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state.Status(i.setup)
}

// Status is a copy of the state for people.
func (s *State) Status(setup Setup) iface.RadioStatus {
	st := s.Stats
	st.Configured, st.Reported, st.Bitrate = setup.Radio, s.Radio, s.Bitrate()
	st.On = s.HasRadioState && s.RadioState == RadioOn
	st.FirmwareMajor, st.FirmwareMinor, st.Platform, st.MCU = s.Major, s.Minor, s.Platform, s.MCU
	st.Faults = slices.Clone(st.Faults)
	return st
}

// session is one Serve.
type session struct {
	*Interface
	device *Device
	host   iface.Host
	gate   *serialport.Gate // nil without flow control
	beacon serialport.Beacon
	pace   Pace
	up     bool
	heard  atomic.Int64    // when the device last said something, in ns since the epoch
	done   chan struct{}   // closed when Serve ends
	ending <-chan struct{} // closed when nothing more is sent

	mu  sync.Mutex // of out
	out []byte
}

// Serve opens, detects and configures the device and runs until it is lost. spec: rns-interfaces §12.3, §12.4
func (i *Interface) Serve(ctx context.Context, h iface.Host) error {
	conn, err := i.open(ctx)
	if err != nil {
		return err
	}
	s := &session{
		Interface: i, host: h, done: make(chan struct{}),
		beacon: serialport.Beacon{Interval: i.conf.BeaconInterval, Data: []byte(i.conf.Callsign)},
	}
	if i.conf.Flow == serialport.FlowReady {
		s.gate = serialport.NewGate(i.params.Flow)
	}
	i.reset()
	s.device = NewDevice(conn, s.handle)
	defer s.guard(ctx)()
	if err := s.start(ctx); err != nil {
		return err
	}
	cctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.ending = cctx.Done()
	i.live.Store(s)
	defer i.live.Store(nil)
	h.Up()
	err = s.run(cctx, cancel)
	if ctx.Err() != nil {
		s.detach(ctx)
	}
	return err
}

// guard closes the device at the end of Serve, and a while after ctx ended at the latest. The returned function is called
// at the end.
func (s *session) guard(ctx context.Context) func() {
	left := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(left)
		t := time.NewTimer(s.params.Detach)
		defer t.Stop()
		select {
		case <-s.done:
		case <-t.C:
			s.device.Interrupt()
		}
	})
	return func() {
		close(s.done)
		s.device.Close()
		if !stop() {
			<-left
		}
	}
}

func (i *Interface) reset() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.state = State{}
}

// is reads the state.
func (i *Interface) is(f func(*State) bool) func() bool {
	return func() bool {
		i.mu.Lock()
		defer i.mu.Unlock()
		return f(&i.state)
	}
}

// check reads the state for an error.
func (i *Interface) check(f func(*State) error) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	return f(&i.state)
}

// start brings the device from opened to ready.
func (s *session) start(ctx context.Context) error {
	detect, readback := s.params.Detect, s.params.Readback
	if s.network {
		detect, readback = s.params.DetectTCP, s.params.ReadbackTCP
	}
	if err := s.device.Settle(ctx, s.params.Boot); err != nil {
		return err
	}
	if err := s.device.Write(AppendDetect(nil)); err != nil {
		return err
	}
	if err := s.device.Await(ctx, detect, s.is((*State).Identified)); err != nil {
		return err
	}
	if !s.is(func(st *State) bool { return st.Detected })() {
		return ErrNotDetected
	}
	if err := s.check(func(st *State) error { return st.CheckFirmware(minMajor, minMinor) }); err != nil {
		return err
	}
	for _, c := range s.setup.Commands() {
		if err := s.device.Write(c); err != nil {
			return err
		}
	}
	if err := s.device.Await(ctx, readback, s.is(s.setup.Confirmed)); err != nil {
		return err
	}
	if err := s.check(s.setup.Compare); err != nil {
		return err
	}
	return s.device.Await(ctx, s.params.Online, func() bool { return false })
}

// run serves the device while it is up. It cancels ctx at the end, so that nothing waits for the device any more.
func (s *session) run(ctx context.Context, cancel context.CancelFunc) error {
	s.up = true
	var chores sync.WaitGroup
	chores.Go(func() { s.beacon.Run(ctx, s.transmit) })
	idle := s.params.Idle
	if s.network {
		idle = s.params.IdleTCP
		s.heard.Store(time.Now().UnixNano())
		chores.Go(func() { s.keepAlive(ctx) })
	}
	err := s.device.Run(ctx, idle)
	if ctx.Err() == nil {
		s.device.Interrupt() // the device is lost
	}
	cancel()
	chores.Wait()
	return err
}

// handle takes one frame of the device.
func (s *session) handle(c Command, data []byte) error {
	now := time.Now()
	s.heard.Store(now.UnixNano())
	s.Interface.mu.Lock()
	event, err := s.state.Apply(now, c, data)
	platform := s.state.Platform
	var signal iface.Signal
	if event == EventPacket {
		signal = s.state.TakeSignal()
	}
	s.Interface.mu.Unlock()
	switch event {
	case EventPacket:
		if s.up && len(data) >= iface.MinFrameSize && len(data) <= MTU+iface.MaxAccessCodeSize {
			s.host.Receive([]iface.Frame{{Data: data, Signal: signal}})
		}
	case EventReady:
		if s.gate != nil {
			s.gate.Ready()
		}
	case EventFault:
		s.host.Note(err)
	case EventFailure:
		return err
	case EventRestart:
		if s.up && platform == PlatformESP32 {
			return ErrRebooted
		}
	}
	return nil
}

// keepAlive pokes a device on the network, which drops idle connections, and notices when it does not answer.
// spec: rns-interfaces §12.8
//
// differs: the reference finds dead connections by socket options; answers to the poke say more and work everywhere.
func (s *session) keepAlive(ctx context.Context) {
	t := time.NewTimer(s.params.Keepalive)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if time.Since(time.Unix(0, s.heard.Load())) > s.params.Silence {
			s.device.Abort(ErrSilent)
			return
		}
		due := s.params.Keepalive - time.Since(s.device.LastWrite())
		if due <= 0 {
			if s.device.Write(AppendDetect(nil)) != nil {
				return
			}
			due = s.params.Keepalive
		}
		t.Reset(due)
	}
}

// Send writes one packet, after the device is ready for it.
func (i *Interface) Send(frame []byte) error {
	s := i.live.Load()
	switch {
	case s == nil:
		return iface.ErrOffline
	case len(frame) > MTU:
		return fmt.Errorf("%w: %d bytes", iface.ErrFrameSize, len(frame))
	}
	if err := s.transmit(frame); err != nil {
		return err
	}
	s.beacon.Sent()
	return nil
}

// transmit is used for packets and beacons.
func (s *session) transmit(packet []byte) error {
	if s.gate != nil {
		err := s.gate.Pass(s.ending, iface.ErrOffline)
		if errors.Is(err, serialport.ErrNoReady) {
			s.host.Note(err)
		} else if err != nil {
			return err
		}
	}
	if !s.pace.Take(Airtime(s.setup.Radio, len(packet)), s.ending) {
		return iface.ErrOffline
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ending: // the radio is off, or about to be
		return iface.ErrOffline
	default:
	}
	s.out = AppendData(s.out[:0], packet)
	return s.device.Write(s.out)
}

// detach turns the radio off and gives the display back. spec: rns-interfaces §12.9
func (s *session) detach(ctx context.Context) {
	var out []byte
	if s.is((*State).HasDisplay)() {
		out = AppendFramebuffer(out, DisplayOfDevice)
	}
	out = AppendLeave(AppendRadioState(out, RadioOff))
	if s.device.Write(out) != nil || !s.network {
		return
	}
	// The context is over; the device still reads.
	_ = s.device.Settle(context.WithoutCancel(ctx), s.params.Linger)
}
