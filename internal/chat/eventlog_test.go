package chat

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What is derived from the stored log is what the events said.
func TestEventsSurviveStorage(t *testing.T) {
	logs := [][]Event{
		{{Kind: EventStampStart, Bits: 16}, {Kind: EventStampProgress, Percent: 40, ETA: 2 * time.Second}},
		{{Kind: EventPathRequest, Try: 3}},
		{{Kind: EventPathRequest, Try: 1}, {Kind: EventPathFound, Hops: 0, Interface: "Hub"}},
		{{Kind: EventLinkRequest, Hops: 2}, {Kind: EventLinkUp, RTT: 90 * time.Millisecond}},
		{{Kind: EventProgress, Part: 7, Parts: 9, Rate: 512, ETA: time.Second, Bytes: 4000}},
		{{Kind: EventProgress, Percent: 33, Rate: 512}},
		{{Kind: EventSent}, {Kind: EventDelivered, RTT: 1800 * time.Millisecond}},
		{{Kind: EventAttemptFailed, Code: CodeLinkTimeout}, {Kind: EventRetryAt, RetryAt: at(5000)}},
		{{Kind: EventRejected, Code: CodeTooLargeDirect, Limit: 1_000_000}},
		{{Kind: EventPropagated, Via: "Oslo PN"}},
	}
	for _, log := range logs {
		stored := make([]Event, len(log))
		for i := range log {
			log[i].At, log[i].Attempt = at(i), 2
			stored[i] = eventOf(log[i].record())
		}
		if d := cmp.Diff(Derive(log), Derive(stored)); d != "" {
			t.Errorf("%s: %s", log[len(log)-1].Kind, d)
		}
	}
}
