package stream

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
)

// Framing is how packets stand in the stream.
type Framing uint8

// The framings. spec: rns-interfaces §2.3
const (
	HDLC Framing = iota
	KISS
)

// Buffer sizes in bytes: reads begin small and grow while they come back full, so that an idle connection costs little.
const (
	readMin   = 8 << 10
	readMax   = 256 << 10
	writeStep = 256 << 10
)

// ErrClosedByPeer is the end of a connection that the other side closed.
var ErrClosedByPeer = errors.New("connection closed by the peer")

// Stream moves frames over one connection. Use New. Send and Idle may be called while Run runs, from any goroutine.
type Stream struct {
	conn    io.ReadWriteCloser
	framing Framing
	limit   int // largest frame in bytes, access code included

	mu  sync.Mutex
	out []byte
}

// New returns a stream of packets of at most mtu bytes, without the access code.
func New(conn io.ReadWriteCloser, f Framing, mtu int) *Stream {
	return &Stream{conn: conn, framing: f, limit: mtu + iface.MaxAccessCodeSize}
}

// Run reads until the connection or ctx ends. It closes the connection. A connection that the other side closed ends with
// ErrClosedByPeer.
func (s *Stream) Run(ctx context.Context, h iface.Host) error {
	closed := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = s.conn.Close()
		close(closed)
	})
	err := s.read(h)
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

// read delivers what the stream brings, all frames of one read at once.
func (s *Stream) read(h iface.Host) error {
	feed := s.deframer()
	buf := make([]byte, readMin)
	var frames []iface.Frame
	var first []byte
	for {
		n, err := s.conn.Read(buf)
		frames = frames[:0]
		feed(buf[:n], func(packet []byte) {
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

// deframer returns the function that takes packets out of the stream.
func (s *Stream) deframer() func(chunk []byte, yield func([]byte)) {
	limits := framing.Limits{Min: framing.MinFrame, Max: s.limit}
	if s.framing == KISS {
		d := framing.NewKISS(limits)
		return func(chunk []byte, yield func([]byte)) {
			d.Feed(chunk, func(command byte, data []byte) {
				if command == framing.KISSData {
					yield(data)
				}
			})
		}
	}
	return framing.NewHDLC(limits).Feed
}

// Send writes frames, with as few writes as their size allows.
func (s *Stream) Send(frames ...[]byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.out = s.out[:0]
	for _, f := range frames {
		if s.framing == KISS {
			s.out = framing.AppendKISS(s.out, framing.KISSData, f)
		} else {
			s.out = framing.AppendHDLC(s.out, f)
		}
		if len(s.out) >= writeStep {
			if err := s.flush(); err != nil {
				return err
			}
		}
	}
	return s.flush()
}

// Close ends the connection, and with it Run.
func (s *Stream) Close() error { return s.conn.Close() }

// Idle writes an empty frame, which the other side ignores. spec: rns-interfaces §2.1
func (s *Stream) Idle() error { return s.Send(nil) }

func (s *Stream) flush() error {
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

// Bracket puts a host with colons in brackets, as labels have it. spec: rns-interfaces §1.7
func Bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
