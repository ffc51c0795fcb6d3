package transport

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"time"

	"meshchatx/rns"
)

// Errors of calls that name something.
var (
	// ErrInterface is returned for an interface id that is zero or in use.
	ErrInterface = errors.New("transport: interface id is zero or in use")
	// ErrNoInterface is returned for an interface id that is not in use.
	ErrNoInterface = errors.New("transport: no such interface")
	// ErrRegistered is returned for a destination that is registered already.
	ErrRegistered = errors.New("transport: destination is already registered")
	// ErrLinkKnown and ErrNoLink are returned for links registered twice or not at all.
	ErrLinkKnown = errors.New("transport: link is already registered")
	ErrNoLink    = errors.New("transport: no such link")
)

// Config is what a machine is made of.
type Config struct {
	// TransportID is the identity hash used on the network.
	TransportID rns.Addr
	// TransportEnabled makes this node forward for others.
	TransportEnabled bool
	// LocalHopsDelta disguises locally originated packets as coming from further away, 0 or 2 to 7. spec: rns-core §11.2
	LocalHopsDelta uint8
	// Params holds times and limits; nil takes DefaultParams.
	Params *Params
	// Rand is used for waits and request tags; nil takes the system's.
	Rand io.Reader
}

// Machine is the transport of one node. It is owned by one goroutine; nothing in it locks. See the package comment for
// the order of calls. The zero value is not usable.
type Machine struct {
	cfg   Config
	p     Params
	rand  io.Reader
	fx    Effects
	arena []byte
	// unsaved names tables changed by calls that return no Effects; the next Effects tell of them.
	unsaved Tables
	clock   clock

	// interfaces by id, and in the order of broadcasts: fastest first.
	interfaces   map[InterfaceID]*netif
	order        []*netif
	localClients int
	// client is the connection to a shared instance, if this is a local client.
	client *netif
	// queueTimer is the earliest timer of the announce queues, round that of the interfaces' limits.
	queueTimer, round tick

	seen         filter
	paths        table[rns.Addr, path]
	sweep        sweep
	pending      table[rns.Addr, pendingAnnounce]
	lastAnnounce tick
	due          []dueAnnounce
	reverse      table[rns.Addr, reverseEntry]
	links        table[rns.Addr, linkEntry]
	rates        table[rns.Addr, rate]
	requests     requests
	tunnels      table[rns.Hash, tunnel]
	tunnelRound  tick
	tunnelScan   tunnelScan
	restoring    restoring
	known        table[rns.Addr, known]
	blackholed   table[rns.Addr, blackhole]
	receipts     table[rns.Addr, receipt]
	signals      table[rns.Hash, Signal]
	verifying    map[verifyKey]*verification

	destinations map[rns.Addr]rns.DestType
	localLinks   map[rns.Addr]*localLink
	// ownRatchets are those that destinations of this node announced last.
	ownRatchets map[rns.Addr]*ratchet
	// pathRequest and tunnelSynthesis are the addresses of the control destinations.
	pathRequest, tunnelSynthesis rns.Addr
}

// New returns a machine without interfaces.
func New(cfg Config) *Machine {
	m := &Machine{
		cfg: cfg, p: DefaultParams(), rand: cfg.Rand,
		interfaces: make(map[InterfaceID]*netif), verifying: make(map[verifyKey]*verification),
		destinations: make(map[rns.Addr]rns.DestType), localLinks: make(map[rns.Addr]*localLink),
		ownRatchets: make(map[rns.Addr]*ratchet),
		queueTimer:  never, round: never, tunnelRound: never, restoring: restoring{at: never},
		pathRequest: rns.PathRequestDest(), tunnelSynthesis: rns.TunnelSynthesisDest(),
	}
	if cfg.Params != nil {
		m.p = *cfg.Params
	}
	if m.rand == nil {
		m.rand = rand.Reader
	}
	m.requests.timer = never
	return m
}

// begin starts a call that returns effects.
func (m *Machine) begin(now time.Time) (*Effects, tick) {
	m.fx.reset()
	m.fx.Dirty, m.unsaved = m.unsaved, 0
	m.arena = m.arena[:0]
	return &m.fx, m.clock.at(now)
}

