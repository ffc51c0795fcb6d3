package rnode

import (
	"math"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// The LoRa frames of a device: what it adds to them, and how much of a packet one holds. Larger packets go in two.
const (
	loraHeader    = 1
	loraPayload   = 255 - loraHeader
	loraPreamble  = 18
	loraSync      = 4.25
	loraCRC       = 16
	slowestSymbol = 16 * time.Millisecond // beyond it the low data rate form is used
)

// Airtime is how long a device transmits a packet of so many bytes, 0 while the parameters are unknown. It is an estimate:
// devices choose the length of the preamble themselves.
func Airtime(p iface.RadioParams, size int) time.Duration {
	if p.Bitrate() == 0 || size < 0 {
		return 0
	}
	var total time.Duration
	for {
		part := min(size, loraPayload)
		total += frameTime(p, part+loraHeader)
		if size -= part; size <= 0 {
			return total
		}
	}
}

func frameTime(p iface.RadioParams, size int) time.Duration {
	symbol := float64(uint64(1)<<p.SpreadingFactor) / float64(p.Bandwidth)
	sf, slow := float64(p.SpreadingFactor), 0.0
	if symbol > slowestSymbol.Seconds() {
		slow = 2
	}
	bits := 8*float64(size) - 4*sf + 28 + loraCRC
	payload := 8 + max(0, math.Ceil(bits/(4*max(1, sf-slow))))*float64(p.CodingRate)
	return time.Duration((loraPreamble + loraSync + payload) * symbol * float64(time.Second))
}

// Pace holds packets back until the device has almost sent the ones before, so that the queue that fills is the one of the
// node, which tells links to wait, and not the few kilobytes of the device. The zero value is an idle device.
// Safe for concurrent use.
type Pace struct {
	mu   sync.Mutex
	free time.Time // when the device will have sent all it was given
}

// ahead is how much of the air the device is given in advance.
const ahead = time.Second

// Take waits until the device can use a packet that takes so long, and counts it. It returns false when closed was closed.
func (p *Pace) Take(airtime time.Duration, closed <-chan struct{}) bool {
	p.mu.Lock()
	wait := time.Until(p.free.Add(-ahead))
	p.mu.Unlock()
	if wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-closed:
			return false
		case <-t.C:
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(airtime)
	return true
}
