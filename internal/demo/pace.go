package demo

import (
	"time"

	"meshchatx/internal/profile"
	"meshchatx/lxmf/router"
	"meshchatx/rns/node"
)

// Pace says how fast protocols and people are.
type Pace uint8

// The paces.
const (
	PaceReal Pace = iota // as on a real network
	PaceFast             // compressed, for tests: seconds become tenths
)

// Motion says whether anything happens by itself.
type Motion uint8

// The motions.
const (
	MotionLive  Motion = iota // announces come in, a picture is on its way, the weather station reports
	MotionStill               // only what one does oneself
)

// profile compresses the times of the program.
func (p Pace) profile() profile.Params {
	out := profile.DefaultParams()
	out.StartSpread = 200 * time.Millisecond
	if p == PaceFast {
		out.StartSpread, out.Offline = 50*time.Millisecond, 500*time.Millisecond
		out.Chat.CheckTimeout = 3 * time.Second
	}
	p.router(&out.Router)
	return out
}

func (p Pace) router(r *router.Params) {
	if p != PaceFast {
		return
	}
	r.RetryWait, r.PathWait, r.PathDrop = 500*time.Millisecond, 700*time.Millisecond, 50*time.Millisecond
	r.RetryPause, r.OfflineWait, r.PacketProof = 100*time.Millisecond, 5*time.Second, 5*time.Second
}

// node compresses the times of a node.
func (p Pace) node(c *node.Config) {
	if p != PaceFast {
		return
	}
	l := &c.Params.Link
	l.EstablishmentPerHop, l.FirstHop = 300*time.Millisecond, 500*time.Millisecond
	c.Params.Transport.PerHopTimeout = 600 * time.Millisecond
	c.Params.Reconnect = time.Second
}

// answer is how long somebody takes to answer.
func (p Pace) answer(r Role) time.Duration {
	d := 900 * time.Millisecond
	if r == RoleSlow {
		d = 6 * time.Second
	}
	if p == PaceFast {
		d /= 10
	}
	return d
}

// bitrate is that of a slow medium.
func (p Pace) bitrate(bps int64) int64 {
	if p == PaceFast {
		return bps * 10
	}
	return bps
}
