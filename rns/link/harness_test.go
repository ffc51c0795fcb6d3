package link

import (
	"container/heap"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
)

// world runs two links over a simulated wire on virtual time: no goroutines, every run of a seed is the same.
type world struct {
	t      testing.TB
	now    time.Time
	rng    *rand.Rand
	wire   wire
	queue  deliveries
	serial int
	ends   [2]*end
}

// wire says what happens to packets.
type wire struct {
	delay     time.Duration
	jitter    time.Duration // reorders
	loss, dup float64       // probability
	rate      int           // bytes per second that an end may emit of bulk, 0 for no limit
	drop      func(from int, p rns.Packet) bool
}

// end is one end with everything it has reported.
type end struct {
	link   *Link
	events []Event
	frames []Frame
	// pulling says that bulk is on the wire.
	pulling bool
	// react answers events as an application would.
	react func(now time.Time, l *Link, e Event) []*Effects
}

type delivery struct {
	at   time.Time
	seq  int
	to   int
	raw  []byte
	done func()
}

type deliveries []delivery

func (d deliveries) Len() int { return len(d) }
func (d deliveries) Less(i, j int) bool {
	if d[i].at.Equal(d[j].at) {
		return d[i].seq < d[j].seq
	}
	return d[i].at.Before(d[j].at)
}
func (d deliveries) Swap(i, j int) { d[i], d[j] = d[j], d[i] }
func (d *deliveries) Push(x any)   { *d = append(*d, x.(delivery)) }
func (d *deliveries) Pop() any {
	old := *d
	x := old[len(old)-1]
	*d = old[:len(old)-1]
	return x
}

// options change what a pair is made of.
type options struct {
	seed   uint64
	wire   wire
	mtu    int
	params func(end int, p *Params)
}

