package lxmf

import (
	"encoding/base64"
	"errors"
	"strings"
)

// paperScheme begins the text of a paper message.
const paperScheme = "lxm://"

// Reasons for refusing a paper message.
var (
	ErrPaperSize = errors.New("lxmf: too long for a paper message")
	ErrPaperURI  = errors.New("lxmf: not the text of a paper message")
)

// PaperURI returns a sealed message as text, for a QR code or to be copied. What
// is longer than [MaxPaper] is refused. spec: lxmf §5.6
func PaperURI(sealed []byte) (string, error) {
	if len(sealed) > MaxPaper {
		return "", ErrPaperSize
	}
	return paperScheme + base64.RawURLEncoding.EncodeToString(sealed), nil
}

// PaperSize returns how long the message will be when sealed, to compare with
// [MaxPaper].
func (m *Message) PaperSize() int {
	const block, fixed = 16, 32 + 16 + 32 // cipher block; key, IV and MAC
	plaintext := m.PackedSize() - len(m.Destination)
	return len(m.Destination) + fixed + block*(plaintext/block+1)
}

// ParsePaperURI returns the sealed message of a text, for [Open]. The scheme may
// be in any case, slashes and padding are ignored. spec: lxmf §5.6
func ParsePaperURI(uri string) ([]byte, error) {
	uri = strings.TrimSpace(uri)
	if len(uri) < len(paperScheme) || !strings.EqualFold(uri[:len(paperScheme)], paperScheme) {
		return nil, ErrPaperURI
	}
	if len(uri) > 2*MaxQRCode {
		return nil, ErrPaperSize
	}
	text := strings.ReplaceAll(uri[len(paperScheme):], "/", "")
	sealed, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(sealed) < MinSealed {
		return nil, ErrPaperURI
	}
	return sealed, nil
}
