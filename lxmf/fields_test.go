package lxmf_test

import (
	"bytes"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/msgpack"

	"github.com/google/go-cmp/cmp"
)

func TestFieldsKeepOrderAndUnknownKeys(t *testing.T) {
	in := msgpack.Map(
		msgpack.Pair{Key: msgpack.Int(255), Value: msgpack.Int(1)},
		msgpack.Pair{Key: msgpack.Str("private"), Value: msgpack.Nil()},
		msgpack.Pair{Key: msgpack.Int(15), Value: msgpack.Int(0)},
		msgpack.Pair{Key: msgpack.Int(1 << 40), Value: msgpack.Bin([]byte{1})},
	).Append(nil)
	f, err := lxmf.ParseFields(in)
	if err != nil {
		t.Fatal(err)
	}
	before := f
	f.SetRenderer(lxmf.RendererMicron)
	f.SetThread([]byte{9})
	if got := before.Append(nil); !bytes.Equal(got, in) {
		t.Errorf("a copy changed to %x", got)
	}
	want := bytes.Replace(in, []byte{0x0f, 0x00}, []byte{0x0f, 0x01}, 1)
	want[0]++
	want = append(want, 0x08, 0xc4, 0x01, 0x09)
	if got := f.Append(nil); !bytes.Equal(got, want) {
		t.Errorf("got %x, want %x", got, want)
	}
	f.Delete(lxmf.FieldThread)
	f.SetRenderer(lxmf.RendererPlain)
	if got := f.Append(nil); !bytes.Equal(got, in) {
		t.Errorf("after undoing %x, want %x", got, in)
	}
}

