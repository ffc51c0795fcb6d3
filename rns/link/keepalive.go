package link

import (
	"time"

	"meshchatx/rns"
)

// Payloads of keepalive packets. spec: rns-link §3.1
const (
	keepaliveAsk    = 0xFF
	keepaliveAnswer = 0xFE
)

// answerSlack is the share of the interval, one in so many, by which questions may come closer together than they were asked.
const answerSlack = 8

// Keepalive is the keepalive interval for a round-trip time. spec: rns-link §3.1
func (p *Params) Keepalive(rtt time.Duration) time.Duration {
	scaled := float64(rtt) * p.KeepaliveMax.Seconds() / p.KeepaliveMaxRTT.Seconds()
	return min(max(time.Duration(scaled), p.KeepaliveMin), p.KeepaliveMax)
}

// lastHeard is the latest sign of life of the peer. spec: rns-link §3.2
func (l *Link) lastHeard() time.Time {
	t := &l.timing
	return latest(t.lastIn, t.lastProof, t.activated)
}

func latest(times ...time.Time) time.Time {
	var m time.Time
	for _, t := range times {
		if t.After(m) {
			m = t
		}
	}
	return m
}

// pingDue is when the initiator sends its next keepalive.
func (l *Link) pingDue() time.Time {
	t := &l.timing
	idle := earliest(l.lastHeard().Add(t.keepalive), t.lastOut.Add(t.keepalive))
	if !t.lastPing.IsZero() {
		idle = latest(idle, t.lastPing.Add(t.keepalive))
	}
	return idle
}

// watchdogDeadline is when [Link.watchdog] has something to do, zero for never.
func (l *Link) watchdogDeadline() time.Time {
	t := &l.timing
	switch l.state {
	case Pending, Handshake:
		return t.deadline
	case Active:
		stale := l.lastHeard().Add(t.stale)
		if l.role == Initiator {
			return earliest(l.pingDue(), stale)
		}
		return stale
	case Stale:
		// differs: the reference cuts this wait to 5 s. spec: rns-link §3.2
		return t.staleSince.Add(time.Duration(l.params.StaleRTTFactor)*t.rtt + l.params.StaleGrace)
	default:
		return time.Time{}
	}
}

// watchdog ends handshakes that take too long, keeps idle links alive and closes silent ones. spec: rns-link §3.2
func (l *Link) watchdog(now time.Time) {
	t := &l.timing
	switch l.state {
	case Pending, Handshake:
		if !now.Before(t.deadline) {
			l.end(now, ReasonTimeout, rns.VerdictTimeout, sayNothing)
		}
	case Active:
		if l.role == Initiator && !now.Before(l.pingDue()) {
			t.lastPing = now
			l.emitRaw(now, rns.PacketData, rns.ContextKeepalive, []byte{keepaliveAsk})
		}
		if !now.Before(l.lastHeard().Add(t.stale)) {
			l.state, t.staleSince = Stale, now
		}
	case Stale:
		if !now.Before(l.watchdogDeadline()) {
			l.end(now, ReasonTimeout, rns.VerdictTimeout, sayClose)
		}
	}
}

// keepalivePacket handles a received keepalive. The initiator only notes it. spec: rns-link §3.1
func (l *Link) keepalivePacket(now time.Time, data []byte) rns.Verdict {
	if len(data) != 1 {
		return rns.VerdictWrongSize
	}
	switch {
	case l.role == Responder && data[0] == keepaliveAsk:
		l.touch(now, len(data), asKeepalive)
		// differs: the reference leaves a question that comes a moment early unanswered. One lost answer would then be two,
		// and end the link.
		if !now.Before(l.timing.lastOut.Add(l.timing.keepalive - l.timing.keepalive/answerSlack)) {
			l.emitRaw(now, rns.PacketData, rns.ContextKeepalive, []byte{keepaliveAnswer})
		}
		return rns.VerdictDelivered
	case l.role == Initiator && data[0] == keepaliveAnswer:
		l.touch(now, len(data), asKeepalive)
		return rns.VerdictDelivered
	default:
		return rns.VerdictLinkRole
	}
}

// earliest returns the earliest of the times that are not zero.
func earliest(times ...time.Time) time.Time {
	var m time.Time
	for _, t := range times {
		if !t.IsZero() && (m.IsZero() || t.Before(m)) {
			m = t
		}
	}
	return m
}
