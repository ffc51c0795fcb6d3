package local_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/local"
)

// TestEndpoints: the addresses of the reference. spec: rns-link §11.1
func TestEndpoints(t *testing.T) {
	for _, c := range []struct {
		e                local.Endpoint
		packets, control local.Address
		label            string
	}{
		{local.Endpoint{Kind: local.KindUnix}, local.Address{Network: "unix", Address: "@rns/default"}, local.Address{Network: "unix", Address: "@rns/default/rpc"}, "rns/default"},
		{local.Endpoint{Kind: local.KindUnix, Name: "a b", Port: 7}, local.Address{Network: "unix", Address: "@rns/a b"}, local.Address{Network: "unix", Address: "@rns/a b/rpc"}, "rns/a b"},
		{local.Endpoint{Kind: local.KindTCP, Name: "x"}, local.Address{Network: "tcp", Address: "127.0.0.1:37428"}, local.Address{Network: "tcp", Address: "127.0.0.1:37429"}, "37428"},
		{local.Endpoint{Kind: local.KindTCP, Port: 5, ControlPort: 6}, local.Address{Network: "tcp", Address: "127.0.0.1:5"}, local.Address{Network: "tcp", Address: "127.0.0.1:6"}, "5"},
	} {
		if c.e.Packets() != c.packets || c.e.Control() != c.control || c.e.String() != c.label {
			t.Errorf("%+v: %s, %s, %s", c.e, c.e.Packets(), c.e.Control(), c.e)
		}
	}
	if unix := (local.Endpoint{}).Unix(); unix != (runtime.GOOS == "linux" || runtime.GOOS == "android") {
		t.Errorf("default on %s: unix %v", runtime.GOOS, unix)
	}
}

// TestForeignOwnerIsNotJoined changes the user of the program that connects, which needs root.
func TestForeignOwnerIsNotJoined(t *testing.T) {
	e := local.Endpoint{Name: fmt.Sprintf("owner-%d", os.Getpid())}
	if !e.Unix() {
		t.Skip("sockets of this system do not tell their owner")
	}
	l, err := local.Listen(t.Context(), e.Packets())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	conn, err := local.Dial(t.Context(), e.Packets(), local.OwnUser)
	if err != nil {
		t.Fatalf("own socket: %v", err)
	}
	_ = conn.Close()
	other := &local.ForeignError{UID: 1234}
	if !errors.Is(other, local.ErrForeignOwner) || other.Error() == "" {
		t.Errorf("%v is no foreign owner", other)
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root to own a socket as somebody else")
	}
	foreign := local.Endpoint{Name: fmt.Sprintf("foreign-%d", os.Getpid())}
	bound, err := listenAs(t, foreign, 65534)
	if err != nil {
		t.Skip(err)
	}
	defer func() { _ = bound.Close() }()
	if _, err := local.Dial(t.Context(), foreign.Packets(), local.OwnUser); !errors.Is(err, local.ErrForeignOwner) {
		t.Errorf("joined a socket of another user: %v", err)
	}
	if conn, err = local.Dial(t.Context(), foreign.Packets(), local.AnyUser); err != nil {
		t.Errorf("asked for by name: %v", err)
	} else {
		_ = conn.Close()
	}
}

// peerHost serves one interface.
type peerHost struct {
	up     chan struct{}
	frames chan int
}

func (h *peerHost) Up()                                   { h.up <- struct{}{} }
func (h *peerHost) Note(error)                            {}
func (h *peerHost) Spawn(iface.Interface) <-chan struct{} { return nil }
func (h *peerHost) Receive(frames []iface.Frame) {
	for _, f := range frames {
		h.frames <- len(f.Data)
	}
}

// TestKeepaliveAndPace: a client shows that it is awake, and a simulated bitrate slows it down. spec: rns-link
// §11.3, §11.4, rns-interfaces §9
func TestKeepaliveAndPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		c := local.NewClient(local.ClientConfig{
			Keepalive: 4 * time.Second, Bitrate: 8000, Dial: func(context.Context) (net.Conn, error) { return near, nil },
		})
		if i := c.Info(); i.Bitrate != 8000 || i.MTUClass != iface.MTUAuto {
			t.Errorf("info %+v", i)
		}
		if err := c.Send(make([]byte, 20)); !errors.Is(err, iface.ErrOffline) {
			t.Errorf("sent without a connection: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		h := &peerHost{up: make(chan struct{}, 1), frames: make(chan int, 4)}
		ended := make(chan error, 1)
		go func() { ended <- c.Serve(ctx, h) }()
		<-h.up
		read := make(chan []byte, 16)
		go func() {
			buf := make([]byte, 4096)
			for {
				n, err := far.Read(buf)
				if err != nil {
					return
				}
				read <- append([]byte(nil), buf[:n]...)
			}
		}()
		start := time.Now()
		if got := <-read; string(got) != "\x7e\x7e" || time.Since(start) != 4*time.Second {
			t.Errorf("heard % x after %v", got, time.Since(start))
		}
		start = time.Now()
		if err := c.SendBatch([][]byte{make([]byte, 500), make([]byte, 500)}); err != nil {
			t.Error(err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("1000 bytes at 8000 bit/s took %v", d)
		}
		if _, err := far.Write(framing.AppendHDLC(nil, make([]byte, 100))); err != nil {
			t.Fatal(err)
		}
		if got := <-h.frames; got != 100 {
			t.Errorf("frame of %d bytes", got)
		}
		_ = far.Close()
		if err := <-ended; !errors.Is(err, local.ErrClosedByPeer) {
			t.Errorf("ended with %v", err)
		}
		cancel()
	})
}

// TestInUse tells a taken address from other failures.
func TestInUse(t *testing.T) {
	if !local.InUse(&net.OpError{Err: os.NewSyscallError("bind", syscall.EADDRINUSE)}) || local.InUse(os.ErrPermission) || local.InUse(nil) {
		t.Error("wrong verdict on an error of bind")
	}
}
