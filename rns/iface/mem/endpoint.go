package mem

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"meshchatx/rns/iface"
)

// DefaultInfo is what an endpoint says about itself unless an Option changes it: 10 Mbit/s, MTU from the bitrate.
func DefaultInfo(name string) iface.Info {
	return iface.Info{
		Name: name, Label: "MemInterface[" + name + "]", Type: "MemInterface", Bitrate: 10_000_000,
		MTU: 8192, MTUClass: iface.MTUAuto, AccessCodeSize: 16,
	}
}

// Option changes what an endpoint says about itself.
type Option func(*iface.Info)

// WithInfo lets f change the whole description of an endpoint.
func WithInfo(f func(*iface.Info)) Option { return f }

// WithBitrate sets the stated bitrate in bit/s. It does not limit the medium; Conditions.Bandwidth does.
func WithBitrate(bps int64) Option { return func(i *iface.Info) { i.Bitrate = bps } }

// WithMTU sets a fixed MTU in bytes.
func WithMTU(mtu int) Option {
	return func(i *iface.Info) { i.MTU, i.MTUClass = mtu, iface.MTUFixed }
}

// Sent is a frame an endpoint was given to send.
type Sent struct {
	At   time.Time
	Data []byte
}

// Endpoint is one end of a medium in memory. It is safe for concurrent use.
type Endpoint struct {
	info iface.Info

	mu      sync.Mutex
	peers   []*Endpoint
	cond    Conditions
	chance  *rand.Rand
	in      inbox
	host    iface.Host
	broken  error
	sent    []Sent
	keep    bool
	counted int

	wake    chan struct{}
	cut     chan struct{} // closed while broken
	serving chan struct{} // closed when the running Serve ends
}

// New returns an endpoint without peers. What it sends is kept for Drain.
func New(name string, opts ...Option) *Endpoint {
	e := newEndpoint(name, Conditions{}, opts)
	e.keep = true
	return e
}

func newEndpoint(name string, c Conditions, opts []Option) *Endpoint {
	info := DefaultInfo(name)
	for _, o := range opts {
		o(&info)
	}
	var tag uint64
	for _, b := range []byte(name) {
		tag = tag*131 + uint64(b)
	}
	return &Endpoint{
		info: info, cond: c, chance: rand.New(rand.NewPCG(c.Seed, tag)),
		wake: make(chan struct{}, 1), cut: make(chan struct{}),
	}
}

// Pair returns two endpoints that reach each other.
func Pair(a, b string, c Conditions, opts ...Option) (*Endpoint, *Endpoint) {
	x, y := newEndpoint(a, c, opts), newEndpoint(b, c, opts)
	x.peers, y.peers = []*Endpoint{y}, []*Endpoint{x}
	return x, y
}

// Hub is a shared medium: what one endpoint sends reaches all others. It is safe for concurrent use.
type Hub struct {
	mu   sync.Mutex
	cond Conditions
	all  []*Endpoint
}

// NewHub returns a medium without endpoints.
func NewHub(c Conditions) *Hub { return &Hub{cond: c} }

// Attach adds an endpoint.
func (h *Hub) Attach(name string, opts ...Option) *Endpoint {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := newEndpoint(name, h.cond, opts)
	for _, other := range h.all {
		other.mu.Lock()
		other.peers = append(slices.Clone(other.peers), e)
		other.mu.Unlock()
	}
	e.peers = slices.Clone(h.all)
	h.all = append(h.all, e)
	return e
}

// SetConditions changes what happens to frames on the medium from now on.
func (h *Hub) SetConditions(c Conditions) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cond = c
	for _, e := range h.all {
		e.SetConditions(c)
	}
}

// Info describes the endpoint.
func (e *Endpoint) Info() iface.Info { return e.info }

// SetConditions changes what happens to frames this endpoint sends from now on. The seed is kept.
func (e *Endpoint) SetConditions(c Conditions) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cond = c
}

// Record makes the endpoint keep copies of what it sends, for Drain.
func (e *Endpoint) Record() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.keep = true
}

