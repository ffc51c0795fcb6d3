package transport

import "time"

// clock turns the times of calls into ticks and back. The zero value starts with the first call of at.
//
// Ticks follow the monotonic clock where times carry it, so a step of the wall clock does not disturb timers. Wall-clock
// times for records are reckoned from the latest call, so that they follow the step.
type clock struct {
	base, last time.Time
	now        tick
}

// at sets the present. The first tick is 1, so that the zero tick is the past.
func (c *clock) at(now time.Time) tick {
	if c.base.IsZero() {
		c.base = now
	}
	c.last, c.now = now, tick(now.Sub(c.base))+1
	return c.now
}

// wall is the wall-clock time of t.
func (c *clock) wall(t tick) time.Time { return c.last.Round(0).Add(time.Duration(t - c.now)) }

// tick is the inverse of wall.
func (c *clock) tick(w time.Time) tick { return c.now + tick(w.Sub(c.last.Round(0))) }

// deadline is the time of t as the caller's clock reads it, monotonic reading included.
func (c *clock) deadline(t tick) time.Time { return c.last.Add(time.Duration(t - c.now)) }

// after is t+d without overflow.
func (t tick) after(d time.Duration) tick {
	if d > 0 && t > never-tick(d) {
		return never
	}
	return t + tick(d)
}

// seconds is a duration of s seconds, for rates; it saturates.
func seconds(s float64) time.Duration {
	const most = float64(1<<62) / float64(time.Second)
	if !(s < most) {
		return 1 << 62
	}
	return time.Duration(s * float64(time.Second))
}