// scratch returns n bytes that live as long as the effects.
func (m *Machine) scratch(n int) []byte {
	if cap(m.arena)-len(m.arena) < n {
		m.arena = make([]byte, 0, max(n, 4096))
	}
	at := len(m.arena)
	m.arena = m.arena[:at+n]
	return m.arena[at : at+n : at+n]
}

// random returns a number of [0, 1).
func (m *Machine) random() float64 {
	var b [8]byte
	if _, err := io.ReadFull(m.rand, b[:]); err != nil {
		return 0.5 // only the spreading of repeats depends on it
	}
	return float64(binary.BigEndian.Uint64(b[:])>>11) / (1 << 53)
}

func (m *Machine) event(e Event) { m.fx.Events = append(m.fx.Events, e) }

// pace says whether intervals between rounds are kept.
type pace uint8

const (
	paced pace = iota
	unpaced
)

// Expire does what is due. Call it when Deadline has passed; calling it earlier does no harm.
func (m *Machine) Expire(now time.Time) *Effects {
	fx, t := m.begin(now)
	m.expire(t, paced)
	return fx
}

// Maintain does all housekeeping now, ignoring the intervals between rounds. What is not due by itself, such as an
// announce that waits for its time, stays.
func (m *Machine) Maintain(now time.Time) *Effects {
	fx, t := m.begin(now)
	m.expire(t, unpaced)
	return fx
}

func (m *Machine) expire(now tick, p pace) {
	m.expireLinks(now)
	m.expireReverse(now)
	m.expirePaths(now, p)
	m.expireRequests(now)
	m.expireReceipts(now)
	m.expireTunnels(now, p)
	m.expireKnown(now, p)
	m.expireRates(now)
	m.expireBlackholes(now)
	if now >= m.round || p == unpaced {
		m.interfaceRound(now)
	}
	if p == unpaced || now >= m.announceDeadline() {
		m.rebroadcast(now)
	}
	m.serveQueues(now)
}

// Deadline is when Expire should be called next. The zero time means never: nothing is due.
func (m *Machine) Deadline() time.Time {
	t := min(m.links.deadline(), m.reverseDeadline(), m.pathsDeadline(), m.requests.deadline(), m.receipts.deadline())
	t = min(t, m.tunnelsDeadline(), m.known.deadline(), m.rates.deadline(), m.blackholed.deadline())
	t = min(t, m.round, m.announceDeadline(), m.queueTimer)
	if t == never {
		return time.Time{}
	}
	return m.clock.deadline(t)
}

// RegisterDestination makes a destination of this node receive packets. spec: rns-core §5.3
func (m *Machine) RegisterDestination(dest rns.Addr, kind rns.DestType) error {
	if _, ok := m.destinations[dest]; ok {
		return ErrRegistered
	}
	m.destinations[dest] = kind
	return nil
}

// DeregisterDestination ends delivery at once.
func (m *Machine) DeregisterDestination(dest rns.Addr) {
	delete(m.destinations, dest)
	delete(m.ownRatchets, dest)
}

// local tells whether a destination is registered in this node.
func (m *Machine) local(dest rns.Addr) bool {
	_, ok := m.destinations[dest]
	return ok
}

// SeenPacket tells whether a packet hash is remembered.
func (m *Machine) SeenPacket(h rns.Hash) bool { return m.seen.has(h) }

// ForgetPacket removes a packet hash, so that another copy is accepted.
func (m *Machine) ForgetPacket(h rns.Hash) { m.seen.forget(h) }

// SeedPacketHash records a packet hash, as loading from disk does.
func (m *Machine) SeedPacketHash(h rns.Hash) { m.record(h) }

// SignalOf returns the reception quality of a packet, of the newest measured.
func (m *Machine) SignalOf(h rns.Hash) (Signal, bool) {
	if s := m.signals.get(h); s != nil {
		return *s, true
	}
	return Signal{}, false
}

func (m *Machine) recordSignal(h rns.Hash, s Signal) {
	if !s.measured() || h.IsZero() || m.p.MaxSignals <= 0 {
		return
	}
	if m.signals.get(h) == nil && m.signals.len() >= m.p.MaxSignals {
		oldest, _, _ := m.signals.first()
		m.signals.delete(oldest)
	}
	*m.signals.put(h) = s
}
