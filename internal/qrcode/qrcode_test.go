package qrcode

import (
	"bytes"
	"errors"
	"image/png"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNew(t *testing.T) {
	for _, c := range []struct {
		length, modules int
	}{{1, 21}, {17, 21}, {18, 25}, {2950, 177}, {MaxText, 177}} {
		got, err := New(strings.Repeat("x", c.length))
		if err != nil || got.Size() != c.modules+2*quiet {
			t.Errorf("%d bytes: %d modules, %v", c.length, got.Size()-2*quiet, err)
		}
	}
	if _, err := New(strings.Repeat("x", MaxText+1)); !errors.Is(err, ErrTooLong) {
		t.Errorf("too long: %v", err)
	}
}

// TestDrawings: all drawings show the same modules.
func TestDrawings(t *testing.T) {
	c, err := New("lxm://AAECAwQFBgcICQ")
	if err != nil {
		t.Fatal(err)
	}
	const scale = 3
	b, err := c.PNG(scale)
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if got := img.Bounds().Dx(); got != c.Size()*scale {
		t.Fatalf("%d pixels", got)
	}
	dark := strings.Split(strings.TrimSuffix(c.Terminal(ColoursOn), "\n"), "\n")
	light := strings.Split(strings.TrimSuffix(c.Terminal(ColoursOff), "\n"), "\n")
	if len(dark) != (c.Size()+1)/2 || utf8.RuneCountInString(light[0]) != c.Size() {
		t.Fatalf("%d lines of %d characters", len(dark), utf8.RuneCountInString(light[0]))
	}
	total := 0
	for y := range c.Size() {
		row := []rune(light[y/2])
		for x := range c.Size() {
			want := c.Dark(x, y)
			if want {
				total++
			}
			if r, _, _, _ := img.At(x*scale+1, y*scale+1).RGBA(); (r == 0) != want {
				t.Fatalf("PNG differs at %d,%d", x, y)
			}
			lit := row[x] == '█' || row[x] == '▀' && y%2 == 0 || row[x] == '▄' && y%2 == 1
			if lit == want {
				t.Fatalf("terminal differs at %d,%d", x, y)
			}
		}
	}
	svg := string(c.SVG())
	sum := 0
	for _, run := range strings.Split(svg[strings.LastIndex(svg, `d="`)+3:], "M")[1:] {
		_, rest, _ := strings.Cut(run, "h")
		n := 0
		for _, digit := range rest {
			if digit < '0' || digit > '9' {
				break
			}
			n = 10*n + int(digit-'0')
		}
		sum += n
	}
	if sum != total {
		t.Errorf("SVG draws %d modules of %d", sum, total)
	}
}
