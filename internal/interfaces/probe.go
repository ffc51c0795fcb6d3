package interfaces

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"meshchatx/rns/iface/serialport"
	"meshchatx/rns/iface/tcp"
)

// StepState is the outcome of one step of a test.
type StepState string

// Outcomes of a step.
const (
	StepOK      StepState = "ok"
	StepWarn    StepState = "warn"
	StepFail    StepState = "fail"
	StepSkipped StepState = "skipped"
)

// Step is one step of a test.
type Step struct {
	Step   string
	State  StepState
	Code   string
	Detail string
	Took   time.Duration
}

const (
	resolveTimeout = 5 * time.Second
	connectTimeout = 5 * time.Second
)

// Test tries settings before they are saved: nothing is changed and no packet
// is sent. It stops at the first step that fails.
func (s *Service) Test(ctx context.Context, c Config) []Step {
	t := &trial{now: time.Now}
	if !t.run("settings", func() error { return c.Validate() }) {
		return t.steps
	}
	if !t.run("name", func() error { return s.nameFree(c.Name) }) {
		t.steps[len(t.steps)-1].State = StepWarn // editing an existing interface tests its own name
	}
	if s.opt.Try != nil {
		s.opt.Try(ctx, c, t.run)
		return t.steps
	}
	switch c.Type {
	case TypeTCPClient, TypeBackboneClient:
		t.client(ctx, c.TargetHost, strconv.Itoa(c.TargetPort))
	case TypeBackbone:
		if c.TargetHost != "" {
			t.client(ctx, c.TargetHost, strconv.Itoa(c.TargetPort))
			break
		}
		t.listen(ctx, "tcp", c)
	case TypeWebSocketClient:
		host, port := webSocketHost(c.TargetURL)
		t.client(ctx, host, port)
	case TypeTCPServer, TypeWebSocketServer:
		t.listen(ctx, "tcp", c)
	case TypeSerial, TypeKISS, TypeAX25KISS, TypeRNode, TypeRNodeMulti:
		t.run("device", func() error { return present(c.Line.Port) })
	case TypeUDP:
		t.listen(ctx, "udp", c)
	case TypeAuto:
		t.multicast(c)
	}
	return t.steps
}

type trial struct {
	now   func() time.Time
	steps []Step
}

func (t *trial) run(step string, f func() error) bool {
	start := t.now()
	err := f()
	st := Step{Step: step, State: StepOK, Took: t.now().Sub(start)}
	if err != nil {
		st.State, st.Code, st.Detail = StepFail, Reason(err), err.Error()
	}
	t.steps = append(t.steps, st)
	return err == nil
}

func (t *trial) client(ctx context.Context, host, port string) {
	var addrs []string
	ok := t.run("resolve", func() error {
		ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
		defer cancel()
		found, err := net.DefaultResolver.LookupHost(ctx, host)
		addrs = found
		return err
	})
	if !ok || len(addrs) == 0 {
		return
	}
	t.run("connect", func() error {
		ctx, cancel := context.WithTimeout(ctx, connectTimeout)
		defer cancel()
		conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

// present looks for the device of a serial port without opening it, which some answer with a restart. What is behind a
// network is not looked for.
func present(port string) error {
	if strings.Contains(port, "://") || !filepath.IsAbs(port) {
		return nil
	}
	if _, err := os.Stat(port); err != nil {
		return fmt.Errorf("%w: %w", serialport.ErrNotFound, err)
	}
	return nil
}

func (t *trial) listen(ctx context.Context, network string, c Config) {
	host := c.ListenIP
	if c.Device != "" {
		ok := t.run("device", func() error {
			card, err := net.InterfaceByName(c.Device)
			if err != nil {
				return err
			}
			addrs, err := card.Addrs()
			if err == nil && len(addrs) == 0 {
				err = errNoAddress
			}
			return err
		})
		if !ok {
			return
		}
		host = ""
	}
	t.run("listen", func() error {
		address := net.JoinHostPort(host, strconv.Itoa(c.ListenPort))
		var lc net.ListenConfig
		if network == "udp" {
			conn, err := lc.ListenPacket(ctx, network, address)
			if err != nil {
				return err
			}
			return conn.Close()
		}
		l, err := lc.Listen(ctx, network, address)
		if err != nil {
			return err
		}
		return l.Close()
	})
}

func (t *trial) multicast(c Config) {
	t.run("multicast", func() error {
		devices, err := Devices()
		if err != nil {
			return err
		}
		for _, d := range devices {
			if d.LinkLocal && d.Multicast && (len(c.Devices) == 0 || contains(c.Devices, d.Name)) && !contains(c.IgnoredDevices, d.Name) {
				return nil
			}
		}
		return errNoMulticast
	})
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}

var (
	errNoAddress   = errors.New("the network card has no address")
	errNoMulticast = errors.New("no network card has an IPv6 link-local address and multicast")
)

// Reason maps an error of a medium to the closed set of codes the interface
// page explains.
func Reason(err error) string {
	var dns *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrBadConfig), errors.Is(err, ErrExists):
		return "bad_config"
	case deviceReason(err) != "":
		return deviceReason(err)
	case streamReason(err) != "":
		return streamReason(err)
	case errors.Is(err, errNoMulticast):
		return "multicast_blocked"
	case errors.Is(err, errNoAddress):
		return "no_device"
	case errors.As(err, &dns):
		return "dns"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "refused"
	case errors.Is(err, syscall.EADDRINUSE):
		return "port_taken"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		return "no_permission"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EADDRNOTAVAIL):
		return "unreachable"
	case errors.Is(err, syscall.ENODEV), errors.Is(err, syscall.ENXIO):
		return "no_device"
	case errors.Is(err, net.ErrClosed), errors.Is(err, tcp.ErrClosedByPeer), errors.Is(err, syscall.ECONNRESET):
		return "closed"
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	}
	return "unknown"
}
