package chat

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func at(ms int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(ms)) }

func TestDerive(t *testing.T) {
	queued := Event{At: at(0), Kind: EventQueued}
	fail := Event{At: at(900), Kind: EventFailed, Code: CodeNoPath, Attempt: 5}
	tests := []struct {
		name   string
		events []Event
		want   Delivery
	}{
		{"nothing yet", nil, Delivery{State: StateWaiting, Hops: -1}},
		{"1 waiting", []Event{queued}, Delivery{State: StateWaiting, Since: at(0), Hops: -1}},
		{"2 stamp", []Event{queued, {At: at(1), Kind: EventStampStart, Bits: 8, Attempt: 1}, {At: at(2), Kind: EventStampProgress, Percent: 40, ETA: time.Second, Attempt: 1}},
			Delivery{State: StateStamp, Since: at(1), Hops: -1, Bits: 8, Percent: 40, ETA: time.Second, Attempt: 1}},
		{"after the stamp", []Event{queued, {At: at(1), Kind: EventStampStart, Bits: 8}, {At: at(2), Kind: EventStampDone}},
			Delivery{State: StateWaiting, Since: at(2), Hops: -1}},
		{"3 path, each request counts anew", []Event{queued, {At: at(5), Kind: EventPathRequest, Try: 1}, {At: at(7005), Kind: EventPathRequest, Try: 2}},
			Delivery{State: StatePath, Since: at(7005), Hops: -1, Try: 2}},
		{"4 connecting", []Event{queued, {At: at(5), Kind: EventPathRequest, Try: 1}, {At: at(9), Kind: EventPathFound, Hops: 3, Interface: "Hub A"}, {At: at(10), Kind: EventLinkRequest}},
			Delivery{State: StateConnecting, Since: at(9), Hops: 3, Interface: "Hub A"}},
		{"a path found without asking changes no state", []Event{queued, {At: at(9), Kind: EventPathFound, Hops: 0, Interface: "Hub A"}},
			Delivery{State: StateWaiting, Since: at(0), Hops: 0, Interface: "Hub A"}},
		{"5 sending", []Event{queued, {At: at(10), Kind: EventProgress, Part: 21, Parts: 50, Rate: 1100, ETA: 50 * time.Second}},
			Delivery{State: StateSending, Since: at(10), Hops: -1, Percent: 42, Rate: 1100, ETA: 50 * time.Second}},
		{"5 sending, slow", []Event{queued, {At: at(10), Kind: EventProgress, Percent: 10, Rate: 1000}, {At: at(20), Kind: EventProgress, Percent: 11, Rate: 400}},
			Delivery{State: StateSending, Since: at(10), Hops: -1, Percent: 11, Rate: 400, Slow: true}},
		{"6 sent", []Event{queued, {At: at(10), Kind: EventProgress, Percent: 100}, {At: at(20), Kind: EventProofWait}},
			Delivery{State: StateSent, Since: at(20), Hops: -1}},
		{"7 propagated stays", []Event{queued, {At: at(10), Kind: EventPropagated, Via: "Oslo PN"}, {At: at(11), Kind: EventSent}},
			Delivery{State: StatePropagated, Since: at(10), Hops: -1, Via: "Oslo PN"}},
		{"8 delivered, time measured", []Event{queued, {At: at(20), Kind: EventSent}, {At: at(1820), Kind: EventDelivered}},
			Delivery{State: StateDelivered, Since: at(1820), Hops: -1, Took: 1800 * time.Millisecond}},
		{"8 delivered, time told", []Event{queued, {At: at(20), Kind: EventSent}, {At: at(1820), Kind: EventDelivered, RTT: 700 * time.Millisecond}},
			Delivery{State: StateDelivered, Since: at(1820), Hops: -1, Took: 700 * time.Millisecond}},
		{"9 retry planned keeps the reason", []Event{queued, {At: at(20), Kind: EventAttemptFailed, Code: CodeLinkTimeout, Attempt: 1}, {At: at(21), Kind: EventRetryAt, RetryAt: at(10_000)}},
			Delivery{State: StateRetryWait, Since: at(20), Hops: -1, Code: CodeLinkTimeout, RetryAt: at(10_000), Attempt: 1}},
		{"10 waits until heard", []Event{queued, {At: at(20), Kind: EventWaitingHeard}},
			Delivery{State: StateWaitHeard, Since: at(20), Hops: -1}},
		{"11 failed", []Event{queued, fail}, Delivery{State: StateFailed, Since: at(900), Hops: -1, Code: CodeNoPath, Attempt: 5}},
		{"11 failed without a reason", []Event{queued, {At: at(3), Kind: EventFailed}}, Delivery{State: StateFailed, Since: at(3), Hops: -1, Code: CodeUnknown}},
		{"12 refused", []Event{queued, {At: at(3), Kind: EventRejected, Code: CodeTooLargeDirect, Limit: 1000}},
			Delivery{State: StateRefused, Since: at(3), Hops: -1, Code: CodeTooLargeDirect, Limit: 1000}},
		{"13 cancelled", []Event{queued, {At: at(3), Kind: EventCancelled}, {At: at(4), Kind: EventAttemptFailed, Code: CodeLinkClosed}},
			Delivery{State: StateCancelled, Since: at(3), Hops: -1}},
		{"late proof after failure", []Event{queued, fail, {At: at(1000), Kind: EventDelivered, RTT: time.Second}},
			Delivery{State: StateDelivered, Since: at(1000), Hops: -1, Took: time.Second, Attempt: 5}},
		{"nothing after delivery", []Event{queued, {At: at(5), Kind: EventDelivered, RTT: 1}, fail},
			Delivery{State: StateDelivered, Since: at(5), Hops: -1, Took: 1}},
		{"retry in place", []Event{queued, fail, {At: at(2000), Kind: EventRetried}},
			Delivery{State: StateWaiting, Since: at(2000), Hops: -1, Attempt: 5}},
		{"attempts of a retry count on", []Event{queued, fail, {At: at(2000), Kind: EventRetried}, {At: at(2001), Kind: EventPathRequest, Attempt: 1, Try: 1}},
			Delivery{State: StatePath, Since: at(2001), Hops: -1, Attempt: 6, Try: 1}},
		{"restart in the middle", []Event{queued, {At: at(10), Kind: EventProgress, Percent: 50, Attempt: 2}, {At: at(99), Kind: EventResumed}},
			Delivery{State: StateWaiting, Since: at(99), Hops: -1, Attempt: 2}},
		{"restart does not revive a final message", []Event{queued, fail, {At: at(2000), Kind: EventResumed}},
			Delivery{State: StateFailed, Since: at(900), Hops: -1, Code: CodeNoPath, Attempt: 5}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Derive(tt.events)
			got.Travelled = TravelUnknown // see TestTravelled
			if d := cmp.Diff(tt.want, got); d != "" {
				t.Fatal(d)
			}
		})
	}
}

