package demo

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"meshchatx/internal/store"
)

// material is a file of an invented message.
type material struct {
	name          string
	kind          store.AttachmentKind
	mime          string
	data          []byte
	width, height int
	duration      time.Duration
}

func photo(r *rand.Rand, name string, w, h int) material {
	return material{name: name, kind: store.KindImage, mime: "image/jpeg", data: asJPEG(landscape(r, w, h)), width: w, height: h}
}

func plot(r *rand.Rand, name string, w, h int) material {
	return material{name: name, kind: store.KindImage, mime: "image/png", data: asPNG(chart(r, w, h)), width: w, height: h}
}

func document(name, mime string, data []byte) material {
	return material{name: name, kind: store.KindFile, mime: mime, data: data}
}

// track is a walk as GPX.
func track(r *rand.Rand, points int) []byte {
	var b strings.Builder
	b.WriteString("<?xml version=\"1.0\"?>\n<gpx version=\"1.1\" creator=\"demo\">\n<trk><trkseg>\n")
	lat, lon := 60.6, 6.4
	for range points {
		lat, lon = lat+(r.Float64()-0.4)*0.002, lon+(r.Float64()-0.4)*0.003
		fmt.Fprintf(&b, "<trkpt lat=\"%.5f\" lon=\"%.5f\"><ele>%d</ele></trkpt>\n", lat, lon, 700+r.IntN(400))
	}
	b.WriteString("</trkseg></trk>\n</gpx>\n")
	return []byte(b.String())
}

// readings is a table of measurements.
func readings(r *rand.Rand, rows int) []byte {
	var b strings.Builder
	b.WriteString("hour,temperature_c,wind_m_s,battery_v\n")
	for i := range rows {
		fmt.Fprintf(&b, "%d,%.1f,%.1f,%.2f\n", i, -4+r.Float64()*9, r.Float64()*14, 12.2+r.Float64()*0.8)
	}
	return []byte(b.String())
}

// archive is a small ZIP file with a log in it.
func archive(r *rand.Rand) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	f, err := z.Create("node.log")
	for i := 0; i < 4000 && err == nil; i++ {
		_, err = fmt.Fprintf(f, "%05d link %08x rtt %d ms\n", i, r.Uint32(), r.IntN(900))
	}
	_ = z.Close() // a buffer takes everything
	return b.Bytes()
}

// recording is a silent voice message: Opus in Ogg, frames of 20 ms.
// spec: RFC 7845 §3, RFC 3533 §6
func recording(length time.Duration) material {
	const rate, frame = 48_000, 960
	head := append([]byte("OpusHead"), 1, 1, 0x38, 0x01, 0x80, 0xbb, 0, 0, 0, 0, 0)
	tags := append([]byte("OpusTags"), 4, 0, 0, 0)
	tags = append(tags, "demo"...)
	tags = append(tags, 0, 0, 0, 0)
	out := oggPage(nil, 2, 0, 0, [][]byte{head})
	out = oggPage(out, 0, 0, 1, [][]byte{tags})
	frames := int(length.Seconds() * rate / frame)
	for done, page := 0, uint32(2); done < frames; page++ {
		n := min(frames-done, 50)
		var packets [][]byte
		for range n {
			packets = append(packets, []byte{0xf8, 0xff, 0xfe})
		}
		done += n
		kind := byte(0)
		if done == frames {
			kind = 4
		}
		out = oggPage(out, kind, uint64(done*frame), page, packets)
	}
	return material{name: "recording.opus", kind: store.KindAudio, mime: "audio/ogg", data: out, duration: length}
}

// oggPage appends one page of short packets.
func oggPage(out []byte, kind byte, granule uint64, number uint32, packets [][]byte) []byte {
	start := len(out)
	out = append(out, "OggS\x00"...)
	out = append(out, kind)
	out = binary.LittleEndian.AppendUint64(out, granule)
	out = binary.LittleEndian.AppendUint32(out, 0x64656d6f) // stream
	out = binary.LittleEndian.AppendUint32(out, number)
	out = append(out, 0, 0, 0, 0, byte(len(packets))) // checksum, then lengths
	for _, p := range packets {
		out = append(out, byte(len(p)))
	}
	for _, p := range packets {
		out = append(out, p...)
	}
	binary.LittleEndian.PutUint32(out[start+22:], oggSum(out[start:]))
	return out
}

// oggSum is the checksum of a page: CRC-32, not reflected, polynomial 0x04c11db7.
func oggSum(b []byte) uint32 {
	var sum uint32
	for _, v := range b {
		sum ^= uint32(v) << 24
		for range 8 {
			if sum&0x80000000 != 0 {
				sum = sum<<1 ^ 0x04c11db7
			} else {
				sum <<= 1
			}
		}
	}
	return sum
}
