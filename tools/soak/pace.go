package main

import (
	"context"
	"time"
)

// pace lets a load do so many things per second, and catch up for at most a second.
type pace struct {
	perSecond float64
	begin     time.Time
	done      float64
}

func newPace(perSecond float64) *pace { return &pace{perSecond: perSecond, begin: time.Now()} }

// wait returns when n more are due. It reports false when ctx has ended.
func (p *pace) wait(ctx context.Context, n int) bool {
	p.done += float64(n)
	behind := time.Since(p.begin).Seconds()*p.perSecond - p.done
	if behind > p.perSecond {
		p.done += behind - p.perSecond
	}
	if behind >= 0 {
		return ctx.Err() == nil
	}
	select {
	case <-time.After(time.Duration(-behind / p.perSecond * float64(time.Second))):
		return true
	case <-ctx.Done():
		return false
	}
}
