package rnodemulti

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/serialport"
)

// Interface is a device with several transceivers. Use New. It is an iface.Radio for what the device as a whole reports.
type Interface struct {
	conf   Config
	params rnode.Params
	info   iface.Info

	mu    sync.Mutex // of state
	state rnode.State
}

// New returns an interface. It does not open the device before it is served.
func New(c Config) (*Interface, error) {
	if err := c.Validate(); err != nil {
		return nil, fmt.Errorf("interface %s: %w", c.Name, err)
	}
	c.Radios = slices.Clone(c.Radios)
	if c.Open == nil {
		c.Open = serialport.Open
	}
	i := &Interface{conf: c, params: rnode.DefaultParams(), info: iface.Info{
		Name: c.Name, Label: "RNodeMultiInterface[" + c.Name + "]", Type: "RNodeMultiInterface", MTU: rnode.MTU,
		AccessCodeSize: rnode.AccessCodeSize, Role: iface.RoleListener, NeverLimited: true,
	}}
	if c.Params != nil {
		i.params = *c.Params
	}
	return i, nil
}

// Info describes the device.
func (i *Interface) Info() iface.Info { return i.info }

// Config is what the interface was made of, with defaults filled in.
func (i *Interface) Config() Config { return i.conf }

// Send does nothing: the device as a whole never transmits.
func (i *Interface) Send([]byte) error { return nil }

// RadioStatus is what the device as a whole reported: battery, temperature, firmware, faults.
func (i *Interface) RadioStatus() iface.RadioStatus {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.state.Status(rnode.Setup{})
}

// session is one Serve.
type session struct {
	*Interface
	device   *rnode.Device
	host     iface.Host
	subs     []*sub
	selected *sub // by the device, nil for one that is not configured
	beacon   serialport.Beacon
	up       bool
	done     chan struct{}   // closed when Serve ends
	ending   <-chan struct{} // closed when nothing more is sent

	mu  sync.Mutex // of out
	out []byte
}

