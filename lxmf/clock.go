package lxmf

import (
	"math"
	"time"
)

// maxSeconds is the year 9999, beyond which no time on the wire makes sense.
const maxSeconds = 253_402_300_799

// Seconds returns t as the protocol has it: seconds since 1970, with fraction.
// The zero time is 0.
func Seconds(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.Unix()) + float64(t.Nanosecond())/1e9
}

// TimeOf returns a time of the protocol. Numbers that are no time, and 0 or what
// rounds to it, are the zero time.
func TimeOf(seconds float64) time.Time {
	if math.IsNaN(seconds) || seconds <= 0 || seconds > maxSeconds {
		return time.Time{}
	}
	whole, fraction := math.Modf(seconds)
	nanos := int64(math.Round(fraction * 1e9))
	if whole == 0 && nanos == 0 {
		return time.Time{}
	}
	return time.Unix(int64(whole), nanos).UTC()
}
