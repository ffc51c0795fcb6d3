package rnode

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"time"

	"meshchatx/rns/iface"
)

// Offsets of reported values. spec: rns-interfaces §12.2
const (
	rssiOffset        = 157
	temperatureOffset = 120
	minTemperature    = -30
	maxTemperature    = 90
	noInterference    = 0xff
)

// Bounds of what is remembered.
const (
	maxFaults     = 16
	maxInterfaces = 11 // spec: rns-interfaces §13
)

// Reading of packets. spec: rns-interfaces §12.5
const (
	qualityBase = -9
	qualityStep = 2
	qualityMax  = 6
)

// ErrShortReport is a frame of the device that is shorter than its command needs. It changes nothing.
var ErrShortReport = errors.New("report of the device is too short")

// ErrRebooted means that the device started anew while it was in use.
var ErrRebooted = errors.New("the device restarted")

// Event is what the owner of a State must act on.
type Event uint8

// The events.
const (
	// EventNone changed at most what the device reported.
	EventNone Event = iota
	// EventPacket is a received packet: the data of the frame, with the Signal of the state.
	EventPacket
	// EventReady says that the device takes the next packet.
	EventReady
	// EventSelect says that the following frames are about the transceiver of the first byte.
	EventSelect
	// EventRestart says that the device has booted.
	EventRestart
	// EventFault is an error that the device survives; the state remembers it.
	EventFault
	// EventFailure is an error that ends the use of the device.
	EventFailure
)

// Transceiver is one radio of a device with several. spec: rns-interfaces §13
type Transceiver struct{ VPort, Chip uint8 }

// State is what a device reported. The zero value is a device that said nothing. Not safe for concurrent use.
type State struct {
	// Detected, and what the device is.
	Detected                   bool
	Major, Minor               uint8
	Platform, MCU              uint8
	HasVersion, HasMCU         bool
	HasPlatform                bool
	Transceivers               []Transceiver
	Radio                      iface.RadioParams
	HasFrequency, HasBandwidth bool
	HasTXPower, HasSF, HasCR   bool
	// RadioState is RadioOn or RadioOff, valid with HasRadioState. Lock and Random are what the device said last.
	RadioState, Lock, Random byte
	HasRadioState            bool
	// Signal belongs to the next packet.
	Signal iface.Signal
	// Stats are the measurements; its fields about parameters and firmware are not used here.
	Stats iface.RadioStatus
}

// HasDisplay says whether the device has one.
func (s *State) HasDisplay() bool {
	return s.Platform == PlatformESP32 || s.Platform == PlatformNRF52
}

// AtLeast compares the firmware version.
func (s *State) AtLeast(major, minor uint8) bool {
	return s.HasVersion && (s.Major > major || s.Major == major && s.Minor >= minor)
}

// Bitrate is that of the reported parameters, 0 until they are known. spec: rns-interfaces §12.7
func (s *State) Bitrate() float64 { return s.Radio.Bitrate() }

// TakeSignal returns the signal of a packet and clears it, so that it does not stick to the next one.
// spec: rns-interfaces §12.5
func (s *State) TakeSignal() iface.Signal {
	signal := s.Signal
	s.Signal = iface.Signal{}
	return signal
}

// sizes are the least numbers of bytes of reports.
var sizes = map[Command]int{
	CommandFrequency: 4, CommandBandwidth: 4, CommandTXPower: 1, CommandSF: 1, CommandCR: 1, CommandRadioState: 1,
	CommandRadioLock: 1, CommandDetect: 1, CommandShortLimit: 2, CommandLongLimit: 2, CommandSelect: 1, CommandRxCount: 4,
	CommandTxCount: 4, CommandRSSI: 1, CommandSNR: 1, CommandChannelTiming: 8, CommandPhysical: 10, CommandBattery: 2,
	CommandContention: 3, CommandTemperature: 1, CommandRandom: 1, CommandPlatform: 1, CommandMCU: 1, CommandFirmware: 2,
	CommandReset: 1, CommandError: 1, CommandInterfaces: 2,
}

// Apply takes one frame of the device. The error is ErrShortReport, or the reason of EventFault and EventFailure. Frames
// of unknown commands and of the display are ignored. spec: rns-interfaces §12.2, §12.6
func (s *State) Apply(now time.Time, c Command, data []byte) (Event, error) {
	if len(data) < sizes[c] {
		return EventNone, ErrShortReport
	}
	switch c {
	case CommandData:
		return EventPacket, nil
	case CommandReady:
		return EventReady, nil
	case CommandSelect:
		return EventSelect, nil
	case CommandReset:
		if data[0] == resetByte {
			return EventRestart, nil
		}
	case CommandError:
		return s.fault(now, DeviceError(data[0]))
	case CommandFrequency, CommandBandwidth, CommandTXPower, CommandSF, CommandCR, CommandRadioState, CommandRadioLock,
		CommandShortLimit, CommandLongLimit:
		s.parameter(c, data)
	case CommandDetect, CommandFirmware, CommandPlatform, CommandMCU, CommandInterfaces, CommandRandom:
		s.identity(c, data)
	default:
		s.measure(now, c, data)
	}
	return EventNone, nil
}

func (s *State) fault(now time.Time, e DeviceError) (Event, error) {
	if !e.Survivable() {
		return EventFailure, e
	}
	f := append(s.Stats.Faults, iface.RadioFault{At: now, Code: byte(e), Text: e.Error()})
	s.Stats.Faults = f[max(0, len(f)-maxFaults):]
	return EventFault, e
}

