package chat

import "time"

// EventKind says what happened to an outbound message.
type EventKind string

// Kinds of events, in the order a message usually sees them.
const (
	EventQueued        EventKind = "queued"
	EventStampStart    EventKind = "stamp_start"
	EventStampProgress EventKind = "stamp_progress"
	EventStampDone     EventKind = "stamp_done"
	EventPathRequest   EventKind = "path_request"
	EventPathFound     EventKind = "path_found"
	EventLinkRequest   EventKind = "link_request"
	EventLinkUp        EventKind = "link_up"
	EventProgress      EventKind = "progress"
	EventProofWait     EventKind = "proof_wait"
	EventSent          EventKind = "sent"
	EventFallback      EventKind = "fallback" // goes through a propagation node from now on
	EventPropagated    EventKind = "propagated"
	EventPaper         EventKind = "paper" // written on paper
	EventDelivered     EventKind = "delivered"
	EventAttemptFailed EventKind = "attempt_failed"
	EventRetryAt       EventKind = "retry_at"
	EventWaitingHeard  EventKind = "waiting_heard"
	EventCancelled     EventKind = "cancelled"
	EventRejected      EventKind = "rejected"
	EventFailed        EventKind = "failed"
	EventRetried       EventKind = "retried" // a person asked for another try
	EventResumed       EventKind = "resumed" // the program was started again
)

// Event is one line of a message's append-only log. Which figures are set
// depends on the kind; zero means not known. The zero value is not valid.
type Event struct {
	Seq       int64
	At        time.Time
	Kind      EventKind
	Attempt   int    // number of the attempt, from 1
	Code      Code   // attempt_failed, rejected, failed
	Detail    string // technical text, untranslated
	Try       int    // path_request: number of the request
	Hops      int    // path_found, link_request; -1 unknown
	Interface string
	Percent   int // stamp_progress, progress
	Part      int
	Parts     int
	Bytes     int64
	Rate      int64 // bytes per second
	ETA       time.Duration
	RTT       time.Duration // link_up, delivered
	RetryAt   time.Time
	Bits      int   // stamp_start
	Limit     int64 // rejected and failed with a size code: the peer's limit
	Via       string
	Stamp     []byte // stamp_done: kept with the message, not in the log
}

// State is one of the thirteen states a message is shown in.
type State string

// The thirteen states of messages that are sent, and the one of those on paper. spec of the texts: docs/ui.md
const (
	StateWaiting    State = "waiting"
	StateStamp      State = "stamp"
	StatePath       State = "path"
	StateConnecting State = "connecting"
	StateSending    State = "sending"
	StateSent       State = "sent"
	StatePropagated State = "propagated"
	StatePaper      State = "paper" // written on paper: whether it arrives is not known
	StateDelivered  State = "delivered"
	StateRetryWait  State = "retry_wait"
	StateWaitHeard  State = "wait_heard"
	StateFailed     State = "failed"
	StateRefused    State = "refused"
	StateCancelled  State = "cancelled"
)

// Final reports whether nothing more happens by itself.
func (s State) Final() bool {
	switch s {
	case StateDelivered, StatePropagated, StatePaper, StateFailed, StateRefused, StateCancelled:
		return true
	}
	return false
}

// severity orders unresolved states: the chat list shows the worst.
var severity = map[State]int{
	StateFailed: 10, StateRefused: 9, StateRetryWait: 8, StateWaitHeard: 7,
	StatePath: 6, StateConnecting: 5, StateStamp: 4, StateWaiting: 3, StateSending: 2, StateSent: 1,
}

// Worse reports whether s is more in need of attention than other. States that
// need none are never worse.
func (s State) Worse(other State) bool { return severity[s] > severity[other] }

// Delivery is what a message's events add up to: the state and the figures its
// sentence needs. The zero value is a message without events.
type Delivery struct {
	State     State
	Code      Code
	Since     time.Time // when the state was entered
	Attempt   int
	Try       int
	Hops      int // -1 unknown
	Interface string
	Percent   int
	Rate      int64 // bytes per second
	ETA       time.Duration
	Slow      bool
	RetryAt   time.Time
	Took      time.Duration
	Via       string
	Bits      int
	Limit     int64
	Travelled Travel
}

// Travel is how a message left, as its events tell.
type Travel string

// Ways a message leaves.
const (
	TravelUnknown       Travel = ""
	TravelOpportunistic Travel = "opportunistic"
	TravelDirect        Travel = "direct"
	TravelPropagated    Travel = "propagated"
)

// Retryable reports whether a person can start another attempt now.
func (d Delivery) Retryable() bool {
	switch d.State {
	case StateRetryWait, StateWaitHeard, StateCancelled:
		return true
	case StateFailed, StateRefused:
		return !d.Code.Permanent()
	}
	return false
}

