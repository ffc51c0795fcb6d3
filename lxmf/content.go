package lxmf

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"meshchatx/rns/msgpack"
)

// Attachment is a file. spec: lxmf §4.2
type Attachment struct {
	Name string // as the sender wrote it; see [Attachment.FileName]
	Data []byte
}

// maxFileName is how many bytes of a name are kept; file systems take 255.
const maxFileName = 200

// FileName returns the name without directories and control characters, short
// enough for any file system, and never empty. It still is what a stranger chose:
// show it, but do not derive a path from it.
func (a Attachment) FileName() string {
	name := strings.ToValidUTF8(a.Name, "\ufffd")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	name = strings.TrimSpace(printable(name))
	if name == "" || strings.Trim(name, ".") == "" {
		return "file"
	}
	if len(name) <= maxFileName {
		return name
	}
	// Keep what says the type.
	ext := ""
	if i := strings.LastIndexByte(name, '.'); i > 0 && len(name)-i <= 16 {
		ext = name[i:]
	}
	return clip(name, maxFileName-len(ext)) + ext
}

// printable removes control and format characters, which hide what a text says.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r) && r != '\u200d' {
			return -1 // the joiner U+200D is part of emoji
		}
		return r
	}, s)
}

// clip cuts a text to at most n bytes, between characters.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// Attachments returns the files. Malformed ones are left out. The data alias the
// message.
func (f Fields) Attachments() (files []Attachment) {
	list, _ := f.array(FieldAttachments, 0)
	for _, v := range list {
		pair, ok := v.Array()
		if !ok || len(pair) < 2 {
			continue
		}
		name, named := pair[0].BytesOrText()
		data, hasData := pair[1].BytesOrText()
		if named && hasData {
			files = append(files, Attachment{Name: strings.ToValidUTF8(string(name), "\ufffd"), Data: data})
		}
	}
	return files
}

// SetAttachments sets the files; none removes the field.
func (f *Fields) SetAttachments(files ...Attachment) {
	if len(files) == 0 {
		f.Delete(FieldAttachments)
		return
	}
	list := make([]msgpack.Value, len(files))
	for i, a := range files {
		list[i] = msgpack.Array(msgpack.Str(strings.ToValidUTF8(a.Name, "\ufffd")), msgpack.Bin(a.Data))
	}
	f.Set(FieldAttachments, msgpack.Array(list...))
}

// Image is a picture. Several pictures are several messages. spec: lxmf §4.3
type Image struct {
	Format string // lower case, without dot, as "webp"; the data decide
	Data   []byte
}

// Image returns the picture. Its data alias the message.
func (f Fields) Image() (Image, bool) {
	a, ok := f.array(FieldImage, 2)
	if !ok {
		return Image{}, false
	}
	format, ok1 := a[0].BytesOrText()
	data, ok2 := a[1].BytesOrText()
	if !ok1 || !ok2 {
		return Image{}, false
	}
	name := strings.ToLower(strings.ToValidUTF8(string(format), ""))
	for _, prefix := range []string{"image/", "video/"} {
		name = strings.TrimPrefix(name, prefix)
	}
	return Image{Format: clip(printable(strings.TrimPrefix(name, ".")), 32), Data: data}, true
}

// SetImage sets the picture.
func (f *Fields) SetImage(i Image) {
	f.Set(FieldImage, msgpack.Array(msgpack.Str(i.Format), msgpack.Bin(i.Data)))
}

// AudioMode is a codec. spec: lxmf §4.4
type AudioMode uint8

// The audio modes. In practice audio is AudioOpusOgg, a complete Ogg Opus file.
const (
	AudioCodec2450PWB AudioMode = 0x01
	AudioCodec2450    AudioMode = 0x02
	AudioCodec2700C   AudioMode = 0x03
	AudioCodec21200   AudioMode = 0x04
	AudioCodec21300   AudioMode = 0x05
	AudioCodec21400   AudioMode = 0x06
	AudioCodec21600   AudioMode = 0x07
	AudioCodec22400   AudioMode = 0x08
	AudioCodec23200   AudioMode = 0x09
	AudioOpusOgg      AudioMode = 0x10
	AudioOpusLBW      AudioMode = 0x11
	AudioOpusMBW      AudioMode = 0x12
	AudioOpusPTT      AudioMode = 0x13
	AudioOpusRTHDX    AudioMode = 0x14
	AudioOpusRTFDX    AudioMode = 0x15
	AudioOpusStandard AudioMode = 0x16
	AudioOpusHQ       AudioMode = 0x17
	AudioOpusBroad    AudioMode = 0x18
	AudioOpusLossless AudioMode = 0x19
	AudioCustom       AudioMode = 0xff
)

// Audio is a recording.
type Audio struct {
	Mode AudioMode
	Data []byte
}