// A permanent reason never offers Retry; every other failure does.
func TestRetryable(t *testing.T) {
	for code, permanent := range codes {
		d := Delivery{State: StateFailed, Code: code}
		if d.Retryable() == permanent {
			t.Errorf("%s: retryable %v, permanent %v", code, d.Retryable(), permanent)
		}
	}
	for _, s := range []State{StateWaiting, StateSending, StateSent, StateDelivered, StatePropagated} {
		if (Delivery{State: s}).Retryable() {
			t.Errorf("%s offers retry", s)
		}
	}
}

// Whatever the order of events, a delivered message stays delivered, and the
// figures stay within bounds.
func TestDeriveProperties(t *testing.T) {
	kinds := []EventKind{
		EventQueued, EventStampStart, EventStampProgress, EventStampDone, EventPathRequest, EventPathFound, EventLinkRequest,
		EventLinkUp, EventProgress, EventProofWait, EventSent, EventPropagated, EventDelivered, EventAttemptFailed, EventRetryAt,
		EventWaitingHeard, EventCancelled, EventRejected, EventFailed, EventRetried, EventResumed, "surprise",
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 40).Draw(t, "n")
		events := make([]Event, n)
		delivered := false
		for i := range events {
			events[i] = Event{
				At: at(i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Percent: rapid.IntRange(-5, 500).Draw(t, "percent"),
				Rate: rapid.Int64Range(0, 1<<40).Draw(t, "rate"), Attempt: rapid.IntRange(0, 9).Draw(t, "attempt"),
			}
			delivered = delivered || events[i].Kind == EventDelivered
		}
		d := Derive(events)
		if delivered != (d.State == StateDelivered) {
			t.Fatalf("delivered %v, state %s", delivered, d.State)
		}
		if d.State == StateSending && (d.Percent < 0 || d.Percent > 100) {
			t.Fatalf("percent %d", d.Percent)
		}
		if d.State.Final() && d.State != StatePropagated && d.Since.IsZero() {
			t.Fatal("no time of the final state")
		}
	})
}

func TestParseCode(t *testing.T) {
	for in, want := range map[string]Code{"": "", "no_path": CodeNoPath, "nonsense": CodeUnknown} {
		if got := ParseCode(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}

func TestTravelled(t *testing.T) {
	for want, kinds := range map[Travel][]EventKind{
		TravelUnknown:       {EventQueued, EventPathRequest, EventPathFound},
		TravelOpportunistic: {EventQueued, EventSent, EventDelivered},
		TravelDirect:        {EventQueued, EventLinkRequest, EventLinkUp, EventAttemptFailed, EventRetryAt},
		TravelPropagated:    {EventQueued, EventLinkRequest, EventPropagated},
	} {
		var events []Event
		for i, k := range kinds {
			events = append(events, Event{At: at(i), Kind: k})
		}
		if got := Derive(events).Travelled; got != want {
			t.Errorf("%v: %q", kinds, got)
		}
	}
}
