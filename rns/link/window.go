package link

import (
	"math"
	"time"
)

// ChannelParams are the timings and limits of a channel. Start from [DefaultChannelParams]; the zero value is not usable.
type ChannelParams struct {
	// Window, WindowMin and WindowMax bound the messages in flight at the start, Flexibility the distance kept between the
	// bounds. spec: rns-link §9.3
	Window, WindowMin, WindowMax, Flexibility int
	// MediumMin, MediumMax and FastMin, FastMax replace the bounds after Rounds deliveries on links of that speed.
	MediumMin, MediumMax, FastMin, FastMax, Rounds int
	// FastRTT, MediumRTT and SlowRTT separate the speeds. Above SlowRTT the window is always 1.
	FastRTT, MediumRTT, SlowRTT time.Duration
	// MaxTries is how often a message is transmitted. spec: rns-link §9.2
	MaxTries int
	// Backoff, RTTFactor, MinTimeout and RingAllowance make the retransmission timeout. spec: rns-link §9.2
	Backoff, RTTFactor float64
	MinTimeout         time.Duration
	RingAllowance      float64
	// MaxAhead is how far a received message may be ahead of the next expected one. spec: rns-link §9.4
	MaxAhead int
	// MaxUnread bounds messages the application has not read; beyond it they are not proved, so the peer holds them.
	MaxUnread int
}

// DefaultChannelParams returns the values of the specification.
func DefaultChannelParams() ChannelParams {
	return ChannelParams{
		Window: 2, WindowMin: 2, WindowMax: 5, Flexibility: 4,
		MediumMin: 5, MediumMax: 12, FastMin: 16, FastMax: 48, Rounds: 10,
		FastRTT: 180 * time.Millisecond, MediumRTT: 750 * time.Millisecond, SlowRTT: 1450 * time.Millisecond,
		MaxTries: 5, Backoff: 1.5, RTTFactor: 2.5, MinTimeout: 25 * time.Millisecond, RingAllowance: 1.5,
		MaxAhead: 48, MaxUnread: 256,
	}
}

// Timeout is how long a message of which tries transmissions were made waits for its proof, with ring messages in flight.
// spec: rns-link §9.2
func (p *ChannelParams) Timeout(tries int, rtt time.Duration, ring int) time.Duration {
	base := max(rtt.Seconds()*p.RTTFactor, p.MinTimeout.Seconds())
	s := math.Pow(p.Backoff, float64(tries-1)) * base * (float64(ring) + p.RingAllowance)
	return time.Duration(math.Round(s * float64(time.Second)))
}

// channelWindow is how many messages may be in flight. spec: rns-link §9.3
type channelWindow struct {
	size, min, max, flexibility int
	fast, medium                int // deliveries in a row
}

func newChannelWindow(p *ChannelParams, rtt time.Duration) channelWindow {
	if rtt > p.SlowRTT {
		return channelWindow{size: 1, min: 1, max: 1, flexibility: 1}
	}
	return channelWindow{size: p.Window, min: p.WindowMin, max: p.WindowMax, flexibility: p.Flexibility}
}

func (w *channelWindow) delivered(p *ChannelParams, rtt time.Duration) {
	if w.size < w.max {
		w.size++
	}
	switch {
	case rtt == 0:
	case rtt <= p.FastRTT:
		w.fast++
		if w.fast == p.Rounds && w.max < p.FastMax {
			w.max, w.min = p.FastMax, p.FastMin
		}
	case rtt > p.MediumRTT:
		w.fast, w.medium = 0, 0
	default:
		w.fast = 0
		w.medium++
		if w.medium == p.Rounds && w.max < p.MediumMax {
			w.max, w.min = p.MediumMax, p.MediumMin
		}
	}
}

func (w *channelWindow) timedOut() {
	if w.size > w.min {
		w.size--
		if w.max > w.min+w.flexibility {
			w.max--
		}
	}
}