// Audio returns the recording. Its data alias the message.
func (f Fields) Audio() (Audio, bool) {
	a, ok := f.array(FieldAudio, 2)
	if !ok {
		return Audio{}, false
	}
	mode, ok1 := a[0].Int()
	data, ok2 := a[1].Bytes()
	return Audio{AudioMode(mode), data}, ok1 && ok2 && mode >= 0 && mode <= 0xff
}

// SetAudio sets the recording.
func (f *Fields) SetAudio(a Audio) {
	f.Set(FieldAudio, msgpack.Array(msgpack.Uint(uint64(a.Mode)), msgpack.Bin(a.Data)))
}

// Icon is how a person wants to be shown. Believe it only if the message is
// verified. spec: lxmf §4.1
type Icon struct {
	Name                   string // of a Material Design icon, [a-z0-9-], at most 64 characters
	Foreground, Background [3]byte
}

// Icon returns the appearance of the sender.
func (f Fields) Icon() (Icon, bool) {
	a, ok := f.array(FieldIcon, 3)
	if !ok {
		return Icon{}, false
	}
	name, ok1 := a[0].BytesOrText()
	fg, ok2 := a[1].Bytes()
	bg, ok3 := a[2].Bytes()
	if !ok1 || !ok2 || !ok3 || len(fg) != 3 || len(bg) != 3 || !iconName(name) {
		return Icon{}, false
	}
	return Icon{string(name), [3]byte(fg), [3]byte(bg)}, true
}

func iconName(name []byte) bool {
	for _, c := range name {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return len(name) > 0 && len(name) <= 64
}

// SetIcon sets the appearance of the sender.
func (f *Fields) SetIcon(i Icon) {
	f.Set(FieldIcon, msgpack.Array(msgpack.Str(i.Name), msgpack.Bin(i.Foreground[:]), msgpack.Bin(i.Background[:])))
}

// Renderer is how the content wants to be shown. spec: lxmf §4.6
type Renderer uint8

// The renderers.
const (
	RendererPlain    Renderer = 0x00
	RendererMicron   Renderer = 0x01
	RendererMarkdown Renderer = 0x02
	RendererBBCode   Renderer = 0x03
)

// Renderer returns the renderer, plain for none or an unknown one.
func (f Fields) Renderer() Renderer {
	v, _ := f.Get(FieldRenderer)
	n, ok := v.Int()
	if !ok || n < 0 || n > int64(RendererBBCode) {
		return RendererPlain
	}
	return Renderer(n)
}

// SetRenderer sets the renderer.
func (f *Fields) SetRenderer(r Renderer) { f.Set(FieldRenderer, msgpack.Uint(uint64(r))) }

// Telemetry returns the packed sensor readings, which alias the message.
func (f Fields) Telemetry() ([]byte, bool) {
	v, _ := f.Get(FieldTelemetry)
	return v.Bytes()
}

// SetTelemetry sets the packed sensor readings.
func (f *Fields) SetTelemetry(packed []byte) { f.Set(FieldTelemetry, msgpack.Bin(packed)) }

// Command is a request to the recipient's program. Obey it only if the message
// is verified and its source authorised. spec: lxmf §4.5
type Command struct {
	ID       int64
	Argument msgpack.Value
}

// Commands returns the commands; malformed ones are left out.
func (f Fields) Commands() (commands []Command) {
	list, _ := f.array(FieldCommands, 0)
	for _, v := range list {
		m, ok := v.Map()
		if !ok {
			continue
		}
		for k, argument := range m.All() {
			if id, ok := k.Int(); ok {
				commands = append(commands, Command{id, argument})
			}
		}
	}
	return commands
}

// Embedded returns the packed messages within the message. Each is untrusted: it
// was not received, and must be verified by itself. spec: lxmf §4.9
func (f Fields) Embedded() (packed [][]byte) {
	list, _ := f.array(FieldEmbedded, 0)
	for _, v := range list {
		if b, ok := v.Bytes(); ok {
			packed = append(packed, b)
		}
	}
	return packed
}

// Silent reports whether the message carries nothing that a person wants to be
// told of: only readings, commands, appearance, a reaction or a ticket.
// spec: lxmf §17
func (m *Message) Silent() bool {
	if len(m.Title) > 0 || len(m.Content) > 0 || m.Fields.Len() == 0 {
		return false
	}
	if _, isReaction := m.Fields.Reaction(); isReaction {
		return true
	}
	for key := range m.Fields.All() {
		id, ok := key.Uint()
		if !ok {
			return false
		}
		switch FieldID(id) {
		case FieldTelemetry, FieldTelemetryStream, FieldIcon, FieldCommands, FieldTicket, FieldRenderer,
			FieldReaction, FieldCustomMeta:
		default:
			return false
		}
	}
	return true
}
