package devicetest

import (
	"encoding/binary"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/rnode"
)

// Windows of the airtime limits. spec: rns-interfaces §12.6
const (
	shortWindow = 15 * time.Second
	longWindow  = time.Hour
)

// radio is one transceiver of a device. The lock of the device guards it.
type radio struct {
	station
	device *RNode
	vport  uint8

	set      iface.RadioParams
	on       bool
	limits   [2]uint16 // percent × 100; 0 is none
	queue    chan []byte
	queued   int // bytes
	lost     int
	rx, tx   uint32
	airtimes []sent
	epoch    chan struct{} // closed when the radio is turned off
}

type sent struct {
	at  time.Time
	dur time.Duration
}

func newRadio(d *RNode, vport uint8, air *Air) *radio {
	r := &radio{device: d, vport: vport, epoch: make(chan struct{})}
	r.tuned = func() (Channel, bool) {
		d.mu.Lock()
		defer d.mu.Unlock()
		return r.channel(), r.on
	}
	r.hear = r.heard
	air.join(&r.station)
	return r
}

func (r *radio) channel() Channel {
	return Channel{Frequency: r.set.Frequency, Bandwidth: r.set.Bandwidth, SpreadingFactor: r.set.SpreadingFactor}
}

// open begins a new queue.
func (r *radio) open() <-chan []byte {
	r.device.mu.Lock()
	defer r.device.mu.Unlock()
	r.queue, r.queued = make(chan []byte, 256), 0
	return r.queue
}

// off is what a reset does.
func (r *radio) off() {
	r.device.mu.Lock()
	defer r.device.mu.Unlock()
	r.turn(false)
	r.set, r.limits = iface.RadioParams{}, [2]uint16{}
}

func (r *radio) turn(on bool) {
	if r.on && !on {
		close(r.epoch)
		r.epoch = make(chan struct{})
	}
	r.on = on
}

// command takes what is about this transceiver. The caller holds the lock.
func (r *radio) command(c rnode.Command, data []byte) {
	switch {
	case c == rnode.CommandData:
		r.take(data)
		return
	case len(data) >= 4 && c == rnode.CommandFrequency:
		r.set.Frequency = binary.BigEndian.Uint32(data)
	case len(data) >= 4 && c == rnode.CommandBandwidth:
		r.set.Bandwidth = binary.BigEndian.Uint32(data)
	case c == rnode.CommandTXPower:
		r.set.TXPower = min(int8(data[0]), r.device.params.MaxTXPower)
	case c == rnode.CommandSF:
		r.set.SpreadingFactor = data[0]
	case c == rnode.CommandCR:
		r.set.CodingRate = data[0]
	case len(data) >= 2 && c == rnode.CommandShortLimit:
		r.limits[0] = binary.BigEndian.Uint16(data)
	case len(data) >= 2 && c == rnode.CommandLongLimit:
		r.limits[1] = binary.BigEndian.Uint16(data)
	case c == rnode.CommandRadioState:
		if data[0] == rnode.RadioOn || data[0] == rnode.RadioOff {
			r.turn(data[0] == rnode.RadioOn)
		}
	default:
		return
	}
	r.echo(c)
}

// take queues a packet for the air.
func (r *radio) take(data []byte) {
	if !r.on || r.queue == nil || r.queued+len(data) > r.device.params.QueueBytes {
		r.lost++
		return
	}
	select {
	case r.queue <- append([]byte(nil), data...):
		r.queued += len(data)
	default:
		r.lost++
	}
}

// echo reports the value of a parameter, wrong if the device is broken.
func (r *radio) echo(c rnode.Command) {
	f := r.device.faults
	switch c {
	case rnode.CommandFrequency:
		r.tell(c, binary.BigEndian.AppendUint32(nil, uint32(int64(r.set.Frequency)+int64(f.FrequencyOffset)))...)
	case rnode.CommandBandwidth:
		r.tell(c, binary.BigEndian.AppendUint32(nil, r.set.Bandwidth)...)
	case rnode.CommandTXPower:
		r.tell(c, byte(r.set.TXPower))
	case rnode.CommandSF:
		sf := r.set.SpreadingFactor
		if f.StuckSF != 0 {
			sf = f.StuckSF
		}
		r.tell(c, sf)
	case rnode.CommandCR:
		r.tell(c, r.set.CodingRate)
	case rnode.CommandShortLimit:
		r.tell(c, be16(r.limits[0])...)
	case rnode.CommandLongLimit:
		r.tell(c, be16(r.limits[1])...)
	case rnode.CommandRadioState:
		state := byte(rnode.RadioOff)
		if r.on {
			state = rnode.RadioOn
		}
		r.tell(c, state)
	}
}

