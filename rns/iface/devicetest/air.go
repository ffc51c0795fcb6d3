package devicetest

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Channel is what stations must share to hear each other.
type Channel struct {
	// Frequency and Bandwidth are in Hz.
	Frequency, Bandwidth uint32
	SpreadingFactor      uint8
}

// Reception is how well a packet is heard.
type Reception struct {
	// RSSI is in dBm, SNR in dB.
	RSSI, SNR float64
	// Loss is the share of packets that are not heard, 0 to 1.
	Loss float64
}

// Air joins simulated stations. Each channel carries one packet at a time: stations wait for each other, as they do who
// listen before they talk. Safe for concurrent use.
type Air struct {
	mu       sync.Mutex
	stations []*station
	free     map[Channel]time.Time // when the channel is free again
	quality  map[[2]*station]Reception
	chance   *rand.Rand
	carried  int
}

// DefaultReception is a strong signal.
func DefaultReception() Reception { return Reception{RSSI: -60, SNR: 9.5} }

// NewAir returns an empty medium.
func NewAir() *Air {
	return &Air{
		free: make(map[Channel]time.Time), quality: make(map[[2]*station]Reception), chance: rand.New(rand.NewPCG(1, 2)),
	}
}

// station is one radio on the air.
type station struct {
	air *Air
	// tuned says what the station hears, and whether its receiver is on.
	tuned func() (Channel, bool)
	// hear is given what the station receives. It must not block.
	hear func(packet []byte, r Reception)
}

func (a *Air) join(s *station) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s.air = a
	a.stations = append(a.stations, s)
}

// Carried is how many packets were transmitted.
func (a *Air) Carried() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.carried
}

// setQuality says how a station hears another.
func (a *Air) setQuality(from, to *station, r Reception) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.quality[[2]*station{from, to}] = r
}

// transmit waits for the channel, occupies it for so long and lets the others hear. It returns false when stop was closed
// before the packet was out.
func (a *Air) transmit(from *station, c Channel, airtime time.Duration, packet []byte, stop <-chan struct{}) bool {
	a.mu.Lock()
	now := time.Now()
	begin := a.free[c]
	if begin.Before(now) {
		begin = now
	}
	end := begin.Add(airtime)
	a.free[c] = end
	a.mu.Unlock()
	t := time.NewTimer(end.Sub(now))
	defer t.Stop()
	select {
	case <-stop:
		return false
	case <-t.C:
	}
	for _, l := range a.listeners(from, c) {
		l.to.hear(append([]byte(nil), packet...), l.r)
	}
	return true
}

type listener struct {
	to *station
	r  Reception
}

// listeners are those who hear a packet.
func (a *Air) listeners(from *station, c Channel) (out []listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.carried++
	for _, s := range a.stations {
		if s == from {
			continue
		}
		if on, listens := s.tuned(); !listens || on != c {
			continue
		}
		r, set := a.quality[[2]*station{from, s}]
		if !set {
			r = DefaultReception()
		}
		if r.Loss > 0 && a.chance.Float64() < r.Loss {
			continue
		}
		out = append(out, listener{s, r})
	}
	return out
}
