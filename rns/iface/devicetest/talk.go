package devicetest

import (
	"io"
	"math/rand/v2"
	"sync"
)

// outboxSize is how many frames a device holds for a program that does not read; more are lost, as on a real line.
const outboxSize = 256

// talk is the device's side of a line: a goroutine writes what the device says, so that its reader never waits for the
// program.
type talk struct {
	line   io.ReadWriteCloser
	outbox chan []byte
	gone   chan struct{}
	once   sync.Once
	writer sync.WaitGroup

	mu    sync.Mutex
	noise float64
	dice  *rand.Rand
}

func newTalk(line io.ReadWriteCloser) *talk {
	t := &talk{
		line: line, outbox: make(chan []byte, outboxSize), gone: make(chan struct{}), dice: rand.New(rand.NewPCG(3, 4)),
	}
	t.writer.Go(t.write)
	return t
}

func (t *talk) write() {
	for {
		select {
		case <-t.gone:
			return
		case b := <-t.outbox:
			if _, err := t.line.Write(b); err != nil {
				return
			}
		}
	}
}

// say queues bytes for the program.
func (t *talk) say(b []byte) {
	select {
	case t.outbox <- append(t.garbage(), b...):
	default:
	}
}

// garbage is what a bad line puts between frames.
func (t *talk) garbage() []byte {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.noise == 0 || t.dice.Float64() >= t.noise {
		return nil
	}
	b := make([]byte, 1+t.dice.IntN(40))
	for i := range b {
		b[i] = byte(t.dice.Uint32())
	}
	return b
}

func (t *talk) setNoise(share float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noise = share
}

// read gives feed what the program writes until the line ends.
func (t *talk) read(feed func([]byte)) error {
	buf := make([]byte, 4096)
	for {
		n, err := t.line.Read(buf)
		feed(buf[:n])
		if err != nil {
			return err
		}
	}
}

// hangUp ends the talk.
func (t *talk) hangUp() {
	t.once.Do(func() { close(t.gone) })
	_ = t.line.Close()
}

// end hangs up and waits for the writer.
func (t *talk) end() {
	t.hangUp()
	t.writer.Wait()
}
