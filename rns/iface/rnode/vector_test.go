package rnode

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
	"meshchatx/spec/vectortest"
)

// what the vectors of commands do not say themselves is in the names of the vectors.
func rnodeCommand(id string, frequency uint32, data []byte) []byte {
	switch id {
	case "rnode-detect":
		return AppendDetect(nil)
	case "rnode-leave":
		return AppendLeave(nil)
	case "rnode-frequency":
		return AppendFrequency(nil, 867_200_000)
	case "rnode-frequency-escaped":
		return AppendFrequency(nil, frequency)
	case "rnode-bandwidth":
		return AppendBandwidth(nil, 125_000)
	case "rnode-txpower":
		return AppendTXPower(nil, 7)
	case "rnode-sf":
		return AppendSF(nil, 8)
	case "rnode-cr":
		return AppendCR(nil, 5)
	case "rnode-st-alock":
		return AppendShortLimit(nil, 33)
	case "rnode-lt-alock":
		return AppendLongLimit(nil, 1.5)
	case "rnode-radio-on":
		return AppendRadioState(nil, RadioOn)
	case "rnode-radio-off":
		return AppendRadioState(nil, RadioOff)
	case "rnode-fb-on":
		return AppendFramebuffer(nil, DisplayOfHost)
	case "rnode-fb-off":
		return AppendFramebuffer(nil, DisplayOfDevice)
	case "rnode-fb-line":
		return AppendFramebufferLine(nil, 3, [8]byte{0xc0, 0xdb, 0, 1, 2, 3, 4, 5})
	case "rnode-fb-read":
		return AppendFramebufferRead(nil)
	case "rnode-disp-read":
		return AppendDisplayRead(nil)
	case "rnode-data":
		return AppendData(nil, data)
	}
	return nil
}

// multiCommand is the same for devices with several radios. The data of the last are those of the frame.
func multiCommand(id string, vport uint8, frame []byte) []byte {
	selected := AppendSelect(nil, vport)
	switch id {
	case "rnodemulti-detect":
		return AppendDetectMulti(nil)
	case "rnodemulti-frequency":
		return AppendFrequency(selected, 2_400_000_000)
	case "rnodemulti-txpower-negative":
		return AppendTXPower(selected, -5)
	case "rnodemulti-radio-on":
		return AppendRadioState(selected, RadioOn)
	case "rnodemulti-data":
		var packet []byte
		framing.NewKISS(framing.Limits{Max: 600}).Feed(bytes.Clone(frame), func(_ byte, data []byte) { packet = bytes.Clone(data) })
		return AppendData(selected, packet)
	}
	return nil
}

// spec: rns-interfaces §12.2, §13
func TestVectorRNodeCommand(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "rnode_command", func(t *testing.T, v struct {
		ID        string         `json:"id"`
		Frame     vectortest.Hex `json:"frame"`
		Frequency uint32         `json:"frequency"`
		Data      vectortest.Hex `json:"data"`
		VPort     *uint8         `json:"vport"`
	}) {
		got := rnodeCommand(v.ID, v.Frequency, v.Data)
		if v.VPort != nil {
			got = multiCommand(v.ID, *v.VPort, v.Frame)
		}
		if !bytes.Equal(got, v.Frame) {
			t.Errorf("%x, want %x", got, []byte(v.Frame))
		}
	})
}

// spec: rns-interfaces §12.5, §12.6, §12.7
func TestVectorRNodeParse(t *testing.T) {
	vectortest.Each(t, "rns-link.json", "rnode_parse", func(t *testing.T, v struct {
		Stream vectortest.Hex `json:"stream"`
		State  map[string]any `json:"state"`
	}) {
		var s State
		var packets []any
		var signal iface.Signal
		failed := false
		framing.NewKISS(framing.Limits{Max: maxReport}).Feed(bytes.Clone(v.Stream), func(c byte, data []byte) {
			event, err := s.Apply(time.Unix(1, 0), Command(c), data)
			switch event {
			case EventPacket:
				packets = append(packets, vectortest.Hex(data).String())
				signal = s.Signal
			case EventFailure:
				failed = true
			case EventNone:
				if err != nil {
					t.Error(err)
				}
			}
		})
		if signal == (iface.Signal{}) {
			signal = s.Signal
		}
		for name, want := range v.State {
			checkState(t, name, want, &s, signal, packets, failed)
		}
	})
}

