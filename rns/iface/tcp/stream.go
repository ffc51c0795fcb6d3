package tcp

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"meshchatx/rns/iface"
	"meshchatx/rns/iface/framing"
)

// Framing is how packets stand in the stream.
type Framing uint8

// The framings. spec: rns-interfaces §2
const (
	HDLC Framing = iota
	KISS
)

// Timeouts chooses the socket timeouts. spec: rns-interfaces §3.1
type Timeouts uint8

// The choices.
const (
	TimeoutsNormal Timeouts = iota
	// TimeoutsI2P are longer, for connections that run through I2P.
	TimeoutsI2P
)

// keepalive is a row of the table of socket timeouts.
type keepalive struct {
	user, idle, interval time.Duration
	count                int
}

func (t Timeouts) keepalive() keepalive {
	if t == TimeoutsI2P {
		return keepalive{user: 45 * time.Second, idle: 10 * time.Second, interval: 9 * time.Second, count: 5}
	}
	return keepalive{user: 24 * time.Second, idle: 5 * time.Second, interval: 2 * time.Second, count: 12}
}

// Values of TCP interfaces. spec: rns-interfaces §1.2, §1.5
const (
	hardwareMTU    = 262_144
	bitrateGuess   = 10_000_000
	accessCodeSize = 16
	minFixedMTU    = 500

	// DefaultConnectTimeout bounds one attempt to connect.
	DefaultConnectTimeout = 5 * time.Second
)

// Buffer sizes in bytes: reads begin small and grow while they come back full, so that an idle connection costs little.
const (
	readMin   = 8 << 10
	readMax   = 256 << 10
	writeStep = 256 << 10
)

// stream moves frames over one connection.
type stream struct {
	conn    net.Conn
	framing Framing
	limit   int // largest frame in bytes, access code included
	out     []byte
}

func newStream(conn net.Conn, f Framing, t Timeouts, mtu int) *stream {
	setSocketOptions(conn, t.keepalive())
	return &stream{conn: conn, framing: f, limit: mtu + iface.MaxAccessCodeSize}
}

// run reads until the connection or ctx ends. It closes the connection.
func (s *stream) run(ctx context.Context, h iface.Host) error {
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

// ErrClosedByPeer is the end of a connection that the other side closed.
var ErrClosedByPeer = errors.New("connection closed by the peer")

// read delivers what the stream brings, all frames of one read at once.
func (s *stream) read(h iface.Host) error {
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
func (s *stream) deframer() func(chunk []byte, yield func([]byte)) {
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

// send writes frames, as few writes as their size allows.
func (s *stream) send(frames ...[]byte) error {
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

// bracket puts a host with colons in brackets. spec: rns-interfaces §1.7
func bracket(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
