package transport

// frequency measures how often something happens on an interface. The zero value is empty. spec: rns-core §10.4
type frequency struct {
	times [frequencySamples]tick
	first uint8
	n     uint8
}

// count records an event.
func (f *frequency) count(now tick) {
	if f.n == frequencySamples {
		f.first, f.n = (f.first+1)%frequencySamples, f.n-1
	}
	f.times[(f.first+f.n)%frequencySamples] = now
	f.n++
}

// The least numbers of samples that give a frequency, by direction.
const (
	incomingSamples = 3
	outgoingSamples = 2
)

// hertz returns the frequency; each call lets an idle buffer decay by one sample.
func (f *frequency) hertz(now tick, least uint8) float64 {
	hz := f.peek(now, least)
	if f.n >= least && now-f.times[f.first] > tick(frequencySpan) {
		f.first, f.n = (f.first+1)%frequencySamples, f.n-1
	}
	return hz
}

// peek is hertz without the decay, for status displays.
func (f *frequency) peek(now tick, least uint8) float64 {
	if f.n < least {
		return 0
	}
	span := now - f.times[f.first]
	if span <= 0 {
		return 0
	}
	return float64(f.n) * 1e9 / float64(span)
}