// Derive folds a message's events, oldest first, into what is shown. It is the
// only place where the thirteen states are decided.
func Derive(events []Event) Delivery {
	f := folder{d: Delivery{State: StateWaiting, Hops: -1}}
	for _, e := range events {
		f.apply(e)
	}
	return f.d
}

type folder struct {
	d        Delivery
	lastOut  time.Time // when the last byte of the attempt left
	bestRate int64
	before   int // attempts made before the last retry of a finished message: the router counts anew
}

// apply takes one event. A proof of delivery beats everything: it may arrive
// after we gave up or were told to stop. After a final state only a person's
// retry, or that proof, counts.
func (f *folder) apply(e Event) {
	if f.d.State == StateDelivered || f.d.Since.IsZero() && e.At.IsZero() {
		return
	}
	if f.d.State.Final() && e.Kind != EventRetried && e.Kind != EventDelivered {
		return
	}
	if f.d.State.Final() && e.Kind == EventRetried {
		f.before = f.d.Attempt
	}
	if e.Attempt > 0 {
		f.d.Attempt = max(f.d.Attempt, f.before+e.Attempt)
	}
	f.learn(e)
	if next, ok := f.next(e); ok {
		f.enter(next, e)
	}
}

func (f *folder) learn(e Event) {
	switch e.Kind {
	case EventPathFound, EventLinkRequest:
		if e.Kind == EventPathFound || e.Hops > 0 {
			f.d.Hops = e.Hops
		}
		if e.Interface != "" {
			f.d.Interface = e.Interface
		}
	case EventProofWait, EventSent:
		f.lastOut = e.At
	}
	switch e.Kind {
	case EventLinkRequest, EventLinkUp, EventProgress, EventProofWait:
		f.d.Travelled = TravelDirect
	case EventSent:
		f.d.Travelled = TravelOpportunistic
	case EventPropagated:
		f.d.Travelled = TravelPropagated
	}
}

func (f *folder) next(e Event) (State, bool) {
	switch e.Kind {
	case EventQueued, EventStampDone, EventFallback, EventRetried, EventResumed:
		return StateWaiting, true
	case EventStampStart, EventStampProgress:
		return StateStamp, true
	case EventPathRequest:
		return StatePath, true
	case EventPathFound:
		// What follows a path is the connection; a lone packet leaves at once.
		return StateConnecting, f.d.State == StatePath
	case EventLinkRequest, EventLinkUp:
		return StateConnecting, true
	case EventProgress:
		return StateSending, true
	case EventProofWait, EventSent:
		return StateSent, true
	case EventPropagated:
		return StatePropagated, true
	case EventPaper:
		return StatePaper, true
	case EventDelivered:
		return StateDelivered, true
	case EventAttemptFailed, EventRetryAt:
		return StateRetryWait, true
	case EventWaitingHeard:
		return StateWaitHeard, true
	case EventCancelled:
		return StateCancelled, true
	case EventRejected:
		return StateRefused, true
	case EventFailed:
		return StateFailed, true
	}
	return "", false
}

// enter moves to a state and keeps only the figures that belong to it.
func (f *folder) enter(s State, e Event) {
	was := f.d
	d := Delivery{
		State: s, Since: was.Since, Attempt: was.Attempt, Hops: was.Hops, Interface: was.Interface, Via: e.Via, Travelled: was.Travelled,
	}
	if s != was.State || was.Since.IsZero() || e.Kind == EventRetried {
		d.Since = e.At
	}
	switch s {
	case StateStamp:
		d.Bits, d.Percent, d.ETA = max(e.Bits, was.Bits), e.Percent, e.ETA
	case StatePath:
		d.Try = max(e.Try, 1)
		d.Since = e.At
	case StateSending:
		f.bestRate = max(f.bestRate, e.Rate)
		d.Percent, d.Rate, d.ETA = percent(e), e.Rate, e.ETA
		d.Slow = e.Rate > 0 && e.Rate*2 < f.bestRate
	case StateRetryWait:
		d.Code, d.RetryAt = was.Code, e.RetryAt
		if e.Code != "" {
			d.Code = e.Code
		}
	case StateWaitHeard:
		d.Code = e.Code
	case StateRefused, StateFailed:
		d.Code, d.Limit = e.Code, e.Limit
		if d.Code == "" {
			d.Code = CodeUnknown
		}
	case StateDelivered:
		d.Took = e.RTT
		if d.Took == 0 && !f.lastOut.IsZero() {
			d.Took = e.At.Sub(f.lastOut)
		}
	}
	if s != StateSending {
		f.bestRate = 0
	}
	f.d = d
}

func percent(e Event) int {
	p := e.Percent
	if p == 0 && e.Parts > 0 {
		p = e.Part * 100 / e.Parts
	}
	return min(max(p, 0), 100)
}
