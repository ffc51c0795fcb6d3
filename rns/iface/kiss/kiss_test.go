package kiss_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/kiss"
	"meshchatx/rns/iface/serialport"
	"meshchatx/spec/vectortest"
)

// spec: rns-interfaces §10
func TestVectorKISSCommand(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "kiss_command", func(t *testing.T, v struct {
		ID    string         `json:"id"`
		Value any            `json:"value"`
		Frame vectortest.Hex `json:"frame"`
	}) {
		n := 0
		if f, ok := v.Value.(interface{ Int64() (int64, error) }); ok {
			i, err := f.Int64()
			if err != nil {
				t.Fatal(err)
			}
			n = int(i)
		}
		ms := time.Duration(n) * time.Millisecond
		var got []byte
		switch {
		case strings.Contains(v.ID, "preamble"):
			got = kiss.Channel{Preamble: ms}.AppendPreamble(nil)
		case strings.Contains(v.ID, "txtail"):
			got = kiss.Channel{Tail: ms}.AppendTail(nil)
		case strings.Contains(v.ID, "persistence"):
			got = kiss.Channel{Persistence: n}.AppendPersistence(nil)
		case strings.Contains(v.ID, "slottime"):
			got = kiss.Channel{SlotTime: ms}.AppendSlotTime(nil)
		case strings.Contains(v.ID, "flow"):
			got = kiss.AppendReady(nil)
		}
		if !bytes.Equal(got, v.Frame) {
			t.Errorf("%x, want %x", got, []byte(v.Frame))
		}
	})
}

type bench struct {
	modem  *devicetest.TNC
	port   *devicetest.Port
	driver *kiss.Interface
	host   *devicetest.Host
}

func newBench(t *testing.T, air *devicetest.Air, change ...func(*kiss.Config)) *bench {
	t.Helper()
	b := &bench{modem: devicetest.NewTNC(air, devicetest.DefaultTNCParams())}
	b.port = devicetest.NewMemoryPort(b.modem)
	c := kiss.DefaultConfig("tnc", "simulated")
	c.Open = b.port.Open
	for _, f := range change {
		f(&c)
	}
	var err error
	if b.driver, err = kiss.New(c); err != nil {
		t.Fatal(err)
	}
	b.host = devicetest.Serve(t.Context(), b.driver)
	<-b.host.Started
	return b
}

func (b *bench) close() {
	b.host.Stop()
	b.port.Close()
}

func packet(n int) []byte { return bytes.Repeat([]byte{0xc0, 0xdb, 0x01}, n/3+1)[:n] }

func TestModemsHearEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		begin := time.Now()
		a := newBench(t, air)
		if up := time.Since(begin); up != 2*time.Second {
			t.Errorf("up after %v", up)
		}
		b := newBench(t, air)
		want := packet(564)
		if err := a.driver.Send(want); err != nil {
			t.Fatal(err)
		}
		begin = time.Now()
		if f := <-b.host.Frames; !bytes.Equal(f.Data, want) {
			t.Errorf("received %d bytes", len(f.Data))
		}
		if took := time.Since(begin); took != 370*time.Millisecond+564*8*time.Second/1200 {
			t.Errorf("took %v", took)
		}
		s := a.modem.Settings()
		if s[kiss.CommandTXDelay] != 35 || s[kiss.CommandTXTail] != 2 || s[kiss.CommandPersistence] != 64 ||
			s[kiss.CommandSlotTime] != 2 || s[kiss.CommandReady] != 1 {
			t.Errorf("settings %v", s)
		}
		if err := a.driver.Send(packet(700)); !errors.Is(err, iface.ErrFrameSize) {
			t.Errorf("Send returned %v", err)
		}
		if i := a.driver.Info(); i.Bitrate != 1200 || i.MTU != 564 || i.Label != "KISSInterface[tnc]" || i.AccessCodeSize != 8 {
			t.Errorf("info %+v", i)
		}
		a.close()
		b.close()
	})
}

func TestFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a := newBench(t, air, func(c *kiss.Config) { c.Flow = serialport.FlowReady })
		airtime := 370*time.Millisecond + 120*8*time.Second/1200
		begin := time.Now()
		for range 5 {
			if err := a.driver.Send(packet(120)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 4*airtime {
			t.Errorf("took %v, want %v", took, 4*airtime)
		}
		time.Sleep(airtime + time.Millisecond)
		a.modem.SetFaults(devicetest.TNCFaults{NoReady: true})
		begin = time.Now()
		for range 2 {
			if err := a.driver.Send(packet(120)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != serialport.FlowTimeout || !errors.Is(<-a.host.Notes, serialport.ErrNoReady) {
			t.Errorf("waited %v", took)
		}
		waiting := make(chan error)
		go func() { waiting <- a.driver.Send(packet(120)) }()
		synctest.Wait()
		a.close()
		if err := <-waiting; !errors.Is(err, iface.ErrOffline) {
			t.Errorf("Send returned %v", err)
		}
	})
}

// spec: rns-interfaces §10
func TestBeaconIsPaddedAndSentOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a := newBench(t, air, func(c *kiss.Config) { c.BeaconInterval, c.Callsign = time.Minute, "N0CALL" })
		b := newBench(t, air)
		if err := a.driver.Send(packet(40)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		sent := a.modem.Sent()
		if len(sent) != 2 || !bytes.Equal(sent[1], []byte("N0CALL\x00\x00\x00\x00\x00\x00\x00\x00\x00")) {
			t.Errorf("sent %q", sent)
		}
		if len(b.host.Frames) != 1 {
			t.Errorf("%d frames were delivered", len(b.host.Frames))
		}
		a.close()
		b.close()
	})
}

// Noise does not glue packets together: an unfinished frame is forgotten after 100 ms. spec: rns-interfaces §18
func TestUnfinishedFramesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		line := &script{}
		port := devicetest.NewMemoryPort(line)
		c := kiss.DefaultConfig("tnc", "simulated")
		c.Open = port.Open
		d, err := kiss.New(c)
		if err != nil {
			t.Fatal(err)
		}
		h := devicetest.Serve(t.Context(), d)
		<-h.Started
		half := framing.AppendKISS(nil, 0, packet(60))[:30]
		line.say(half)
		time.Sleep(99 * time.Millisecond)
		line.say(framing.AppendKISS(nil, 0, packet(60))[30:]) // in time: one frame
		if f := <-h.Frames; !bytes.Equal(f.Data, packet(60)) {
			t.Errorf("received %x", f.Data)
		}
		line.say(half)
		time.Sleep(101 * time.Millisecond)
		line.say([]byte("noise"))
		line.say(framing.AppendKISS(nil, 0x70, packet(50))) // the number of the modem's port does not matter
		if f := <-h.Frames; !bytes.Equal(f.Data, packet(50)) {
			t.Errorf("received %x", f.Data)
		}
		line.say(framing.AppendKISS(nil, 0, packet(19)))
		line.say(framing.AppendKISS(nil, 0, packet(2000)))
		synctest.Wait()
		if len(h.Frames) != 0 {
			t.Error("frames of wrong size were delivered")
		}
		h.Stop()
		port.Close()
	})
}

func TestUnplugAndPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newBench(t, devicetest.NewAir())
		a.port.Unplug()
		if err := a.host.Wait(); !errors.Is(err, serialport.ErrUnplugged) {
			t.Errorf("ended with %v", err)
		}
		if err := a.port.Plug(); err != nil {
			t.Fatal(err)
		}
		a.host = devicetest.Serve(t.Context(), a.driver)
		<-a.host.Started
		a.close()
	})
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		change func(*kiss.Config)
		want   error
	}{
		{func(c *kiss.Config) { c.Settings.Port = "" }, serialport.ErrNoPort},
		{func(c *kiss.Config) { c.Settings.Speed = -1 }, serialport.ErrSpeed},
		{func(c *kiss.Config) { c.Settings.DataBits = 9 }, serialport.ErrDataBits},
		{func(c *kiss.Config) { c.Settings.StopBits = 3 }, serialport.ErrStopBits},
		{func(c *kiss.Config) { c.Callsign = strings.Repeat("x", 256) }, kiss.ErrCallsign},
	} {
		conf := kiss.DefaultConfig("tnc", "port")
		c.change(&conf)
		if _, err := kiss.New(conf); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}
