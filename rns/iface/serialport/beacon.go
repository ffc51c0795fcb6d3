package serialport

import (
	"context"
	"sync"
	"time"
)

// Beacon sends the call sign of the operator an interval after the first packet since the last time, so that a silent
// station stays silent. The zero value sends none. Safe for concurrent use after the fields are set.
//
// spec: rns-interfaces §10, §12.5
type Beacon struct {
	// Interval is the time from the first packet to the beacon.
	Interval time.Duration
	// Data is the packet, empty for no beacon.
	Data []byte

	once sync.Once
	wake chan struct{}
}

func (b *Beacon) on() bool { return b.Interval > 0 && len(b.Data) > 0 }

func (b *Beacon) armed() chan struct{} {
	b.once.Do(func() { b.wake = make(chan struct{}, 1) })
	return b.wake
}

// Sent is told of every packet that is no beacon.
func (b *Beacon) Sent() {
	if !b.on() {
		return
	}
	select {
	case b.armed() <- struct{}{}:
	default:
	}
}

// Run sends beacons until ctx ends or send fails.
func (b *Beacon) Run(ctx context.Context, send func([]byte) error) {
	if !b.on() {
		return
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.armed():
		}
		t := time.NewTimer(b.Interval)
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		select { // packets of the interval are covered by this beacon
		case <-b.armed():
		default:
		}
		if send(b.Data) != nil {
			return
		}
	}
}
