package transport

import (
	"testing"
	"time"
)

func TestClockFollowsWallSteps(t *testing.T) {
	var c clock
	start := time.Now() // carries a monotonic reading
	c.at(start)
	path := c.tick(start.Add(-time.Hour))
	later := start.Add(time.Minute)
	c.at(later)
	if got := c.wall(path); !got.Equal(start.Round(0).Add(-time.Hour)) {
		t.Errorf("wall time of an old tick: %v", got)
	}
	// The wall clock is set: times without a monotonic reading jump, ticks follow the jump by what the caller says.
	jumped := later.Round(0).Add(365 * 24 * time.Hour)
	c.last = jumped
	if got := c.wall(c.now); !got.Equal(jumped) {
		t.Errorf("present after a step: %v, want %v", got, jumped)
	}
	if got := c.tick(jumped.Add(time.Second)); got != c.now+tick(time.Second) {
		t.Errorf("tick after a step: %v", got-c.now)
	}
}

func TestTickSaturates(t *testing.T) {
	equal(t, "overflow", (never - 5).after(time.Hour), never)
	equal(t, "huge airtime", airtime(1000, 1, 1e-300) > 0, true)
	equal(t, "no bitrate", airtime(1000, 0, 0.02), 0)
}
