package router

import (
	"io"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
)

// machine decides what happens to outbound messages. It has no goroutines, clock or I/O: inputs come with the time, and what
// is to be done leaves as effects. One goroutine owns it.
type machine struct {
	p    Params
	ways ways
	rand io.Reader

	online   bool
	seq      uint64 // of submissions, gives the order of sending
	tries    uint64 // numbers transmissions
	refs     linkRef
	messages map[rns.Hash]*delivery
	peers    map[rns.Addr]*peer
	channels map[linkRef]*channel
	late     map[rns.Hash]*lateProof
	timers   timers

	opening  int
	dialLine []*peer // wait for MaxDialing
	nextAsk  time.Time
	pacing   pacing

	stampLine []*delivery // wait for their stamp, in order of submission
	stamping  *delivery

	nodes    nodeBook
	sync     syncing
	troubles map[rns.Addr]*trouble

	costs   costBook
	tickets ticketBook
	fx      effects
}

// ways tells what is known of the way to a destination. It only reads.
type ways interface {
	way(dest rns.Addr) way
	// info is what the last announce of a propagation node said.
	info(dest rns.Addr) (NodeRecord, bool)
}

// way is the way to a destination.
type way struct {
	known   bool // keys are known
	ratchet bool // and a ratchet
	path    bool
	local   bool // a destination of this node, reached without any interface
	hops    int  // 1 for a direct neighbour, 0 unknown or local
	iface   string
	// on is the interface of the path, bitrate its speed in bit/s, 0 if unknown, and backlog how long what waits for it takes.
	on      uint32
	bitrate int64
	backlog time.Duration
}

// linkRef names a link between the machine and its shell.
type linkRef uint64

// effects are what the machine wants done, in order.
type effects struct {
	events  []Event
	notices []Notice
	actions []action
}

// action is one thing to be done.
type action interface{ isAction() }

type (
	askPath  struct{ dest rns.Addr }
	dropPath struct{ dest rns.Addr }
	// sendPacket sends an opportunistic packet.
	sendPacket struct {
		id   rns.Hash
		dest rns.Addr
		try  uint64
		data []byte
	}
	dialLink struct {
		ref  linkRef
		dest rns.Addr
		to   linkTo
	}
	// linkPacket and linkResource send over a link.
	linkPacket struct {
		ref  linkRef
		way  lxmf.Method // direct or propagated
		id   rns.Hash
		try  uint64
		data []byte
	}
	linkResource struct {
		ref  linkRef
		way  lxmf.Method
		id   rns.Hash
		try  uint64
		data []byte
	}
	cancelTransfer struct{ try uint64 }
	closeLink      struct{ ref linkRef }
	identify       struct{ ref linkRef }
	// searchStamp looks for a stamp for some material, and checks the one there is first.
	searchStamp struct {
		id       rns.Hash
		work     workKind
		material rns.Hash
		rounds   int
		cost     int
		carried  []byte
	}
	// sealMessage encrypts a message to its recipient.
	sealMessage struct {
		id     rns.Hash
		dest   rns.Addr
		packed []byte
	}
	noteSealed struct{ sealed Sealed }
	dropSealed struct{ message rns.Hash }
	noteNode   struct{ record NodeRecord }
	// askNode sends a request to the propagation node, sortIDs looks which of the listed messages are known, takeIn stores
	// what came. Their answers carry n.
	askNode struct {
		ref   linkRef
		n     uint64
		get   lxmf.Get
		limit int64
	}
	// beginSync starts a fetch with what the configuration says now.
	beginSync struct{}
	sortIDs   struct {
		n   uint64
		ids []rns.Hash
	}
	takeIn struct {
		n      uint64
		sealed [][]byte
	}
	stopStamp struct{ id rns.Hash }
	// noteDelivery persists that a ticket reached a peer.
	noteDelivery struct {
		peer rns.Addr
		at   time.Time
	}
	noteCost struct{ cost StampCost }
	// releaseProof sends the proof of an incoming packet.
	releaseProof struct{ prove func() error }
)

func (askPath) isAction()        {}
func (dropPath) isAction()       {}
func (sendPacket) isAction()     {}
func (dialLink) isAction()       {}
func (linkPacket) isAction()     {}
func (linkResource) isAction()   {}
func (cancelTransfer) isAction() {}
func (closeLink) isAction()      {}
func (identify) isAction()       {}
func (searchStamp) isAction()    {}
func (sealMessage) isAction()    {}
func (noteSealed) isAction()     {}
func (dropSealed) isAction()     {}
func (noteNode) isAction()       {}
func (askNode) isAction()        {}
func (sortIDs) isAction()        {}
func (beginSync) isAction()      {}
func (takeIn) isAction()         {}
func (stopStamp) isAction()      {}
func (noteDelivery) isAction()   {}
func (noteCost) isAction()       {}
func (releaseProof) isAction()   {}

func newMachine(p Params, w ways, rand io.Reader) *machine {
	m := &machine{
		p: p, ways: w, rand: rand, messages: make(map[rns.Hash]*delivery), peers: make(map[rns.Addr]*peer),
		channels: make(map[linkRef]*channel), late: make(map[rns.Hash]*lateProof),
		costs: costBook{limit: p.MaxStampCosts, of: make(map[rns.Addr]StampCost)}, tickets: newTicketBook(),
		nodes: newNodeBook(), troubles: make(map[rns.Addr]*trouble),
	}
	m.nodes.timer.look, m.sync.every.sync = true, true
	return m
}

