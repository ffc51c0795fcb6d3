package resource

import "time"

// window is the receiver's estimate of how many parts to ask for at once. spec: rns-link §8.6
type window struct {
	size, min, max int
	fast, slow     int // rounds
	params         *Params
}

func newWindow(p *Params, size int) window {
	if size == 0 {
		size = p.Window
	}
	return window{size: size, min: p.WindowMin, max: p.WindowMaxSlow, params: p}
}

// grow follows a complete round.
func (w *window) grow() {
	if w.size < w.max {
		w.size++
		if w.size-w.min > w.params.WindowFlexibility-1 {
			w.min++
		}
	}
}

// measured takes a rate in byte/s into account, as the first part of a round shows it.
func (w *window) measured(rate float64) {
	if rate > w.params.RateFast && w.fast < w.params.FastRounds {
		w.fast++
		if w.fast == w.params.FastRounds {
			w.max = w.params.WindowMaxFast
		}
	}
}

// measuredRound takes the rate of a whole round into account.
func (w *window) measuredRound(rate float64) {
	w.measured(rate)
	if w.fast == 0 && rate < w.params.RateVerySlow && w.slow < w.params.VerySlowRounds {
		w.slow++
		if w.slow == w.params.VerySlowRounds {
			w.max = w.params.WindowMaxVerySlow
		}
	}
}

// shrink follows a timeout, the only thing that makes a window smaller.
func (w *window) shrink() {
	if w.size <= w.min {
		return
	}
	w.size--
	if w.max > w.min {
		w.max--
		if w.max-w.size > w.params.WindowFlexibility-1 {
			w.max--
		}
	}
}

// adjustRTT moves the round-trip time of a transfer towards a measured response time by at most 5 %. spec: rns-link §8.6
func adjustRTT(rtt, response time.Duration) time.Duration {
	step := rtt / 20
	switch {
	case response < rtt:
		return max(rtt-step, response)
	default:
		return min(rtt+step, response)
	}
}
