package devicetest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"meshchatx/rns/iface/serialport"
)

// Device is a simulated device. Serve speaks on the line until it ends; it is called again when the device is plugged in
// again, never twice at once.
type Device interface {
	Serve(line io.ReadWriteCloser) error
}

// ErrUnsupported is returned on systems without pseudo-terminals that this package can make.
var ErrUnsupported = errors.New("pseudo-terminals are simulated on Linux only")

// Port is where a device is plugged in and a program opens it. Safe for concurrent use.
type Port struct {
	device Device
	link   string // of a terminal port
	memory bool

	serving sync.WaitGroup

	mu      sync.Mutex
	plugged bool
	line    io.Closer // device's end
	host    io.Closer // other end of a memory port
	path    string
}

// NewMemoryPort plugs a device into a port in memory. Every opening starts the device anew, as boards do whose reset line
// follows the port.
func NewMemoryPort(d Device) *Port { return &Port{device: d, memory: true, plugged: true} }

// NewTerminalPort plugs a device into a pseudo-terminal. With a link its path stays the same when the device is plugged in
// again: link is made a symbolic link, and must not exist.
func NewTerminalPort(d Device, link string) (*Port, error) {
	p := &Port{device: d, link: link}
	if err := p.Plug(); err != nil {
		return nil, err
	}
	return p, nil
}

// Path is what a program opens, empty for memory ports and while nothing is plugged in.
func (p *Port) Path() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.link != "" {
		return p.link
	}
	return p.path
}

// Open opens a memory port. It is a serialport.Opener; the settings are ignored.
func (p *Port) Open(context.Context, serialport.Settings) (io.ReadWriteCloser, error) {
	p.mu.Lock()
	if !p.plugged {
		p.mu.Unlock()
		return nil, fmt.Errorf("simulated port: %w", serialport.ErrNotFound)
	}
	before, beforeHost := p.line, p.host
	p.line, p.host = nil, nil
	p.mu.Unlock()
	if before != nil { // the opener before this one is gone, or loses the device to it
		_, _ = before.Close(), beforeHost.Close()
		p.serving.Wait()
	}
	host, line := Pipe()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.line, p.host = line, host
	p.serve(line)
	return host, nil
}

// serve runs the device on a line. The caller holds the lock.
func (p *Port) serve(line io.ReadWriteCloser) {
	p.serving.Go(func() {
		_ = p.device.Serve(line) // it ends when it is unplugged
		_ = line.Close()
	})
}

// Unplug pulls the device out.
func (p *Port) Unplug() {
	p.mu.Lock()
	line := p.line
	p.plugged, p.line, p.host, p.path = false, nil, nil, ""
	p.mu.Unlock()
	if line != nil {
		_ = line.Close()
	}
	if p.link != "" {
		removeLink(p.link)
	}
	p.serving.Wait()
}

// Plug puts the device back.
func (p *Port) Plug() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.plugged {
		return nil
	}
	if p.memory {
		p.plugged = true
		return nil
	}
	t, err := openTerminal()
	if err != nil {
		return err
	}
	if p.link != "" {
		if err := makeLink(t.path, p.link); err != nil {
			return errors.Join(err, t.Close())
		}
	}
	p.plugged, p.line, p.path = true, t, t.path
	p.serve(t)
	return nil
}

// Close unplugs the device for good and waits for it.
func (p *Port) Close() { p.Unplug() }
