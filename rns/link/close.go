package link

import (
	"time"

	"meshchatx/rns"
)

// farewell says whether the peer is told that the link ends.
type farewell uint8

const (
	sayNothing farewell = iota
	sayClose
)

// Close ends the link: the peer is told unless the link was still pending, everything unfinished fails, keys are erased.
// Closing twice does nothing. spec: rns-link §3.3
func (l *Link) Close(now time.Time) *Effects {
	fx := l.begin()
	l.endOurs(now, nil)
	return fx
}

// endOurs ends the link from this side.
func (l *Link) endOurs(now time.Time, cause error) {
	reason := ReasonInitiatorClosed
	if l.role == Responder {
		reason = ReasonDestinationClosed
	}
	l.end(now, reason, cause, sayClose)
}

// end closes the link for good. The order of events is: what was unfinished, then [Closed].
func (l *Link) end(now time.Time, reason CloseReason, cause error, say farewell) {
	if l.state == Dead {
		return
	}
	if say == sayClose && l.state != Pending && l.keys.token != nil {
		l.flushHeld(now)
		_ = l.emit(now, rns.ContextLinkClose, l.id[:]) // without randomness the peer finds out by silence
	}
	l.state, l.reason, l.cause = Dead, reason, cause
	l.early.held = nil
	for _, h := range l.receipts.order {
		if _, open := l.receipts.open[h]; open {
			l.fx.emit(ReceiptFailed{Hash: h, Err: ErrClosed})
		}
	}
	l.receipts = receipts{}
	l.endTransfers()
	// differs: the reference leaves the requests of a closed link pending. spec: rns-link §3.3
	l.endRequests()
	l.endChannel()
	l.keys.erase()
	l.fx.emit(Closed{Reason: reason, Cause: cause})
}
