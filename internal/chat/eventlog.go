package chat

import (
	"time"

	"meshchatx/internal/store"
)

// record maps an event to its row. Figures that only some kinds have share columns: the number of a path request and
// the bits of a stamp stand in part and parts, a limit in bytes, the name of a propagation node in interface.
func (e Event) record() store.MessageEvent {
	r := store.MessageEvent{
		At: e.At, Kind: string(e.Kind), Attempt: e.Attempt, Code: string(e.Code), Interface: e.Interface,
		Part: e.Part, Parts: e.Parts, Bytes: e.Bytes, Rate: e.Rate * 8, RTT: e.RTT, Due: e.RetryAt,
	}
	if e.Kind == EventPathFound || e.Kind == EventLinkRequest && e.Hops > 0 {
		hops := e.Hops
		r.Hops = &hops
	}
	switch e.Kind {
	case EventPathRequest:
		r.Part = e.Try
	case EventStampStart:
		r.Parts = e.Bits
	case EventStampProgress:
		r.Part, r.Parts = e.Percent, 100
		r.RTT = e.ETA
	case EventProgress:
		if e.Parts == 0 {
			r.Part, r.Parts = e.Percent, 100
		}
		r.RTT = e.ETA
	case EventRejected, EventFailed:
		r.Bytes = e.Limit
	case EventPropagated, EventFallback:
		r.Interface = e.Via
	}
	return r
}

// Record is the row an event is stored as, for programs that write a history of
// messages that were never sent.
func (e Event) Record() store.MessageEvent { return e.record() }

// eventOf is the inverse of record.
func eventOf(r store.MessageEvent) Event {
	e := Event{
		Seq: int64(r.N), At: r.At, Kind: EventKind(r.Kind), Attempt: r.Attempt, Code: ParseCode(r.Code), Interface: r.Interface,
		Part: r.Part, Parts: r.Parts, Bytes: r.Bytes, Rate: r.Rate / 8, RTT: r.RTT, RetryAt: r.Due, Hops: -1,
	}
	if r.Hops != nil {
		e.Hops = *r.Hops
	}
	switch e.Kind {
	case EventPathRequest:
		e.Try, e.Part = r.Part, 0
	case EventStampStart:
		e.Bits, e.Parts = r.Parts, 0
	case EventStampProgress, EventProgress:
		e.ETA, e.RTT = r.RTT, 0
		e.Percent = percent(e)
	case EventRejected, EventFailed:
		e.Limit, e.Bytes = r.Bytes, 0
	case EventPropagated, EventFallback:
		e.Via, e.Interface = r.Interface, ""
	}
	return e
}

func eventsOf(rows []store.MessageEvent) []Event {
	out := make([]Event, len(rows))
	for i, r := range rows {
		out[i] = eventOf(r)
	}
	return out
}

// status is the coarse state an event leaves a message in, and whether it changes it.
func (e Event) status() (store.Status, bool) {
	switch e.Kind {
	case EventDelivered:
		return store.StatusDelivered, true
	case EventPropagated:
		return store.StatusPropagated, true
	case EventPaper:
		return store.StatusPaper, true
	case EventFailed:
		return store.StatusFailed, true
	case EventRejected:
		return store.StatusRejected, true
	case EventCancelled:
		return store.StatusCancelled, true
	case EventRetried, EventAttemptFailed, EventRetryAt, EventWaitingHeard:
		return store.StatusPending, true
	}
	return 0, false
}

// progress reports whether an event only moves a figure of the state before it, so that its row replaces the last one
// and writing it can wait.
func (e Event) progress() bool { return e.Kind == EventProgress || e.Kind == EventStampProgress }

// progressPause is the least time between two stored progress events of a message.
const progressPause = 400 * time.Millisecond
