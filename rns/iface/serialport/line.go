package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// ErrUnplugged is the end of a line whose device went away.
var ErrUnplugged = errors.New("device was disconnected")

// readSize is how much is read at once, in bytes.
const readSize = 4096

// Line is an open device during one Serve. A goroutine of its own reads; the owner takes what it brings from Input. Write
// may be called from any goroutine. Close must be called once the owner is done.
type Line struct {
	conn   io.ReadWriteCloser
	input  chan []byte
	closed chan struct{}
	once   sync.Once
	reader sync.WaitGroup

	writing sync.Mutex

	mu   sync.Mutex
	err  error
	last time.Time
}

// NewLine takes an open device over and starts to read.
func NewLine(conn io.ReadWriteCloser) *Line {
	l := &Line{conn: conn, input: make(chan []byte), closed: make(chan struct{}), last: time.Now()}
	l.reader.Go(l.read)
	return l
}

// read alternates between two buffers: the owner has done with one when it takes the other.
func (l *Line) read() {
	defer close(l.input)
	var bufs [2][readSize]byte
	for i := 0; ; i = 1 - i {
		n, err := l.conn.Read(bufs[i][:])
		if n > 0 {
			select {
			case l.input <- bufs[i][:n]:
			case <-l.closed:
				return
			}
		}
		if err != nil {
			l.fail(err)
			return
		}
	}
}

// fail keeps the first reason why the line ended.
func (l *Line) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = reason(err)
	}
}

// reason names what drivers of terminals say when the device goes away.
func reason(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrClosedPipe) {
		return ErrUnplugged
	}
	var sys *os.PathError
	if errors.As(err, &sys) && gone(sys.Err) {
		return fmt.Errorf("%w (%w)", ErrUnplugged, sys.Err)
	}
	return err
}

// Input brings what the device sends, in pieces of any size. A piece is valid until the next is taken. It is closed when
// the device is lost or the line is closed; Err says why.
func (l *Line) Input() <-chan []byte { return l.input }

// Err is why Input was closed.
func (l *Line) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		return ErrUnplugged
	}
	return l.err
}

// Closed is closed when Close begins.
func (l *Line) Closed() <-chan struct{} { return l.closed }

// Write writes all of b. A device that takes less is lost: an error ends the line. spec: rns-interfaces §7
func (l *Line) Write(b []byte) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	select {
	case <-l.closed:
		return iface.ErrOffline
	default:
	}
	n, err := l.conn.Write(b)
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	if err != nil {
		err = reason(err)
		l.fail(err)
		_ = l.conn.Close() // the reader ends, and with it the Serve
		return err
	}
	l.mu.Lock()
	l.last = time.Now()
	l.mu.Unlock()
	return nil
}

// LastWrite is when the device last took something, at first when the line was made.
func (l *Line) LastWrite() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last
}

// Close closes the device and waits for the reader. Blocked writes return.
func (l *Line) Close() {
	l.Interrupt()
	l.reader.Wait()
}

// Interrupt closes the device without waiting, so that blocked reads and writes return. Close must still follow.
func (l *Line) Interrupt() {
	l.once.Do(func() { close(l.closed) })
	_ = l.conn.Close()
}

// Abort ends the line for a reason of the owner's, which Err then returns.
func (l *Line) Abort(reason error) {
	l.fail(reason)
	_ = l.conn.Close()
}

// Settle waits for a device to start and discards what it says meanwhile.
func (l *Line) Settle(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case _, ok := <-l.input:
			if !ok {
				return l.Err()
			}
		case <-t.C:
			return nil
		}
	}
}

// Partial is a deframer that can forget an unfinished frame.
type Partial interface {
	Pending() bool
	Reset()
}

// Deliver feeds what the device sends until ctx or the line ends or feed fails. An unfinished frame is forgotten when
// nothing follows for idle, so that noise does not glue two packets together. spec: rns-interfaces §7, §18
func (l *Line) Deliver(ctx context.Context, idle time.Duration, p Partial, feed func(chunk []byte) error) error {
	t := time.NewTimer(idle)
	defer t.Stop()
	for {
		var late <-chan time.Time
		if p.Pending() {
			t.Reset(idle)
			late = t.C
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-late:
			p.Reset()
		case chunk, ok := <-l.input:
			if !ok {
				return l.Err()
			}
			if err := feed(chunk); err != nil {
				return err
			}
		}
	}
}
