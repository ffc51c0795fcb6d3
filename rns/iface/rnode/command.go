package rnode

import (
	"encoding/binary"
	"fmt"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
)

// Command is the first byte of a frame. spec: rns-interfaces §12.2
type Command byte

// The commands. H: host to device, D: device to host.
const (
	CommandData          Command = 0x00 // both: packet
	CommandFrequency     Command = 0x01 // both: u32 Hz
	CommandBandwidth     Command = 0x02 // both: u32 Hz
	CommandTXPower       Command = 0x03 // both: u8 dBm, signed on devices with several radios
	CommandSF            Command = 0x04 // both: u8
	CommandCR            Command = 0x05 // both: u8
	CommandRadioState    Command = 0x06 // both: u8
	CommandRadioLock     Command = 0x07 // D: u8
	CommandDetect        Command = 0x08 // H: 73, D: 46
	CommandLeave         Command = 0x0a // H: FF
	CommandShortLimit    Command = 0x0b // both: u16 percent × 100
	CommandLongLimit     Command = 0x0c // both: u16 percent × 100
	CommandReady         Command = 0x0f // D
	CommandSelect        Command = 0x1f // both: vport u8
	CommandRxCount       Command = 0x21 // D: u32
	CommandTxCount       Command = 0x22 // D: u32
	CommandRSSI          Command = 0x23 // D: u8, dBm + 157
	CommandSNR           Command = 0x24 // D: s8, dB × 4
	CommandChannelTiming Command = 0x25 // D: 11 bytes, 8 with several radios
	CommandPhysical      Command = 0x26 // D: 12 bytes, 10 with several radios
	CommandBattery       Command = 0x27 // D: state u8, percent u8
	CommandContention    Command = 0x28 // D: 3 bytes
	CommandTemperature   Command = 0x29 // D: u8, °C + 120
	CommandBlink         Command = 0x30 // H
	CommandRandom        Command = 0x40 // D: u8
	CommandFramebuffer   Command = 0x41 // H: u8
	CommandFBRead        Command = 0x42 // H: 01, D: 512 bytes
	CommandFBWrite       Command = 0x43 // H: line u8, 8 bytes
	CommandBluetooth     Command = 0x46 // H
	CommandPlatform      Command = 0x48 // H: 00, D: u8
	CommandMCU           Command = 0x49 // H: 00, D: u8
	CommandFirmware      Command = 0x50 // H: 00, D: major u8, minor u8
	CommandROMRead       Command = 0x51 // H
	CommandReset         Command = 0x55 // H: F8, D: F8 after boot
	CommandDisplayRead   Command = 0x66 // H: 01, D: 1024 bytes
	CommandInterfaces    Command = 0x71 // H: 00, D: pairs of vport u8, chip u8
	CommandError         Command = 0x90 // D: u8
)

// Fixed bytes of commands. spec: rns-interfaces §12.2
const (
	detectRequest  = 0x73
	detectResponse = 0x46
	leaveByte      = 0xff
	resetByte      = 0xf8
)

// Platforms of devices; the latter two have a display. spec: rns-interfaces §12.2
const (
	PlatformAVR   = 0x90
	PlatformESP32 = 0x80
	PlatformNRF52 = 0x70
)

// Radio states. spec: rns-interfaces §12.2
const (
	RadioOff = 0x00
	RadioOn  = 0x01
)

// FramebufferLine is the length in bytes of one line of 64 pixels.
const FramebufferLine = 8

const (
	flag = 0xc0
	one  = 0x01
)

// AppendDetect appends the question who is there: detection, firmware, platform and processor. Its frames share their
// delimiters. spec: rns-interfaces §12.3
func AppendDetect(dst []byte) []byte {
	return append(dst, flag, byte(CommandDetect), detectRequest, flag, byte(CommandFirmware), 0, flag,
		byte(CommandPlatform), 0, flag, byte(CommandMCU), 0, flag)
}

// AppendDetectMulti is AppendDetect with the question for the transceivers of the device. spec: rns-interfaces §13
func AppendDetectMulti(dst []byte) []byte {
	return append(AppendDetect(dst), byte(CommandInterfaces), 0, flag)
}

func appendByte(dst []byte, c Command, v byte) []byte {
	return framing.AppendKISS(dst, byte(c), []byte{v})
}

func appendUint32(dst []byte, c Command, v uint32) []byte {
	return framing.AppendKISS(dst, byte(c), binary.BigEndian.AppendUint32(nil, v))
}

// AppendData appends a packet to be sent.
func AppendData(dst, packet []byte) []byte {
	return framing.AppendKISS(dst, byte(CommandData), packet)
}

// AppendFrequency appends the frequency in Hz.
func AppendFrequency(dst []byte, hz uint32) []byte { return appendUint32(dst, CommandFrequency, hz) }

// AppendBandwidth appends the bandwidth in Hz.
func AppendBandwidth(dst []byte, hz uint32) []byte { return appendUint32(dst, CommandBandwidth, hz) }

