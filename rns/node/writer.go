package node

import (
	"context"
	"errors"
	"log/slog"

	"meshchatx/rns"
	"meshchatx/rns/iface"
)

// write empties the queue of the port until ctx ends: access codes are added, frames are counted and handed to the driver,
// all that wait at once if the driver can.
func (p *port) write(ctx context.Context) {
	w := writer{port: p}
	w.batch, _ = p.driver.(iface.BatchSender)
	for {
		select {
		case <-ctx.Done():
			return
		case <-p.out.wake:
		}
		for {
			buf, ends := p.out.take()
			if len(ends) == 0 {
				p.out.done(buf, ends)
				break
			}
			w.send(buf, ends)
			p.out.done(buf, ends)
		}
	}
}

// writer holds the scratch memory of a port's writer.
type writer struct {
	port   *port
	batch  iface.BatchSender
	sealed []byte
	frames [][]byte
	failed bool
}

// sendStep is how many bytes are given to a driver at once: small enough that links learn of free room in time.
const sendStep = 256 << 10

// send transmits the frames that lie in buf.
func (w *writer) send(buf []byte, ends []int) {
	from := 0
	for len(ends) > 0 {
		n, size := 0, 0
		for n < len(ends) && (n == 0 || ends[n]-from <= sendStep) && (w.batch != nil || n == 0) {
			size = ends[n] - from
			n++
		}
		w.step(buf[:from+size], from, ends[:n])
		w.port.out.sent(size)
		from += size
		ends = ends[n:]
	}
}

// step transmits a few frames with one call of the driver.
func (w *writer) step(buf []byte, from int, ends []int) {
	p := w.port
	w.frames, w.sealed = w.frames[:0], w.sealed[:0]
	bytes := 0
	for _, end := range ends {
		raw := buf[from:end]
		from = end
		frame := w.seal(raw)
		if p.node.tap.active() {
			p.node.tap.outbound(p, p.node.env.now(), raw, frame, rns.VerdictForwarded)
		}
		w.frames = append(w.frames, frame)
		bytes += len(frame)
	}
	var err error
	if w.batch != nil {
		err = w.batch.SendBatch(w.frames)
	} else {
		err = p.driver.Send(w.frames[0])
	}
	w.report(err)
	if err == nil {
		now := p.node.env.now()
		p.tx.add(now, bytes)
		p.count.sent(len(w.frames), bytes)
		if p.parent != nil {
			p.parent.tx.add(now, bytes)
			p.parent.count.sent(len(w.frames), bytes)
		}
	}
}

// seal adds the access code. The frame stays valid until the next step.
func (w *writer) seal(raw []byte) []byte {
	if w.port.code == nil {
		return raw
	}
	start := len(w.sealed)
	w.sealed = w.port.code.Seal(w.sealed, raw)
	return w.sealed[start:]
}

// report notes the first of a row of failures. They never go further. spec: rns-core §12.5
func (w *writer) report(err error) {
	if err != nil && !w.failed && !errors.Is(err, iface.ErrOffline) {
		w.port.count.sendErrors.Add(1)
		w.port.node.env.log.Warn("send", slog.String("interface", w.port.info.Label), slog.Any("error", err))
	}
	w.failed = err != nil
}
