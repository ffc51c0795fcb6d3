//go:build !linux

package serialport

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.bug.st/serial"
)

// pollInterval is how long a read waits before it looks whether the device was closed.
const pollInterval = 200 * time.Millisecond

// closeWait bounds how long Close waits for the users of the handle. A write that the device blocks longer ends when the
// handle is closed under it.
const closeWait = time.Second

// device closes the library's handle only after its users have left: the library does not guard against the reuse of the
// handle's number by another file.
type device struct {
	port   serial.Port
	closed atomic.Bool
	once   sync.Once
	err    error
	users  sync.WaitGroup
	mu     sync.Mutex // orders users.Add before users.Wait
}

func open(path string, m *serial.Mode) (io.ReadWriteCloser, error) {
	port, err := serial.Open(path, m)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(port.SetReadTimeout(pollInterval), port.ResetInputBuffer()); err != nil {
		return nil, errors.Join(err, port.Close())
	}
	return &device{port: port}, nil
}

func (d *device) enter() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed.Load() {
		return os.ErrClosed
	}
	d.users.Add(1)
	return nil
}

// Read waits for bytes until the device is closed.
func (d *device) Read(p []byte) (int, error) {
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.users.Done()
	for !d.closed.Load() {
		if n, err := d.port.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, os.ErrClosed
}

// Write writes to the device.
func (d *device) Write(p []byte) (int, error) {
	if err := d.enter(); err != nil {
		return 0, err
	}
	defer d.users.Done()
	return d.port.Write(p)
}

// Close ends reads and closes the handle.
func (d *device) Close() error {
	d.once.Do(func() {
		d.mu.Lock()
		d.closed.Store(true)
		d.mu.Unlock()
		left := make(chan struct{})
		go func() {
			d.users.Wait()
			close(left)
		}()
		_ = d.port.ResetOutputBuffer() // lets a blocked write go on
		timeout := time.NewTimer(closeWait)
		defer timeout.Stop()
		select {
		case <-left:
		case <-timeout.C:
		}
		d.err = d.port.Close()
		<-left
	})
	return d.err
}

func explainSystem(err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("%w (%w)", ErrNotFound, err)
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%w (%w)", ErrPermission, err)
	}
	return err
}
