package local

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
)

// Values of local connections. spec: rns-link §11.3
const (
	hardwareMTU  = 262_144
	bitrateGuess = 1_000_000_000
)

// Buffer sizes in bytes: reads begin small and grow while they come back full.
const (
	readMin   = 8 << 10
	readMax   = 256 << 10
	writeStep = 256 << 10
)

// ErrClosedByPeer is the end of a connection that the other program closed.
var ErrClosedByPeer = errors.New("connection closed by the other program")

// stream moves frames over one connection.
type stream struct {
	conn  net.Conn
	pace  int64 // bit/s, 0 for none
	ended chan struct{}

	mu  sync.Mutex // a keepalive may come between two frames
	out []byte
}

func newStream(conn net.Conn, pace int64) *stream {
	if c, ok := conn.(*net.TCPConn); ok {
		_ = c.SetNoDelay(true)
	}
	return &stream{conn: conn, pace: pace, ended: make(chan struct{})}
}

// run reads until the connection or ctx ends. It closes the connection. An error of the socket is treated like the end of
// the stream: the node connects again.
func (s *stream) run(ctx context.Context, h iface.Host) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.conn.Close()
		close(closed)
	})
	err := s.read(h)
	close(s.ended)
	if stop() {
		_ = s.conn.Close()
	} else {
		<-closed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, io.EOF) {
		return ErrClosedByPeer
	}
	return err
}

// read delivers what the stream brings, all frames of one read at once. Empty frames are keepalives, which the deframer
// drops.
func (s *stream) read(h iface.Host) error {
	d := framing.NewHDLC(framing.Limits{Min: framing.MinFrame, Max: hardwareMTU})
	buf := make([]byte, readMin)
	var frames []iface.Frame
	var first []byte
	for {
		n, err := s.conn.Read(buf)
		frames = frames[:0]
		d.Feed(buf[:n], func(packet []byte) {
			if len(frames) == 0 { // it may lie in the deframer, which goes on
				first = append(first[:0], packet...)
				packet = first
			}
			frames = append(frames, iface.Frame{Data: packet})
		})
		if len(frames) > 0 {
			h.Receive(frames)
		}
		if err != nil {
			return err
		}
		if n == len(buf) && n < readMax {
			buf = make([]byte, 2*n)
		}
	}
}

// send writes frames, as few writes as their size allows.
func (s *stream) send(frames ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = s.out[:0]
	for _, f := range frames {
		s.out = framing.AppendHDLC(s.out, f)
		if len(s.out) >= writeStep || s.pace > 0 {
			if err := s.flush(); err != nil {
				return err
			}
		}
		s.wait(len(f))
	}
	return s.flush()
}

// keepalive writes an empty frame.
func (s *stream) keepalive() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = framing.AppendHDLC(s.out[:0], nil)
	return s.flush()
}

func (s *stream) flush() error {
	if len(s.out) == 0 {
		return nil
	}
	_, err := s.conn.Write(s.out)
	if cap(s.out) > 4*writeStep {
		s.out = nil
	}
	s.out = s.out[:0]
	return err
}

// wait takes the time that a slow medium would take. spec: rns-link §11.3
func (s *stream) wait(bytes int) {
	if s.pace <= 0 {
		return
	}
	t := time.NewTimer(time.Duration(float64(8*bytes) / float64(s.pace) * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-s.ended:
	}
}

// info is what both ends of a connection have in common. spec: rns-link §11.3
func info(pace int64) iface.Info {
	i := iface.Info{Type: "LocalClientInterface", Bitrate: bitrateGuess, MTU: hardwareMTU, MTUClass: iface.MTUFixed, NeverLimited: true}
	if pace > 0 {
		i.Bitrate, i.MTUClass = pace, iface.MTUAuto
	}
	return i
}
