package rnode_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/serialport"
)

func config(port *devicetest.Port) rnode.Config {
	return rnode.Config{
		Name: "radio", Port: "simulated", Frequency: 867_200_000, Bandwidth: 125_000, TXPower: 7, SpreadingFactor: 8,
		CodingRate: 5, Open: port.Open,
	}
}

// bench is one simulated device with its driver.
type bench struct {
	device *devicetest.RNode
	port   *devicetest.Port
	driver *rnode.Interface
}

func newBench(t *testing.T, air *devicetest.Air, p devicetest.RNodeParams, change ...func(*rnode.Config)) *bench {
	t.Helper()
	b := &bench{device: devicetest.NewRNode(air, p)}
	b.port = devicetest.NewMemoryPort(b.device)
	t.Cleanup(b.port.Close)
	c := config(b.port)
	for _, f := range change {
		f(&c)
	}
	var err error
	if b.driver, err = rnode.New(c); err != nil {
		t.Fatal(err)
	}
	return b
}

// serve starts the driver and waits until it is up.
func (b *bench) serve(t *testing.T) *devicetest.Host {
	t.Helper()
	h := devicetest.Serve(t.Context(), b.driver)
	select {
	case <-h.Started:
	case <-h.Done():
		t.Fatal(h.Wait())
	}
	return h
}

func packet(n int, seed byte) []byte {
	b := bytes.Repeat([]byte{seed, 0xc0, 0xdb, 0x00}, n/4+1)
	return b[:n]
}

// spec: rns-interfaces §12.3, §12.4, §12.5, §12.6, §12.9
func TestRadiosHearEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a, b := newBench(t, air, devicetest.DefaultRNodeParams()), newBench(t, air, devicetest.DefaultRNodeParams())
		b.device.Hears(a.device, devicetest.Reception{RSSI: -92, SNR: -5})
		begin := time.Now()
		ha, hb := a.serve(t), b.serve(t)
		if d := time.Since(begin); d < 2300*time.Millisecond || d > 5*time.Second {
			t.Errorf("up after %v", d)
		}
		want := packet(400, 1)
		if err := a.driver.Send(want); err != nil {
			t.Fatal(err)
		}
		sent := time.Now()
		f := <-hb.Frames
		if !bytes.Equal(f.Data, want) || f.Signal.RSSI != -92 || f.Signal.SNR != -5 || f.Signal.Quality != 35.3 {
			t.Errorf("received %d bytes with %+v", len(f.Data), f.Signal)
		}
		if took, air := time.Since(sent), rnode.Airtime(a.driver.RadioStatus().Reported, 400); took != air || air < time.Second {
			t.Errorf("took %v on the air, should be %v", took, air)
		}
		time.Sleep(1100 * time.Millisecond) // statistics come once a second
		st := a.driver.RadioStatus()
		if st.Reported != st.Configured || !st.On || st.Bitrate != 3125 || st.FirmwareMinor != 82 ||
			st.AirtimeShort.Value < 5 || st.Battery != iface.BatteryDischarging || st.Temperature != iface.Measured(25) ||
			st.NoiseFloor != iface.Measured(-110) || st.SymbolTime != iface.Measured(2.048) {
			t.Errorf("status %+v", st)
		}
		if i := a.driver.Info(); i.Bitrate != 3125 || i.MTU != 508 || i.Label != "RNodeInterface[radio]" || !i.NeverLimited {
			t.Errorf("info %+v", i)
		}
		if err := ha.Stop(); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
		synctest.Wait()
		if _, on := a.device.Radio(0); on || a.device.Left() != 1 {
			t.Error("the radio was left on")
		}
		if err := a.driver.Send(want); !errors.Is(err, iface.ErrOffline) {
			t.Errorf("Send returned %v", err)
		}
		hb.Stop()
		a.port.Close()
		b.port.Close()
	})
}

