package iface

import "time"

// Radio is the optional ability of drivers of radio devices to tell what the device reports. RadioStatus may be called at
// any time from any goroutine; before the device was configured it returns what is configured and no measurements.
//
// spec: rns-interfaces §12.6
type Radio interface {
	RadioStatus() RadioStatus
}

// Measure is a number that a device may not have reported. The zero value is an unknown one.
type Measure struct {
	Value float64
	Known bool
}

// Measured is a known value.
func Measured(v float64) Measure { return Measure{Value: v, Known: true} }

// RadioParams are the parameters that two stations must share to hear each other, and the power. The zero value stands for
// unknown. spec: rns-interfaces §12.1
type RadioParams struct {
	// Frequency and Bandwidth are in Hz.
	Frequency, Bandwidth uint32
	// TXPower is in dBm.
	TXPower int8
	// SpreadingFactor is 5 to 12, CodingRate 5 to 8 for 4/5 to 4/8.
	SpreadingFactor, CodingRate uint8
}

// Bitrate is the rate of these parameters in bit/s, 0 while one of them is unknown. spec: rns-interfaces §12.7
func (p RadioParams) Bitrate() float64 {
	if p.SpreadingFactor == 0 || p.CodingRate == 0 || p.Bandwidth == 0 || p.SpreadingFactor > 63 {
		return 0
	}
	symbols := float64(p.Bandwidth) / float64(uint64(1)<<p.SpreadingFactor)
	return float64(p.SpreadingFactor) * 4 / float64(p.CodingRate) * symbols
}

// BatteryState is how the battery of a device is doing. spec: rns-interfaces §12.6
type BatteryState uint8

// The states of a battery.
const (
	BatteryUnknown BatteryState = iota
	BatteryDischarging
	BatteryCharging
	BatteryCharged
)

// String returns the state as the word that status programs show.
func (s BatteryState) String() string {
	switch s {
	case BatteryDischarging:
		return "discharging"
	case BatteryCharging:
		return "charging"
	case BatteryCharged:
		return "charged"
	default:
		return "unknown"
	}
}

// RadioStatus is a copy of what a radio device reported since it was opened. Percentages are 0 to 100, levels in dBm.
type RadioStatus struct {
	// Configured is what the interface asks for, Reported what the device says it does.
	Configured, Reported RadioParams
	// On says that the transceiver is on.
	On bool
	// Bitrate is that of the reported parameters in bit/s, 0 while unknown.
	Bitrate float64

	// AirtimeShort and AirtimeLong are the shares of time this device transmitted in about 15 s and about an hour,
	// ChannelLoadShort and ChannelLoadLong those in which anybody did.
	AirtimeShort, AirtimeLong, ChannelLoadShort, ChannelLoadLong Measure
	// AirtimeLimitShort and AirtimeLimitLong are the limits the device keeps.
	AirtimeLimitShort, AirtimeLimitLong Measure

	// RSSI is the level on the channel now, NoiseFloor its quiet level, Interference that of a disturbance now.
	RSSI, NoiseFloor, Interference Measure
	// LastInterference was heard at LastInterferenceAt.
	LastInterference   Measure
	LastInterferenceAt time.Time

	// PacketRSSI, PacketSNR in dB and PacketQuality in percent belong to the last received packet.
	PacketRSSI, PacketSNR, PacketQuality Measure

	// SymbolTime is in milliseconds, SymbolRate in baud, PreambleTime, SlotTime and DIFS in milliseconds.
	SymbolTime, SymbolRate, PreambleSymbols, PreambleTime, SlotTime, DIFS Measure
	// ContentionBand, ContentionMin and ContentionMax describe the contention window.
	ContentionBand, ContentionMin, ContentionMax Measure
	// RxPackets and TxPackets are the counters of the device.
	RxPackets, TxPackets Measure

	// Battery and BatteryPercent are unknown on devices without one.
	Battery        BatteryState
	BatteryPercent Measure
	// Temperature is that of the processor in °C.
	Temperature Measure

	// FirmwareMajor and FirmwareMinor are the version; Platform and MCU are the codes of the device.
	FirmwareMajor, FirmwareMinor, Platform, MCU uint8
	// Faults are errors that the device reported and survived, oldest first, the last 16 at most.
	Faults []RadioFault
}

// RadioFault is an error that a device reported.
type RadioFault struct {
	At   time.Time
	Code uint8
	Text string
}

// Listening is the optional ability of spawned interfaces to be set apart from their parent: ReceiveOnly is that of an
// interface configured with "outgoing = no". It is constant. spec: rns-interfaces §13
type Listening interface {
	ReceiveOnly() bool
}
