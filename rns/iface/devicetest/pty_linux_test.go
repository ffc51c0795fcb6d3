package devicetest_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
)

const patience = 20 * time.Second

func plug(t *testing.T, d devicetest.Device) *devicetest.Port {
	t.Helper()
	p, err := devicetest.NewTerminalPort(d, filepath.Join(t.TempDir(), "tty"))
	if err != nil {
		t.Skipf("no pseudo-terminals here: %v", err)
	}
	t.Cleanup(p.Close)
	return p
}

// up serves a driver until the test ends.
func up(t *testing.T, d iface.Interface, err error) *devicetest.Host {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	h := devicetest.Serve(t.Context(), d)
	t.Cleanup(func() { _ = h.Stop() })
	select {
	case <-h.Started:
	case <-h.Done():
		t.Fatal(h.Wait())
	case <-time.After(patience):
		t.Fatal("not up")
	}
	return h
}

// arrives waits for one frame.
func arrives(t *testing.T, h *devicetest.Host, want []byte) {
	t.Helper()
	select {
	case f := <-h.Frames:
		if !bytes.Equal(f.Data, want) {
			t.Errorf("received %d bytes, want %d", len(f.Data), len(want))
		}
	case <-time.After(patience):
		t.Fatal("nothing arrived")
	}
}

func ends(t *testing.T, h *devicetest.Host) error {
	t.Helper()
	select {
	case <-h.Done():
	case <-time.After(patience):
		t.Fatal("the driver did not notice")
	}
	return h.Wait()
}

// every byte, also those that terminals like to translate
func everyByte(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i)
	}
	return b
}

// spec: rns-interfaces §7, §1.5
func TestSerialOverTerminals(t *testing.T) {
	a, b := devicetest.NewCable().Ends()
	pa, pb := plug(t, a), plug(t, b)
	driver := func(p *devicetest.Port) (iface.Interface, error) {
		return serial.New(serial.Config{Name: "x", Settings: serialport.Settings{Port: p.Path(), Speed: 115200}})
	}
	da, err := driver(pa)
	ha := up(t, da, err)
	db, err := driver(pb)
	hb := up(t, db, err)
	for n := 20; n <= 560; n += 60 {
		for _, way := range [][2]*devicetest.Host{{ha, hb}, {hb, ha}} {
			if err := way[0].Driver.Send(everyByte(n)); err != nil {
				t.Fatal(err)
			}
			arrives(t, way[1], everyByte(n))
		}
	}
	if err := ends(t, devicetest.Serve(t.Context(), again(t, driver, pa))); !errors.Is(err, serialport.ErrBusy) {
		t.Errorf("opened twice: %v", err)
	}
	pa.Unplug()
	if err := ends(t, ha); !errors.Is(err, serialport.ErrUnplugged) {
		t.Errorf("ended with %v", err)
	}
	if err := ends(t, devicetest.Serve(t.Context(), da)); !errors.Is(err, serialport.ErrNotFound) {
		t.Errorf("opened: %v", err)
	}
	if err := pa.Plug(); err != nil {
		t.Fatal(err)
	}
	ha = up(t, da, nil)
	if err := ha.Driver.Send(everyByte(100)); err != nil {
		t.Fatal(err)
	}
	arrives(t, hb, everyByte(100))
}