// spec: rns-interfaces §12.3, §12.4
func TestDevicesThatCannotBeUsed(t *testing.T) {
	old := devicetest.DefaultRNodeParams()
	old.Minor = 51
	for name, c := range map[string]struct {
		params devicetest.RNodeParams
		faults devicetest.RNodeFaults
		change func(*rnode.Config)
		want   error
	}{
		"silent":       {faults: devicetest.RNodeFaults{Silent: true}, want: rnode.ErrNotDetected},
		"old firmware": {params: old, want: rnode.ErrFirmware},
		"frequency":    {faults: devicetest.RNodeFaults{FrequencyOffset: 101}, want: rnode.ErrMismatch},
		"SF":           {faults: devicetest.RNodeFaults{StuckSF: 9}, want: rnode.ErrMismatch},
		"power":        {change: func(c *rnode.Config) { c.TXPower = 30 }, want: rnode.ErrMismatch},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if c.params.Major == 0 {
					c.params = devicetest.DefaultRNodeParams()
				}
				if c.change == nil {
					c.change = func(*rnode.Config) {}
				}
				b := newBench(t, devicetest.NewAir(), c.params, c.change)
				b.device.SetFaults(c.faults)
				h := devicetest.Serve(t.Context(), b.driver)
				if err := h.Wait(); !errors.Is(err, c.want) {
					t.Errorf("ended with %v, want %v", err, c.want)
				}
				if len(h.Started) > 0 {
					t.Error("was up")
				}
				b.device.SetFaults(devicetest.RNodeFaults{})
				b.port.Close()
			})
		})
	}
}

func TestMismatchNamesBothValues(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, devicetest.NewAir(), devicetest.DefaultRNodeParams(), func(c *rnode.Config) { c.TXPower = 30 })
		err := devicetest.Serve(t.Context(), b.driver).Wait()
		var m *rnode.MismatchError
		if !errors.As(err, &m) || m.Configured != 30 || m.Actual != 22 {
			t.Errorf("ended with %v", err)
		}
		b.port.Close()
	})
}

// A slightly wrong frequency is how crystals are. spec: rns-interfaces §12.4
func TestFrequencyTolerance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, devicetest.NewAir(), devicetest.DefaultRNodeParams())
		b.device.SetFaults(devicetest.RNodeFaults{FrequencyOffset: -100})
		b.serve(t).Stop()
		b.port.Close()
	})
}

// spec: rns-interfaces §12.2
func TestDeviceErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, devicetest.NewAir(), devicetest.DefaultRNodeParams())
		h := b.serve(t)
		b.device.Fail(rnode.ErrorMemory)
		if err := <-h.Notes; !errors.Is(err, rnode.ErrorMemory) {
			t.Errorf("noted %v", err)
		}
		if f := b.driver.RadioStatus().Faults; len(f) != 1 || f[0].Code != 5 {
			t.Errorf("faults %+v", f)
		}
		b.device.Fail(rnode.ErrorTransmit)
		if err := h.Wait(); !errors.Is(err, rnode.ErrorTransmit) {
			t.Errorf("ended with %v", err)
		}
		h = b.serve(t) // and comes back
		b.device.Restart()
		if err := h.Wait(); !errors.Is(err, rnode.ErrRebooted) {
			t.Errorf("ended with %v", err)
		}
		b.port.Close()
	})
}

func TestUnplugAndPlug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, devicetest.NewAir(), devicetest.DefaultRNodeParams())
		h := b.serve(t)
		b.port.Unplug()
		if err := h.Wait(); !errors.Is(err, serialport.ErrUnplugged) {
			t.Errorf("ended with %v", err)
		}
		if err := devicetest.Serve(t.Context(), b.driver).Wait(); !errors.Is(err, serialport.ErrNotFound) {
			t.Errorf("opened: %v", err)
		}
		if err := b.port.Plug(); err != nil {
			t.Fatal(err)
		}
		b.serve(t).Stop()
		b.port.Close()
	})
}

