package transport

import (
	"testing"
	"time"

	"meshchatx/rns"
)

func queued(n byte, hops uint8, emitted int64) (rns.Addr, queuedAnnounce) {
	return rns.Addr{n}, queuedAnnounce{hops: hops, emitted: emitted, raw: []byte{n, byte(emitted)}}
}

func TestAnnounceQueueReplacesTheMatch(t *testing.T) {
	var q announceQueue
	q.allowedAt = 100
	for _, n := range []byte{1, 2, 3} {
		d, a := queued(n, 2, 10)
		q.push(1, d, a, 10)
	}
	d, newer := queued(1, 5, 11)
	q.push(2, d, newer, 10)
	d, older := queued(2, 0, 9)
	q.push(3, d, older, 10)
	var got []byte
	for {
		a, _, ok := q.pop(1_000_000_000_000, time.Hour, 1_000_000, 1)
		if !ok {
			break
		}
		got = append(got, a.raw...)
		q.timer = 0
	}
	if want := string([]byte{2, 10, 3, 10, 1, 11}); string(got) != want {
		t.Errorf("left in order %v", got)
	}
}

func TestAnnounceQueueBounds(t *testing.T) {
	var q announceQueue
	for n := range byte(5) {
		d, a := queued(n, 1, 1)
		equal(t, "room", q.push(1, d, a, 3), n < 3)
	}
	// Old entries are dropped, the rest leaves.
	d, a := queued(9, 1, 1)
	q.push(tick(2*time.Hour), d, a, 10)
	_, dest, ok := q.pop(tick(3*time.Hour), 90*time.Minute, 1000, 0.5)
	equal(t, "young one", ok && dest == rns.Addr{9}, true)
	equal(t, "left", q.drop(), 0)
	equal(t, "idle", q.deadline(), never)
}

func TestAnnounceQueueAdmit(t *testing.T) {
	var q announceQueue
	equal(t, "first", q.admit(1, 250, 1000, 0.02), true)
	equal(t, "reserved", q.allowedAt, 1+tick(100*time.Second))
	equal(t, "second", q.admit(2, 250, 1000, 0.02), false)
	equal(t, "at the moment", q.admit(q.allowedAt, 250, 1000, 0.02), false)
	equal(t, "after", q.admit(q.allowedAt+1, 250, 1000, 0.02), true)
	q = announceQueue{}
	equal(t, "bitrate unknown", q.admit(1, 250, 0, 0.02), false)
}

// TestUnknownBitrateDrains: an interface without a bitrate queues everything; nothing must divide by it or get stuck.
func TestUnknownBitrateDrains(t *testing.T) {
	l := transportLab(t)
	l.add("in")
	l.add("out", func(i *InterfaceInfo) { i.Bitrate = 0 })
	for n := range byte(5) {
		_, raw := announceOf(t, testIdentity(t, n+1), l.now, relayedBy(rns.Addr{7}, 1))
		l.in("in", raw)
	}
	l.run(20)
	equal(t, "sent", len(by(l.take())["out"]), 10)
}
