package chat

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"
)

func TestLook(t *testing.T) {
	var p bytes.Buffer
	if err := png.Encode(&p, image.NewGray(image.Rect(0, 0, 31, 17))); err != nil {
		t.Fatal(err)
	}
	webp := append([]byte("RIFF\x00\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00"), 0x3f, 0x01, 0, 0xef, 0, 0)
	tests := []struct {
		name   string
		head   []byte
		mime   string
		w, h   int
		inline bool
	}{
		{"png", p.Bytes(), mimePNG, 31, 17, true},
		{"webp", webp, mimeWebP, 320, 240, true},
		{"cut webp", webp[:22], mimeWebP, 0, 0, true},
		{"opus", []byte("OggS\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x13OpusHead\x01"), mimeOpus, 0, 0, true},
		{"markup is text", []byte("<!DOCTYPE html><script>alert(1)</script>"), "text/plain", 0, 0, false},
		{"svg is text", []byte(`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>`), "text/plain", 0, 0, false},
		{"empty", nil, "text/plain", 0, 0, false},
		{"zeros", make([]byte, 40), mimeBinary, 0, 0, false},
	}
	for _, tt := range tests {
		mime, w, h := look(tt.head)
		if mime != tt.mime || w != tt.w || h != tt.h || Inline(mime) != tt.inline {
			t.Errorf("%s: %s %dx%d inline %v", tt.name, mime, w, h, Inline(mime))
		}
	}
}

func TestLabel(t *testing.T) {
	for in, want := range map[string]string{
		"photo.png":              "photo.png",
		"../../etc/passwd":       "passwd",
		`C:\Users\x\a.txt`:       "a.txt",
		"a\u202egnp.exe":         "agnp.exe",
		"a\r\nSet-Cookie: x":     "aSet-Cookie: x",
		"..":                     "file.png",
		"":                       "file.png",
		" . ":                    "file.png",
		"\xff\xfe.jpg":           "jpg",
		strings.Repeat("ä", 300): strings.Repeat("ä", 127),
		"Bericht für 天地.pdf":     "Bericht für 天地.pdf",
	} {
		if got := label(in, mimePNG); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzLook(f *testing.F) {
	f.Add([]byte("RIFF    WEBPVP8L          "))
	f.Fuzz(func(t *testing.T, b []byte) {
		if _, w, h := look(b); w < 0 || h < 0 {
			t.Fatal("negative size")
		}
	})
}
