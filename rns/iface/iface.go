package iface

import (
	"context"
	"errors"
)

// Interface is one medium as the node drives it. Its concurrency contract: Info may be called at any time from any
// goroutine; Serve is never called twice at once; Send is called by one goroutine, only between Host.Up and the return of
// Serve, and never retains the frame.
type Interface interface {
	// Info describes the interface. It is constant.
	Info() Info
	// Serve opens the medium and runs until ctx ends or the medium is lost, whose reason it returns. Before returning it
	// closes all it opened and waits for the goroutines it started, so that it can be called again.
	Serve(ctx context.Context, h Host) error
	// Send writes one whole frame. It may block for as long as the medium takes, but not longer than Serve runs.
	Send(frame []byte) error
}

// BatchSender is the ability to write several frames at once. Order is kept. The contract of Send applies.
type BatchSender interface {
	SendBatch(frames [][]byte) error
}

// Addresser is the ability to tell where a listener is bound, for configurations with port 0.
type Addresser interface {
	// Address is the bound address as host:port, empty while the medium is not open.
	Address() string
}

// Host is the node's side of one interface, given to Serve. All methods may be called from any goroutine of the driver
// while Serve runs.
type Host interface {
	// Up reports that the medium is open and frames can be sent.
	Up()
	// Receive delivers received frames in order. The frames and the slice are the driver's again when it returns. It may
	// block: a driver that cannot stop its medium meanwhile loses what the medium drops.
	Receive(frames []Frame)
	// Spawn starts an interface for a peer of this listener. The child is served once, until its Serve returns or the
	// parent's does. The returned channel is closed when the child has ended.
	Spawn(child Interface) <-chan struct{}
	// Note reports something an operator should know and that does not end the interface.
	Note(err error)
}

// Frame is one received frame, without framing, access code still in place.
type Frame struct {
	// Data is the frame. It may be changed by the receiver.
	Data []byte
	// Signal is what the radio measured, the zero value on other media.
	Signal Signal
}

// Signal is the reception quality of a frame. The zero value means that nothing was measured.
type Signal struct {
	// RSSI is in dBm, SNR in dB, Quality in percent. Each is valid only with its flag.
	RSSI, SNR, Quality          float64
	HasRSSI, HasSNR, HasQuality bool
}

// ErrFrameSize is returned by Send for a frame the medium cannot carry.
var ErrFrameSize = errors.New("frame size not supported by the medium")

// ErrOffline is returned by Send when the medium is not open.
var ErrOffline = errors.New("medium is not open")

// permanent marks an error that repeating will not cure.
type permanent struct{ error }

func (p permanent) Unwrap() error { return p.error }

// Permanent wraps an error of Serve that another attempt cannot cure, such as an unusable setting: the node does not
// call Serve again.
func Permanent(err error) error { return permanent{err} }

// IsPermanent tells whether an error was wrapped by Permanent.
func IsPermanent(err error) bool {
	var p permanent
	return errors.As(err, &p)
}
