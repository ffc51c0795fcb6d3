// Package qrcode draws texts as QR codes: as PNG and SVG for pages and printers,
// and with block characters for terminals.
package qrcode

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"

	"rsc.io/qr"
)

// MaxText is how many bytes the largest code holds at the lowest level of error
// correction, which all codes here have. spec: lxmf §5.1
const MaxText = 2953

// ErrTooLong means that a text does not fit the largest code.
var ErrTooLong = errors.New("text is too long for a QR code")

// quiet is the margin that readers need, in modules.
const quiet = 4

// Code is a QR code. The zero value is not valid; use New. It is immutable.
type Code struct{ c *qr.Code }

// New makes the smallest code that holds a text.
func New(text string) (Code, error) {
	if len(text) > MaxText {
		return Code{}, ErrTooLong
	}
	c, err := qr.Encode(text, qr.L)
	if err != nil {
		return Code{}, fmt.Errorf("%w: %w", ErrTooLong, err)
	}
	return Code{c}, nil
}

// Size is the number of modules in a row, margins included.
func (c Code) Size() int { return c.c.Size + 2*quiet }

// Dark reports whether a module is dark. Those outside of the code are light.
func (c Code) Dark(x, y int) bool { return c.c.Black(x-quiet, y-quiet) }

// PNG draws the code with so many pixels for each module, at least one.
func (c Code) PNG(scale int) ([]byte, error) {
	scale = max(scale, 1)
	n := c.Size() * scale
	img := image.NewPaletted(image.Rect(0, 0, n, n), color.Palette{color.White, color.Black})
	for y := range n {
		row := img.Pix[y*img.Stride:]
		for x := range n {
			if c.Dark(x/scale, y/scale) {
				row[x] = 1
			}
		}
	}
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&b, img); err != nil {
		return nil, fmt.Errorf("draw QR code: %w", err)
	}
	return b.Bytes(), nil
}

// SVG draws the code, dark on white, to be shown at any size.
func (c Code) SVG() []byte {
	var b bytes.Buffer
	n := c.Size()
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`, n, n, n, n)
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for c.Dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", from, y, x-from, x-from)
			}
		}
	}
	b.WriteString(`"/></svg>`)
	return b.Bytes()
}

// Terminal draws the code with half blocks, two modules in a character's height,
// in lines that end with a line feed. It sets the colours, so that the code is dark
// on white in any terminal; without colours light modules are drawn, for terminals
// with a dark background.
func (c Code) Terminal(colours Colours) string {
	var b strings.Builder
	n := c.Size()
	for y := 0; y < n; y += 2 {
		if colours == ColoursOn {
			b.WriteString("\x1b[38;5;16;48;5;231m")
		}
		for x := range n {
			upper, lower := c.Dark(x, y), c.Dark(x, y+1)
			if colours == ColoursOff {
				upper, lower = !upper, !lower && y+1 < n
			}
			b.WriteRune(half(upper, lower))
		}
		if colours == ColoursOn {
			b.WriteString("\x1b[0m")
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// Colours says whether a terminal is told which colours to use.
type Colours uint8

// Ways to draw on a terminal.
const (
	ColoursOn  Colours = iota // black on white, by escape sequences
	ColoursOff                // the light modules with the colour of the text
)

func half(upper, lower bool) rune {
	switch {
	case upper && lower:
		return '█'
	case upper:
		return '▀'
	case lower:
		return '▄'
	}
	return ' '
}
