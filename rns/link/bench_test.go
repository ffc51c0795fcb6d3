package link

import (
	"crypto/rand"
	"io"
	"testing"
	"time"

	"meshchatx/rns"
)

// readerAt serves the same block again and again.
type readerAt struct{ block []byte }

func (r readerAt) ReadAt(p []byte, off int64) (int, error) {
	for n := 0; n < len(p); {
		n += copy(p[n:], r.block[(off+int64(n))%int64(len(r.block)):])
	}
	return len(p), nil
}

// directly passes effects between two links without a wire, until nothing moves.
type directly struct {
	b     *testing.B
	links [2]*Link
	now   time.Time
	react func(l *Link, e Event) *Effects
}

func (d *directly) apply(from int, fx *Effects) {
	send := append([]Frame(nil), fx.Send...)
	events := append([]Event(nil), fx.Events...)
	jobs := append([]Job(nil), fx.Jobs...)
	for _, f := range send {
		p, err := rns.ParsePacket(f.Raw)
		if err != nil {
			d.b.Fatal(err)
		}
		d.apply(1-from, d.links[1-from].Receive(d.now, f.Raw, p, d.links[1-from].iface))
	}
	for _, e := range events {
		if fx := d.react(d.links[from], e); fx != nil {
			d.apply(from, fx)
		}
	}
	for _, j := range jobs {
		d.apply(from, d.links[from].JobDone(d.now, j.Run()))
	}
	for d.links[from].Pending() > 0 {
		d.apply(from, d.links[from].Writable(d.now, 1<<18))
	}
}

func newDirect(b *testing.B, mtu int) *directly {
	b.Helper()
	owner, err := rns.NewIdentity(rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	l, request, err := NewInitiator(start, InitiatorConfig{
		Params: DefaultParams(), Rand: rand.Reader, Identity: owner.Public(), Hops: 1, MTU: mtu,
	})
	if err != nil {
		b.Fatal(err)
	}
	r, fx, err := Accept(start, ResponderConfig{Params: DefaultParams(), Rand: rand.Reader, Identity: owner}, request)
	if err != nil {
		b.Fatal(err)
	}
	d := &directly{b: b, links: [2]*Link{l, r}, now: start.Add(time.Millisecond), react: func(*Link, Event) *Effects { return nil }}
	d.apply(1, fx)
	if r.State() != Active {
		b.Fatal("not established")
	}
	return d
}

func BenchmarkEstablishment(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		newDirect(b, 500)
	}
}

// BenchmarkRoundTrip sends a small packet and its proof, both ends.
func BenchmarkRoundTrip(b *testing.B) {
	d := newDirect(b, 500)
	proved := 0
	d.links[0].SetPeerCopes()
	d.links[1].SetPeerCopes()
	d.react = func(l *Link, e Event) *Effects {
		switch e := e.(type) {
		case Data:
			fx, _ := l.Prove(d.now, e.Hash)
			return fx
		case Proved:
			proved++
		}
		return nil
	}
	b.ReportAllocs()
	for b.Loop() {
		_, fx, err := d.links[0].Send(d.now, []byte("0123456789abcdef"))
		if err != nil {
			b.Fatal(err)
		}
		d.apply(0, fx)
	}
	if proved == 0 {
		b.Fatal("nothing proved")
	}
}

func benchmarkResource(b *testing.B, mtu int, size int64) {
	b.Helper()
	d := newDirect(b, mtu)
	block := make([]byte, 1<<20+7)
	_, _ = io.ReadFull(rand.Reader, block)
	d.links[0].SetPeerCopes()
	d.links[1].SetPeerCopes()
	complete := false
	d.react = func(l *Link, e Event) *Effects {
		var fx *Effects
		switch e := e.(type) {
		case TransferAdvertised:
			fx, _ = l.AcceptResource(d.now, e.Transfer)
		case SegmentReceived:
			fx, _ = l.ConcludeSegment(d.now, e.Transfer, Stored)
		case TransferConcluded:
			complete = complete || e.Err == nil
		}
		return fx
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		complete = false
		d.now = d.now.Add(time.Millisecond)
		_, fx, err := d.links[0].SendResource(d.now, ResourceOptions{Source: readerAt{block}, Size: size})
		if err != nil {
			b.Fatal(err)
		}
		d.apply(0, fx)
		if !complete {
			b.Fatal("not complete")
		}
	}
}

// Both ends run on one core here, one after the other.
func BenchmarkResource10MB(b *testing.B) {
	b.Run("mtu500", func(b *testing.B) { benchmarkResource(b, 500, 10_000_000) })
	b.Run("mtu8192", func(b *testing.B) { benchmarkResource(b, 8192, 10_000_000) })
	b.Run("mtu262144", func(b *testing.B) { benchmarkResource(b, 262144, 10_000_000) })
}

func BenchmarkResource1MB(b *testing.B)  { benchmarkResource(b, 8192, 1_000_000) }
func BenchmarkResource50MB(b *testing.B) { benchmarkResource(b, 8192, 50_000_000) }
