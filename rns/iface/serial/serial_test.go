package serial_test

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/serial"
	"meshchatx/rns/iface/serialport"
)

func open(t *testing.T, d devicetest.Device) (*devicetest.Port, *devicetest.Host) {
	t.Helper()
	port := devicetest.NewMemoryPort(d)
	s, err := serial.New(serial.Config{Name: "line", Settings: serialport.Settings{Port: "simulated", Speed: 57600}, Open: port.Open})
	if err != nil {
		t.Fatal(err)
	}
	h := devicetest.Serve(t.Context(), s)
	<-h.Started
	return port, h
}

func packet(n int) []byte { return bytes.Repeat([]byte{0x7e, 0x7d, 0x11}, n/3+1)[:n] }

// spec: rns-interfaces §7
func TestCableCarriesFramesBothWays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, b := devicetest.NewCable().Ends()
		begin := time.Now()
		pa, ha := open(t, a)
		if up := time.Since(begin); up != 500*time.Millisecond {
			t.Errorf("up after %v", up)
		}
		pb, hb := open(t, b)
		for _, way := range [][2]*devicetest.Host{{ha, hb}, {hb, ha}} {
			for n := 20; n <= 564; n += 100 {
				if err := way[0].Driver.Send(packet(n)); err != nil {
					t.Fatal(err)
				}
				if f := <-way[1].Frames; !bytes.Equal(f.Data, packet(n)) {
					t.Errorf("received %d bytes, want %d", len(f.Data), n)
				}
			}
		}
		if err := ha.Driver.Send(packet(700)); !errors.Is(err, iface.ErrFrameSize) {
			t.Errorf("Send returned %v", err)
		}
		if i := ha.Driver.Info(); i.Bitrate != 57600 || i.MTU != 564 || i.Label != "SerialInterface[line]" || !i.NeverLimited {
			t.Errorf("info %+v", i)
		}
		pa.Unplug()
		if err := ha.Wait(); !errors.Is(err, serialport.ErrUnplugged) {
			t.Errorf("ended with %v", err)
		}
		if err := ha.Driver.Send(packet(30)); !errors.Is(err, iface.ErrOffline) {
			t.Errorf("Send returned %v", err)
		}
		hb.Stop()
		pb.Close()
	})
}

// silent takes nothing and says what the test wants.
type silent struct {
	mu   sync.Mutex
	line io.ReadWriteCloser
	gone chan struct{}
}

func (s *silent) Serve(line io.ReadWriteCloser) error {
	s.mu.Lock()
	s.line = line
	s.mu.Unlock()
	<-s.gone
	return nil
}

func (s *silent) say(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.line.Write(b)
}

// spec: rns-interfaces §7, §18
func TestUnfinishedFramesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &silent{gone: make(chan struct{})}
		port, h := open(t, d)
		raw := framing.AppendHDLC(nil, packet(60))
		d.say(raw[:30])
		time.Sleep(99 * time.Millisecond)
		d.say(raw[30:])
		if f := <-h.Frames; !bytes.Equal(f.Data, packet(60)) {
			t.Errorf("received %x", f.Data)
		}
		d.say(raw[:30])
		time.Sleep(101 * time.Millisecond)
		d.say([]byte("more noise than a packet has, all of it not in a frame"))
		d.say(framing.AppendHDLC(nil, packet(40)))
		d.say(framing.AppendHDLC(nil, packet(19)))
		d.say(framing.AppendHDLC(nil, packet(1300)))
		synctest.Wait()
		if f := <-h.Frames; !bytes.Equal(f.Data, packet(40)) || len(h.Frames) != 0 {
			t.Errorf("received %x and %d more", f.Data, len(h.Frames))
		}
		h.Stop()
		close(d.gone)
		port.Close()
	})
}

// A device that takes nothing blocks Send, but not the end of the interface.
func TestBlockedSendEndsWithTheInterface(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &silent{gone: make(chan struct{})}
		port, h := open(t, d)
		blocked := make(chan error)
		go func() {
			for {
				if err := h.Driver.Send(packet(500)); err != nil {
					blocked <- err
					return
				}
			}
		}()
		synctest.Wait()
		h.Stop()
		if err := <-blocked; err == nil {
			t.Error("Send went on")
		}
		close(d.gone)
		port.Close()
	})
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		name string
		s    serialport.Settings
		want error
	}{
		{"x", serialport.Settings{}, serialport.ErrNoPort},
		{"x", serialport.Settings{Port: "p", Speed: -5}, serialport.ErrSpeed},
		{"x", serialport.Settings{Port: "p", DataBits: 4}, serialport.ErrDataBits},
		{"x", serialport.Settings{Port: "p", StopBits: 3}, serialport.ErrStopBits},
		{"x", serialport.Settings{Port: "p", Speed: 250_000, DataBits: 7, StopBits: 2, Parity: serialport.ParityOdd}, nil},
	} {
		if _, err := serial.New(serial.Config{Name: c.name, Settings: c.s}); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v", c.s, err)
		}
	}
	for text, want := range map[string]serialport.Parity{
		"": serialport.ParityNone, "N": serialport.ParityNone, "E": serialport.ParityEven, "even": serialport.ParityEven,
		"o": serialport.ParityOdd, "ODD": serialport.ParityOdd, "mark": serialport.ParityNone,
	} {
		if got := serialport.ParityOf(text); got != want {
			t.Errorf("%q is %d", text, got)
		}
	}
}
