package demo

import (
	"time"

	"meshchatx/internal/chat"
)

// states is a conversation with one message in each of the thirteen states. They do not move.
func (w *writer) states() *thread {
	t := w.thread("states")
	t.ago(46 * time.Minute)
	t.in("Each message below stands in one of the thirteen states a message can be in.",
		"They are exhibits: those on their way never arrive. Retry and the menus work as everywhere.")
	show := func(text string, ago time.Duration, f fate) {
		t.ago(ago)
		t.out(text).as(f)
	}
	late := func(ago time.Duration, e chat.Event) fate {
		return frozen(func(at time.Time) []chat.Event {
			s := begin(at).linked(t.peer, 1)
			s.at = t.now.Add(-ago)
			return s.then(0, e).all
		})
	}
	show("Delivered: the recipient's proof is here", 44*time.Minute, t.delivered())
	show("In a propagation node: waiting there for the recipient", 41*time.Minute, propagated("Oslo PN"))
	show("Cancelled by me", 38*time.Minute, t.cancelled())
	show("Refused: too large for the recipient", 35*time.Minute, t.refused(chat.CodeTooLargeDirect, 1_000_000))
	show("Failed: every attempt was made", 32*time.Minute, failed(chat.CodeLinkTimeout, ""))
	show("Goes when they are next heard", 28*time.Minute, late(28*time.Minute, chat.Event{Kind: chat.EventWaitingHeard}))
	show("Will be tried again", 20*time.Minute, late(8*time.Minute, chat.Event{
		Kind: chat.EventRetryAt, Attempt: 2, Code: chat.CodeNoPath, RetryAt: t.now.Add(22 * time.Minute),
	}))
	show("Sent, no confirmation yet", 6*time.Minute, late(2*time.Minute, chat.Event{Kind: chat.EventProofWait}))
	show("Being sent", 5*time.Minute, late(time.Second, chat.Event{
		Kind: chat.EventProgress, Percent: 42, Rate: 1100, Bytes: 39_000, ETA: 50 * time.Second,
	}))
	show("Connecting", 4*time.Minute, late(5*time.Second, chat.Event{Kind: chat.EventLinkRequest, Hops: t.peer.Hops, Interface: ifaceHub}))
	show("Looking for a path", 3*time.Minute, late(14*time.Second, chat.Event{Kind: chat.EventPathRequest, Try: 2}))
	show("Working out a stamp", 2*time.Minute, frozen(func(at time.Time) []chat.Event {
		return begin(at).then(time.Second, chat.Event{Kind: chat.EventStampStart, Bits: stampCost}).
			then(0, chat.Event{Kind: chat.EventStampProgress, Percent: 40, ETA: 9 * time.Second}).all
	}))
	show("Waiting to be sent", time.Minute, frozen(func(at time.Time) []chat.Event { return begin(at).all }))
	return t
}

// reasons is a conversation with one message for each reason of failure.
func (w *writer) reasons() *thread {
	t := w.thread("reasons")
	t.ago(3*day + 4*time.Hour)
	t.in("And here is one message for each reason why a message can fail.")
	for _, c := range []struct {
		text   string
		code   chat.Code
		detail string
	}{
		{"There was no interface", chat.CodeNoInterface, ""},
		{"Their keys were not known", chat.CodeNoIdentity, "no announce heard"},
		{"There was no path", chat.CodeNoPath, ""},
		{"The path led nowhere", chat.CodePathStale, ""},
		{"No link came up", chat.CodeLinkTimeout, "establishment timeout"},
		{"The link broke", chat.CodeLinkClosed, "closed by the other side"},
		{"The transfer stood still", chat.CodeTransferStalled, "part 14 of 61"},
		{"No confirmation came", chat.CodeProofTimeout, ""},
		{"They ask for more work than is allowed", chat.CodeStampRequired, "the recipient asks for more work than is allowed"},
		{"The radio's share of airtime was used up", chat.CodeDutyCycle, ""},
		{"The disk was full", chat.CodeStorageFull, ""},
		{"Nobody knows why", chat.CodeUnknown, "unexpected end"},
	} {
		t.out(c.text).as(failed(c.code, c.detail))
		t.cursor = t.cursor.Add(11 * time.Minute)
	}
	for _, c := range []struct {
		text  string
		code  chat.Code
		limit int64
	}{
		{"Too large for a propagation node", chat.CodeTooLargePropagation, 256_000},
		{"No propagation node is set", chat.CodePropagationNone, 0},
		{"No path to the propagation node", chat.CodePropagationNoPath, 0},
		{"The propagation node refused", chat.CodePropagationRefused, 0},
		{"The propagation node was busy", chat.CodePropagationThrottled, 0},
		{"I have blocked them", chat.CodeBlockedByMe, 0},
	} {
		t.out(c.text).as(permanent(c.code, c.limit))
		t.cursor = t.cursor.Add(7 * time.Minute)
	}
	t.out("Too large for them").as(t.refused(chat.CodeTooLargeDirect, 1_000_000))
	t.out("They did not accept the stamp").as(t.refused(chat.CodeStampRefused, 0))
	return t
}
