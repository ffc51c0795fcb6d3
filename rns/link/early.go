package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"time"

	"meshchatx/rns"
)

// How an end recognises that the other copes with fast answers.
//
// The IV of a token is 16 random bytes of the sender's choice that every receiver takes as it is. This implementation fills
// the last six of them, in the first encrypted packets of each link, with a keyed hash of the first ten and of its role. To
// anyone without the link key such an IV is as random as any other, it costs no byte, and no other implementation notices;
// but the peer, which can compute the same hash, learns that the sender registers what it sends before it sends it. The first
// packet that asks for an answer is itself marked, so nothing is ever held back between two ends of this kind, and the
// chance that an unmarked peer is taken for a marked one is 2^-44 for a whole link. The role in the hash keeps a reflected
// packet of our own from counting.
const (
	markedPackets  = 8  // packets an end marks; losing all of them costs only speed
	watchedPackets = 16 // packets in which an end looks for a mark
	markOffset     = 10
	markLabel      = "early answers"
)

// early holds back answers that a peer might not be ready for. spec: rns-link §6.1
type early struct {
	mac     hash.Hash // nil if marks are off
	marked  int
	watched int
	copes   bool
	held    []heldAnswer // in order of due
}

// heldAnswer is an answer that waits. It is built only when it leaves, because its timers count from then.
type heldAnswer struct {
	due  time.Time
	send func(now time.Time)
}

func (e *early) init(l *Link) {
	if l.params.Marks != MarksOn {
		return
	}
	key, err := rns.HKDF(sha256.Size, l.keys.derived, l.id[:], []byte(markLabel))
	if err == nil {
		e.mac = hmac.New(sha256.New, key)
	}
}

func (e *early) sum(r Role, iv []byte) [sha256.Size]byte {
	var s [sha256.Size]byte
	e.mac.Reset()
	e.mac.Write([]byte{byte(r)})
	e.mac.Write(iv[:markOffset])
	e.mac.Sum(s[:0])
	return s
}

// mark turns a random IV into one that the peer recognises.
func (e *early) mark(own Role, iv *[16]byte) {
	if e.mac == nil || e.marked >= markedPackets {
		return
	}
	e.marked++
	s := e.sum(own, iv[:])
	copy(iv[markOffset:], s[:])
}

// watch looks for the mark in an authenticated token.
func (e *early) watch(own Role, token []byte) {
	if e.mac == nil || e.copes || e.watched >= watchedPackets {
		return
	}
	e.watched++
	s := e.sum(1-own, token)
	e.copes = subtle.ConstantTimeCompare(token[markOffset:16], s[:16-markOffset]) == 1
}

func (e *early) deadline() time.Time {
	if len(e.held) == 0 {
		return time.Time{}
	}
	return e.held[0].due
}

// PeerCopes reports whether the peer is known to register packets before it sends them, so that answers need not wait. It
// is learned from marks in the peer's packets, or told by [Link.SetPeerCopes].
func (l *Link) PeerCopes() bool { return l.early.copes }

// SetPeerCopes tells the link, on the knowledge of the application, that the peer copes with fast answers.
func (l *Link) SetPeerCopes() { l.early.copes = true }

// answer sends an answer to something that arrived at arrival: at once, or when a peer not known to cope is ready for it.
func (l *Link) answer(now, arrival time.Time, send func(now time.Time)) {
	due := arrival.Add(l.params.EarlyAnswer)
	if l.early.copes || !now.Before(due) {
		send(now)
		return
	}
	i := len(l.early.held)
	for i > 0 && l.early.held[i-1].due.After(due) {
		i--
	}
	l.early.held = append(l.early.held, heldAnswer{})
	copy(l.early.held[i+1:], l.early.held[i:])
	l.early.held[i] = heldAnswer{due: due, send: send}
}

// behindHeld sends something of our own, but not before an answer that is held back. A peer whose handler replies to a
// message, and waits until its own is proved before it returns, reads nothing until then: a message of ours that overtakes
// the proof makes it wait for what it cannot read. spec: rns-link §9.4
func (l *Link) behindHeld(now time.Time, send func(now time.Time)) {
	if len(l.early.held) == 0 {
		send(now)
		return
	}
	last := l.early.held[len(l.early.held)-1].due
	l.early.held = append(l.early.held, heldAnswer{due: last, send: send})
}

// releaseHeld sends the answers whose time has come.
func (l *Link) releaseHeld(now time.Time) {
	for len(l.early.held) > 0 && !now.Before(l.early.held[0].due) {
		h := l.early.held[0]
		l.early.held = l.early.held[1:]
		h.send(now)
	}
}

// flushHeld sends all held answers: a link about to close loses them otherwise.
func (l *Link) flushHeld(now time.Time) {
	held := l.early.held
	l.early.held = nil
	for _, h := range held {
		h.send(now)
	}
}