// newWorld makes both ends and starts the handshake.
func newWorld(tb testing.TB, o options) *world {
	tb.Helper()
	w := &world{t: tb, now: start, rng: rand.New(rand.NewPCG(o.seed, 1)), wire: o.wire}
	if o.mtu == 0 {
		o.mtu = 500
	}
	source := rand.NewChaCha8([32]byte{byte(o.seed), byte(o.seed >> 8)})
	owner, err := rns.NewIdentity(source)
	if err != nil {
		tb.Fatal(err)
	}
	var params [2]Params
	for i := range params {
		params[i] = DefaultParams()
		if o.params != nil {
			o.params(i, &params[i])
		}
	}
	a, request, err := NewInitiator(w.now, InitiatorConfig{
		Params: params[0], Rand: source, Destination: rns.DestinationHash("test.link", owner.Hash()),
		Identity: owner.Public(), Hops: 1, MTU: o.mtu, Serve: ServePolicy{Mode: ServeRequests},
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.ends[0] = &end{link: a}
	w.after(w.wire.delay, func() {
		b, fx, err := Accept(w.now, ResponderConfig{
			Params: params[1], Rand: source, Identity: owner, Interface: 1, Hops: 1, Serve: ServePolicy{Mode: ServeRequests},
		}, request)
		if err != nil {
			tb.Fatal(err)
		}
		w.ends[1].link = b
		w.apply(1, fx)
	})
	w.ends[1] = &end{}
	return w
}

// established is a world whose handshake is complete; it is done without loss.
func established(tb testing.TB, o options) *world {
	tb.Helper()
	real := o.wire
	o.wire = wire{delay: real.delay}
	w := newWorld(tb, o)
	w.run(w.now.Add(time.Hour), func() bool { return w.ends[1].link != nil && w.ends[1].link.State() == Active })
	if w.ends[0].link.State() != Active || w.ends[1].link.State() != Active {
		tb.Fatal("handshake did not complete")
	}
	for w.queue.Len() > 0 {
		w.step()
	}
	w.wire = real
	return w
}

func (w *world) after(d time.Duration, done func()) {
	w.serial++
	heap.Push(&w.queue, delivery{at: w.now.Add(d), seq: w.serial, done: done})
}

// apply carries out effects of an end.
func (w *world) apply(from int, fx *Effects) {
	send, events, jobs := slices.Clone(fx.Send), slices.Clone(fx.Events), slices.Clone(fx.Jobs)
	e := w.ends[from]
	for _, f := range send {
		e.frames = append(e.frames, f)
		w.transmit(from, f)
	}
	for _, ev := range events {
		e.events = append(e.events, ev)
		if e.react != nil {
			for _, more := range e.react(w.now, e.link, ev) {
				w.apply(from, more)
			}
		}
	}
	for _, j := range jobs {
		w.apply(from, e.link.JobDone(w.now, j.Run()))
	}
	w.pull(from)
}

// pull lets bulk out: all at once, or as the rate allows.
func (w *world) pull(from int) {
	l := w.ends[from].link
	if l == nil || l.Pending() == 0 {
		return
	}
	if w.wire.rate == 0 {
		for l.Pending() > 0 {
			w.apply(from, l.Writable(w.now, 1<<20))
		}
		return
	}
	e := w.ends[from]
	if e.pulling {
		return
	}
	e.pulling = true
	before := len(e.frames)
	w.apply(from, l.Writable(w.now, 1)) // one part
	size := 0
	for _, f := range e.frames[before:] {
		size += len(f.Raw)
	}
	w.after(time.Duration(size)*time.Second/time.Duration(w.wire.rate), func() {
		e.pulling = false
		w.pull(from)
	})
}

func (w *world) transmit(from int, f Frame) {
	p, err := rns.ParsePacket(f.Raw)
	if err != nil {
		w.t.Fatal(err)
	}
	if w.wire.drop != nil && w.wire.drop(from, p) || w.rng.Float64() < w.wire.loss {
		return
	}
	copies := 1
	if w.rng.Float64() < w.wire.dup {
		copies = 2
	}
	for range copies {
		d := w.wire.delay
		if w.wire.jitter > 0 {
			d += time.Duration(w.rng.Int64N(int64(w.wire.jitter)))
		}
		w.serial++
		heap.Push(&w.queue, delivery{at: w.now.Add(d), seq: w.serial, to: 1 - from, raw: slices.Clone(f.Raw)})
	}
}

// deadline is the next thing to happen at all.
func (w *world) deadline() time.Time {
	var m time.Time
	if w.queue.Len() > 0 {
		m = w.queue[0].at
	}
	for _, e := range w.ends {
		if e.link != nil {
			m = earliest(m, e.link.Deadline())
		}
	}
	return m
}

// step does the next thing. It is false if nothing is left.
func (w *world) step() bool {
	next := w.deadline()
	if next.IsZero() {
		return false
	}
	w.now = latest(w.now, next)
	for w.queue.Len() > 0 && !w.queue[0].at.After(w.now) {
		d := heap.Pop(&w.queue).(delivery)
		if d.done != nil {
			d.done()
			continue
		}
		if l := w.ends[d.to].link; l != nil {
			iface, _ := l.Interface()
			w.apply(d.to, l.Receive(w.now, d.raw, parse(w.t, d.raw), iface))
		}
	}
	for i, e := range w.ends {
		if e.link != nil {
			if due := e.link.Deadline(); !due.IsZero() && !due.After(w.now) {
				w.apply(i, e.link.Expire(w.now))
				if after := e.link.Deadline(); !after.IsZero() && !after.After(due) && after.Before(w.now) {
					w.t.Fatalf("deadline of end %d does not move", i)
				}
			}
		}
	}
	return true
}

// run steps until done or until has passed.
func (w *world) run(until time.Time, done func() bool) bool {
	for !done() {
		next := w.deadline()
		if next.IsZero() || next.After(until) {
			w.now = until
			return done()
		}
		w.step()
	}
	return true
}

// settle steps until the time has passed.
func (w *world) settle(d time.Duration) { w.run(w.now.Add(d), func() bool { return false }) }

// eventsOf returns the events of one type.
func eventsOf[E Event](e *end) []E {
	var out []E
	for _, ev := range e.events {
		if x, ok := ev.(E); ok {
			out = append(out, x)
		}
	}
	return out
}

// acceptAll is the application that accepts, stores and proves everything, and keeps what it stored.
type acceptAll struct {
	data     map[TransferID][]byte
	meta     map[TransferID][]byte
	finished []TransferID
	packets  [][]byte
	answer   func(q RequestReceived) []byte
}

func newAcceptAll() *acceptAll {
	return &acceptAll{data: map[TransferID][]byte{}, meta: map[TransferID][]byte{}}
}

func (a *acceptAll) react(now time.Time, l *Link, e Event) []*Effects {
	var fx *Effects
	switch e := e.(type) {
	case Data:
		a.packets = append(a.packets, e.Plaintext)
		fx, _ = l.Prove(now, e.Hash)
	case TransferAdvertised:
		fx, _ = l.AcceptResource(now, e.Transfer)
	case SegmentReceived:
		a.data[e.Transfer] = append(a.data[e.Transfer], e.Data...)
		if e.Metadata != nil {
			a.meta[e.Transfer] = e.Metadata
		}
		if e.Final {
			a.finished = append(a.finished, e.Transfer)
		}
		fx, _ = l.ConcludeSegment(now, e.Transfer, Stored)
	case RequestReceived:
		if a.answer == nil {
			l.Decline(e.ID)
			return nil
		}
		fx, _ = l.Respond(now, e.ID, a.answer(e), nil)
	}
	if fx == nil {
		return nil
	}
	return []*Effects{fx}
}
