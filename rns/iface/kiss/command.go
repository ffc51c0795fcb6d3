package kiss

import (
	"time"

	"meshchatx/rns/iface/framing"
)

// Command is the first byte of a KISS frame, without the number of the modem's port. spec: rns-interfaces §10
type Command byte

// The commands.
const (
	CommandData        Command = 0x00
	CommandTXDelay     Command = 0x01
	CommandPersistence Command = 0x02
	CommandSlotTime    Command = 0x03
	CommandTXTail      Command = 0x04
	CommandReady       Command = 0x0f
)

// portMask removes the number of the modem's port. spec: rns-interfaces §2.2
const portMask = 0x0f

// CommandOf is the command of a received frame, whatever port of the modem it names.
func CommandOf(b byte) Command { return Command(b & portMask) }

// Channel is how a modem uses its channel. DefaultChannel fills it. spec: rns-interfaces §10
type Channel struct {
	// Preamble is sent before, Tail after the data. SlotTime is the step of waiting for a free channel. All go to the
	// modem in steps of 10 ms up to 2.55 s.
	Preamble, Tail, SlotTime time.Duration
	// Persistence is the chance in 256 to send in a free slot, less one.
	Persistence int
}

// DefaultChannel returns the values of the specification. spec: rns-interfaces §10
func DefaultChannel() Channel {
	return Channel{Preamble: 350 * time.Millisecond, Tail: 20 * time.Millisecond, SlotTime: 20 * time.Millisecond, Persistence: 64}
}

// AppendPreamble appends the command for the preamble.
func (c Channel) AppendPreamble(dst []byte) []byte {
	return appendValue(dst, CommandTXDelay, steps(c.Preamble))
}

// AppendTail appends the command for the tail.
func (c Channel) AppendTail(dst []byte) []byte { return appendValue(dst, CommandTXTail, steps(c.Tail)) }

// AppendPersistence appends the command for the persistence.
func (c Channel) AppendPersistence(dst []byte) []byte {
	return appendValue(dst, CommandPersistence, c.Persistence)
}

// AppendSlotTime appends the command for the slot time.
func (c Channel) AppendSlotTime(dst []byte) []byte {
	return appendValue(dst, CommandSlotTime, steps(c.SlotTime))
}

// AppendReady appends the command that asks the modem to report when it is ready for the next packet.
func AppendReady(dst []byte) []byte { return appendValue(dst, CommandReady, 1) }

// Append appends all commands that set up a modem, in the order of the reference. The last is sent with and without flow
// control. spec: rns-interfaces §10
func (c Channel) Append(dst []byte) []byte {
	dst = c.AppendPreamble(dst)
	dst = c.AppendTail(dst)
	dst = c.AppendPersistence(dst)
	dst = c.AppendSlotTime(dst)
	return AppendReady(dst)
}

func steps(d time.Duration) int { return int(d / (10 * time.Millisecond)) }

// appendValue writes a value, clamped to a byte.
// differs: the reference sends the values C0 and DB unescaped, which ends the frame early.
func appendValue(dst []byte, c Command, value int) []byte {
	return framing.AppendKISS(dst, byte(c), []byte{byte(min(max(value, 0), 255))})
}
