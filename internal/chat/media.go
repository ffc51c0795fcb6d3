package chat

import (
	"bytes"
	"image"
	_ "image/gif"  // dimensions of GIF
	_ "image/jpeg" // dimensions of JPEG
	_ "image/png"  // dimensions of PNG
	"mime"
	"net/http"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"meshchatx/internal/store"
)

// Types that may be shown in the page. Everything else is offered for saving.
const (
	mimePNG    = "image/png"
	mimeJPEG   = "image/jpeg"
	mimeGIF    = "image/gif"
	mimeWebP   = "image/webp"
	mimeOpus   = "audio/ogg"
	mimeBinary = "application/octet-stream"
)

// Inline reports whether bytes of a type may be shown in the page.
func Inline(mimeType string) bool {
	switch mimeType {
	case mimePNG, mimeJPEG, mimeGIF, mimeWebP, mimeOpus:
		return true
	}
	return false
}

// headSize is how much of a file is looked at.
const headSize = 64 << 10

// look recognises a file by its first bytes; what a sender or browser claims
// does not count. width and height are 0 where they are not known.
func look(head []byte) (mimeType string, width, height int) {
	mimeType, _, _ = strings.Cut(http.DetectContentType(head), ";")
	switch {
	case bytes.HasPrefix(head, []byte("OggS")):
		mimeType = "application/ogg"
		if bytes.Contains(head[:min(len(head), 64)], []byte("OpusHead")) {
			mimeType = mimeOpus
		}
	case mimeType == mimeWebP:
		width, height = webpSize(head)
		return mimeType, width, height
	case mimeType == "text/html" || mimeType == "text/xml":
		mimeType = "text/plain" // never offered to a browser as markup
	}
	if strings.HasPrefix(mimeType, "image/") {
		if c, _, err := image.DecodeConfig(bytes.NewReader(head)); err == nil {
			width, height = c.Width, c.Height
		}
	}
	return mimeType, width, height
}

// webpSize reads the dimensions of the three forms of WebP.
func webpSize(b []byte) (width, height int) {
	const body = 20 // RIFF, size, WEBP, chunk name, chunk size
	if len(b) < body+10 {
		return 0, 0
	}
	switch string(b[12:16]) {
	case "VP8X":
		return le24(b[24:]) + 1, le24(b[27:]) + 1
	case "VP8L":
		bits := uint32(b[21]) | uint32(b[22])<<8 | uint32(b[23])<<16 | uint32(b[24])<<24
		return int(bits&0x3fff) + 1, int(bits>>14&0x3fff) + 1
	case "VP8 ":
		return (int(b[26]) | int(b[27])<<8) & 0x3fff, (int(b[28]) | int(b[29])<<8) & 0x3fff
	}
	return 0, 0
}

func le24(b []byte) int { return int(b[0]) | int(b[1])<<8 | int(b[2])<<16 }

func kindOf(mimeType string) store.AttachmentKind {
	switch {
	case Inline(mimeType) && strings.HasPrefix(mimeType, "image/"):
		return store.KindImage
	case mimeType == mimeOpus:
		return store.KindAudio
	}
	return store.KindFile
}

const maxLabel = 255

// label makes a name from a peer or a browser safe to show and to offer: no
// directories, no control or direction characters, bounded, never empty.
func label(name, mimeType string) string {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, ""), "\\", "/")
	name = path.Base("/" + name)
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' || r == '/' {
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " .")
	for len(name) > maxLabel {
		_, n := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-n]
	}
	if name != "" {
		return name
	}
	return "file" + extension(mimeType)
}

func extension(mimeType string) string {
	switch mimeType {
	case mimeJPEG:
		return ".jpg"
	case mimeOpus:
		return ".opus"
	case mimeBinary, "":
		return ""
	case "text/plain":
		return ".txt"
	}
	if all, err := mime.ExtensionsByType(mimeType); err == nil && len(all) > 0 {
		return all[0]
	}
	return ""
}
