package rnodemulti_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/rnode"
	"meshchatx/rns/iface/rnodemulti"
	"meshchatx/rns/iface/serialport"
)

func params() devicetest.RNodeParams {
	p := devicetest.DefaultRNodeParams()
	p.Chips = []uint8{0x11, 0x20}
	return p
}

func config(port *devicetest.Port) rnodemulti.Config {
	return rnodemulti.Config{
		Name: "board", Port: "simulated", Open: port.Open, Radios: []rnodemulti.Radio{
			{Name: "far", VPort: 0, Frequency: 868_000_000, Bandwidth: 125_000, TXPower: -5, SpreadingFactor: 9, CodingRate: 5},
			{Name: "fast", VPort: 1, Frequency: 2_400_000_000, Bandwidth: 1_625_000, TXPower: 10, SpreadingFactor: 5, CodingRate: 5},
		},
	}
}

type bench struct {
	device *devicetest.RNode
	port   *devicetest.Port
	host   *devicetest.Host
	subs   []*devicetest.Host
}

func (b *bench) serve(t *testing.T, change ...func(*rnodemulti.Config)) {
	t.Helper()
	c := config(b.port)
	for _, f := range change {
		f(&c)
	}
	d, err := rnodemulti.New(c)
	if err != nil {
		t.Fatal(err)
	}
	b.host, b.subs = devicetest.Serve(t.Context(), d), nil
	for range c.Radios {
		select {
		case s := <-b.host.Peers:
			<-s.Started
			b.subs = append(b.subs, s)
		case <-b.host.Done():
			t.Fatal(b.host.Wait())
		}
	}
}

func newBench(air *devicetest.Air) *bench {
	b := &bench{device: devicetest.NewRNode(air, params())}
	b.port = devicetest.NewMemoryPort(b.device)
	return b
}

func (b *bench) close() {
	b.host.Stop()
	b.port.Close()
}

func packet(n int, seed byte) []byte { return bytes.Repeat([]byte{seed, 0xc0, 0xdb, 0x1f}, n/4+1)[:n] }

// spec: rns-interfaces §13
func TestTransceiversAreInterfaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		a, b := newBench(air), newBench(air)
		a.serve(t)
		b.serve(t, func(c *rnodemulti.Config) { c.Radios[1].Receives = rnodemulti.ReceiveOnly })
		for i, want := range [][]byte{packet(300, 1), packet(300, 2)} {
			if err := a.subs[i].Driver.Send(want); err != nil {
				t.Fatal(err)
			}
			if f := <-b.subs[i].Frames; !bytes.Equal(f.Data, want) || f.Signal.RSSI != -60 || !f.Signal.HasQuality {
				t.Errorf("radio %d received %d bytes, %+v", i, len(f.Data), f.Signal)
			}
		}
		if len(b.subs[0].Frames) != 0 || len(b.subs[1].Frames) != 0 {
			t.Error("a packet was heard on the other band")
		}
		i := a.subs[0].Driver.Info()
		if i.Label != "board[far]" || i.Name != "far" || i.Role != iface.RolePeer || i.Bitrate != 1757 || i.MTU != 508 {
			t.Errorf("info %+v", i)
		}
		if i := a.host.Driver.Info(); i.Role != iface.RoleListener || i.Label != "RNodeMultiInterface[board]" || i.Bitrate != 0 {
			t.Errorf("info of the device %+v", i)
		}
		if b.subs[0].Driver.(iface.Listening).ReceiveOnly() || !b.subs[1].Driver.(iface.Listening).ReceiveOnly() {
			t.Error("direction is lost")
		}
		time.Sleep(1100 * time.Millisecond)
		st := a.subs[0].Driver.(iface.Radio).RadioStatus()
		if st.Reported.TXPower != -5 || !st.AirtimeShort.Known || st.AirtimeShort.Value == 0 || st.NoiseFloor.Known ||
			st.DIFS.Known || st.SlotTime != iface.Measured(24) || st.FirmwareMinor != 82 {
			t.Errorf("status %+v", st)
		}
		if st := b.subs[0].Driver.(iface.Radio).RadioStatus(); st.AirtimeShort.Value != 0 {
			t.Errorf("airtime of a radio that did not send: %+v", st.AirtimeShort)
		}
		a.host.Stop()
		synctest.Wait()
		for v := range 2 {
			if _, on := a.device.Radio(v); on {
				t.Errorf("radio %d was left on", v)
			}
		}
		a.port.Close()
		b.close()
	})
}

