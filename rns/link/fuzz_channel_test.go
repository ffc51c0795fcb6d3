package link

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"meshchatx/rns"
)

// tube is an outlet that keeps what was sent.
type tube struct{ sent [][]byte }

func (o *tube) Transmit(_ time.Time, envelope []byte) (rns.Hash, error) {
	o.sent = append(o.sent, append([]byte(nil), envelope...))
	return o.hash(len(o.sent) - 1), nil
}

func (*tube) hash(n int) (h rns.Hash) {
	binary.BigEndian.PutUint32(h[:], uint32(n)+1)
	return h
}

// FuzzChannel is a script of two channels: messages, deliveries in any order and any number of times, proofs of what was
// delivered, lies, waits, and an application that reads when it likes. What is read was sent, in order, once each; windows and
// buffers keep their bounds; what is proved was taken. spec: rns-link §9
func FuzzChannel(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 1, 0, 2, 0, 5, 0, 4, 9})
	f.Add([]byte{0, 0, 0, 0, 0, 0, 1, 2, 1, 1, 1, 0, 5, 0, 5, 0, 2, 2, 2, 1, 2, 0, 4, 255, 3, 7})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 2000 {
			return
		}
		p := DefaultParams().Channel
		now := time.Unix(1_700_000_000, 0)
		a, b, out := NewChannel(p, 400, 50*time.Millisecond), NewChannel(p, 400, 50*time.Millisecond), &tube{}
		taken := make(map[int]bool) // transmissions that the receiver said it has
		var said, read uint16
		for ; len(script) > 1; script = script[2:] {
			op, arg := script[0], int(script[1])
			switch op % 6 {
			case 0:
				var body [2]byte
				binary.BigEndian.PutUint16(body[:], said)
				if _, err := a.Send(now, out, 1, body[:]); err == nil {
					said++
				} else if !errors.Is(err, ErrNotReady) {
					t.Fatal(err)
				}
			case 1: // one of the last transmissions arrives, perhaps again
				if n := len(out.sent) - 1 - arg; n >= 0 {
					v := b.Receive(out.sent[n])
					taken[n] = taken[n] || v == rns.VerdictDelivered || v == rns.VerdictAlreadyHeld
				}
			case 2: // its proof arrives
				if n := len(out.sent) - 1 - arg; n >= 0 && taken[n] {
					a.Proved(out.hash(n))
				}
			case 3: // what is no envelope, and the proof of nothing
				if v := b.Receive(script[:min(arg, 5, len(script))]); v != rns.VerdictTooShort {
					t.Fatalf("took nonsense: %v", v)
				}
				if _, ok := a.Proved(rns.Hash{0xff}); ok {
					t.Fatal("proved nothing")
				}
			case 4:
				now = now.Add(time.Duration(arg) * 100 * time.Millisecond)
				if err := a.Expire(now, out); errors.Is(err, ErrChannelFailed) {
					return // it gave up, as it should after the last try
				} else if err != nil {
					t.Fatal(err)
				}
				if d := a.Deadline(); !d.IsZero() && !d.After(now) {
					t.Fatal("a deadline stays behind")
				}
			case 5:
				for m, ok := b.Read(); ok; m, ok = b.Read() {
					if got := binary.BigEndian.Uint16(m.Data); got != read || m.Sequence != read {
						t.Fatalf("read %d (sequence %d) instead of %d", got, m.Sequence, read)
					}
					read++
				}
			}
			if len(b.unread)+len(b.buffered) > p.MaxUnread || len(a.ring) > p.MaxAhead+1 || len(a.ring) > a.window.size+1 {
				t.Fatalf("%d unread, %d waiting, %d in flight", len(b.unread), len(b.buffered), len(a.ring))
			}
		}
		for n := range out.sent { // everything sent arrives in the end
			b.Receive(out.sent[n])
		}
		for m, ok := b.Read(); ok; m, ok = b.Read() {
			if binary.BigEndian.Uint16(m.Data) != read {
				t.Fatalf("read %x instead of %d", m.Data, read)
			}
			read++
		}
		if read > said {
			t.Fatalf("read %d of %d", read, said)
		}
	})
}