// AppendTXPower appends the power in dBm.
func AppendTXPower(dst []byte, dBm int8) []byte {
	return appendByte(dst, CommandTXPower, byte(dBm))
}

// AppendSF appends the spreading factor.
func AppendSF(dst []byte, sf uint8) []byte { return appendByte(dst, CommandSF, sf) }

// AppendCR appends the coding rate.
func AppendCR(dst []byte, cr uint8) []byte { return appendByte(dst, CommandCR, cr) }

// AppendRadioState appends RadioOn or RadioOff.
func AppendRadioState(dst []byte, state byte) []byte {
	return appendByte(dst, CommandRadioState, state)
}

// AppendShortLimit and AppendLongLimit append an airtime limit in percent. spec: rns-interfaces §12.4
func AppendShortLimit(dst []byte, percent float64) []byte {
	return appendPercent(dst, CommandShortLimit, percent)
}

// AppendLongLimit is described with AppendShortLimit.
func AppendLongLimit(dst []byte, percent float64) []byte {
	return appendPercent(dst, CommandLongLimit, percent)
}

func appendPercent(dst []byte, c Command, percent float64) []byte {
	return framing.AppendKISS(dst, byte(c), binary.BigEndian.AppendUint16(nil, uint16(percent*100)))
}

// AppendLeave tells the device that the host goes.
func AppendLeave(dst []byte) []byte { return appendByte(dst, CommandLeave, leaveByte) }

// AppendReset restarts the device.
func AppendReset(dst []byte) []byte { return appendByte(dst, CommandReset, resetByte) }

// AppendFramebuffer gives the display to the host, or back to the device.
func AppendFramebuffer(dst []byte, owner Display) []byte {
	return appendByte(dst, CommandFramebuffer, byte(owner))
}

// Display says who draws on the display.
type Display uint8

// Who draws.
const (
	DisplayOfDevice Display = 0x00
	DisplayOfHost   Display = 0x01
)

// AppendFramebufferLine writes one line of the display.
func AppendFramebufferLine(dst []byte, line uint8, pixels [FramebufferLine]byte) []byte {
	return framing.AppendKISS(dst, byte(CommandFBWrite), append([]byte{line}, pixels[:]...))
}

// AppendFramebufferRead and AppendDisplayRead ask for what the display shows.
func AppendFramebufferRead(dst []byte) []byte { return appendByte(dst, CommandFBRead, one) }

// AppendDisplayRead is described with AppendFramebufferRead.
func AppendDisplayRead(dst []byte) []byte { return appendByte(dst, CommandDisplayRead, one) }

// AppendSelect chooses the transceiver that the next frame is about. spec: rns-interfaces §13
func AppendSelect(dst []byte, vport uint8) []byte { return appendByte(dst, CommandSelect, vport) }

// Setup is everything a transceiver is told. spec: rns-interfaces §12.4
type Setup struct {
	Radio iface.RadioParams
	// ShortLimit and LongLimit are airtime limits in percent, sent if known.
	ShortLimit, LongLimit iface.Measure
}

// Commands returns the frames that set up a transceiver and turn it on, in order. Devices with several transceivers want a
// selection before each.
func (s Setup) Commands() [][]byte {
	out := [][]byte{
		AppendFrequency(nil, s.Radio.Frequency), AppendBandwidth(nil, s.Radio.Bandwidth), AppendTXPower(nil, s.Radio.TXPower),
		AppendSF(nil, s.Radio.SpreadingFactor), AppendCR(nil, s.Radio.CodingRate),
	}
	if s.ShortLimit.Known {
		out = append(out, AppendShortLimit(nil, s.ShortLimit.Value))
	}
	if s.LongLimit.Known {
		out = append(out, AppendLongLimit(nil, s.LongLimit.Value))
	}
	return append(out, AppendRadioState(nil, RadioOn))
}

// DeviceError is an error that the device reported. spec: rns-interfaces §12.2
type DeviceError byte

// The errors of devices.
const (
	ErrorRadio     DeviceError = 0x01
	ErrorTransmit  DeviceError = 0x02
	ErrorEEPROM    DeviceError = 0x03
	ErrorQueueFull DeviceError = 0x04
	ErrorMemory    DeviceError = 0x05
	ErrorModem     DeviceError = 0x06
)

// Error says what the device reported.
func (e DeviceError) Error() string {
	switch e {
	case ErrorRadio:
		return "the radio of the device could not be initialised"
	case ErrorTransmit:
		return "the device could not transmit"
	case ErrorEEPROM:
		return "the memory of the device is locked"
	case ErrorQueueFull:
		return "the queue of the device is full"
	case ErrorMemory:
		return "Memory exhausted on connected device"
	case ErrorModem:
		return "Modem communication timed out on connected device"
	}
	return fmt.Sprintf("the device reported error %#02x", byte(e))
}

// Survivable says that the device goes on after this error.
func (e DeviceError) Survivable() bool { return e == ErrorMemory || e == ErrorModem }
