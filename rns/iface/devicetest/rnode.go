package devicetest

import (
	"encoding/binary"
	"io"
	"sync"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/rnode"
)

// RNodeParams describe a device. DefaultRNodeParams fills them.
type RNodeParams struct {
	// Major and Minor are the version of the firmware.
	Major, Minor uint8
	// Platform and MCU are the codes of the board.
	Platform, MCU uint8
	// Chips are the transceivers of a device with several, nil for an ordinary one.
	Chips []uint8
	// MaxTXPower is what the hardware has, in dBm: more is silently reduced, as real devices do.
	MaxTXPower int8
	// QueueBytes is how much the device holds for sending; more is lost.
	QueueBytes int
	// Report is how often statistics are sent, 0 for never.
	Report time.Duration
	// Battery, BatteryPercent and Temperature in °C are reported with them.
	Battery        iface.BatteryState
	BatteryPercent uint8
	Temperature    int
}

// DefaultRNodeParams is a board with an ESP32, a display and a battery.
func DefaultRNodeParams() RNodeParams {
	return RNodeParams{
		Major: 1, Minor: 82, Platform: rnode.PlatformESP32, MCU: 0x81, MaxTXPower: 22, QueueBytes: 6144, Report: time.Second,
		Battery: iface.BatteryDischarging, BatteryPercent: 87, Temperature: 25,
	}
}

// RNodeFaults are what a broken device does. The zero value is a good one.
type RNodeFaults struct {
	// Silent is a device that does not answer at all.
	Silent bool
	// FrequencyOffset is added to the frequency that the device reports, in Hz.
	FrequencyOffset int
	// StuckSF is reported as spreading factor whatever is asked for, unless it is 0.
	StuckSF uint8
	// NoReady withholds the reports that the device is ready for the next packet.
	NoReady bool
	// Noise is the share of frames with random bytes before them.
	Noise float64
}

// RNode is a simulated device. Safe for concurrent use.
type RNode struct {
	params RNodeParams
	radios []*radio

	mu       sync.Mutex
	faults   RNodeFaults
	talk     *talk
	selected *radio // by the program, nil for one that is not there
	left     int
	leaving  chan struct{}
	commands []rnode.Command
}

// NewRNode puts a device on the air.
func NewRNode(air *Air, p RNodeParams) *RNode {
	d := &RNode{params: p, leaving: make(chan struct{}, 1)}
	for i := range max(len(p.Chips), 1) {
		d.radios = append(d.radios, newRadio(d, uint8(i), air))
	}
	return d
}

func (d *RNode) multi() bool { return len(d.params.Chips) > 0 }

// SetFaults breaks or repairs the device.
func (d *RNode) SetFaults(f RNodeFaults) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.faults = f
	if d.talk != nil {
		d.talk.setNoise(f.Noise)
	}
}

// Hears sets how this device hears another, on all their radios.
func (d *RNode) Hears(other *RNode, r Reception) {
	for _, from := range other.radios {
		for _, to := range d.radios {
			to.air.setQuality(&from.station, &to.station, r)
		}
	}
}

// Fail makes the device report an error.
func (d *RNode) Fail(e rnode.DeviceError) { d.say(rnode.CommandError, byte(e)) }

// Restart makes the device boot, as after a crash: all settings are lost.
func (d *RNode) Restart() {
	for _, r := range d.radios {
		r.off()
	}
	d.say(rnode.CommandReset, 0xf8)
}

// Radio is what a transceiver is set to, and whether it is on.
func (d *RNode) Radio(vport int) (p iface.RadioParams, on bool) {
	r := d.radios[vport]
	d.mu.Lock()
	defer d.mu.Unlock()
	return r.set, r.on
}

// Left counts how often a program said that it goes.
func (d *RNode) Left() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.left
}

// Leaving brings one value when a program said that it goes.
func (d *RNode) Leaving() <-chan struct{} { return d.leaving }

// Commands are those the device got since it was plugged in or opened, without packets.
func (d *RNode) Commands() []rnode.Command {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]rnode.Command(nil), d.commands...)
}

// Serve is the device while it is plugged in.
func (d *RNode) Serve(line io.ReadWriteCloser) error {
	k := newTalk(line)
	d.mu.Lock()
	d.talk, d.selected, d.commands = k, d.radios[0], nil
	k.setNoise(d.faults.Noise)
	d.mu.Unlock()
	var parts sync.WaitGroup
	for _, r := range d.radios {
		r.off()
		queue := r.open()
		parts.Go(func() { r.run(k.gone, queue) })
	}
	parts.Go(func() { d.report(k.gone) })
	defer parts.Wait()
	defer func() { // the power is gone
		for _, r := range d.radios {
			r.off()
		}
	}()
	defer k.end()
	frames := framing.NewKISS(framing.Limits{Max: 1024})
	return k.read(func(b []byte) {
		frames.Feed(b, func(c byte, data []byte) { d.command(rnode.Command(c), data) })
	})
}

// command takes one frame of the program.
func (d *RNode) command(c rnode.Command, data []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.faults.Silent || len(data) == 0 {
		return
	}
	if c != rnode.CommandData {
		d.commands = append(d.commands, c)
	}
	switch c {
	case rnode.CommandDetect:
		d.tell(c, 0x46)
	case rnode.CommandFirmware:
		d.tell(c, d.params.Major, d.params.Minor)
	case rnode.CommandPlatform:
		d.tell(c, d.params.Platform)
	case rnode.CommandMCU:
		d.tell(c, d.params.MCU)
	case rnode.CommandInterfaces:
		for i, chip := range d.params.Chips {
			d.tell(c, byte(i), chip)
		}
	case rnode.CommandSelect:
		d.selected = nil
		if int(data[0]) < len(d.radios) {
			d.selected = d.radios[data[0]]
		}
	case rnode.CommandLeave:
		d.left++
		select {
		case d.leaving <- struct{}{}:
		default:
		}
	case rnode.CommandReset:
		d.tell(c, 0xf8)
	case rnode.CommandFBRead:
		d.tell(c, make([]byte, 512)...)
	case rnode.CommandDisplayRead:
		d.tell(c, make([]byte, 1024)...)
	default:
		if d.selected != nil {
			d.selected.command(c, data)
		}
	}
}

// tell queues a frame for the program. The caller holds the lock.
func (d *RNode) tell(c rnode.Command, data ...byte) {
	if d.talk != nil && !d.faults.Silent {
		d.talk.say(framing.AppendKISS(nil, byte(c), data))
	}
}

func (d *RNode) say(c rnode.Command, data ...byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell(c, data...)
}

// report sends statistics from time to time.
func (d *RNode) report(gone <-chan struct{}) {
	if d.params.Report <= 0 {
		return
	}
	t := time.NewTicker(d.params.Report)
	defer t.Stop()
	for {
		select {
		case <-gone:
			return
		case <-t.C:
		}
		d.mu.Lock()
		active := false
		for _, r := range d.radios {
			if r.on {
				active = true
				r.statistics()
			}
		}
		if active {
			d.tell(rnode.CommandBattery, byte(d.params.Battery), d.params.BatteryPercent)
			d.tell(rnode.CommandTemperature, byte(d.params.Temperature+120))
		}
		d.mu.Unlock()
	}
}

func be16(v ...uint16) (b []byte) {
	for _, x := range v {
		b = binary.BigEndian.AppendUint16(b, x)
	}
	return b
}
