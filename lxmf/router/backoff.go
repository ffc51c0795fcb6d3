package router

import (
	"time"

	"meshchatx/rns"
)

// trouble is what recent attempts to reach a destination came to, kept beyond the messages that made them: a destination that
// is gone must cost less and less, however many messages are written to it.
type trouble struct {
	failures int // since the last success or announce
	last     time.Time
	dials    []time.Time // within the last hour
}

// troubleMemory is how long failures count.
const troubleMemory = time.Hour

func (m *machine) trouble(addr rns.Addr) *trouble {
	t, ok := m.troubles[addr]
	if !ok {
		t = new(trouble)
		m.troubles[addr] = t
	}
	return t
}

// troubled notes a failed attempt.
func (m *machine) troubled(now time.Time, p *peer) {
	t := m.trouble(p.addr)
	if now.Sub(t.last) > troubleMemory {
		t.failures = 0
	}
	t.failures++
	t.last = now
}

// calm forgets the failures: the destination was heard, or a person asks. The links of the last hour still count.
func (m *machine) calm(p *peer) {
	if t, ok := m.troubles[p.addr]; ok {
		t.failures = 0
	}
}

// resume is when a destination may be tried again: at once after few failures, whose pauses are those of the protocol, and
// after more of them later and later, not at the same time for all.
func (m *machine) resume(now time.Time, p *peer) time.Time {
	t, ok := m.troubles[p.addr]
	if !ok || t.failures < m.p.BackoffAfter {
		return time.Time{}
	}
	pause := m.p.MaxBackoff
	if shift := t.failures - m.p.BackoffAfter + 1; shift < 16 {
		pause = min(m.p.RetryWait<<shift, m.p.MaxBackoff)
	}
	return t.last.Add(pause + m.jitter(pause/4))
}

// jitter is a random part of a duration.
func (m *machine) jitter(most time.Duration) time.Duration {
	var b [2]byte
	if _, err := m.rand.Read(b[:]); err != nil {
		return most / 2
	}
	return most * time.Duration(int(b[0])<<8|int(b[1])) / (1 << 16)
}

// refresh lets a message that was never tried cause an attempt soon, however long the failures before it: a person waits for it.
func (m *machine) refresh(p *peer, d *delivery) {
	if d.attempts > 0 || p.own != nil {
		return
	}
	if soon := p.lastDial.Add(m.p.RetryWait); soon.Before(p.notBefore) {
		p.notBefore = soon
	}
}

// dialAllowed is when a link may be opened: not more than so many within an hour, whatever asks for them.
func (m *machine) dialAllowed(now time.Time, p *peer) time.Time {
	t, most := m.trouble(p.addr), m.p.MaxDialsPerHour
	if p.node {
		most = m.p.MaxNodeDialsPerHour
	}
	for len(t.dials) > 0 && now.Sub(t.dials[0]) >= time.Hour {
		t.dials = t.dials[1:]
	}
	if len(t.dials) >= most {
		return t.dials[0].Add(time.Hour)
	}
	t.dials = append(t.dials, now)
	return time.Time{}
}

// looseAllowed is when a message may go as a single packet again: repetitions pause longer after many failures in a row.
func (m *machine) looseAllowed(now time.Time, d *delivery) time.Time {
	t, ok := m.troubles[d.peer.addr]
	if !ok || d.attempts == 0 || t.failures < 2*m.p.BackoffAfter || d.paused == t.last {
		return time.Time{}
	}
	d.paused = t.last
	return m.resume(now, d.peer)
}

// forgetTroubles drops what is too old to matter.
func (m *machine) forgetTroubles(now time.Time) {
	for addr, t := range m.troubles {
		if now.Sub(t.last) > troubleMemory && (len(t.dials) == 0 || now.Sub(t.dials[len(t.dials)-1]) > time.Hour) {
			delete(m.troubles, addr)
		}
	}
}

// lineCode names the failure to reach a propagation node.
func (p *peer) lineCode(code Code) Code {
	if p.node && (code == CodeNoPath || code == CodeNoIdentity) {
		return CodePropagationNoPath
	}
	return code
}
