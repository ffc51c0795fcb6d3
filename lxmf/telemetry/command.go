package telemetry

import (
	"strconv"
	"strings"
	"time"

	"meshchatx/rns/msgpack"
)

// CommandID says what a command asks for. spec: telemetry §6
type CommandID int64

// The commands.
const (
	CommandPlugin           CommandID = 0x00
	CommandTelemetryRequest CommandID = 0x01
	CommandPing             CommandID = 0x02
	CommandEcho             CommandID = 0x03
	CommandSignalReport     CommandID = 0x04
)

// precedence is which of several commands in one map counts. spec: telemetry §6
var precedence = []CommandID{CommandTelemetryRequest, CommandPing, CommandEcho, CommandSignalReport, CommandPlugin}

// Command is a request to the recipient's program. Obey it only if the message is
// verified and its source authorised.
type Command struct {
	ID       CommandID
	Argument msgpack.Value
}

// maxCommands bounds what one message may ask for.
const maxCommands = 64

// ParseCommands reads the value of field 0x09: of each map the one command that
// counts. Older programs wrote a single map, and numbers as text; they also used
// field 0x01. spec: telemetry §6, §7
func ParseCommands(v msgpack.Value) (commands []Command) {
	list, ok := v.Array()
	if !ok {
		list = []msgpack.Value{v}
	}
	for _, one := range list[:min(len(list), maxCommands)] {
		m, ok := one.Map()
		if !ok {
			continue
		}
		given := make(map[CommandID]msgpack.Value)
		for k, argument := range m.All() {
			if id, ok := commandID(k); ok && sane(argument, maxDepth) {
				given[id] = argument
			}
		}
		for _, id := range precedence {
			if argument, ok := given[id]; ok {
				commands = append(commands, Command{id, argument})
				break
			}
		}
	}
	return commands
}

func commandID(v msgpack.Value) (CommandID, bool) {
	if n, ok := v.Int(); ok {
		return CommandID(n), true
	}
	s, ok := v.Text()
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(strings.ToLower(s), 0, 16)
	return CommandID(n), err == nil
}

// Commands returns commands as the value of field 0x09.
func Commands(commands ...Command) msgpack.Value {
	list := make([]msgpack.Value, len(commands))
	for i, c := range commands {
		list[i] = msgpack.Map(msgpack.Pair{Key: msgpack.Int(int64(c.ID)), Value: c.Argument})
	}
	return msgpack.Array(list...)
}

// Request is what a telemetry request asks for.
type Request struct {
	Since time.Time // everything newer; zero for all
	// Collected asks for all objects the peer knows, not only for itself.
	Collected bool
}

// Request reads the argument of a telemetry request. The old form is the time alone,
// and asks for everything collected. spec: telemetry §6.1
func (c Command) Request() (r Request, ok bool) {
	if c.ID != CommandTelemetryRequest {
		return Request{}, false
	}
	since, r := c.Argument, Request{Collected: true}
	if a, isList := c.Argument.Array(); isList {
		if len(a) == 0 {
			return Request{}, false
		}
		since = a[0]
		if len(a) > 1 {
			r.Collected, _ = a[1].Bool()
		}
	}
	seconds, ok := since.Number()
	r.Since = timeOf(seconds)
	return r, ok && number(since)
}

// Command returns the request as a command.
func (r Request) Command() Command {
	since := int64(0)
	if !r.Since.IsZero() {
		since = r.Since.Unix()
	}
	return Command{CommandTelemetryRequest, msgpack.Array(msgpack.Int(since), msgpack.Bool(r.Collected))}
}

// Text returns the text of an echo or of a plugin's command.
func (c Command) Text() (string, bool) {
	b, ok := c.Argument.BytesOrText()
	if !ok || len(b) > maxText || c.ID != CommandEcho && c.ID != CommandPlugin {
		return "", false
	}
	return strings.ToValidUTF8(string(b), "\ufffd"), true
}

// Typed reads a command as people type it. spec: telemetry §6.3
func Typed(line string) Command {
	word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	switch lower := strings.ToLower(word); {
	case strings.HasPrefix(lower, "ping"):
		return Command{CommandPing, msgpack.Bool(true)}
	case lower == "echo":
		return Command{CommandEcho, msgpack.Bin([]byte(strings.TrimSpace(rest)))}
	case strings.HasPrefix(lower, "sig"):
		return Command{CommandSignalReport, msgpack.Bool(true)}
	}
	return Command{CommandPlugin, msgpack.Str(strings.TrimSpace(line))}
}
