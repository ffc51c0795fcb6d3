package devicetest

import (
	"io"
	"sync"
	"time"

	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/kiss"
)

// TNCParams describe a packet radio modem. DefaultTNCParams fills them.
type TNCParams struct {
	// Bitrate is that of the channel, in bit/s.
	Bitrate int
	// Frequency tells channels apart, in Hz.
	Frequency uint32
	// Queue is how many packets the modem holds; more are lost.
	Queue int
}

// DefaultTNCParams is a modem of 1200 bit/s.
func DefaultTNCParams() TNCParams { return TNCParams{Bitrate: 1200, Frequency: 144_800_000, Queue: 8} }

// TNCFaults are what a broken modem does. The zero value is a good one.
type TNCFaults struct {
	// NoReady withholds the reports that the modem is ready for the next packet.
	NoReady bool
	// Noise is the share of frames with random bytes before them.
	Noise float64
}

// TNC is a packet radio modem that speaks KISS. Safe for concurrent use.
type TNC struct {
	station
	params TNCParams

	mu      sync.Mutex
	faults  TNCFaults
	channel kiss.Channel
	reports bool // READY was asked for
	talk    *talk
	sent    [][]byte
	set     map[kiss.Command]byte
}

// NewTNC puts a modem on the air.
func NewTNC(air *Air, p TNCParams) *TNC {
	t := &TNC{params: p, channel: kiss.DefaultChannel(), set: make(map[kiss.Command]byte)}
	t.tuned = func() (Channel, bool) { return Channel{Frequency: p.Frequency}, true }
	t.hear = t.heard
	air.join(&t.station)
	return t
}

// SetFaults breaks or repairs the modem.
func (t *TNC) SetFaults(f TNCFaults) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = f
	if t.talk != nil {
		t.talk.setNoise(f.Noise)
	}
}

// Settings are the values of the commands the modem got.
func (t *TNC) Settings() map[kiss.Command]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make(map[kiss.Command]byte, len(t.set))
	for c, v := range t.set {
		out[c] = v
	}
	return out
}

// Sent are the packets the modem was given, as it was given them.
func (t *TNC) Sent() [][]byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([][]byte(nil), t.sent...)
}

// Serve is the modem while it is plugged in.
func (t *TNC) Serve(line io.ReadWriteCloser) error {
	k := newTalk(line)
	queue := make(chan []byte, max(t.params.Queue, 1))
	t.mu.Lock()
	t.talk, t.reports = k, false
	k.setNoise(t.faults.Noise)
	t.mu.Unlock()
	var sender sync.WaitGroup
	sender.Go(func() { t.transmit(k, queue) })
	defer sender.Wait()
	defer k.end()
	frames := framing.NewKISS(framing.Limits{Max: 4096})
	return k.read(func(b []byte) {
		frames.Feed(b, func(command byte, data []byte) { t.command(kiss.CommandOf(command), data, queue) })
	})
}

func (t *TNC) command(c kiss.Command, data []byte, queue chan<- []byte) {
	if c == kiss.CommandData {
		packet := append([]byte(nil), data...)
		select {
		case queue <- packet:
		default:
		}
		return
	}
	if len(data) == 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.set[c] = data[0]
	steps := time.Duration(data[0]) * 10 * time.Millisecond
	switch c {
	case kiss.CommandTXDelay:
		t.channel.Preamble = steps
	case kiss.CommandTXTail:
		t.channel.Tail = steps
	case kiss.CommandReady:
		t.reports = true
	}
}

// transmit sends what the program gave, one packet after the other.
func (t *TNC) transmit(k *talk, queue <-chan []byte) {
	for {
		select {
		case <-k.gone:
			return
		case p := <-queue:
			t.mu.Lock()
			t.sent = append(t.sent, p)
			airtime := t.channel.Preamble + t.channel.Tail
			t.mu.Unlock()
			airtime += time.Duration(len(p)) * 8 * time.Second / time.Duration(max(t.params.Bitrate, 1))
			if !t.air.transmit(&t.station, Channel{Frequency: t.params.Frequency}, airtime, p, k.gone) {
				return
			}
			t.ready(k)
		}
	}
}

func (t *TNC) ready(k *talk) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reports && !t.faults.NoReady {
		k.say(kiss.AppendReady(nil))
	}
}

func (t *TNC) heard(packet []byte, _ Reception) {
	t.mu.Lock()
	k := t.talk
	t.mu.Unlock()
	if k != nil {
		k.say(framing.AppendKISS(nil, byte(kiss.CommandData), packet))
	}
}
