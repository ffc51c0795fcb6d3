package telemetry

import (
	"encoding/hex"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Entry is the telemeter of an object that a collector passes on. Who passes it on
// vouches for it, not the object. spec: telemetry §5
type Entry struct {
	Source rns.Addr // lxmf.delivery of the object
	At     time.Time
	// Telemeter are the bytes as they came; see [Parse].
	Telemeter []byte
	// Appearance is how the object wants to be shown, in the form of LXMF's icon field; nil for not told.
	Appearance msgpack.Value
}

// ParseStream reads the value of field 0x03. Malformed entries are left out. Older
// programs write three elements and sources as text. spec: telemetry §5, §7
func ParseStream(v msgpack.Value) ([]Entry, error) {
	list, ok := v.Array()
	if !ok || len(list) > maxStream {
		return nil, ErrStream
	}
	entries := make([]Entry, 0, len(list))
	for _, one := range list {
		if e, ok := entryOf(one); ok {
			entries = append(entries, e)
		}
	}
	return entries, nil
}

func entryOf(v msgpack.Value) (e Entry, ok bool) {
	a, _ := v.Array()
	if len(a) < 3 || !number(a[1]) {
		return Entry{}, false
	}
	source, ok := a[0].BytesOrText()
	if ok && len(source) == 2*rns.AddrSize {
		text := make([]byte, rns.AddrSize)
		if _, err := hex.Decode(text, source); err != nil {
			return Entry{}, false
		}
		source = text
	}
	if !ok || len(source) != rns.AddrSize {
		return Entry{}, false
	}
	if e.Telemeter, ok = a[2].Bytes(); !ok {
		return Entry{}, false
	}
	seconds, _ := a[1].Number()
	e.Source, e.At = rns.Addr(source), timeOf(seconds)
	if len(a) > 3 && sane(a[3], 2) {
		e.Appearance = a[3]
	}
	return e, true
}

// Stream returns entries as the value of field 0x03, always with four elements each
// and times in whole seconds.
func Stream(entries []Entry) msgpack.Value {
	list := make([]msgpack.Value, len(entries))
	for i, e := range entries {
		list[i] = msgpack.Array(msgpack.Bin(e.Source[:]), msgpack.Int(e.At.Unix()), msgpack.Bin(e.Telemeter), e.Appearance)
	}
	return msgpack.Array(list...)
}
