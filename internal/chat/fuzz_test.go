package chat

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// FuzzCursor reads cursors that no list has made.
func FuzzCursor(f *testing.F) {
	f.Add(formatCursor(store.ConversationCursor{Pinned: true, Peer: rns.Addr{1}}))
	f.Add("e30")
	f.Fuzz(func(t *testing.T, s string) {
		c, err := parseCursor(s)
		if err != nil {
			return
		}
		if again, err := parseCursor(formatCursor(c)); err != nil || !again.LastAt.Equal(c.LastAt) || again.Peer != c.Peer || again.Pinned != c.Pinned {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}

// FuzzEvents reads what a damaged row could hold: the state of a message is one of those there are.
func FuzzEvents(f *testing.F) {
	f.Add("progress", "", 1, 3, 5, int64(100), 2)
	f.Add("failed", "no_path", -1, 0, -5, int64(-1), -2)
	f.Fuzz(func(t *testing.T, kind, code string, attempt, part, parts int, bytes int64, hops int) {
		rows := []store.MessageEvent{
			{N: 1, At: time.UnixMilli(1), Kind: string(EventQueued)},
			{N: 2, At: time.UnixMilli(2), Kind: kind, Code: code, Attempt: attempt, Part: part, Parts: parts, Bytes: bytes, Hops: &hops},
		}
		events := eventsOf(rows)
		if p := events[1].Percent; p < 0 || p > 100 {
			t.Fatalf("%d percent", p)
		}
		if !utf8.ValidString(string(ParseCode(code))) {
			t.Fatalf("code %q", ParseCode(code))
		}
		if d := Derive(events); d.State == "" || d.Percent < 0 || d.Percent > 100 {
			t.Fatalf("derived %+v", d)
		}
		if d := Derive(events[1:]); d.Percent < 0 || d.Percent > 100 {
			t.Fatalf("derived %+v", d)
		}
		_ = events[1].record()
	})
}

// FuzzLabel makes file names of what peers call their files.
func FuzzLabel(f *testing.F) {
	f.Add("../../etc/passwd", "image/png")
	f.Add("a\u202egpj.exe", "")
	f.Add(".\\..\\ .", "text/plain; charset=utf-8")
	f.Fuzz(func(t *testing.T, name, mimeType string) {
		got := label(name, mimeType)
		if got == "" || got == "." || got == ".." || len(got) > maxLabel+32 || !utf8.ValidString(got) ||
			strings.ContainsAny(got, "/\\\x00\r\n\u202e\u2066") {
			t.Fatalf("%q became %q", name, got)
		}
		if again := label(got, mimeType); again != got {
			t.Fatalf("%q became %q and then %q", name, got, again)
		}
	})
}
