package transport

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"
	"time"

	"meshchatx/rns"
)

// benchPacket is a HEADER_2 DATA packet of n bytes naming the vectors' transport node.
func benchPacket(dest rns.Addr, n int) []byte {
	p := rns.Packet{
		HeaderType: rns.HeaderType2, TransportType: rns.TransportTransport, TransportID: vectorTransportID, Dest: dest,
		Data: make([]byte, n-rns.HeaderMaxSize),
	}
	return p.Append(nil)
}

// BenchmarkForward is the whole cost of a packet between two interfaces, each packet new to the filter.
func BenchmarkForward(b *testing.B) {
	for _, size := range []int{100, 500} {
		for _, paths := range []int{1, 100_000} {
			b.Run(fmt.Sprintf("%dB/%dpaths", size, paths), func(b *testing.B) {
				l := transportLab(b)
				l.add("in")
				l.add("out")
				dests := make([]rns.Addr, paths)
				for i := range dests {
					binary.BigEndian.PutUint32(dests[i][:], uint32(i))
					l.path(dests[i], rns.Addr{9}, 3, "out")
				}
				original := benchPacket(rns.Addr{}, size)
				frame := make([]byte, size)
				now, n := l.now, uint64(0)
				b.ReportAllocs()
				for b.Loop() {
					frame = frame[:size]
					copy(frame, original)
					copy(frame[18:], dests[n%uint64(paths)][:])
					binary.BigEndian.PutUint64(frame[60:], n)
					n++
					now = now.Add(4 * time.Microsecond)
					fx := l.m.Inbound(now, Frame{Interface: 1, Raw: frame})
					if len(fx.Send) != 1 {
						b.Fatal(fx.Verdict)
					}
					if d := l.m.Deadline(); !d.IsZero() && d.Before(now) {
						l.m.Expire(now)
					}
				}
			})
		}
	}
}

// BenchmarkForwardOnLink is link traffic in transit.
func BenchmarkForwardOnLink(b *testing.B) {
	l := transportLab(b)
	l.add("in")
	l.add("out")
	l.m.SeedLink(l.now, LinkRecord{
		Link: rns.Addr{1}, Timestamp: l.now, NextInterface: 2, Remaining: 2, Received: 1, Taken: 1, Validated: true,
	})
	p := rns.Packet{DestType: rns.DestLink, Dest: rns.Addr{1}, Data: make([]byte, 400)}
	original := p.Append(nil)
	frame, n := make([]byte, len(original)), uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		copy(frame, original)
		binary.BigEndian.PutUint64(frame[60:], n)
		n++
		if fx := l.m.Inbound(l.now, Frame{Interface: 1, Raw: frame}); len(fx.Send) != 1 {
			b.Fatal(fx.Verdict)
		}
	}
}

// announces makes n announces of distinct destinations.
func announces(b testing.TB, n int) [][]byte {
	out := make([][]byte, n)
	for i := range out {
		seed := make([]byte, rns.PrivateKeySize)
		binary.BigEndian.PutUint32(seed, uint32(i))
		binary.BigEndian.PutUint32(seed[32:], uint32(i))
		id, err := rns.ParseIdentity(seed)
		if err != nil {
			b.Fatal(err)
		}
		_, out[i] = announceOf(b, id, clockBase)
	}
	return out
}

// BenchmarkAnnounceIntake is the cost of a new announce, signature checked in place, rebroadcasts included.
func BenchmarkAnnounceIntake(b *testing.B) {
	raws := announces(b, 4096)
	b.ReportAllocs()
	l := transportLab(b)
	n := 0
	for b.Loop() {
		if n%len(raws) == 0 {
			b.StopTimer()
			l = transportLab(b)
			l.add("a")
			l.add("b")
			b.StartTimer()
		}
		l.now = l.now.Add(100 * time.Microsecond)
		frame := append([]byte(nil), raws[n%len(raws)]...)
		fx := l.m.Inbound(l.now, Frame{Interface: 1, Raw: frame})
		for _, j := range fx.Verify {
			l.m.Verified(l.now, j.Run())
		}
		if d := l.m.Deadline(); !d.IsZero() && !d.After(l.now) {
			l.m.Expire(l.now)
		}
		n++
	}
}

// BenchmarkAnnounceRepeat is the cost of hearing a known announce again from a neighbour.
func BenchmarkAnnounceRepeat(b *testing.B) {
	l := transportLab(b)
	l.add("a")
	_, raw := announceOf(b, testIdentity(b, 1), clockBase)
	l.in("a", raw)
	frame := make([]byte, len(raw))
	b.ReportAllocs()
	for b.Loop() {
		copy(frame, raw)
		l.m.Inbound(l.now, Frame{Interface: 1, Raw: frame})
	}
}

// BenchmarkKnownMemory reports the memory of a known destination with its path and announce.
func BenchmarkKnownMemory(b *testing.B) {
	const count = 100_000
	for b.Loop() {
		l := transportLab(b)
		l.add("a")
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range count {
			raw := make([]byte, 19+220)
			p := rns.Packet{Type: rns.PacketAnnounce, Data: raw[19:]}
			binary.BigEndian.PutUint32(p.Dest[:], uint32(i))
			binary.BigEndian.PutUint32(p.Data, uint32(i))
			a := arrival{from: l.m.interfaces[1], fromID: 1, dest: p.Dest, announce: packAnnounce(&p), hops: 3, hash: rns.Hash{1}}
			l.m.begin(l.now)
			l.m.acceptAnnounce(l.m.clock.now, &a)
			l.m.pending.clear()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/count, "B/destination")
		runtime.KeepAlive(l)
	}
}
