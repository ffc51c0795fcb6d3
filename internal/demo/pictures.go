package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
)

// palette are the colours of a landscape: sky above, sky below, hills from far to near.
type palette struct {
	top, low color.RGBA
	hills    [4]color.RGBA
}

var palettes = []palette{
	{rgb(0x5b8fb9), rgb(0xdfeaf2), [4]color.RGBA{rgb(0xa9bccb), rgb(0x7895a8), rgb(0x4a6b6f), rgb(0x29443d)}},
	{rgb(0x2b2f5b), rgb(0xf2a65a), [4]color.RGBA{rgb(0x8a5a83), rgb(0x5f3f6b), rgb(0x3c2a4d), rgb(0x1d1730)}},
	{rgb(0x8fb8c9), rgb(0xf7f3e8), [4]color.RGBA{rgb(0xe8edf0), rgb(0xc9d6dd), rgb(0x9fb4bf), rgb(0x6d8591)}},
	{rgb(0x0d1b2a), rgb(0x415a77), [4]color.RGBA{rgb(0x31465f), rgb(0x243650), rgb(0x1b263b), rgb(0x0b1220)}},
}

func rgb(v uint32) color.RGBA { return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255} }

// landscape paints hills under a sky.
func landscape(r *rand.Rand, w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	p := pick(r, palettes)
	sunX, sunY, sun := r.IntN(w), h/5+r.IntN(h/5), float64(h)/14
	for y := range h {
		sky := mix(p.top, p.low, float64(y)/float64(h)*1.4)
		for x := range w {
			c := sky
			if d := math.Hypot(float64(x-sunX), float64(y-sunY)); d < sun*3 {
				c = mix(rgb(0xfff6d8), sky, (d-sun)/(sun*2))
			}
			img.SetRGBA(x, y, c)
		}
	}
	for i, c := range p.hills {
		base := float64(h) * (0.42 + 0.15*float64(i))
		hill(r, img, base, float64(h)*0.11, c)
	}
	return img
}

// hill fills everything below a wavy line.
func hill(r *rand.Rand, img *image.RGBA, base, height float64, c color.RGBA) {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	var phase, length [4]float64
	for i := range phase {
		phase[i], length[i] = r.Float64()*7, (0.6+r.Float64())*float64(w)/float64(i*i+1)/4
	}
	for x := range w {
		y := base
		for i := range phase {
			y -= height / float64(i+1) * math.Sin(float64(x)/length[i]+phase[i])
		}
		for yy := max(int(y), 0); yy < h; yy++ {
			img.SetRGBA(x, yy, c)
		}
	}
}

func mix(a, b color.RGBA, t float64) color.RGBA {
	t = min(max(t, 0), 1)
	m := func(x, y uint8) uint8 { return uint8(float64(x)*(1-t) + float64(y)*t) }
	return color.RGBA{m(a.R, b.R), m(a.G, b.G), m(a.B, b.B), 255}
}

// chart paints a curve over a grid, as a measuring program would.
func chart(r *rand.Rand, w, h int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := rgb(0xffffff)
			if x%40 == 0 || y%40 == 0 {
				c = rgb(0xe3e8e6)
			}
			img.SetRGBA(x, y, c)
		}
	}
	v := float64(h) / 2
	for x := range w {
		before := v
		v = min(max(v+(r.Float64()-0.5)*14, 12), float64(h-12))
		for y := int(min(before, v)) - 1; y <= int(max(before, v))+1; y++ {
			img.SetRGBA(x, y, rgb(0x0b6b57))
		}
	}
	return img
}

const jpegQuality = 82

func asJPEG(img image.Image) []byte {
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, &jpeg.Options{Quality: jpegQuality}) // a buffer takes everything
	return b.Bytes()
}

func asPNG(img image.Image) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, img) // a buffer takes everything
	return b.Bytes()
}
