package transport

import (
	"slices"
	"testing"
	"time"

	"meshchatx/rns"
	"meshchatx/spec/vectortest"
)

// lab drives a machine as a node does, with signatures checked in place, and writes down what it sends.
type lab struct {
	t     testing.TB
	m     *Machine
	base  time.Time
	now   time.Time
	ids   map[string]InterfaceID
	names map[InterfaceID]string

	sent      []sentFrame
	delivered []Delivery
	events    []Event
	verdict   rns.Verdict
	checks    int
}

type sentFrame struct {
	At        float64
	Interface string
	Raw       string
}

// half answers every draw of a random number with one half, and every tag with a new one.
type half struct{ n byte }

func (h *half) Read(b []byte) (int, error) {
	clear(b)
	if len(b) == 8 {
		b[0] = 0x80
		return len(b), nil
	}
	h.n++
	b[0] = h.n
	return len(b), nil
}

// clockBase is the time at which the vectors start.
var clockBase = time.Unix(1780000000, 0)

func newLab(t testing.TB, cfg Config) *lab {
	if cfg.Rand == nil {
		cfg.Rand = &half{}
	}
	return &lab{
		t: t, m: New(cfg), base: clockBase, now: clockBase,
		ids: make(map[string]InterfaceID), names: make(map[InterfaceID]string),
	}
}

// transportLab has transport enabled under the identity of the vectors.
func transportLab(t testing.TB) *lab {
	return newLab(t, Config{TransportID: vectorTransportID, TransportEnabled: true})
}

var vectorTransportID = mustAddr("41f79e7c018cb1e10f5e2e96e6ea905f")

func mustAddr(s string) rns.Addr {
	a, err := rns.ParseAddr(s)
	if err != nil {
		panic(err)
	}
	return a
}

// add attaches an interface like those of the vectors: 10 Mbit/s, no ingress control, long there.
func (l *lab) add(name string, change ...func(*InterfaceInfo)) InterfaceID {
	l.t.Helper()
	info := InterfaceInfo{
		ID: InterfaceID(len(l.ids) + 1), Name: name, Bitrate: 10_000_000, IngressControl: LimitOff, Created: l.base.Add(-24 * time.Hour),
	}
	for _, c := range change {
		c(&info)
	}
	if err := l.m.AddInterface(l.now, info); err != nil {
		l.t.Fatal(err)
	}
	l.ids[name], l.names[info.ID] = info.ID, name
	return info.ID
}

func withMode(m Mode) func(*InterfaceInfo) { return func(i *InterfaceInfo) { i.Mode = m } }
func localClient(i *InterfaceInfo)         { i.Role, i.Bitrate = RoleLocalClient, 1_000_000_000 }
func withMTU(mtu int, p MTUPolicy) func(*InterfaceInfo) {
	return func(i *InterfaceInfo) { i.HardwareMTU, i.MTUPolicy = mtu, p }
}

var modeNames = map[string]Mode{
	"full": ModeFull, "pointtopoint": ModePointToPoint, "access_point": ModeAccessPoint, "roaming": ModeRoaming,
	"boundary": ModeBoundary, "gateway": ModeGateway, "internal": ModeInternal,
}

func (l *lab) seconds() float64 { return float64(l.now.Sub(l.base).Microseconds()) / 1e6 }

// at moves the clock to s seconds after the start, to the microsecond.
func (l *lab) at(s float64) { l.now = l.base.Add(time.Duration(s*1e6+0.5) * time.Microsecond) }

// apply writes the effects down and checks signatures.
func (l *lab) apply(fx *Effects) {
	l.verdict = fx.Verdict
	for _, s := range fx.Send {
		l.sent = append(l.sent, sentFrame{l.seconds(), l.names[s.Interface], vectortest.Hex(s.Raw).String()})
	}
	for _, d := range fx.Deliver {
		d.Raw, d.Packet.Data = slices.Clone(d.Raw), slices.Clone(d.Packet.Data)
		l.delivered = append(l.delivered, d)
	}
	l.events = append(l.events, fx.Events...)
	for _, job := range slices.Clone(fx.Verify) {
		l.checks++
		l.apply(l.m.Verified(l.now, job.Run()))
	}
}

// in receives a packet. The frame is a copy, and is spoiled afterwards as a reused buffer would be.
func (l *lab) in(name string, raw []byte) rns.Verdict {
	frame := slices.Clone(raw)
	l.apply(l.m.Inbound(l.now, Frame{Interface: l.ids[name], Raw: frame}))
	for i := range frame {
		frame[i] = 0xEE
	}
	return l.verdict
}

// out sends a packet of this node.
func (l *lab) out(p OutPacket) rns.Verdict {
	l.apply(l.m.Outbound(l.now, p))
	return l.verdict
}

// expire runs what is due now.
func (l *lab) expire() { l.apply(l.m.Expire(l.now)) }

// run lets time pass until s, doing everything when it is due.
func (l *lab) run(s float64) {
	end := l.base.Add(time.Duration(s * float64(time.Second)))
	for range 100_000 {
		due := l.m.Deadline()
		if due.IsZero() || due.After(end) {
			l.now = end
			return
		}
		if due.After(l.now) {
			l.now = due
		}
		l.expire()
	}
	l.t.Fatal("deadlines do not advance")
}

// take returns and forgets what was sent.
func (l *lab) take() []sentFrame {
	s := l.sent
	l.sent = nil
	return s
}

// by groups frames by interface.
func by(frames []sentFrame) map[string][]string {
	out := make(map[string][]string)
	for _, f := range frames {
		out[f.Interface] = append(out[f.Interface], f.Raw)
	}
	return out
}

func (l *lab) path(dest rns.Addr, nextHop rns.Addr, hops uint8, iface string) {
	l.t.Helper()
	err := l.m.SeedPath(l.now, PathRecord{
		Destination: dest, Timestamp: l.now, Expires: l.now.Add(pathExpiry), NextHop: nextHop, Hops: hops, Interface: l.ids[iface],
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

func collect[T any](seq func(func(T) bool)) []T {
	var out []T
	for v := range seq {
		out = append(out, v)
	}
	return out
}

// testIdentity makes an identity from a number.
func testIdentity(t testing.TB, n byte) *rns.Identity {
	t.Helper()
	b := make([]byte, rns.PrivateKeySize)
	b[0], b[40] = n, n
	id, err := rns.ParseIdentity(b)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// announceOf builds an announce packet of the identity's destination "test.t", emitted at the given time.
func announceOf(t testing.TB, id *rns.Identity, emitted time.Time, change ...func(*rns.Packet)) (rns.Addr, []byte) {
	t.Helper()
	a, err := rns.NewAnnounce(&half{n: byte(emitted.Unix())}, id, rns.NameHashOf("test.t"), nil, []byte("app"), emitted)
	if err != nil {
		t.Fatal(err)
	}
	p := a.Packet(rns.ContextNone)
	for _, c := range change {
		c(&p)
	}
	return a.Dest, p.Append(nil)
}

// relayedBy makes an announce packet one that a transport node sent.
func relayedBy(via rns.Addr, hops uint8) func(*rns.Packet) {
	return func(p *rns.Packet) {
		p.HeaderType, p.TransportType, p.TransportID, p.Hops = rns.HeaderType2, rns.TransportTransport, via, hops
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
