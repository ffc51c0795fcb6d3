package link

import "time"

// Deadline is when [Link.Expire] must be called, unless another call comes first. It is the zero time for a closed link.
func (l *Link) Deadline() time.Time {
	if l.state == Dead {
		return time.Time{}
	}
	return earliest(
		l.watchdogDeadline(),
		l.early.deadline(),
		l.receipts.deadline(),
		l.requests.deadline(),
		l.serving.deadline(l.params.RequestMemory),
		l.transfer.deadline(),
		l.channelDeadline(),
	)
}

// Expire does everything that is due at now. Calling it early does nothing, calling it late does all that was missed.
func (l *Link) Expire(now time.Time) *Effects {
	fx := l.begin()
	if l.state == Dead {
		return fx
	}
	l.releaseHeld(now)
	l.expireReceipts(now)
	l.expireRequests(now)
	l.serving.expire(now, l.params.RequestMemory)
	l.expireTransfers(now)
	l.expireChannel(now)
	l.watchdog(now)
	return fx
}