// parameter reads what the radio is set to.
func (s *State) parameter(c Command, data []byte) {
	switch c {
	case CommandFrequency:
		s.Radio.Frequency, s.HasFrequency = binary.BigEndian.Uint32(data), true
	case CommandBandwidth:
		s.Radio.Bandwidth, s.HasBandwidth = binary.BigEndian.Uint32(data), true
	case CommandTXPower:
		s.Radio.TXPower, s.HasTXPower = int8(data[0]), true
	case CommandSF:
		s.Radio.SpreadingFactor, s.HasSF = data[0], true
	case CommandCR:
		s.Radio.CodingRate, s.HasCR = data[0], true
	case CommandRadioState:
		s.RadioState, s.HasRadioState = data[0], true
	case CommandRadioLock:
		s.Lock = data[0]
	case CommandShortLimit:
		s.Stats.AirtimeLimitShort = percent(data)
	case CommandLongLimit:
		s.Stats.AirtimeLimitLong = percent(data)
	}
}

// identity reads what the device is.
func (s *State) identity(c Command, data []byte) {
	switch c {
	case CommandDetect:
		s.Detected = data[0] == detectResponse
	case CommandFirmware:
		s.Major, s.Minor, s.HasVersion = data[0], data[1], true
	case CommandPlatform:
		s.Platform, s.HasPlatform = data[0], true
	case CommandMCU:
		s.MCU, s.HasMCU = data[0], true
	case CommandRandom:
		s.Random = data[0]
	case CommandInterfaces:
		for ; len(data) >= 2; data = data[2:] {
			s.addTransceiver(Transceiver{VPort: data[0], Chip: data[1]})
		}
	}
}

func (s *State) addTransceiver(t Transceiver) {
	for i := range s.Transceivers {
		if s.Transceivers[i].VPort == t.VPort {
			s.Transceivers[i] = t
			return
		}
	}
	if len(s.Transceivers) < maxInterfaces {
		s.Transceivers = append(s.Transceivers, t)
	}
}

// measure reads statistics. spec: rns-interfaces §12.6
func (s *State) measure(now time.Time, c Command, data []byte) {
	st := &s.Stats
	switch c {
	case CommandRxCount:
		st.RxPackets = iface.Measured(float64(binary.BigEndian.Uint32(data)))
	case CommandTxCount:
		st.TxPackets = iface.Measured(float64(binary.BigEndian.Uint32(data)))
	case CommandRSSI:
		s.Signal.RSSI, s.Signal.HasRSSI = level(data[0]), true
		st.PacketRSSI = iface.Measured(s.Signal.RSSI)
	case CommandSNR:
		s.snr(float64(int8(data[0])) / 4)
	case CommandChannelTiming:
		s.channel(now, data)
	case CommandPhysical:
		s.physical(data)
	case CommandBattery:
		st.Battery = iface.BatteryState(data[0])
		if st.Battery > iface.BatteryCharged {
			st.Battery = iface.BatteryUnknown
		}
		st.BatteryPercent = iface.Measured(float64(min(data[1], 100)))
	case CommandContention:
		st.ContentionBand, st.ContentionMin = iface.Measured(float64(data[0])), iface.Measured(float64(data[1]))
		st.ContentionMax = iface.Measured(float64(data[2]))
	case CommandTemperature:
		st.Temperature = iface.Measure{}
		if t := int(data[0]) - temperatureOffset; t >= minTemperature && t <= maxTemperature {
			st.Temperature = iface.Measured(float64(t))
		}
	}
}

func (s *State) snr(dB float64) {
	s.Signal.SNR, s.Signal.HasSNR = dB, true
	s.Stats.PacketSNR = iface.Measured(dB)
	if s.HasSF {
		s.Signal.Quality, s.Signal.HasQuality = Quality(dB, s.Radio.SpreadingFactor), true
		s.Stats.PacketQuality = iface.Measured(s.Signal.Quality)
	}
}

func (s *State) channel(now time.Time, data []byte) {
	st := &s.Stats
	st.AirtimeShort, st.AirtimeLong = percent(data), percent(data[2:])
	st.ChannelLoadShort, st.ChannelLoadLong = percent(data[4:]), percent(data[6:])
	if len(data) < 11 { // devices with several radios do not measure levels
		return
	}
	st.RSSI, st.NoiseFloor = iface.Measured(level(data[8])), iface.Measured(level(data[9]))
	st.Interference = iface.Measure{}
	if data[10] != noInterference {
		st.Interference = iface.Measured(level(data[10]))
		st.LastInterference, st.LastInterferenceAt = st.Interference, now
	}
}

func (s *State) physical(data []byte) {
	st := &s.Stats
	word := func(i int) float64 { return float64(binary.BigEndian.Uint16(data[2*i:])) }
	st.SymbolTime, st.SymbolRate = iface.Measured(word(0)/1000), iface.Measured(word(1))
	st.PreambleSymbols, st.PreambleTime = iface.Measured(word(2)), iface.Measured(word(3))
	st.SlotTime = iface.Measured(word(4))
	if len(data) >= 12 {
		st.DIFS = iface.Measured(word(5))
	}
}

func level(b byte) float64 { return float64(int(b) - rssiOffset) }

func percent(data []byte) iface.Measure {
	return iface.Measured(float64(binary.BigEndian.Uint16(data)) / 100)
}

// Quality is the quality of a packet in percent with one decimal, from its signal to noise ratio in dB: 0 at the limit of
// the spreading factor. spec: rns-interfaces §12.5
func Quality(snr float64, sf uint8) float64 {
	least := float64(qualityBase - qualityStep*(int(sf)-7))
	if least >= qualityMax {
		return 0
	}
	q := 100 * ((snr - least) / (qualityMax - least))
	q, err := strconv.ParseFloat(strconv.FormatFloat(q, 'f', 1, 64), 64) // rounds the decimal form, as the reference
	if err != nil || math.IsNaN(q) {
		return 0
	}
	return min(max(q, 0), 100)
}
