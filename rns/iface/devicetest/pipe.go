package devicetest

import (
	"io"
	"sync"
)

// pipeSize is how many bytes wait in each direction before a writer is blocked.
const pipeSize = 64 << 10

// Pipe is a serial line in memory. What one end writes the other reads; closing an end ends both, and what was written
// before can still be read.
func Pipe() (a, b io.ReadWriteCloser) {
	ab, ba := newStream(), newStream()
	return &end{in: ba, out: ab}, &end{in: ab, out: ba}
}

type end struct{ in, out *stream }

func (e *end) Read(p []byte) (int, error)  { return e.in.read(p) }
func (e *end) Write(p []byte) (int, error) { return e.out.write(p) }

// Close ends both directions.
func (e *end) Close() error {
	e.in.abandon()
	e.out.close()
	return nil
}

// stream is one direction.
type stream struct {
	mu        sync.Mutex
	changed   sync.Cond
	data      []byte
	closed    bool
	abandoned bool // the reader went
}

func newStream() *stream {
	s := &stream{}
	s.changed.L = &s.mu
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.data) == 0 && !s.closed && !s.abandoned {
		s.changed.Wait()
	}
	if s.abandoned || len(s.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.data)
	s.data = s.data[:copy(s.data, s.data[n:])]
	s.changed.Broadcast()
	return n, nil
}

func (s *stream) write(p []byte) (n int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(p) > 0 {
		for len(s.data) >= pipeSize && !s.closed && !s.abandoned {
			s.changed.Wait()
		}
		if s.closed || s.abandoned {
			return n, io.ErrClosedPipe
		}
		part := min(len(p), pipeSize-len(s.data))
		s.data = append(s.data, p[:part]...)
		p, n = p[part:], n+part
		s.changed.Broadcast()
	}
	return n, nil
}

func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
}

func (s *stream) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.abandoned = true
	s.changed.Broadcast()
}
