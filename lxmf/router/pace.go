package router

import "time"

// pacing spreads single packets over a slow medium: what would wait too long in the queue of the interface waits here, in its
// turn, and its proof is waited for only after it has left. Without it many messages at once would crowd each other out of
// the queue, and be repeated before they were sent. The zero value is ready to use.
type pacing struct {
	turns  map[uint32]time.Time     // per interface, when the last turn that was given out ends
	handed map[uint32]time.Duration // airtime of the packets among the effects that were not taken yet
}

// sealing is about how many bytes longer a packet is than the message in it: headers, ephemeral key and token.
const sealing = 110

// maxTurns bounds the interfaces remembered; turns that are over are forgotten first.
const maxTurns = 64

// pace lets a message go now, or sets the timer for its turn. leaves is when it will have left the interface.
func (m *machine) pace(now time.Time, d *delivery, w way) (leaves time.Time, ok bool) {
	if w.bitrate <= 0 {
		return now, true
	}
	p := &m.pacing
	airtime := time.Duration(float64(8*(len(d.packed)+sealing)) / float64(w.bitrate) * float64(time.Second))
	start := now.Add(w.backlog + p.handed[w.on])
	if d.turn.IsZero() {
		start = later(start, p.turns[w.on])
	} else {
		start = later(start, d.turn)
	}
	if wait := start.Sub(now) - m.p.SendAhead; wait > 0 {
		if d.turn.IsZero() {
			d.turn = start
			p.giveTurn(now, w.on, start.Add(airtime))
		}
		d.stage = StageQueued
		m.timers.set(&d.timer, now.Add(wait))
		return time.Time{}, false
	}
	d.turn = time.Time{}
	if p.handed == nil {
		p.handed = make(map[uint32]time.Duration)
	}
	p.handed[w.on] += airtime
	return start.Add(airtime), true
}

// giveTurn notes that an interface is taken until then.
func (p *pacing) giveTurn(now time.Time, on uint32, until time.Time) {
	if p.turns == nil {
		p.turns = make(map[uint32]time.Time)
	}
	if len(p.turns) >= maxTurns {
		for id, at := range p.turns {
			if !at.After(now) {
				delete(p.turns, id)
			}
		}
	}
	p.turns[on] = until
}