func TestSettersAndGetters(t *testing.T) {
	var f lxmf.Fields
	hash := rns.FullHash([]byte("message"))
	target := lxmf.Target{Hash: hash}
	files := []lxmf.Attachment{{Name: "a.txt", Data: []byte("A")}, {Name: "b", Data: []byte{}}}
	image, audio := lxmf.Image{Format: "png", Data: []byte("P")}, lxmf.Audio{Mode: lxmf.AudioOpusOgg, Data: []byte("O")}
	icon := lxmf.Icon{Name: "cat-2", Foreground: [3]byte{1, 2, 3}, Background: [3]byte{4, 5, 6}}
	ticket, err := lxmf.NewTicket(newRandom(), written)
	if err != nil {
		t.Fatal(err)
	}
	f.SetAttachments(files...)
	f.SetImage(image)
	f.SetAudio(audio)
	f.SetIcon(icon)
	f.SetTicket(ticket)
	f.SetReplyTo(hash)
	f.SetReplyQuote("quoted")
	f.SetReaction(hash, "👍")
	f.SetComment(hash)
	f.SetContinuation(hash)
	f.SetTelemetry([]byte{0x80})

	f, err = lxmf.ParseFields(f.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	check := func(name string, want, got any, ok bool) {
		t.Helper()
		if diff := cmp.Diff(want, got); diff != "" || !ok {
			t.Errorf("%s, %v (-want +got):\n%s", name, ok, diff)
		}
	}
	check("attachments", files, f.Attachments(), true)
	gotImage, ok := f.Image()
	check("image", image, gotImage, ok)
	gotAudio, ok := f.Audio()
	check("audio", audio, gotAudio, ok)
	gotIcon, ok := f.Icon()
	check("icon", icon, gotIcon, ok)
	gotTicket, ok := f.Ticket()
	check("ticket", ticket, gotTicket, ok)
	reply, ok := f.ReplyTo()
	check("reply", target, reply, ok)
	quote, ok := f.ReplyQuote()
	check("quote", "quoted", quote, ok)
	reaction, ok := f.Reaction()
	check("reaction", lxmf.Reaction{To: target, Content: "👍"}, reaction, ok)
	comment, ok := f.Comment()
	check("comment", target, comment, ok)
	continuation, ok := f.Continuation()
	check("continuation", target, continuation, ok)
	telemetry, ok := f.Telemetry()
	check("telemetry", []byte{0x80}, telemetry, ok)

	f.SetAttachments()
	if f.Has(lxmf.FieldAttachments) {
		t.Error("no attachments left a field")
	}
}

// Every accessor must bear any value in its field.
// spec: lxmf §4, §4.9
func TestMalformedFields(t *testing.T) {
	odd := []msgpack.Value{
		msgpack.Nil(), msgpack.Int(-1), msgpack.Int(1 << 40), msgpack.Float(0.5), msgpack.Bool(true), msgpack.Str("text"), msgpack.Bin(nil),
		msgpack.Bin(make([]byte, 31)), msgpack.Array(), msgpack.Array(msgpack.Int(1)), msgpack.Array(msgpack.Array(), msgpack.Map()),
		msgpack.Array(msgpack.Str("a"), msgpack.Int(1), msgpack.Nil()), msgpack.Map(),
		msgpack.Map(msgpack.Pair{Key: msgpack.Int(0), Value: msgpack.Str("short")}),
	}
	for _, v := range odd {
		for id := lxmf.FieldID(1); id <= 0xff; id++ {
			var f lxmf.Fields
			f.Set(id, v)
			if i, ok := f.Icon(); ok {
				t.Errorf("%v: icon %v", v, i)
			}
			if x, ok := f.Ticket(); ok {
				t.Errorf("%v: ticket %v", v, x)
			}
			if r, ok := f.Reaction(); ok {
				t.Errorf("%v: reaction %v", v, r)
			}
			if r, ok := f.ReplyTo(); ok {
				t.Errorf("%v: reply %v", v, r)
			}
			if c, ok := f.Comment(); ok {
				t.Errorf("%v: comment %v", v, c)
			}
			if a, ok := f.Audio(); ok {
				t.Errorf("%v: audio %v", v, a)
			}
			f.Image()
			f.Attachments()
			f.Commands()
			f.Embedded()
			f.Renderer()
			(&lxmf.Message{Fields: f}).Silent()
		}
	}
}

func TestMalformedAttachmentsAreLeftOut(t *testing.T) {
	var f lxmf.Fields
	f.Set(lxmf.FieldAttachments, msgpack.Array(
		msgpack.Array(msgpack.Str("only a name")),
		msgpack.Array(msgpack.Str("good"), msgpack.Bin([]byte("1")), msgpack.Int(5)),
		msgpack.Int(3),
		msgpack.Array(msgpack.Int(1), msgpack.Bin(nil)),
		msgpack.Array(msgpack.Bin([]byte("b\xff")), msgpack.Bin(nil)),
	))
	want := []lxmf.Attachment{{Name: "good", Data: []byte("1")}, {Name: "b\ufffd"}}
	if diff := cmp.Diff(want, f.Attachments()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// File names are labels, never paths.
// spec: lxmf §4.2
func TestFileName(t *testing.T) {
	tests := []struct{ name, want string }{
		{"photo.jpg", "photo.jpg"},
		{"../../etc/passwd", "passwd"},
		{`C:\Users\x\evil.exe`, "evil.exe"},
		{"", "file"}, {"..", "file"}, {"/", "file"}, {" \t", "file"}, {"...", "file"},
		{"a\x00b\nc.txt", "abc.txt"},
		{"invoice\u202efdp.exe", "invoicefdp.exe"},
		{"\xff.txt", "\ufffd.txt"},
		{"👩\u200d🚀.png", "👩\u200d🚀.png"},
	}
	for _, tt := range tests {
		if got := (lxmf.Attachment{Name: tt.name}).FileName(); got != tt.want {
			t.Errorf("%q: %q, want %q", tt.name, got, tt.want)
		}
	}
	long := lxmf.Attachment{Name: strings.Repeat("ä", 300) + ".tar"}.FileName()
	if len(long) > 200 || !strings.HasSuffix(long, "ä.tar") || !utf8.ValidString(long) {
		t.Errorf("long name became %d bytes: %q", len(long), long)
	}
}

func TestImageFormats(t *testing.T) {
	for label, want := range map[string]string{
		"jpg": "jpg", "image/jpeg": "jpeg", "video/webm": "webm", "PNG": "png", ".gif": "gif", "svg+xml": "svg+xml", "": "",
	} {
		var f lxmf.Fields
		f.SetImage(lxmf.Image{Format: label})
		if got, ok := f.Image(); !ok || got.Format != want {
			t.Errorf("%q: %q, %v", label, got.Format, ok)
		}
	}
}

// The forms of replies and reactions that older programs send.
// spec: lxmf §4.7
func TestLegacyRelations(t *testing.T) {
	hash := rns.FullHash([]byte("message"))
	whole := lxmf.Target{Hash: hash}
	short := lxmf.Target{Truncated: true}
	copy(short.Hash[:], hash[:16])
	entry := func(k, v msgpack.Value) msgpack.Pair { return msgpack.Pair{Key: k, Value: v} }
	extensions := func(pairs ...msgpack.Pair) (f lxmf.Fields) {
		f.Set(lxmf.FieldAppExtensions, msgpack.Map(pairs...))
		return f
	}
	reactionWith := func(pairs ...msgpack.Pair) (f lxmf.Fields) {
		f.Set(lxmf.FieldReaction, msgpack.Map(pairs...))
		return f
	}
	replyWith := func(v msgpack.Value) (f lxmf.Fields) {
		f.Set(lxmf.FieldReplyTo, v)
		return f
	}
	heart := msgpack.Str("❤")
	tests := []struct {
		name     string
		message  lxmf.Message
		reply    lxmf.Target
		reaction lxmf.Reaction
	}{
		{"reply in extensions", lxmf.Message{Fields: extensions(entry(msgpack.Str("reply_to"), msgpack.Str(hash.Hex())))}, whole, lxmf.Reaction{}},
		{"short reply in extensions", lxmf.Message{Fields: extensions(entry(msgpack.Str("reply_to"), msgpack.Str(hash.Addr().Hex())))}, short, lxmf.Reaction{}},
		{"reply as text", lxmf.Message{Fields: replyWith(msgpack.Str(strings.ToUpper(hash.Hex())))}, whole, lxmf.Reaction{}},
		{"reply as text in bytes", lxmf.Message{Fields: replyWith(msgpack.Bin([]byte(hash.Hex())))}, whole, lxmf.Reaction{}},
		{"short reply as bytes", lxmf.Message{Fields: replyWith(msgpack.Bin(hash[:16]))}, short, lxmf.Reaction{}},
		{"quoted hash", lxmf.Message{Content: []byte("> " + hash.Addr().Hex() + "\nyes")}, short, lxmf.Reaction{}},
		{"field before quoted hash", lxmf.Message{Content: []byte("> 00112233445566778899aabbccddeeff\nyes"), Fields: replyWith(msgpack.Bin(hash[:]))}, whole, lxmf.Reaction{}},
		{"ordinary quote", lxmf.Message{Content: []byte("> what he said\nyes")}, lxmf.Target{}, lxmf.Reaction{}},
		{"quote of the same length", lxmf.Message{Content: []byte("> zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\nyes")}, lxmf.Target{}, lxmf.Reaction{}},
		{"reaction with text keys", lxmf.Message{Fields: reactionWith(
			entry(msgpack.Str("reaction_to"), msgpack.Str(hash.Hex())), entry(msgpack.Str("reaction_content"), heart))},
			lxmf.Target{}, lxmf.Reaction{To: whole, Content: "❤"}},
		{"reaction with hexadecimal keys", lxmf.Message{Fields: reactionWith(
			entry(msgpack.Str("0x00"), msgpack.Bin(hash[:])), entry(msgpack.Str("0x01"), msgpack.Bin([]byte("❤"))))},
			lxmf.Target{}, lxmf.Reaction{To: whole, Content: "❤"}},
		{"reaction in extensions", lxmf.Message{Fields: extensions(
			entry(msgpack.Str("reaction_to"), msgpack.Str(hash.Hex())), entry(msgpack.Str("emoji"), heart))},
			lxmf.Target{}, lxmf.Reaction{To: whole, Content: "❤"}},
		{"reaction that misbehaves", lxmf.Message{Fields: reactionWith(
			entry(msgpack.Int(0), msgpack.Bin(hash[:])), entry(msgpack.Int(1), msgpack.Bin([]byte(" \x1b[31m\xff"+strings.Repeat("é", 100)))))},
			lxmf.Target{}, lxmf.Reaction{To: whole, Content: "[31m" + strings.Repeat("é", 30)}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reply, isReply := tt.message.ReplyTo()
			reaction, isReaction := tt.message.Fields.Reaction()
			if reply != tt.reply || isReply != (tt.reply != lxmf.Target{}) {
				t.Errorf("reply %v, %v", reply, isReply)
			}
			if reaction != tt.reaction || isReaction != (tt.reaction != lxmf.Reaction{}) {
				t.Errorf("reaction %v, %v", reaction, isReaction)
			}
			if isReply && !reply.Names(hash) || reply.Names(rns.FullHash([]byte("other"))) {
				t.Error("the target names the wrong message")
			}
		})
	}
	if (lxmf.Target{}).Names(rns.Hash{}) {
		t.Error("no target names a message without hash")
	}
}

// What raises no notification.
// spec: lxmf §17
func TestSilent(t *testing.T) {
	hash := rns.FullHash([]byte("x"))
	with := func(set func(f *lxmf.Fields)) lxmf.Message {
		var m lxmf.Message
		set(&m.Fields)
		return m
	}
	tests := []struct {
		name string
		m    lxmf.Message
		want bool
	}{
		{"empty", lxmf.Message{}, false},
		{"reaction", with(func(f *lxmf.Fields) { f.SetReaction(hash, "👍") }), true},
		{"telemetry", with(func(f *lxmf.Fields) { f.SetTelemetry(nil) }), true},
		{"icon and renderer", with(func(f *lxmf.Fields) { f.SetIcon(lxmf.Icon{Name: "a"}); f.SetRenderer(0) }), true},
		{"image", with(func(f *lxmf.Fields) { f.SetImage(lxmf.Image{}) }), false},
		{"unknown field", with(func(f *lxmf.Fields) { f.Set(0x200, msgpack.Nil()) }), false},
	}
	for _, tt := range tests {
		if got := tt.m.Silent(); got != tt.want {
			t.Errorf("%s: %v", tt.name, got)
		}
		tt.m.Content = []byte("text")
		if tt.m.Silent() {
			t.Errorf("%s with text is silent", tt.name)
		}
	}
}

// When tickets are given, used and forgotten.
// spec: lxmf §7
func TestTickets(t *testing.T) {
	now := written
	left := func(d time.Duration) lxmf.Ticket {
		return lxmf.Ticket{Expires: now.Add(d), Value: [16]byte{byte(d >> 40)}}
	}
	day := 24 * time.Hour
	if got, ok := lxmf.ChooseTicket([]lxmf.Ticket{left(3 * day), left(15 * day), left(20 * day), left(14 * day)}, now); !ok || got != left(20*day) {
		t.Errorf("chose %v, %v", got, ok)
	}
	if _, ok := lxmf.ChooseTicket([]lxmf.Ticket{left(14 * day), left(-day)}, now); ok {
		t.Error("chose a ticket that does not last")
	}
	if !lxmf.TicketDue(time.Time{}, now) || lxmf.TicketDue(now.Add(-day+1), now) || !lxmf.TicketDue(now.Add(-day), now) {
		t.Error("the interval between tickets is wrong")
	}
	fresh, err := lxmf.NewTicket(newRandom(), now)
	if err != nil || !fresh.Usable(now.Add(21*day-1)) || fresh.Usable(now.Add(21*day)) {
		t.Errorf("validity: %v, %v", fresh, err)
	}
	if fresh.Forgettable(now.Add(26*day)) || !fresh.Forgettable(now.Add(26*day+1)) {
		t.Error("grace is wrong")
	}
	if s := fresh.String(); strings.Contains(s, "value\":") || !strings.Contains(s, "redacted") {
		t.Errorf("shown as %s", s)
	}
	var f lxmf.Fields
	f.Set(lxmf.FieldTicket, msgpack.Array(msgpack.Float(1e300), msgpack.Bin(make([]byte, 16))))
	if got, ok := f.Ticket(); ok {
		t.Errorf("a ticket for ever: %v", got)
	}
}

func TestTicketFileClean(t *testing.T) {
	now := written
	day := 24 * time.Hour
	peer := rns.Addr{1}
	ticket := func(left time.Duration, n byte) lxmf.PeerTicket {
		return lxmf.PeerTicket{Peer: peer, Ticket: lxmf.Ticket{Expires: now.Add(left), Value: [16]byte{n}}}
	}
	all := lxmf.Tickets{
		Outbound:   []lxmf.PeerTicket{ticket(day, 1), ticket(-day, 2)},
		Inbound:    []lxmf.PeerTicket{ticket(day, 3), ticket(-4*day, 4), ticket(-6*day, 5)},
		Deliveries: []lxmf.TicketRecord{{Peer: peer, At: now.Add(-time.Hour)}, {Peer: rns.Addr{2}, At: now.Add(-2 * day)}},
	}
	want := lxmf.Tickets{Outbound: all.Outbound[:1], Inbound: all.Inbound[:2], Deliveries: all.Deliveries[:1]}
	if diff := cmp.Diff(want, all.Clean(now)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	got, err := lxmf.ParseTickets(want.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("written and read (-want +got):\n%s", diff)
	}
}
