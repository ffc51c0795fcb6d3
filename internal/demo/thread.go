package demo

import (
	"math/rand/v2"
	"time"

	"meshchatx/internal/chat"
	"meshchatx/internal/store"
	"meshchatx/rns"
)

// entry is an invented message.
type entry struct {
	peer    *Person
	out     bool
	at      time.Time
	title   string
	text    string
	files   []material
	replyTo *entry
	events  []chat.Event // of an own message
	status  store.Status
	method  store.Method
	signal  store.Signal
	unknown bool // its author could not be verified
	heard   bool // waits until its recipient is heard

	id rns.Hash // set when it is written
}

// thread is an invented conversation. Messages are added in the order of time.
type thread struct {
	peer    *Person
	now     time.Time
	chance  *rand.Rand
	cursor  time.Time
	entries []*entry

	unread                  int // of the newest incoming messages
	request                 bool
	archived, pinned, muted bool
	draft                   string
	draftFiles              []material
	draftReply              *entry
	draftChanged            time.Time
}

// ago puts the next message at a time before now.
func (t *thread) ago(d time.Duration) *thread {
	t.cursor = t.now.Add(-d)
	return t
}

func (t *thread) step() time.Time {
	at := t.cursor
	t.cursor = at.Add(time.Duration(18+t.chance.IntN(50)) * time.Second)
	return at
}

// in adds messages of the other side.
func (t *thread) in(texts ...string) *entry {
	var e *entry
	for _, text := range texts {
		hops := max(t.peer.Hops, 1)
		e = &entry{peer: t.peer, at: t.step(), text: text, method: store.MethodDirect, signal: store.Signal{Hops: &hops}}
		if t.peer.Via == ifaceRadio {
			rssi, snr := -118+float64(t.chance.IntN(40)), -6+float64(t.chance.IntN(28))/2
			e.signal.RSSI, e.signal.SNR = &rssi, &snr
		}
		t.entries = append(t.entries, e)
	}
	return e
}

// out adds own messages, delivered.
func (t *thread) out(texts ...string) *entry {
	var e *entry
	for _, text := range texts {
		e = &entry{peer: t.peer, out: true, at: t.step(), text: text, method: store.MethodDirect}
		e.as(t.delivered())
		t.entries = append(t.entries, e)
	}
	return e
}

func (e *entry) with(files ...material) *entry {
	e.files = append(e.files, files...)
	return e
}

func (e *entry) re(to *entry) *entry {
	e.replyTo = to
	return e
}

// as gives an own message another fate.
func (e *entry) as(f fate) *entry {
	e.status, e.events = f.status, f.log(e.at)
	if f.method != 0 {
		e.method = f.method
	}
	return e
}

// fate is what became of an own message.
type fate struct {
	status store.Status
	method store.Method
	log    func(at time.Time) []chat.Event
}

// steps builds a log: every event comes a moment after the one before.
type steps struct {
	at  time.Time
	all []chat.Event
}

func begin(at time.Time) *steps {
	return &steps{at: at, all: []chat.Event{{At: at, Kind: chat.EventQueued, Hops: -1}}}
}

func (s *steps) then(after time.Duration, e chat.Event) *steps {
	s.at = s.at.Add(after)
	e.At = s.at
	if e.Attempt == 0 {
		e.Attempt = 1
	}
	if e.Hops == 0 {
		e.Hops = -1
	}
	s.all = append(s.all, e)
	return s
}

// linked is the usual way to an open link.
func (s *steps) linked(p *Person, attempt int) *steps {
	rtt := time.Duration(90+60*p.Hops) * time.Millisecond
	if p.Via == ifaceRadio {
		rtt = 1700 * time.Millisecond
	}
	return s.then(20*time.Millisecond, chat.Event{Kind: chat.EventLinkRequest, Attempt: attempt, Hops: p.Hops, Interface: p.Via}).
		then(rtt, chat.Event{Kind: chat.EventLinkUp, Attempt: attempt, RTT: rtt})
}

func (t *thread) delivered() fate {
	took := time.Duration(300+t.chance.IntN(2600)) * time.Millisecond
	return fate{status: store.StatusDelivered, log: func(at time.Time) []chat.Event {
		return begin(at).linked(t.peer, 1).
			then(15*time.Millisecond, chat.Event{Kind: chat.EventProofWait}).
			then(took, chat.Event{Kind: chat.EventDelivered, RTT: took}).all
	}}
}

func propagated(via string) fate {
	return fate{status: store.StatusPropagated, method: store.MethodPropagated, log: func(at time.Time) []chat.Event {
		return begin(at).
			then(30*time.Millisecond, chat.Event{Kind: chat.EventLinkRequest, Hops: 2, Interface: ifaceHub}).
			then(210*time.Millisecond, chat.Event{Kind: chat.EventLinkUp, RTT: 210 * time.Millisecond}).
			then(400*time.Millisecond, chat.Event{Kind: chat.EventProgress, Percent: 100}).
			then(300*time.Millisecond, chat.Event{Kind: chat.EventPropagated, Via: via}).all
	}}
}

const attempts = 5

// failed is a message that was tried five times.
func failed(code chat.Code, detail string) fate {
	return fate{status: store.StatusFailed, log: func(at time.Time) []chat.Event {
		s := begin(at)
		for n := 1; n <= attempts; n++ {
			s.then(200*time.Millisecond, chat.Event{Kind: chat.EventPathRequest, Attempt: n, Try: 1}).
				then(7*time.Second, chat.Event{Kind: chat.EventAttemptFailed, Attempt: n, Code: code, Detail: detail})
			if n < attempts {
				s.then(0, chat.Event{Kind: chat.EventRetryAt, Attempt: n, Code: code, RetryAt: s.at.Add(10 * time.Second)})
				s.at = s.at.Add(10 * time.Second)
			}
		}
		return s.then(0, chat.Event{Kind: chat.EventFailed, Attempt: attempts, Code: code, Detail: detail}).all
	}}
}

// permanent is a message that failed at once, for good.
func permanent(code chat.Code, limit int64) fate {
	return fate{status: store.StatusFailed, log: func(at time.Time) []chat.Event {
		return begin(at).then(50*time.Millisecond, chat.Event{Kind: chat.EventFailed, Code: code, Limit: limit}).all
	}}
}

func (t *thread) refused(code chat.Code, limit int64) fate {
	return fate{status: store.StatusRejected, log: func(at time.Time) []chat.Event {
		return begin(at).linked(t.peer, 1).then(300*time.Millisecond, chat.Event{Kind: chat.EventRejected, Code: code, Limit: limit}).all
	}}
}

func (t *thread) cancelled() fate {
	return fate{status: store.StatusCancelled, log: func(at time.Time) []chat.Event {
		return begin(at).linked(t.peer, 1).then(4*time.Second, chat.Event{Kind: chat.EventProgress, Percent: 31, Rate: 900}).
			then(2*time.Second, chat.Event{Kind: chat.EventCancelled}).all
	}}
}

// pending is a message that the router takes up when the program starts.
func pending() fate {
	return fate{status: store.StatusPending, log: func(at time.Time) []chat.Event { return begin(at).all }}
}

// frozen is a message that stays in a state forever: its row is not in the outbox, so that no router takes it up.
func frozen(log func(at time.Time) []chat.Event) fate {
	return fate{status: store.StatusReceived, log: log}
}
