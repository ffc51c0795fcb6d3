package kiss_test

import (
	"io"
	"sync"
)

// script is a device that says what the test wants.
type script struct {
	mu   sync.Mutex
	line io.ReadWriteCloser
}

func (s *script) Serve(line io.ReadWriteCloser) error {
	s.mu.Lock()
	s.line = line
	s.mu.Unlock()
	_, err := io.Copy(io.Discard, line)
	return err
}

func (s *script) say(b []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, _ = s.line.Write(b)
}
