package node

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"meshchatx/rns/bzip2"
	"meshchatx/rns/link"
)

// Stream is a byte stream in each direction over the channel of a link. Reads and writes may happen at the same time.
// spec: rns-link §10
type Stream struct {
	link    *Link
	readID  uint16
	writeID uint16

	mu     sync.Mutex
	reader *link.StreamReader
	more   chan struct{} // closed when there is more to read
	err    error
	behind bool // the channel waits for the reader
}

// streamBuffer is how much a stream holds before its peer is held back, in bytes.
const streamBuffer = 64 << 10

// OpenStream opens a stream that reads what the peer writes to readID and writes to writeID. It opens the channel.
func (l *Link) OpenStream(ctx context.Context, readID, writeID uint16) (*Stream, error) {
	s := &Stream{link: l, readID: readID, writeID: writeID, more: make(chan struct{})}
	s.reader = &link.StreamReader{ID: readID, Decompress: bzip2.Decompress}
	merr, err := linkAsk(ctx, l, func(time.Time) error {
		if err := l.openChannel(); err != nil {
			return err
		}
		l.channel.streams[readID] = s
		return nil
	})
	return s, errors.Join(err, merr)
}

// toStream gives a message to the stream it is for. It runs on the link's goroutine.
func (l *Link) toStream(m link.Message) (*Stream, bool) {
	for _, s := range l.channel.streams {
		if s.accept(m) {
			return s, true
		}
	}
	return nil, false
}

// full tells whether the channel should wait until more has been read.
func (s *Stream) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = s.reader.Buffered() > streamBuffer
	return s.behind
}

func (s *Stream) accept(m link.Message) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.reader.Accept(m) {
		return false
	}
	s.wake()
	return true
}

func (s *Stream) wake() {
	close(s.more)
	s.more = make(chan struct{})
}

// end makes reads fail once what has arrived is read.
func (s *Stream) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
	s.wake()
}

// ReadContext reads what has arrived, waiting for something. At the end of the stream the error is io.EOF.
func (s *Stream) ReadContext(ctx context.Context, p []byte) (int, error) {
	for {
		s.mu.Lock()
		n, err := s.reader.Read(p)
		ended, more := s.err, s.more
		resume := s.behind && s.reader.Buffered() <= streamBuffer/2
		s.behind = s.behind && !resume
		s.mu.Unlock()
		if resume {
			s.link.inbox.call(func(time.Time) {
				s.link.channel.reading = false
				s.link.readChannel()
			})
		}
		switch {
		case n > 0 || err != nil || len(p) == 0:
			return n, err
		case ended != nil:
			return 0, ended
		}
		select {
		case <-more:
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

// Read is ReadContext without a context.
func (s *Stream) Read(p []byte) (int, error) { return s.ReadContext(context.Background(), p) }

// WriteContext writes all of p, waiting for the window of the channel.
func (s *Stream) WriteContext(ctx context.Context, p []byte) (int, error) {
	written := 0
	for written < len(p) {
		n := 0
		err := s.link.whenReady(ctx, func(now time.Time) (*link.Effects, error) {
			var fx *link.Effects
			var err error
			n, fx, err = s.link.m.WriteStream(now, s.writeID, p[written:], compressor(CompressAuto))
			if err == nil && n == 0 {
				err = link.ErrNotReady
			}
			return fx, err
		})
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// Write is WriteContext without a context.
func (s *Stream) Write(p []byte) (int, error) { return s.WriteContext(context.Background(), p) }

// Close ends the written direction; the peer reads io.EOF after what was written. Reading goes on.
func (s *Stream) Close() error {
	return s.link.do(context.Background(), func(now time.Time) (*link.Effects, error) {
		return s.link.m.CloseStream(now, s.writeID)
	})
}

var _ io.ReadWriteCloser = (*Stream)(nil)