func (m *machine) do(a action) { m.fx.actions = append(m.fx.actions, a) }

// take returns the effects since the last call.
func (m *machine) take() effects {
	fx := m.fx
	m.fx = effects{}
	clear(m.pacing.handed)
	return fx
}

// deadline is when expire must be called next, zero for never.
func (m *machine) deadline() time.Time { return m.timers.next() }

// expire does what is due.
func (m *machine) expire(now time.Time) {
	for t := m.timers.due(now); t != nil; t = m.timers.due(now) {
		switch {
		case t.message != nil:
			m.messageDue(now, t.message)
		case t.peer != nil:
			m.peerDue(now, t.peer)
		case t.channel != nil:
			m.channelIdle(now, t.channel)
		case t.late != nil:
			delete(m.late, t.late.id)
		case t.proof != nil:
			m.do(releaseProof{prove: t.proof})
		case t.look:
			m.look(now)
		case t.sync:
			m.syncDue(now)
		}
	}
}

// prove releases the proof of an incoming packet, not before due.
func (m *machine) prove(now, due time.Time, proof func() error) {
	if now.Before(due) {
		m.timers.set(&timer{proof: proof}, due)
		return
	}
	m.do(releaseProof{prove: proof})
}

// submit takes a message over.
func (m *machine) submit(now time.Time, o Outbound) {
	msg := o.Message
	if d, ok := m.messages[msg.Hash]; ok {
		m.retry(now, d)
		return
	}
	m.seq++
	d := &delivery{
		id: msg.Hash, msg: msg, seq: m.seq, want: o.Method, waitHeard: o.WaitHeard, fallback: o.Fallback, oversize: o.Oversize,
		attempts: min(max(o.Attempts, 0), m.p.MaxAttempts-1), peer: m.peer(msg.Destination),
	}
	d.timer.message = d
	d.peer.count++
	m.messages[d.id] = d
	m.forgetLate(d.id)
	m.tell(now, d, Event{Kind: KindQueued})
	if d.waitHeard {
		m.awaitHeard(now, d, "")
		return
	}
	m.begin(now, d)
}

// cancel stops a message.
func (m *machine) cancel(now time.Time, id rns.Hash) {
	if d, ok := m.messages[id]; ok {
		m.finish(now, d, Event{Kind: KindCancelled, Code: CodeCancelled})
	}
}

// retryNow begins the attempts of a message anew.
func (m *machine) retryNow(now time.Time, id rns.Hash) {
	if d, ok := m.messages[id]; ok {
		d.waitHeard = false
		m.retry(now, d)
	}
}

// retry makes a queued message due at once, its attempts counted anew. What is under way goes on.
func (m *machine) retry(now time.Time, d *delivery) {
	d.attempts = 0
	switch d.stage {
	case StageStamp, StageSending:
		return
	case StageHeard:
		if d.waitHeard {
			return
		}
		m.tell(now, d, Event{Kind: KindRetried})
		m.begin(now, d)
		return
	}
	m.tell(now, d, Event{Kind: KindRetried})
	m.calm(d.hop())
	d.hop().notBefore = now
	if d.up.lack != nil {
		m.begin(now, d)
		return
	}
	if d.loose {
		m.sendLoose(now, d)
		return
	}
	m.advance(now, d.hop())
}

// cutOff tells that nothing can reach a recipient now: no interface is up, and it is not on this node.
func (m *machine) cutOff(w way) bool { return !m.online && !w.local }

// setOnline tells whether any interface is up.
func (m *machine) setOnline(now time.Time, online bool) {
	if m.online == online {
		return
	}
	m.online = online
	if !online {
		return
	}
	for _, p := range m.peers {
		p.notBefore = now
		for _, d := range p.looseList() {
			if d.stage == StageRetry && d.offline {
				m.sendLoose(now, d)
			}
		}
		for _, d := range inOrder(p.keyless) {
			if d.offline {
				m.begin(now, d)
			}
		}
		m.advance(now, p)
	}
}

// heard takes an announce of a delivery destination. spec: lxmf §8.1
func (m *machine) heard(now time.Time, h heard) {
	rose := m.costs.learn(StampCost{Destination: h.dest, Cost: h.cost, At: now})
	if rose != costSame {
		m.do(noteCost{cost: StampCost{Destination: h.dest, Cost: h.cost, At: now}})
	}
	p, ok := m.peers[h.dest]
	if !ok {
		return
	}
	found := Event{Kind: KindPathFound, Hops: h.hops, Interface: h.iface}
	for _, d := range p.all() {
		if d.stage == StagePath {
			m.tell(now, d, found)
		}
	}
	p.asking, p.needed = false, false
	m.calm(p)
	pause := m.p.RetryPause
	if p.declined {
		pause = m.p.RetryWait
	}
	if at := later(now, p.lastDial.Add(pause)); at.Before(p.notBefore) {
		p.notBefore = at
	}
	if rose == costRose {
		m.restamp(now, p)
	}
	for _, d := range p.waitingHeard() {
		m.begin(now, d)
	}
	for _, d := range inOrder(p.keyless) {
		m.begin(now, d)
	}
	for _, d := range p.looseList() {
		if d.stage == StagePath || d.stage == StageRetry {
			m.sendLoose(now, d)
		}
	}
	m.advance(now, p)
}

// heard is an announce of a delivery destination.
type heard struct {
	dest  rns.Addr
	cost  int
	hops  int
	iface string
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