// spec: rns-interfaces §12.5
func TestFlowControl(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, devicetest.NewAir(), devicetest.DefaultRNodeParams(), func(c *rnode.Config) { c.Flow = serialport.FlowReady })
		h := b.serve(t)
		airtime := rnode.Airtime(b.driver.RadioStatus().Configured, 100)
		begin := time.Now()
		for range 4 {
			if err := b.driver.Send(packet(100, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took < 3*airtime || took > 4*airtime {
			t.Errorf("4 packets of %v went in %v", airtime, took)
		}
		time.Sleep(airtime + time.Millisecond)
		b.device.SetFaults(devicetest.RNodeFaults{NoReady: true})
		begin = time.Now()
		for range 2 {
			if err := b.driver.Send(packet(100, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != serialport.FlowTimeout {
			t.Errorf("waited %v for a device that says nothing", took)
		}
		if err := <-h.Notes; !errors.Is(err, serialport.ErrNoReady) {
			t.Errorf("noted %v", err)
		}
		waiting := make(chan error)
		go func() { waiting <- b.driver.Send(packet(100, 1)) }()
		synctest.Wait()
		h.Stop()
		if err := <-waiting; !errors.Is(err, iface.ErrOffline) {
			t.Errorf("Send returned %v", err)
		}
		b.port.Close()
	})
}

// Without flow control the driver takes packets as fast as the air does, so that the queue that fills is the node's.
func TestSendKeepsPaceWithTheAir(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a, b := newBench(t, air, devicetest.DefaultRNodeParams()), newBench(t, air, devicetest.DefaultRNodeParams())
		ha, hb := a.serve(t), b.serve(t)
		airtime := rnode.Airtime(a.driver.RadioStatus().Configured, 500)
		begin := time.Now()
		const packets = 40 // more than the device holds
		for range packets {
			if err := a.driver.Send(packet(500, 1)); err != nil {
				t.Fatal(err)
			}
		}
		if took, want := time.Since(begin), (packets-1)*airtime-time.Second; took != want {
			t.Errorf("took %v, want %v", took, want)
		}
		for range packets {
			<-hb.Frames
		}
		ha.Stop()
		hb.Stop()
		a.port.Close()
		b.port.Close()
	})
}

// spec: rns-interfaces §12.5
func TestBeacon(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a := newBench(t, air, devicetest.DefaultRNodeParams(), func(c *rnode.Config) {
			c.BeaconInterval, c.Callsign = 10*time.Minute, "N0CALL"
		})
		h := a.serve(t)
		time.Sleep(time.Hour)
		if n := air.Carried(); n != 0 {
			t.Errorf("%d beacons of a silent station", n)
		}
		for range 3 {
			if err := a.driver.Send(packet(30, 1)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		time.Sleep(time.Hour)
		if n := air.Carried(); n != 4 {
			t.Errorf("%d transmissions, want 3 packets and 1 beacon", n)
		}
		h.Stop()
		a.port.Close()
	})
}

// Noise on the line loses frames, or looks like an error, after which the driver starts again. spec: rns-interfaces §18
func TestNoiseOnTheLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a, b := newBench(t, air, devicetest.DefaultRNodeParams()), newBench(t, air, devicetest.DefaultRNodeParams())
		ha, hb := a.serve(t), b.serve(t)
		b.device.SetFaults(devicetest.RNodeFaults{Noise: 0.3})
		whole := 0
		for range 50 {
			want := packet(60, 7)
			if err := a.driver.Send(want); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
			select {
			case <-hb.Done(): // noise that reads like a report of an error
				if err := hb.Wait(); errors.As(err, new(rnode.DeviceError)) {
					hb = b.serve(t)
				} else {
					t.Fatal(err)
				}
			default:
			}
			for len(hb.Frames) > 0 {
				if f := <-hb.Frames; bytes.Equal(f.Data, want) {
					whole++
				}
			}
		}
		if whole < 40 {
			t.Errorf("%d of 50 packets arrived", whole)
		}
		ha.Stop()
		hb.Stop()
		a.port.Close()
		b.port.Close()
	})
}

// The device keeps the airtime limits it was told. spec: rns-interfaces §12.4
func TestAirtimeLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		limit := func(c *rnode.Config) { c.ShortLimit, c.LongLimit = iface.Measured(10), iface.Measured(1.5) }
		a := newBench(t, air, devicetest.DefaultRNodeParams(), limit)
		h := a.serve(t)
		if st := a.driver.RadioStatus(); st.AirtimeLimitShort != iface.Measured(10) || st.AirtimeLimitLong != iface.Measured(1.5) {
			t.Errorf("limits %v, %v", st.AirtimeLimitShort, st.AirtimeLimitLong)
		}
		for range 8 {
			if err := a.driver.Send(packet(500, 1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		if n := air.Carried(); n < 2 || n > 5 {
			t.Errorf("%d packets in a minute", n)
		}
		h.Stop()
		a.port.Close()
	})
}

