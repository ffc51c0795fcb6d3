package chat

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"meshchatx/internal/store"
	"meshchatx/lxmf"
	"meshchatx/lxmf/telemetry"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Details are the fields of a message beside its text, files and what it answers.
type Details struct {
	// Thread is the id of the thread the message belongs to, nil for none.
	Thread []byte
	// Comment and Continues are the messages that the text comments on or continues;
	// zero for none.
	Comment, Continues rns.Hash
	// Icon is how the author wanted to be shown, nil for not said.
	Icon *lxmf.Icon
	// Telemetry are sensor readings of the author, Stream those of others that it
	// passes on.
	Telemetry *telemetry.Telemeter
	Stream    []telemetry.Entry
	// Commands are requests to our program; none is carried out. spec: lxmf §4.5
	Commands []telemetry.Command
	// Others are the fields that are kept and not interpreted, in their order.
	Others []Extra
}

// Extra is a field that is kept byte for byte and not interpreted. spec: lxmf §4
type Extra struct {
	// Key is the number, or what stands in its place; Number is false for the latter.
	Key    string
	Number bool
	Name   string // in the specification, or ""
	Size   int    // bytes of the encoded value
	// Preview is the beginning of the value, to be shown as it is.
	Preview string
}

// shown are the fields whose content has columns of its own.
var shown = map[lxmf.FieldID]bool{
	lxmf.FieldAttachments: true, lxmf.FieldImage: true, lxmf.FieldAudio: true, lxmf.FieldTicket: true,
	lxmf.FieldReplyTo: true, lxmf.FieldReplyQuote: true, lxmf.FieldRenderer: true,
}

// understood reports whether a field is in a column of its own: it says nothing more
// only if it has the form it should have.
func understood(f lxmf.Fields, id lxmf.FieldID) bool {
	if !shown[id] {
		return false
	}
	switch id {
	case lxmf.FieldAttachments:
		return len(f.Attachments()) > 0
	case lxmf.FieldImage:
		_, ok := f.Image()
		return ok
	case lxmf.FieldAudio:
		_, ok := f.Audio()
		return ok
	case lxmf.FieldReplyTo:
		t, ok := f.ReplyTo()
		return ok && !t.Truncated
	}
	return true
}

// largeField is the size from which a field is not kept in the row, but with the
// message as it came.
const largeField = 4 << 10

// farField marks a large field in the row: its size follows, and the field itself is
// in the packed message.
const farField int8 = 0x7f

// kept are the fields this program has no columns for, encoded, byte for byte; nil for none.
// whole reports whether that is all of them: otherwise the packed message must be
// kept.
func kept(msg *lxmf.Message) (encoded []byte, whole bool) {
	var rest []lxmf.RawField
	whole = true
	for _, f := range msg.RawFields() {
		if id, ok := f.ID(); ok && understood(msg.Fields, id) {
			continue
		}
		if len(f.EncodedValue) > largeField {
			whole = false
			f.Encoded = msgpack.AppendExt(f.Key.Append(nil), farField, binary.BigEndian.AppendUint64(nil, uint64(len(f.EncodedValue))))
		}
		rest = append(rest, f)
	}
	if len(rest) == 0 {
		return nil, true
	}
	return lxmf.AppendRawFields(nil, rest), whole
}

// details reads what is kept of a message's fields.
func details(m store.Message) Details {
	var d Details
	if len(m.Fields) == 0 {
		return d
	}
	raw, err := lxmf.ParseRawFields(m.Fields)
	if err != nil {
		return d
	}
	fields, err := lxmf.ParseFields(m.Fields)
	if err != nil {
		return d
	}
	d.Thread, _ = fields.Thread()
	d.Comment, d.Continues = about(fields.Comment()), about(fields.Continuation())
	if icon, ok := fields.Icon(); ok {
		d.Icon = &icon
	}
	d.readTelemetry(fields)
	for _, f := range raw {
		if id, ok := f.ID(); !ok || !d.tells(id, m, fields) {
			d.Others = append(d.Others, extra(f))
		}
	}
	return d
}

func (d *Details) readTelemetry(fields lxmf.Fields) {
	if b, ok := fields.Telemetry(); ok {
		if t, err := telemetry.Parse(b); err == nil {
			d.Telemetry = &t
		}
	}
	if v, ok := fields.Get(lxmf.FieldTelemetryStream); ok {
		d.Stream, _ = telemetry.ParseStream(v) // what cannot be read is listed as it is
	}
	if v, ok := fields.Get(lxmf.FieldCommands); ok {
		d.Commands = telemetry.ParseCommands(v)
	}
}

// tells reports whether the details say what a field does.
func (d *Details) tells(id lxmf.FieldID, m store.Message, fields lxmf.Fields) bool {
	switch id {
	case lxmf.FieldThread:
		return d.Thread != nil
	case lxmf.FieldComment:
		return !d.Comment.IsZero()
	case lxmf.FieldContinuation:
		return !d.Continues.IsZero()
	case lxmf.FieldIcon:
		return d.Icon != nil
	case lxmf.FieldTelemetry:
		return d.Telemetry != nil
	case lxmf.FieldTelemetryStream:
		return d.Stream != nil
	case lxmf.FieldCommands:
		return len(d.Commands) > 0
	case lxmf.FieldReaction, lxmf.FieldAppExtensions:
		_, ok := fields.Reaction()
		return ok && m.Reaction != ""
	}
	return false
}

// about is the message a field names in full.
func about(t lxmf.Target, ok bool) rns.Hash {
	if !ok || t.Truncated {
		return rns.Hash{}
	}
	return t.Hash
}

func extra(f lxmf.RawField) Extra {
	e := Extra{Size: len(f.EncodedValue), Preview: Preview(f.Value)}
	if id, ok := f.ID(); ok {
		e.Key, e.Number, e.Name = strconv.FormatUint(uint64(id), 10), true, id.Name()
	} else {
		e.Key = Preview(f.Key)
	}
	if kind, b, ok := f.Value.Ext(); ok && kind == farField && len(b) == 8 {
		e.Size, e.Preview = int(binary.BigEndian.Uint64(b)&(1<<62-1)), ""
	}
	return e
}

const previewLength = 96

// Preview shows the beginning of a value as text that is safe in a line.
func Preview(v msgpack.Value) string {
	switch v.Kind() {
	case msgpack.KindBin:
		b, _ := v.Bytes()
		if len(b) > previewLength/2 {
			return hex.EncodeToString(b[:previewLength/2]) + "…"
		}
		return hex.EncodeToString(b)
	case msgpack.KindString:
		s, _ := v.Text()
		return clipped(oneLine(s))
	case msgpack.KindArray:
		a, _ := v.Array()
		var parts []string
		for _, item := range a[:min(len(a), 8)] {
			parts = append(parts, Preview(item))
		}
		return clipped("[" + strings.Join(parts, ", ") + more(len(a), 8) + "]")
	case msgpack.KindMap:
		m, _ := v.Map()
		var parts []string
		for i := range min(m.Len(), 8) {
			p := m.At(i)
			parts = append(parts, Preview(p.Key)+": "+Preview(p.Value))
		}
		return clipped("{" + strings.Join(parts, ", ") + more(m.Len(), 8) + "}")
	}
	return clipped(fmt.Sprint(v))
}

func more(n, shown int) string {
	if n > shown {
		return ", …"
	}
	return ""
}

func clipped(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, text([]byte(s)))
	if len(s) <= previewLength {
		return s
	}
	return cut(s, previewLength) + "…"
}