func checkState(t *testing.T, name string, want any, s *State, signal iface.Signal, packets []any, failed bool) {
	t.Helper()
	switch name {
	case "packets":
		if w := want.([]any); len(w) != len(packets) || w[0] != packets[0] {
			t.Errorf("packets %v", packets)
		}
		return
	case "hw_errors":
		for i, w := range want.([]any) {
			m, f := w.(map[string]any), s.Stats.Faults
			if i >= len(f) || json.Number(strconv.Itoa(int(f[i].Code))) != m["error"] || f[i].Text != m["description"] {
				t.Errorf("faults %+v", f)
			}
		}
		return
	case "online": // the vector feeds errors into a driver that was never up: they must not be failures
		if failed {
			t.Error("survivable errors are failures")
		}
		return
	}
	st := s.Status(Setup{})
	is := func(b bool, v float64) iface.Measure { return iface.Measure{Value: v, Known: b} }
	got, known := map[string]iface.Measure{
		"detected": is(true, truth(s.Detected)), "firmware_ok": is(true, truth(s.CheckFirmware(1, 52) == nil)),
		"maj_version": is(s.HasVersion, float64(s.Major)), "min_version": is(s.HasVersion, float64(s.Minor)),
		"platform": is(s.HasPlatform, float64(s.Platform)), "mcu": is(s.HasMCU, float64(s.MCU)),
		"r_frequency": is(s.HasFrequency, float64(s.Radio.Frequency)), "r_bandwidth": is(s.HasBandwidth, float64(s.Radio.Bandwidth)),
		"r_txpower": is(s.HasTXPower, float64(s.Radio.TXPower)), "r_sf": is(s.HasSF, float64(s.Radio.SpreadingFactor)),
		"r_cr": is(s.HasCR, float64(s.Radio.CodingRate)), "r_state": is(s.HasRadioState, float64(s.RadioState)),
		"bitrate":     is(true, s.Bitrate()),
		"r_stat_rssi": is(signal.HasRSSI, signal.RSSI), "r_stat_snr": is(signal.HasSNR, signal.SNR),
		"r_stat_q": is(signal.HasQuality, signal.Quality), "r_airtime_short": st.AirtimeShort, "r_airtime_long": st.AirtimeLong,
		"r_channel_load_short": st.ChannelLoadShort, "r_channel_load_long": st.ChannelLoadLong, "r_current_rssi": st.RSSI,
		"r_noise_floor": st.NoiseFloor, "r_interference": st.Interference, "r_symbol_time_ms": st.SymbolTime,
		"r_symbol_rate": st.SymbolRate, "r_preamble_symbols": st.PreambleSymbols, "r_premable_time_ms": st.PreambleTime,
		"r_csma_slot_time_ms": st.SlotTime, "r_csma_difs_ms": st.DIFS, "r_csma_cw_band": st.ContentionBand,
		"r_csma_cw_min": st.ContentionMin, "r_csma_cw_max": st.ContentionMax, "r_battery_state": is(true, float64(st.Battery)),
		"r_battery_percent": st.BatteryPercent, "r_temperature": st.Temperature, "r_st_alock": st.AirtimeLimitShort,
		"r_lt_alock": st.AirtimeLimitLong,
	}[name]
	if !known {
		t.Fatalf("state %s is not compared", name)
	}
	switch w := want.(type) {
	case nil:
		if got.Known {
			t.Errorf("%s is %v, want unknown", name, got.Value)
		}
	case bool:
		if got.Value != truth(w) {
			t.Errorf("%s is %v", name, got)
		}
	case json.Number:
		if f, err := w.Float64(); err != nil || !got.Known || got.Value != f {
			t.Errorf("%s is %v, want %v", name, got, w)
		}
	default:
		t.Fatalf("%s is a %T", name, want)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
