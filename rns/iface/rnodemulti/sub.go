package rnodemulti

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/serialport"
)

// sub is one transceiver while the device runs. It is an iface.Radio and an iface.Listening.
type sub struct {
	session *session
	vport   uint8
	info    iface.Info
	setup   rnode.Setup
	gate    *serialport.Gate // nil without flow control
	receive Direction
	pace    rnode.Pace

	receiving sync.Mutex // held while the host receives

	mu    sync.Mutex // of all below
	state rnode.State
	host  iface.Host // nil before Serve
}

func newSub(s *session, r Radio) *sub {
	setup := r.setup()
	b := &sub{session: s, vport: uint8(r.VPort), setup: setup, receive: r.Receives, info: iface.Info{
		Name: r.Name, Label: s.conf.Name + "[" + r.Name + "]", Type: "RNodeSubInterface", Bitrate: int64(setup.Radio.Bitrate()),
		MTU: rnode.MTU, AccessCodeSize: rnode.AccessCodeSize, Role: iface.RolePeer, NeverLimited: true,
	}}
	if r.Flow == serialport.FlowReady {
		b.gate = serialport.NewGate(s.params.Flow)
	}
	return b
}

// Info describes the transceiver.
func (b *sub) Info() iface.Info { return b.info }

// ReceiveOnly says that the transceiver is configured with "outgoing = no".
func (b *sub) ReceiveOnly() bool { return b.receive == ReceiveOnly }

// RadioStatus is what the transceiver reported.
func (b *sub) RadioStatus() iface.RadioStatus {
	device := b.session.RadioStatus()
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.state.Status(b.setup)
	st.FirmwareMajor, st.FirmwareMinor, st.Platform, st.MCU = device.FirmwareMajor, device.FirmwareMinor, device.Platform, device.MCU
	st.Battery, st.BatteryPercent, st.Temperature = device.Battery, device.BatteryPercent, device.Temperature
	return st
}

// copy is a copy of the state.
func (b *sub) copy() *rnode.State {
	b.mu.Lock()
	defer b.mu.Unlock()
	st := b.state
	return &st
}

// Serve runs until the device is lost; it is set up already.
func (b *sub) Serve(ctx context.Context, h iface.Host) error {
	b.mu.Lock()
	b.host = h
	b.mu.Unlock()
	defer func() {
		b.receiving.Lock() // a packet that is being delivered goes first
		defer b.receiving.Unlock()
		b.mu.Lock()
		defer b.mu.Unlock()
		b.host = nil
	}()
	h.Up()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.session.ending:
		return serialport.ErrUnplugged
	}
}

// handle takes one frame of the device that is about this transceiver.
func (b *sub) handle(now time.Time, c rnode.Command, data []byte) {
	b.receiving.Lock()
	defer b.receiving.Unlock()
	b.mu.Lock()
	event, _ := b.state.Apply(now, c, data) // the only errors of these commands are short frames
	var signal iface.Signal
	if event == rnode.EventPacket {
		signal = b.state.TakeSignal()
	}
	h := b.host
	b.mu.Unlock()
	if event == rnode.EventPacket && h != nil && len(data) >= iface.MinFrameSize && len(data) <= rnode.MTU+iface.MaxAccessCodeSize {
		h.Receive([]iface.Frame{{Data: data, Signal: signal}})
	}
}

func (b *sub) ready() {
	if b.gate != nil {
		b.gate.Ready()
	}
}

// Send writes one packet, after the device is ready for it.
func (b *sub) Send(frame []byte) error {
	if len(frame) > rnode.MTU {
		return fmt.Errorf("%w: %d bytes", iface.ErrFrameSize, len(frame))
	}
	if err := b.transmit(frame); err != nil {
		return err
	}
	b.session.beacon.Sent()
	return nil
}

func (b *sub) transmit(packet []byte) error {
	if b.gate != nil {
		err := b.gate.Pass(b.session.ending, iface.ErrOffline)
		if errors.Is(err, serialport.ErrNoReady) {
			b.session.host.Note(err)
		} else if err != nil {
			return err
		}
	}
	if !b.pace.Take(rnode.Airtime(b.setup.Radio, len(packet)), b.session.ending) {
		return iface.ErrOffline
	}
	return b.session.send(b.vport, packet)
}