// tell says a frame, on devices with several transceivers after a selection. Both go as one, so that nothing gets between.
func (r *radio) tell(c rnode.Command, data ...byte) {
	d := r.device
	if !d.multi() {
		d.tell(c, data...)
		return
	}
	if d.talk != nil && !d.faults.Silent {
		d.talk.say(framing.AppendKISS(rnode.AppendSelect(nil, r.vport), byte(c), data))
	}
}

// run sends the packets of a queue.
func (r *radio) run(gone <-chan struct{}, queue <-chan []byte) {
	for {
		select {
		case <-gone:
			return
		case p := <-queue:
			if !r.transmit(gone, p) {
				return
			}
		}
	}
}

// transmit sends one packet. It returns false when the device is gone.
func (r *radio) transmit(gone <-chan struct{}, p []byte) bool {
	d := r.device
	d.mu.Lock()
	on, channel, airtime, off := r.on, r.channel(), rnode.Airtime(r.set, len(p)), r.epoch
	hold := r.hold(time.Now(), airtime)
	d.mu.Unlock()
	if on && hold > 0 {
		t := time.NewTimer(hold)
		defer t.Stop()
		select {
		case <-gone:
			return false
		case <-off:
			on = false
		case <-t.C:
		}
	}
	if on {
		on = r.air.transmit(&r.station, channel, airtime, p, off)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	r.queued -= len(p)
	if on {
		r.tx++
		r.airtimes = append(r.airtimes, sent{time.Now(), airtime})
		if !d.faults.NoReady {
			r.tell(rnode.CommandReady, 1)
		}
	}
	select {
	case <-gone:
		return false
	default:
		return true
	}
}

// used is the airtime within a window.
func (r *radio) used(now time.Time, window time.Duration) (sum time.Duration) {
	for _, s := range r.airtimes {
		if now.Sub(s.at) < window {
			sum += s.dur
		}
	}
	return sum
}

// hold is how long a packet waits for the airtime limits.
func (r *radio) hold(now time.Time, airtime time.Duration) (wait time.Duration) {
	for len(r.airtimes) > 0 && now.Sub(r.airtimes[0].at) >= longWindow {
		r.airtimes = r.airtimes[1:]
	}
	for i, window := range []time.Duration{shortWindow, longWindow} {
		if r.limits[i] == 0 {
			continue
		}
		allowed := window * time.Duration(r.limits[i]) / 10_000
		over := r.used(now, window) + airtime - allowed
		for _, s := range r.airtimes {
			if over <= 0 {
				break
			}
			if age := now.Sub(s.at); age < window {
				over -= s.dur
				wait = max(wait, window-age)
			}
		}
	}
	return wait
}

func (r *radio) heard(packet []byte, q Reception) {
	d := r.device
	d.mu.Lock()
	defer d.mu.Unlock()
	if !r.on {
		return
	}
	r.rx++
	r.tell(rnode.CommandRSSI, byte(q.RSSI+157))
	r.tell(rnode.CommandSNR, byte(int8(q.SNR*4)))
	r.tell(rnode.CommandData, packet...)
}

// statistics are what the radio reports from time to time. The caller holds the lock.
func (r *radio) statistics() {
	now := time.Now()
	share := func(w time.Duration) uint16 { return uint16(min(r.used(now, w)*10_000/w, 10_000)) }
	timing := be16(share(shortWindow), share(longWindow), share(shortWindow), share(longWindow))
	symbol := uint16(0)
	rate := uint16(0)
	if r.set.Bandwidth > 0 {
		symbol = uint16(min(uint64(1_000_000)<<r.set.SpreadingFactor/uint64(r.set.Bandwidth), 65_535))
		rate = uint16(uint64(r.set.Bandwidth) >> r.set.SpreadingFactor)
	}
	physical := be16(symbol, rate, 18, uint16(22*uint32(symbol)/1000), 24)
	if !r.device.multi() {
		timing = append(timing, 157-100, 157-110, 0xff)
		physical = append(physical, be16(48)...)
	}
	r.tell(rnode.CommandChannelTiming, timing...)
	r.tell(rnode.CommandPhysical, physical...)
	r.tell(rnode.CommandContention, 1, 0, 15)
}