// again is a second driver for the same port.
func again(t *testing.T, driver func(*devicetest.Port) (iface.Interface, error), p *devicetest.Port) iface.Interface {
	t.Helper()
	d, err := driver(p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestModemsOverTerminals(t *testing.T) {
	air := devicetest.NewAir()
	p := devicetest.DefaultTNCParams()
	p.Bitrate = 100_000
	params := kiss.DefaultParams()
	params.Boot = 10 * time.Millisecond
	var hosts [2]*devicetest.Host
	for i := range hosts {
		c := kiss.DefaultConfig("x", plug(t, devicetest.NewTNC(air, p)).Path())
		c.Flow, c.Params = serialport.FlowReady, &params
		c.Channel.Preamble, c.Channel.Tail = 0, 0
		d, err := kiss.New(c)
		hosts[i] = up(t, d, err)
	}
	for n := 20; n <= 560; n += 90 {
		if err := hosts[0].Driver.Send(everyByte(n)); err != nil {
			t.Fatal(err)
		}
	}
	for n := 20; n <= 560; n += 90 {
		arrives(t, hosts[1], everyByte(n))
	}
}

func TestRadiosOverTerminals(t *testing.T) {
	air := devicetest.NewAir()
	params := rnode.DefaultParams()
	params.Boot, params.Online = 10*time.Millisecond, 10*time.Millisecond
	var hosts [2]*devicetest.Host
	var devices [2]*devicetest.RNode
	for i := range hosts {
		devices[i] = devicetest.NewRNode(air, devicetest.DefaultRNodeParams())
		d, err := rnode.New(rnode.Config{
			Name: "x", Port: plug(t, devices[i]).Path(), Frequency: 2_450_000_000, Bandwidth: 1_625_000, SpreadingFactor: 5, CodingRate: 5,
			TXPower: 20, Params: &params,
		})
		hosts[i] = up(t, d, err)
	}
	for n := 20; n <= 500; n += 60 {
		for _, way := range [][2]*devicetest.Host{{hosts[0], hosts[1]}, {hosts[1], hosts[0]}} {
			if err := way[0].Driver.Send(everyByte(n)); err != nil {
				t.Fatal(err)
			}
			arrives(t, way[1], everyByte(n))
		}
	}
	_ = hosts[0].Stop()
	select {
	case <-devices[0].Leaving():
	case <-time.After(patience):
		t.Fatal("the device was not told that the program goes")
	}
	if _, on := devices[0].Radio(0); on {
		t.Error("the radio was left on")
	}
}

// spec: rns-interfaces §12.8
func TestRadiosOverTheNetwork(t *testing.T) {
	air := devicetest.NewAir()
	params := rnode.DefaultParams()
	params.Boot, params.Online, params.Linger, params.Keepalive = 10*time.Millisecond, 10*time.Millisecond, 10*time.Millisecond, 50*time.Millisecond
	var hosts [2]*devicetest.Host
	for i := range hosts {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			_ = devicetest.ServeTCP(l, devicetest.NewRNode(air, devicetest.DefaultRNodeParams()))
		}()
		t.Cleanup(func() {
			_ = l.Close()
			<-ended
		})
		d, err := rnode.New(rnode.Config{
			Name: "x", Port: "tcp://" + l.Addr().String(), Frequency: 2_450_000_000, Bandwidth: 1_625_000, SpreadingFactor: 5, CodingRate: 5,
			TXPower: 20, Params: &params,
		})
		hosts[i] = up(t, d, err)
	}
	for n := 20; n <= 500; n += 120 {
		for _, way := range [][2]*devicetest.Host{{hosts[0], hosts[1]}, {hosts[1], hosts[0]}} {
			if err := way[0].Driver.Send(everyByte(n)); err != nil {
				t.Fatal(err)
			}
			arrives(t, way[1], everyByte(n))
		}
	}
}

// A device that reads nothing blocks Send, but does not keep the driver from ending.
func TestBlockedTerminal(t *testing.T) {
	d := &stuck{gone: make(chan struct{})}
	p := plug(t, d)
	defer p.Close()
	defer close(d.gone)
	s, err := serial.New(serial.Config{Name: "x", Settings: serialport.Settings{Port: p.Path()}})
	h := up(t, s, err)
	sent, failed := make(chan struct{}, 1000), make(chan error, 1)
	go func() {
		for {
			if err := s.Send(everyByte(500)); err != nil {
				failed <- err
				return
			}
			sent <- struct{}{}
		}
	}()
	for full := false; !full; { // nothing was taken for a while
		select {
		case <-sent:
		case <-time.After(200 * time.Millisecond):
			full = true
		}
	}
	_ = h.Stop()
	select {
	case <-failed:
	case <-time.After(patience):
		t.Fatal("Send is still blocked")
	}
}

// stuck reads nothing.
type stuck struct{ gone chan struct{} }

func (s *stuck) Serve(io.ReadWriteCloser) error {
	<-s.gone
	return nil
}
