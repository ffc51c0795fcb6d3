package demo

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"time"

	"meshchatx/internal/interfaces"
	"meshchatx/rns/config"
	"meshchatx/rns/iface"
	"meshchatx/rns/iface/mem"
	"meshchatx/rns/node"
	"meshchatx/rns/transport"
)

// refusing is an interface whose connection fails, at once or after a while.
type refusing struct {
	info  iface.Info
	after time.Duration
	err   error
}

func (r *refusing) Info() iface.Info  { return r.info }
func (r *refusing) Send([]byte) error { return iface.ErrOffline }

// Serve never gets as far as a connection.
func (r *refusing) Serve(ctx context.Context, _ iface.Host) error {
	t := time.NewTimer(r.after)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return r.err
	}
}

// listening is an interface that waits for peers: it spawns those that join gives it.
type listening struct {
	info iface.Info
	join func() (children []iface.Interface, leave func())
}

func (l *listening) Info() iface.Info  { return l.info }
func (l *listening) Send([]byte) error { return iface.ErrOffline }

// Serve spawns the peers and waits.
func (l *listening) Serve(ctx context.Context, h iface.Host) error {
	h.Up()
	children, leave := l.join()
	defer leave()
	for _, c := range children {
		h.Spawn(c)
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// radio is a medium that measures what it receives.
type radio struct {
	*mem.Endpoint
	measure func() iface.Signal
}

// Serve adds measurements to what the medium delivers.
func (r *radio) Serve(ctx context.Context, h iface.Host) error {
	return r.Endpoint.Serve(ctx, measuring{Host: h, measure: r.measure})
}

type measuring struct {
	iface.Host
	measure func() iface.Signal
}

// Receive implements iface.Host.
func (m measuring) Receive(frames []iface.Frame) {
	for i := range frames {
		frames[i].Signal = m.measure()
	}
	m.Host.Receive(frames)
}

// wires remembers which end of a medium the simulated network holds for an interface, so that starting it again does not
// leave the old one behind.
type wires struct {
	mu  sync.Mutex
	far map[string]func()
}

func (w *wires) replace(name string, cut func()) {
	w.mu.Lock()
	before := w.far[name]
	if w.far == nil {
		w.far = make(map[string]func())
	}
	w.far[name] = cut
	w.mu.Unlock()
	if before != nil {
		before()
	}
}

// refusal is what becomes of a connection to a simulated host; nil where a hub answers.
func refusal(host string) *refusing {
	switch {
	case strings.HasPrefix(host, "refused"):
		refused := os.NewSyscallError("connect", syscall.ECONNREFUSED)
		return &refusing{after: 300 * time.Millisecond, err: &net.OpError{Op: "dial", Net: "tcp", Err: refused}}
	case strings.HasPrefix(host, "silent"):
		return &refusing{after: 5 * time.Second, err: &net.OpError{Op: "dial", Net: "tcp", Err: context.DeadlineExceeded}}
	case strings.HasPrefix(host, "unknown"), strings.HasSuffix(host, ".invalid"):
		return &refusing{after: 50 * time.Millisecond, err: &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}}
	}
	return nil
}

// try tests settings against the simulated network. It implements interfaces.Try.
func try(ctx context.Context, c interfaces.Config, step func(string, func() error) bool) {
	wait := func(d time.Duration) error {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-t.C:
			return nil
		}
	}
	switch c.Type {
	case interfaces.TypeTCPClient:
		r := refusal(c.TargetHost)
		if r == nil {
			r = new(refusing)
		}
		var dns *net.DNSError
		unknown := errors.As(r.err, &dns)
		if step("resolve", func() error {
			if unknown {
				return r.err
			}
			return wait(20 * time.Millisecond)
		}) {
			step("connect", func() error { return errors.Join(wait(min(r.after, time.Second)+30*time.Millisecond), r.err) })
		}
	case interfaces.TypeTCPServer, interfaces.TypeUDP:
		step("listen", func() error { return nil })
	case interfaces.TypeAuto:
		step("multicast", func() error { return nil })
	}
}

// build makes the simulated interface behind a block of the file. It implements interfaces.Build.
func (w *world) build(c config.Interface) (iface.Interface, node.InterfaceConfig, error) {
	conf := node.InterfaceConfig{
		Mode: transport.Mode(c.Mode), Bitrate: c.Bitrate, NetworkName: c.NetworkName, Passphrase: c.Passphrase, AccessCodeSize: c.AccessCodeSize,
		IngressControl: transport.LimitOff,
	}
	switch c.Type {
	case string(interfaces.TypeTCPClient):
		d, err := w.buildClient(c, conf)
		return d, conf, err
	case string(interfaces.TypeAuto):
		return &listening{info: info(c, iface.RoleListener, 10_000_000), join: w.neighbours}, conf, nil
	case string(interfaces.TypeTCPServer):
		return &listening{info: info(c, iface.RoleListener, 10_000_000), join: nobody}, conf, nil
	case string(interfaces.TypeUDP):
		return mem.New(c.Name, like(info(c, iface.RoleEndpoint, 10_000_000))), conf, nil
	case "RNodeInterface":
		d, err := w.buildRadio(c, conf)
		return d, conf, err
	}
	return nil, conf, fmt.Errorf("%w: %s", interfaces.ErrUnsupported, c.Type)
}

func nobody() ([]iface.Interface, func()) { return nil, func() {} }

func info(c config.Interface, role iface.Role, bitrate int64) iface.Info {
	return iface.Info{
		Name: c.Name, Label: c.Type + "[" + c.Name + "]", Type: c.Type, Bitrate: bitrate, MTU: 8192, MTUClass: iface.MTUAuto,
		AccessCodeSize: 16, Role: role,
	}
}

func like(i iface.Info) mem.Option { return mem.WithInfo(func(to *iface.Info) { *to = i }) }
