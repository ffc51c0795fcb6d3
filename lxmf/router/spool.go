package router

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
)

// errCrowded means that too much is arriving at once.
var errCrowded = errors.New("too much is arriving at once")

// spool takes large messages while they arrive: memory is used for them only at the end, for few at once. It is safe for
// concurrent use.
type spool struct {
	dir, pattern            string
	fileSize, most, unpacks int64
	transfers               int

	mu       sync.Mutex
	arriving int64
	count    int   // messages that arrive
	small    int64 // bytes of those in memory
	unpacked int64
	room     chan struct{} // closed when memory is given back; nil while nobody waits
}

func (s *spool) init(r *Router) {
	p := &r.cfg.Params
	s.dir, s.fileSize, s.most, s.unpacks = r.cfg.SpoolDir, p.SpoolSize, p.MaxSpool, p.MaxUnpacked
	s.transfers = p.MaxTransfers
	s.pattern = "incoming-" + r.addr.Hex() + "-*"
}

// sweep removes what a crash has left behind.
func (s *spool) sweep() {
	if s.dir == "" {
		return
	}
	left, _ := filepath.Glob(filepath.Join(s.dir, s.pattern)) // the pattern is well-formed
	for _, name := range left {
		_ = os.Remove(name) // it is tried again at the next start
	}
}

// spooled is one message on its way in. It belongs to the callbacks of its link.
type spooled struct {
	owner  *spool
	size   int64
	sink   bool     // takes the data itself; small messages are left to the node
	file   *os.File // nil for one in memory
	buf    []byte
	got    int64
	loaded bool
	failed func() // told when a piece could not be stored; may be nil
}

// open makes room for a message of so many bytes.
func (s *spool) open(size int64) (*spooled, error) {
	inFile, ok := s.reserve(size)
	if !ok {
		return nil, errCrowded
	}
	one := &spooled{owner: s, size: size, sink: inFile || size > s.fileSize}
	if !inFile {
		return one, nil
	}
	f, err := os.CreateTemp(s.dir, s.pattern)
	if err != nil {
		s.give(size, inFile)
		return nil, fmt.Errorf("spool incoming message: %w", err)
	}
	one.file = f
	return one, nil
}

// reserve takes room for a message, and tells whether it goes to a file: large ones do, and small ones when many arrive.
func (s *spool) reserve(size int64) (inFile, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.arriving > 0 && s.arriving+size > s.most || s.count >= s.transfers {
		return false, false
	}
	inFile = s.dir != "" && (size > s.fileSize || s.small+size > s.unpacks)
	if !inFile {
		s.small += size
	}
	s.arriving += size
	s.count++
	return inFile, true
}

func (s *spool) give(size int64, inFile bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arriving -= size
	s.count--
	if !inFile {
		s.small -= size
	}
}

// Write stores a piece. It refuses more than was announced.
func (o *spooled) Write(b []byte) (n int, err error) {
	defer func() {
		if err != nil && o.failed != nil {
			o.failed()
		}
	}()
	if o.got += int64(len(b)); o.got > o.size {
		return 0, io.ErrShortWrite
	}
	if o.file == nil {
		o.buf = append(o.buf, b...)
		return len(b), nil
	}
	return o.file.Write(b)
}

// content is the whole message. If it is in a file, it waits until there is memory to take it, or done is closed.
func (o *spooled) content(memory []byte, done <-chan struct{}) ([]byte, error) {
	switch {
	case !o.sink:
		return memory, nil
	case o.file == nil:
		return o.buf, nil
	}
	if !o.owner.load(o.got, done) {
		return nil, ErrClosed
	}
	o.loaded = true
	b := make([]byte, o.got)
	if _, err := o.file.ReadAt(b, 0); err != nil {
		return nil, fmt.Errorf("read spooled message: %w", err)
	}
	return b, nil
}

// load waits for memory.
func (s *spool) load(size int64, done <-chan struct{}) bool {
	for {
		s.mu.Lock()
		if s.unpacked == 0 || s.unpacked+size <= s.unpacks {
			s.unpacked += size
			s.mu.Unlock()
			return true
		}
		if s.room == nil {
			s.room = make(chan struct{})
		}
		room := s.room
		s.mu.Unlock()
		select {
		case <-room:
		case <-done:
			return false
		}
	}
}

func (s *spool) unload(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unpacked -= size
	if s.room != nil {
		close(s.room)
		s.room = nil
	}
}

// close removes the file and gives the room back.
func (o *spooled) close() {
	if o.file != nil {
		_ = o.file.Close()
		_ = os.Remove(o.file.Name())
	}
	if o.loaded {
		o.owner.unload(o.got)
	}
	o.owner.give(o.size, o.file != nil)
}