// spec: rns-interfaces §12.1
func TestSettings(t *testing.T) {
	port := devicetest.NewMemoryPort(devicetest.NewRNode(devicetest.NewAir(), devicetest.DefaultRNodeParams()))
	for _, c := range []struct {
		change func(*rnode.Config)
		want   error
	}{
		{func(c *rnode.Config) { c.Name = "" }, rnode.ErrName},
		{func(c *rnode.Config) { c.Port = " " }, serialport.ErrNoPort},
		{func(c *rnode.Config) { c.Port = "BLE://" }, rnode.ErrBluetooth},
		{func(c *rnode.Config) { c.Port = "tcp://" }, rnode.ErrHost},
		{func(c *rnode.Config) { c.Frequency = 136_999_999 }, rnode.ErrFrequency},
		{func(c *rnode.Config) { c.Frequency = 3_000_000_001 }, rnode.ErrFrequency},
		{func(c *rnode.Config) { c.Bandwidth = 7_799 }, rnode.ErrBandwidth},
		{func(c *rnode.Config) { c.Bandwidth = 1_625_001 }, rnode.ErrBandwidth},
		{func(c *rnode.Config) { c.TXPower = -1 }, rnode.ErrTXPower},
		{func(c *rnode.Config) { c.TXPower = 38 }, rnode.ErrTXPower},
		{func(c *rnode.Config) { c.SpreadingFactor = 4 }, rnode.ErrSpreadingFactor},
		{func(c *rnode.Config) { c.SpreadingFactor = 13 }, rnode.ErrSpreadingFactor},
		{func(c *rnode.Config) { c.CodingRate = 4 }, rnode.ErrCodingRate},
		{func(c *rnode.Config) { c.CodingRate = 9 }, rnode.ErrCodingRate},
		{func(c *rnode.Config) { c.ShortLimit = iface.Measured(100.5) }, rnode.ErrAirtimeLimit},
		{func(c *rnode.Config) { c.LongLimit = iface.Measured(-1) }, rnode.ErrAirtimeLimit},
		{func(c *rnode.Config) { c.Callsign = string(make([]byte, 33)) }, rnode.ErrCallsign},
		{func(c *rnode.Config) { c.Frequency, c.TXPower, c.LongLimit = 3_000_000_000, 37, iface.Measured(100) }, nil},
	} {
		conf := config(port)
		c.change(&conf)
		if _, err := rnode.New(conf); !errors.Is(err, c.want) {
			t.Errorf("%+v: %v, want %v", conf, err, c.want)
		}
	}
}

// spec: rns-interfaces §12.8
func TestDeviceOnTheNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		device := devicetest.NewRNode(air, devicetest.DefaultRNodeParams())
		port := devicetest.NewMemoryPort(device)
		var asked string
		c := config(port)
		c.Port, c.Open = "TCP://10.0.0.1", nil
		c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			asked = network + " " + address
			line, err := port.Open(ctx, serialport.Settings{})
			return wire{line}, err
		}
		d, err := rnode.New(c)
		if err != nil {
			t.Fatal(err)
		}
		h := devicetest.Serve(t.Context(), d)
		<-h.Started
		if asked != "tcp 10.0.0.1:7633" {
			t.Errorf("dialled %s", asked)
		}
		before := len(device.Commands())
		time.Sleep(time.Minute)
		if pokes := (len(device.Commands()) - before) / 4; pokes < 16 || pokes > 18 {
			t.Errorf("%d pokes in a minute", pokes)
		}
		device.SetFaults(devicetest.RNodeFaults{Silent: true})
		begin := time.Now()
		if err := h.Wait(); !errors.Is(err, rnode.ErrSilent) {
			t.Errorf("ended with %v", err)
		}
		if took := time.Since(begin); took > 30*time.Second {
			t.Errorf("silence was noticed after %v", took)
		}
		port.Close()
	})
}

// wire is a line that looks like a connection.
type wire struct {
	rw interface {
		Read([]byte) (int, error)
		Write([]byte) (int, error)
		Close() error
	}
}

func (w wire) Read(b []byte) (int, error)       { return w.rw.Read(b) }
func (w wire) Write(b []byte) (int, error)      { return w.rw.Write(b) }
func (w wire) Close() error                     { return w.rw.Close() }
func (w wire) LocalAddr() net.Addr              { return nil }
func (w wire) RemoteAddr() net.Addr             { return nil }
func (w wire) SetDeadline(time.Time) error      { return nil }
func (w wire) SetReadDeadline(time.Time) error  { return nil }
func (w wire) SetWriteDeadline(time.Time) error { return nil }