// Drain returns what was sent since the last call, in order. It is empty unless the endpoint records.
func (e *Endpoint) Drain() []Sent {
	e.mu.Lock()
	defer e.mu.Unlock()
	out := e.sent
	e.sent = nil
	return out
}

// Count is the number of frames sent so far.
func (e *Endpoint) Count() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.counted
}

// Inject delivers a frame as if it had been received. When it returns the node has taken the frame over; Quiesce of the
// node waits until it has been processed. A frame injected while the endpoint is not served is lost, as on a medium.
func (e *Endpoint) Inject(frame []byte) {
	e.mu.Lock()
	h := e.host
	e.mu.Unlock()
	if h != nil {
		h.Receive([]iface.Frame{{Data: slices.Clone(frame)}})
	}
}

// Break makes the medium fail: the running Serve returns err, and so does every later one until Repair.
func (e *Endpoint) Break(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken == nil {
		close(e.cut)
	}
	e.broken = err
}

// Repair ends what Break began.
func (e *Endpoint) Repair() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.broken != nil {
		e.broken = nil
		e.cut = make(chan struct{})
	}
}

// Serve delivers arriving frames until ctx ends or the medium breaks.
func (e *Endpoint) Serve(ctx context.Context, h iface.Host) error {
	e.mu.Lock()
	if err := e.broken; err != nil {
		e.mu.Unlock()
		return err
	}
	e.host, e.in = h, inbox{}
	e.serving = make(chan struct{})
	cut := e.cut
	e.mu.Unlock()
	defer e.unserve()
	h.Up()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := e.deliver(h)
		timer.Reset(wait)
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-cut:
			e.mu.Lock()
			defer e.mu.Unlock()
			return e.broken
		case <-e.wake:
		case <-timer.C:
		}
	}
}

func (e *Endpoint) unserve() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.host = nil
	close(e.serving)
}

// deliver hands over what has arrived and returns how long until the next frame does.
func (e *Endpoint) deliver(h iface.Host) time.Duration {
	for {
		now := time.Now()
		e.mu.Lock()
		due := e.in.take(now)
		next, more := e.in.next()
		e.mu.Unlock()
		if len(due) == 0 {
			if more {
				return next.Sub(now)
			}
			return 24 * time.Hour
		}
		frames := make([]iface.Frame, len(due))
		for i, a := range due {
			frames[i].Data = a.frame
		}
		h.Receive(frames)
	}
}

// Send gives the frame to every peer that is being served, after the time the medium takes.
func (e *Endpoint) Send(frame []byte) error {
	e.mu.Lock()
	if e.host == nil {
		e.mu.Unlock()
		return iface.ErrOffline
	}
	air := e.cond.airtime(len(frame))
	serving := e.serving
	e.mu.Unlock()
	if air > 0 {
		busy := time.NewTimer(air)
		defer busy.Stop()
		select {
		case <-busy.C:
		case <-serving:
			return iface.ErrOffline
		}
	}
	e.emit(frame)
	return nil
}

// emit puts a frame on its way to the peers.
func (e *Endpoint) emit(frame []byte) {
	now := time.Now()
	e.mu.Lock()
	peers, cond := e.peers, e.cond
	e.counted++
	if e.keep {
		e.sent = append(e.sent, Sent{At: now, Data: slices.Clone(frame)})
	}
	fates := make([]fate, len(peers))
	for i := range peers {
		fates[i] = cond.draw(e.chance)
	}
	e.mu.Unlock()
	for i, p := range peers {
		data := slices.Clone(frame)
		if cond.Mutate != nil {
			if data = cond.Mutate(e, p, data); data == nil {
				continue
			}
		}
		for range fates[i].copies {
			p.arrive(now.Add(fates[i].delay), fates[i].held, slices.Clone(data))
		}
	}
}

// arrive takes a frame that will have travelled at due.
func (e *Endpoint) arrive(due time.Time, held bool, frame []byte) {
	e.mu.Lock()
	if e.host == nil {
		e.mu.Unlock()
		return
	}
	e.in.put(due, held, frame)
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}