// Serve opens and detects the device, configures its transceivers one after the other, and runs until it is lost.
// spec: rns-interfaces §13
func (i *Interface) Serve(ctx context.Context, h iface.Host) error {
	conn, err := i.conf.Open(ctx, serialport.Settings{Port: i.conf.Port, Speed: rnode.Speed}.Filled())
	if err != nil {
		return err
	}
	s := &session{
		Interface: i, host: h, done: make(chan struct{}),
		beacon: serialport.Beacon{Interval: i.conf.BeaconInterval, Data: []byte(i.conf.Callsign)},
	}
	i.reset()
	s.device = rnode.NewDevice(conn, s.handle)
	defer s.guard(ctx)()
	if err := s.detect(ctx); err != nil {
		return err
	}
	cctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s.ending = cctx.Done()
	if err := s.configure(ctx); err != nil {
		return err
	}
	s.up = true
	h.Up()
	err = s.run(cctx, cancel)
	if ctx.Err() != nil {
		s.detach()
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
	i.state = rnode.State{}
}

func (i *Interface) read(f func(*rnode.State)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f(&i.state)
}

// detect asks what the device is and makes a sub-interface of each configured transceiver it has.
func (s *session) detect(ctx context.Context) error {
	if err := s.device.Settle(ctx, s.params.Boot); err != nil {
		return err
	}
	if err := s.device.Write(rnode.AppendDetectMulti(nil)); err != nil {
		return err
	}
	err := s.device.Await(ctx, s.params.Detect, func() (all bool) {
		s.read(func(st *rnode.State) { all = st.Identified() && len(st.Transceivers) > s.highest() })
		return all
	})
	if err != nil {
		return err
	}
	var found []rnode.Transceiver
	s.read(func(st *rnode.State) {
		found = slices.Clone(st.Transceivers)
		if err = st.CheckFirmware(minMajor, minMinor); !st.Detected {
			err = rnode.ErrNotDetected
		}
	})
	if err != nil {
		return err
	}
	for _, r := range s.conf.Radios {
		at := slices.IndexFunc(found, func(t rnode.Transceiver) bool { return int(t.VPort) == r.VPort })
		if at < 0 {
			return fmt.Errorf("%s: %w: %d", r.Name, ErrNoSuchPort, r.VPort)
		}
		if err := suits(found[at].Chip, r.Frequency); err != nil {
			return fmt.Errorf("%s: %w", r.Name, err)
		}
		s.subs = append(s.subs, newSub(s, r))
	}
	return nil
}

// highest is the largest configured vport: the device reports them in order.
func (i *Interface) highest() int {
	most := 0
	for _, r := range i.conf.Radios {
		most = max(most, r.VPort)
	}
	return most
}

// configure sets the transceivers up, one after the other.
func (s *session) configure(ctx context.Context) error {
	for _, b := range s.subs {
		for _, c := range b.setup.Commands() {
			if err := s.device.Write(append(rnode.AppendSelect(nil, b.vport), c...)); err != nil {
				return err
			}
		}
		if err := s.device.Await(ctx, s.params.Readback, func() bool { return b.setup.Confirmed(b.copy()) }); err != nil {
			return err
		}
		if err := b.setup.Compare(b.copy()); err != nil {
			return fmt.Errorf("%s: %w", b.info.Name, err)
		}
	}
	return s.device.Await(ctx, s.params.Online, func() bool { return false })
}

// run hands the transceivers to the node and serves the device. It cancels ctx at the end, so that nothing waits for the
// device any more.
func (s *session) run(ctx context.Context, cancel context.CancelFunc) error {
	children := make([]<-chan struct{}, 0, len(s.subs))
	for _, b := range s.subs {
		children = append(children, s.host.Spawn(b))
	}
	var chores sync.WaitGroup
	chores.Go(func() { s.beacon.Run(ctx, s.identify) })
	err := s.device.Run(ctx, s.params.Idle)
	if ctx.Err() == nil {
		s.device.Interrupt() // the device is lost
	}
	cancel()
	chores.Wait()
	for _, ended := range children {
		<-ended
	}
	return err
}

// identify sends the call sign on all transceivers. spec: rns-interfaces §13
func (s *session) identify(callsign []byte) error {
	for _, b := range s.subs {
		if err := b.transmit(callsign); err != nil {
			return err
		}
	}
	return nil
}

// handle takes one frame of the device and gives it to the transceiver it is about.
func (s *session) handle(c rnode.Command, data []byte) error {
	now := time.Now()
	switch c {
	case rnode.CommandSelect:
		if len(data) > 0 {
			s.selected = s.sub(data[0])
		}
		return nil
	case rnode.CommandDetect, rnode.CommandFirmware, rnode.CommandPlatform, rnode.CommandMCU, rnode.CommandInterfaces,
		rnode.CommandRandom, rnode.CommandBattery, rnode.CommandTemperature, rnode.CommandError, rnode.CommandReset:
		return s.whole(now, c, data)
	case rnode.CommandReady: // it does not say for which
		for _, b := range s.subs {
			b.ready()
		}
		return nil
	}
	if s.selected != nil {
		s.selected.handle(now, c, data)
	}
	return nil
}

func (s *session) sub(vport uint8) *sub {
	for _, b := range s.subs {
		if b.vport == vport {
			return b
		}
	}
	return nil
}

// whole takes what is about the device itself.
func (s *session) whole(now time.Time, c rnode.Command, data []byte) error {
	var event rnode.Event
	var err error
	var platform uint8
	s.read(func(st *rnode.State) {
		event, err = st.Apply(now, c, data)
		platform = st.Platform
	})
	switch event {
	case rnode.EventFault:
		s.host.Note(err)
	case rnode.EventFailure:
		return err
	case rnode.EventRestart:
		if s.up && platform == rnode.PlatformESP32 {
			return rnode.ErrRebooted
		}
	}
	return nil
}

// send writes one frame for a transceiver. The selection and the frame go together, because the selection holds for the
// whole device.
func (s *session) send(vport uint8, packet []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.ending:
		return iface.ErrOffline
	default:
	}
	s.out = rnode.AppendData(rnode.AppendSelect(s.out[:0], vport), packet)
	return s.device.Write(s.out)
}

// detach turns the radios off and gives the display back. spec: rns-interfaces §12.9
func (s *session) detach() {
	var out []byte
	s.read(func(st *rnode.State) {
		if st.HasDisplay() {
			out = rnode.AppendFramebuffer(out, rnode.DisplayOfDevice)
		}
	})
	for _, b := range s.subs {
		out = rnode.AppendRadioState(rnode.AppendSelect(out, b.vport), rnode.RadioOff)
	}
	_ = s.device.Write(rnode.AppendLeave(out)) // it may be gone already
}
