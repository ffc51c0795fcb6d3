package shaper

import (
	"bytes"
	"io"
	"net"
	"testing"
	"time"

	"meshchatx/rns/iface/framing"
)

// echo listens and sends back whatever comes.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.Copy(c, c)
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

func start(t *testing.T, c Conditions) (*Proxy, net.Conn) {
	t.Helper()
	p, err := Listen("127.0.0.1:0", echo(t), c, 7)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(); p.Close() })
	return p, conn
}

// exchange sends frames and returns those that come back before the read fails.
func exchange(t *testing.T, conn net.Conn, frames [][]byte, want int) [][]byte {
	t.Helper()
	for _, f := range frames {
		if _, err := conn.Write(framing.AppendHDLC(nil, f)); err != nil {
			t.Fatal(err)
		}
	}
	var got [][]byte
	d := framing.NewHDLC(framing.Limits{Min: 1, Max: 1 << 20})
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 4096)
	for len(got) < want {
		n, err := conn.Read(buf)
		d.Feed(buf[:n], func(p []byte) { got = append(got, bytes.Clone(p)) })
		if err != nil {
			break
		}
	}
	return got
}

func TestPassesFramesUnchanged(t *testing.T) {
	_, conn := start(t, Conditions{})
	frames := [][]byte{bytes.Repeat([]byte{0x7e, 0x7d}, 300), []byte("twenty bytes of text!")}
	got := exchange(t, conn, frames, 2)
	if len(got) != 2 || !bytes.Equal(got[0], frames[0]) || !bytes.Equal(got[1], frames[1]) {
		t.Fatalf("got %d frames back, changed or missing", len(got))
	}
}

func TestDelaysAndLimits(t *testing.T) {
	_, conn := start(t, Conditions{BytesPerSecond: 10_000, Delay: 20 * time.Millisecond})
	began := time.Now()
	if got := exchange(t, conn, [][]byte{make([]byte, 1000)}, 1); len(got) != 1 {
		t.Fatal("frame did not come back")
	}
	// Each direction takes 100 ms for the bytes and 20 ms of delay; a lower bound cannot fail on a busy machine.
	if took := time.Since(began); took < 240*time.Millisecond {
		t.Fatalf("took %v, too fast for the conditions", took)
	}
}

func TestLosesFramesWhole(t *testing.T) {
	p, conn := start(t, Conditions{Loss: 0.5})
	var frames [][]byte
	for range 200 {
		frames = append(frames, make([]byte, 40))
	}
	for _, f := range frames {
		if _, err := conn.Write(framing.AppendHDLC(nil, f)); err != nil {
			t.Fatal(err)
		}
	}
	// Markers are repeated until one has survived both directions, behind everything else.
	last := []byte("a marker that comes after the others")
	for back := [][]byte(nil); len(back) == 0 || !bytes.Equal(back[len(back)-1], last); {
		if _, err := conn.Write(framing.AppendHDLC(nil, last)); err != nil {
			t.Fatal(err)
		}
		back = append(back, readSome(t, conn)...)
	}
	c := p.Counters()
	if share := float64(c.Lost) / float64(c.Frames); c.Frames < 200 || share < 0.3 || share > 0.7 {
		t.Fatalf("lost %d of %d", c.Lost, c.Frames)
	}
}

// readSome returns what arrives within a moment, whole frames only.
func readSome(t *testing.T, conn net.Conn) [][]byte {
	t.Helper()
	var got [][]byte
	d := framing.NewHDLC(framing.Limits{Min: 1, Max: 1 << 20})
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	buf := make([]byte, 64<<10)
	n, _ := conn.Read(buf)
	d.Feed(buf[:n], func(p []byte) { got = append(got, bytes.Clone(p)) })
	return got
}

func TestCutAndMend(t *testing.T) {
	p, conn := start(t, Conditions{})
	exchange(t, conn, [][]byte{[]byte("a frame before the cut")}, 1)
	p.Cut()
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := conn.Read(make([]byte, 1)); err == nil {
		t.Fatal("connection survived the cut")
	}
	p.Mend()
	again, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got := exchange(t, again, [][]byte{[]byte("a frame after the mend")}, 1); len(got) != 1 {
		t.Fatal("no frame after mending")
	}
}

func TestTapSeesFramesOfBothWaysAndWhatWasLost(t *testing.T) {
	p, conn := start(t, Conditions{})
	var seen []Frame
	p.Tap(func(f Frame) {
		f.Packet = bytes.Clone(f.Packet)
		seen = append(seen, f)
	})
	frame := []byte("twenty bytes of text!")
	exchange(t, conn, [][]byte{frame}, 1)
	p.Set(Conditions{Loss: 1})
	exchange(t, conn, [][]byte{frame}, 0)
	for p.Counters().Frames < 3 { // until the lost one came
		if _, err := conn.Write(nil); err != nil {
			t.Fatal(err)
		}
	}
	p.Tap(nil)
	if len(seen) != 3 || !seen[0].ToTarget || seen[1].ToTarget || seen[1].Lost || !seen[2].Lost || !bytes.Equal(seen[2].Packet, frame) {
		t.Fatalf("seen %+v", seen)
	}
}