// On failure all transceivers go, and come back with the device. spec: rns-interfaces §13
func TestFailureTakesAllTransceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(devicetest.NewAir())
		b.serve(t)
		b.device.Fail(rnode.ErrorModem)
		if err := <-b.host.Notes; !errors.Is(err, rnode.ErrorModem) {
			t.Errorf("noted %v", err)
		}
		b.device.Fail(rnode.ErrorRadio)
		if err := b.host.Wait(); !errors.Is(err, rnode.ErrorRadio) {
			t.Errorf("ended with %v", err)
		}
		for _, s := range b.subs {
			s.Wait()
			if err := s.Driver.Send(packet(30, 1)); !errors.Is(err, iface.ErrOffline) {
				t.Errorf("Send returned %v", err)
			}
		}
		b.serve(t)
		b.port.Unplug()
		if err := b.host.Wait(); !errors.Is(err, serialport.ErrUnplugged) {
			t.Errorf("ended with %v", err)
		}
		if err := b.port.Plug(); err != nil {
			t.Fatal(err)
		}
		b.serve(t)
		b.close()
	})
}

func TestBeaconOnAllTransceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		b := newBench(air)
		b.serve(t, func(c *rnodemulti.Config) {
			c.BeaconInterval, c.Callsign = time.Minute, "N0CALL"
			c.Radios[0].Flow, c.Radios[1].Flow = serialport.FlowReady, serialport.FlowReady
		})
		if err := b.subs[1].Driver.Send(packet(30, 1)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Minute)
		if n := air.Carried(); n != 3 {
			t.Errorf("%d transmissions, want 1 packet and 2 beacons", n)
		}
		b.close()
	})
}

func TestDevicesThatCannotBeUsed(t *testing.T) {
	old := params()
	old.Minor = 73
	newer := params()
	newer.Major, newer.Minor = 2, 0
	swapped := params()
	swapped.Chips = []uint8{0x20, 0x11}
	single := params()
	single.Chips = []uint8{0x11}
	for name, c := range map[string]struct {
		params devicetest.RNodeParams
		faults devicetest.RNodeFaults
		want   error
	}{
		"silent": {params(), devicetest.RNodeFaults{Silent: true}, rnode.ErrNotDetected},
		"old":    {old, devicetest.RNodeFaults{}, rnode.ErrFirmware},
		"newer":  {newer, devicetest.RNodeFaults{StuckSF: 7}, rnode.ErrMismatch}, // its version is no trouble
		"chips":  {swapped, devicetest.RNodeFaults{}, rnodemulti.ErrFrequency},
		"vport":  {single, devicetest.RNodeFaults{}, rnodemulti.ErrNoSuchPort},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				device := devicetest.NewRNode(devicetest.NewAir(), c.params)
				device.SetFaults(c.faults)
				port := devicetest.NewMemoryPort(device)
				d, err := rnodemulti.New(config(port))
				if err != nil {
					t.Fatal(err)
				}
				if err := devicetest.Serve(t.Context(), d).Wait(); !errors.Is(err, c.want) {
					t.Errorf("ended with %v, want %v", err, c.want)
				}
				port.Close()
			})
		})
	}
}

func TestSettings(t *testing.T) {
	port := devicetest.NewMemoryPort(devicetest.NewRNode(devicetest.NewAir(), params()))
	many := make([]rnodemulti.Radio, 12)
	for _, c := range []struct {
		change func(*rnodemulti.Config)
		want   error
	}{
		{func(c *rnodemulti.Config) { c.Name = "" }, rnode.ErrName},
		{func(c *rnodemulti.Config) { c.Port = "" }, serialport.ErrNoPort},
		{func(c *rnodemulti.Config) { c.Port = "tcp://host" }, rnodemulti.ErrNotSerial},
		{func(c *rnodemulti.Config) { c.Radios = nil }, rnodemulti.ErrNoRadios},
		{func(c *rnodemulti.Config) { c.Radios = many }, rnodemulti.ErrTooMany},
		{func(c *rnodemulti.Config) { c.Radios[1].VPort = 0 }, rnodemulti.ErrSameVPort},
		{func(c *rnodemulti.Config) { c.Radios[1].VPort = 11 }, rnodemulti.ErrVPort},
		{func(c *rnodemulti.Config) { c.Radios[0].Frequency = 1_500_000_000 }, rnodemulti.ErrFrequency},
		{func(c *rnodemulti.Config) { c.Radios[0].TXPower = -10 }, rnodemulti.ErrTXPower},
		{func(c *rnodemulti.Config) { c.Radios[0].SpreadingFactor = 13 }, rnode.ErrSpreadingFactor},
		{func(c *rnodemulti.Config) { c.Radios[0].ShortLimit = iface.Measured(101) }, rnode.ErrAirtimeLimit},
		{func(c *rnodemulti.Config) { c.Callsign = string(make([]byte, 33)) }, rnode.ErrCallsign},
	} {
		conf := config(port)
		c.change(&conf)
		if _, err := rnodemulti.New(conf); !errors.Is(err, c.want) {
			t.Errorf("%v, want %v", err, c.want)
		}
	}
}
