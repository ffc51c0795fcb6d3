package lxmf

import (
	"bytes"
	"encoding/hex"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/msgpack"
)

// Target names the message that another one is about. Older programs name only
// the first 16 bytes of its hash. The zero value names none.
type Target struct {
	Hash      rns.Hash
	Truncated bool // only the first 16 bytes of Hash count
}

// Names reports whether hash is that of the target.
func (t Target) Names(hash rns.Hash) bool {
	if t.Truncated {
		return bytes.Equal(t.Hash[:rns.AddrSize], hash[:rns.AddrSize])
	}
	return t.Hash == hash && !hash.IsZero()
}

// targetOf reads a hash given as bytes, or as hexadecimal text by older
// programs. spec: lxmf §4.7
func targetOf(v msgpack.Value) (t Target, ok bool) {
	b, ok := v.BytesOrText()
	if !ok {
		return Target{}, false
	}
	if len(b) == 2*rns.HashSize || len(b) == 2*rns.AddrSize && v.Kind() == msgpack.KindString {
		if b, ok = decodeHex(b); !ok {
			return Target{}, false
		}
	}
	switch len(b) {
	case rns.HashSize:
		return Target{Hash: rns.Hash(b)}, true
	case rns.AddrSize:
		copy(t.Hash[:], b)
		t.Truncated = true
		return t, true
	}
	return Target{}, false
}

func decodeHex(text []byte) ([]byte, bool) {
	out := make([]byte, hex.DecodedLen(len(text)))
	_, err := hex.Decode(out, text)
	return out, err == nil
}

// entry returns the first of the keys that a map has.
func entry(m msgpack.Pairs, number int64, names ...string) (msgpack.Value, bool) {
	if number >= 0 {
		if v, ok := m.Int(number); ok {
			return v, true
		}
	}
	for _, name := range names {
		if v, ok := m.Text(name); ok {
			return v, true
		}
	}
	return msgpack.Value{}, false
}

// mapOf returns a field that is a map.
func (f Fields) mapOf(id FieldID) (msgpack.Pairs, bool) {
	v, _ := f.Get(id)
	return v.Map()
}

// ReplyTo returns which message this one answers, in any form in use.
// spec: lxmf §4.7
func (f Fields) ReplyTo() (Target, bool) {
	if v, ok := f.Get(FieldReplyTo); ok {
		return targetOf(v)
	}
	if m, ok := f.mapOf(FieldAppExtensions); ok {
		if v, ok := entry(m, -1, "reply_to"); ok {
			return targetOf(v)
		}
	}
	return Target{}, false
}

// SetReplyTo sets the message that this one answers.
func (f *Fields) SetReplyTo(hash rns.Hash) { f.Set(FieldReplyTo, msgpack.Bin(hash[:])) }

// ReplyTo is [Fields.ReplyTo], which also understands the form in which the
// content begins with a line that quotes the hash.
func (m *Message) ReplyTo() (Target, bool) {
	if t, ok := m.Fields.ReplyTo(); ok {
		return t, true
	}
	const prefix = "> "
	line, _, _ := bytes.Cut(m.Content, []byte("\n"))
	text, ok := bytes.CutPrefix(bytes.TrimRight(line, " \r"), []byte(prefix))
	if !ok || len(text) != 2*rns.AddrSize {
		return Target{}, false
	}
	return targetOf(msgpack.Str(string(text)))
}

// ReplyQuote returns the excerpt of the answered message.
func (f Fields) ReplyQuote() (string, bool) {
	b, ok := f.bytes(FieldReplyQuote)
	return strings.ToValidUTF8(string(b), "\ufffd"), ok
}

// SetReplyQuote sets the excerpt of the answered message.
func (f *Fields) SetReplyQuote(quote string) { f.Set(FieldReplyQuote, msgpack.Bin([]byte(quote))) }

// maxReaction is how many bytes of a reaction are kept: one emoji, with its
// modifiers, takes up to some thirty.
const maxReaction = 64

// Reaction is an emoji about another message. Who reacts is the source of the
// message.
type Reaction struct {
	To      Target
	Content string // printable, at most 64 bytes; may be empty
}

// Reaction returns the reaction, in any form in use. spec: lxmf §4.7
func (f Fields) Reaction() (Reaction, bool) {
	if m, ok := f.mapOf(FieldReaction); ok {
		return reactionOf(m, 0, 1)
	}
	if m, ok := f.mapOf(FieldAppExtensions); ok {
		return reactionOf(m, -1, -1)
	}
	return Reaction{}, false
}

func reactionOf(m msgpack.Pairs, toKey, contentKey int64) (Reaction, bool) {
	v, ok := entry(m, toKey, "reaction_to", "0x00")
	if !ok {
		return Reaction{}, false
	}
	target, ok := targetOf(v)
	if !ok {
		return Reaction{}, false
	}
	v, _ = entry(m, contentKey, "reaction_content", "emoji", "0x01")
	content, _ := v.BytesOrText()
	text := strings.TrimSpace(printable(strings.ToValidUTF8(string(content), "")))
	return Reaction{target, clip(text, maxReaction)}, true
}

// SetReaction makes the message a reaction. Leave title and content empty, so
// that programs without reactions show nothing.
func (f *Fields) SetReaction(to rns.Hash, content string) {
	f.Set(FieldReaction, msgpack.Map(
		msgpack.Pair{Key: msgpack.Int(0), Value: msgpack.Bin(to[:])},
		msgpack.Pair{Key: msgpack.Int(1), Value: msgpack.Bin([]byte(clip(content, maxReaction)))},
	))
}

// Comment returns the message that the content comments on.
func (f Fields) Comment() (Target, bool) { return f.about(FieldComment) }

// SetComment sets the message that the content comments on.
func (f *Fields) SetComment(on rns.Hash) { f.setAbout(FieldComment, on) }

// Continuation returns the message that the content continues.
func (f Fields) Continuation() (Target, bool) { return f.about(FieldContinuation) }

// SetContinuation sets the message that the content continues.
func (f *Fields) SetContinuation(of rns.Hash) { f.setAbout(FieldContinuation, of) }

func (f Fields) about(id FieldID) (Target, bool) {
	m, ok := f.mapOf(id)
	if !ok {
		return Target{}, false
	}
	v, ok := entry(m, 0, "0x00")
	if !ok {
		return Target{}, false
	}
	return targetOf(v)
}

func (f *Fields) setAbout(id FieldID, hash rns.Hash) {
	f.Set(id, msgpack.Map(msgpack.Pair{Key: msgpack.Int(0), Value: msgpack.Bin(hash[:])}))
}

// Thread returns the id of the thread that the message belongs to.
func (f Fields) Thread() ([]byte, bool) { return f.bytes(FieldThread) }

// SetThread sets the id of the thread that the message belongs to.
func (f *Fields) SetThread(id []byte) { f.Set(FieldThread, msgpack.Bin(id)) }
