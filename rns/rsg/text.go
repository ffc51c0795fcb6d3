package rsg

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Encoding is how bytes are written as text.
type Encoding uint8

// The encodings. Base256 has one character for each byte and is experimental: its alphabet may change.
const (
	Hex Encoding = iota
	Base32
	Base64 // for addresses: with - and _
	Base256
)

// String names the encoding.
func (e Encoding) String() string {
	return [...]string{"hex", "base32", "base64", "base256"}[e]
}

// ErrText means that a text is in none of the encodings, or not in the one asked for.
var ErrText = errors.New("text cannot be decoded")

// alphabet has one character for each byte, in order. spec: rns-link §13.4
const alphabet = "abcdefghijklmnop" + "qrstuvxyzæø01234" + "ABCDEFGHIJKLMNOP" + "QRSTUWXYZÆØ56789" +
	"αβγδεζηθικλμνξπρ" + "στφχψωΓΔΘΛΞΠΣΦΨΩ" + "БДЖЗИЛПЦЧШЩЪЫЭЮЯ" + "бджзилпцчшщъыэюя" +
	"ԱԲԳԴԵԶԷԸԹԺԻԽԾԿՀՁ" + "ՂՃՄՅՆՇՈՉՊՋՎՐՑՒՔՖ" + "ᚠᚢᚦᚱᚹᚺᚾᛈᛇᛉᛊᛏᛒᛖᛗᛟ" + "ｲｳｵｶｷｹｻｼｽｾﾀﾁﾃﾄﾅﾇ" +
	"ﾈﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾗﾘﾙﾚﾜ" + "𐑐𐑑𐑒𐑔𐑕𐑗𐑙𐑳𐑶𐑸𐑹𐑺𐑻𐑽𐑾𐑿" + "᱑᱕᱘᱙ᱚᱝᱟᱣᱦᱨᱬᱭᱰᱳᱶᱷ" + "𐌳𐌸𐌾𐐀𐐁𐐂𐐆𐐇𐐈𐐉𐐊𐐋𐐌𐐍𐐎𐐏"

var (
	characters  = []rune(alphabet)
	bytesByRune = func() map[rune]byte {
		m := make(map[rune]byte, len(characters))
		for i, r := range characters {
			m[r] = byte(i)
		}
		return m
	}()
)

// EncodeToString writes bytes as one line of text, padded where the encoding pads.
func (e Encoding) EncodeToString(b []byte) string {
	switch e {
	case Base32:
		return base32.StdEncoding.EncodeToString(b)
	case Base64:
		return base64.URLEncoding.EncodeToString(b)
	case Base256:
		var s strings.Builder
		for _, c := range b {
			s.WriteRune(characters[c])
		}
		return s.String()
	}
	return hex.EncodeToString(b)
}

// DecodeString reads text without white space. Padding may be missing, or more than needed. The error is ErrText.
func (e Encoding) DecodeString(s string) ([]byte, error) {
	s = strings.TrimRight(s, "=")
	var b []byte
	var err error
	switch e {
	case Base32:
		b, err = base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(s)
	case Base64:
		b, err = base64.RawURLEncoding.DecodeString(s)
	case Base256:
		for _, r := range s {
			c, ok := bytesByRune[r]
			if !ok {
				return nil, fmt.Errorf("%w: %q", ErrText, r)
			}
			b = append(b, c)
		}
	default:
		b, err = hex.DecodeString(s)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrText, err)
	}
	return b, nil
}

// The lines around the text form. spec: rns-link §13.4
const (
	columns   = 64
	headStart = "#### Start of rsg data "
	footEnd   = " End of rsg data ####"
	fill      = "#"
	pad       = "="
)

// maxText bounds a text form, in bytes: the largest file in the widest encoding, with lines.
const maxText = 5 * MaxSize

// AppendText appends the text form of a file: a header, lines of 64 characters, a footer without a line end.
func AppendText(b, file []byte, e Encoding) []byte {
	text := e.EncodeToString(file)
	b = append(b, headStart+strings.Repeat(fill, columns-len(headStart))+"\n"...)
	for len(text) > 0 {
		n, size := 0, 0
		for n < columns && size < len(text) {
			_, w := utf8.DecodeRuneInString(text[size:])
			size += w
			n++
		}
		b = append(b, text[:size]...)
		b = append(b, strings.Repeat(pad, columns-n)+"\n"...)
		text = text[size:]
	}
	return append(b, strings.Repeat(fill, columns-len(footEnd))+footEnd...)
}

// IsText reports whether b may hold the text form of a signature. Try Parse first: a signed message can quote one.
func IsText(b []byte) bool { return bytes.Contains(b, []byte(headStart)) }

// ParseText reads the text form of a signature, in whichever encoding makes one. What stands before the header and after the
// footer is left out.
//
// differs: the reference reads every hexadecimal text as base256, because all its characters are in that alphabet too.
func ParseText(b []byte) (Signature, error) {
	if len(b) > maxText {
		return Signature{}, ErrTooLarge
	}
	if i := bytes.Index(b, []byte(headStart)); i > 0 {
		b = b[i:]
	}
	var joined strings.Builder
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if strings.HasSuffix(line, footEnd) {
			break
		}
		if !strings.HasPrefix(line, fill) {
			joined.WriteString(line)
		}
	}
	first := error(nil)
	for _, e := range []Encoding{Hex, Base32, Base64, Base256} {
		file, err := e.DecodeString(joined.String())
		if err != nil {
			continue
		}
		s, err := Parse(file)
		if err == nil {
			return s, nil
		}
		if first == nil {
			first = err
		}
	}
	if first == nil {
		first = ErrText
	}
	return Signature{}, first
}
