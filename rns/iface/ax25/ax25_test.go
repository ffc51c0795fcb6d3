package ax25_test

import (
	"bytes"
	"errors"
	"testing"
	"testing/synctest"

	"meshchatx/rns/iface/ax25"
	"meshchatx/rns/iface/devicetest"
	"meshchatx/rns/iface/framing"
	"meshchatx/rns/iface/kiss"
	"meshchatx/spec/vectortest"
)

// spec: rns-interfaces §11
func TestVectorAX25(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "ax25_kiss", func(t *testing.T, v struct {
		Callsign string         `json:"callsign"`
		SSID     int            `json:"ssid"`
		Data     vectortest.Hex `json:"data"`
		Frame    vectortest.Hex `json:"frame"`
	}) {
		source, err := ax25.NewAddress(v.Callsign, v.SSID)
		if err != nil {
			t.Fatal(err)
		}
		h := ax25.Header{Destination: ax25.Destination, Source: source}
		if got := framing.AppendKISS(nil, 0, append(h.Append(nil), v.Data...)); !bytes.Equal(got, v.Frame) {
			t.Errorf("%x, want %x", got, []byte(v.Frame))
		}
		if back, err := ax25.ParseHeader(h.Append(nil)); err != nil || back != h {
			t.Errorf("read back as %v: %v", back, err)
		}
	})
}

func TestStationsHearEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		air := devicetest.NewAir()
		var hosts [2]*devicetest.Host
		var modems [2]*devicetest.TNC
		var ports [2]*devicetest.Port
		for i, call := range []string{"n0call", "AB1"} {
			modems[i] = devicetest.NewTNC(air, devicetest.DefaultTNCParams())
			ports[i] = devicetest.NewMemoryPort(modems[i])
			m := kiss.DefaultConfig("ham", "simulated")
			m.Open = ports[i].Open
			d, err := ax25.New(ax25.Config{Modem: m, Callsign: call, SSID: 7})
			if err != nil {
				t.Fatal(err)
			}
			hosts[i] = devicetest.Serve(t.Context(), d)
			<-hosts[i].Started
		}
		if l := hosts[0].Driver.Info().Label; l != "AX25KISSInterface[ham]" {
			t.Errorf("label %s", l)
		}
		want := bytes.Repeat([]byte{0xc0, 0xdb}, 250)
		if err := hosts[0].Driver.Send(want); err != nil {
			t.Fatal(err)
		}
		if f := <-hosts[1].Frames; !bytes.Equal(f.Data, want) {
			t.Errorf("received %d bytes", len(f.Data))
		}
		h, err := ax25.ParseHeader(modems[0].Sent()[0])
		if err != nil || h.Source.String() != "N0CALL-7" || h.Destination.String() != "APZRNS-0" {
			t.Errorf("header %v: %v", h, err)
		}
		if err := hosts[0].Driver.Send(want[:10]); err != nil { // too short for a packet
			t.Fatal(err)
		}
		for i := range hosts {
			hosts[i].Stop()
			ports[i].Close()
		}
		if len(hosts[1].Frames) != 0 {
			t.Error("a frame without a packet was delivered")
		}
	})
}

func TestSettings(t *testing.T) {
	for _, c := range []struct {
		call string
		ssid int
		want error
	}{
		{"", 0, ax25.ErrCallsign}, {"AB", 0, ax25.ErrCallsign}, {"ABCDEFG", 0, ax25.ErrCallsign}, {"ÄB1", 0, ax25.ErrCallsign},
		{"A B", 0, ax25.ErrCallsign}, {"N0CALL", -1, ax25.ErrSSID}, {"N0CALL", 16, ax25.ErrSSID}, {"N0CALL", 15, nil},
	} {
		if _, err := ax25.New(ax25.Config{Modem: kiss.DefaultConfig("x", "p"), Callsign: c.call, SSID: c.ssid}); !errors.Is(err, c.want) {
			t.Errorf("%q-%d: %v, want %v", c.call, c.ssid, err, c.want)
		}
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add(ax25.Header{Destination: ax25.Destination, Source: ax25.Address{Callsign: "N0CALL", SSID: 3}}.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ax25.ParseHeader(b)
		if err != nil {
			if !errors.Is(err, ax25.ErrHeader) {
				t.Fatal(err)
			}
			return
		}
		if again, err := ax25.ParseHeader(h.Append(nil)); err != nil || again != h {
			t.Fatalf("%v becomes %v: %v", h, again, err)
		}
	})
}
