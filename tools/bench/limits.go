package main

import (
	"crypto/ed25519"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// limits measures what the processor gives at the moment: the physical limit of announces, and how much of a shared machine
// there is. On the machine of the budgets it was 32,500/s.
func (s *session) limits() error {
	public, private, err := ed25519.GenerateKey(random{})
	if err != nil {
		return err
	}
	msg := make([]byte, 200)
	sig := ed25519.Sign(private, msg)
	var n atomic.Int64
	var done sync.WaitGroup
	begin := time.Now()
	for range runtime.GOMAXPROCS(0) {
		done.Go(func() {
			for time.Since(begin) < time.Second {
				ed25519.Verify(public, msg, sig)
				n.Add(1)
			}
		})
	}
	done.Wait()
	s.record("verify", float64(n.Load())/time.Since(begin).Seconds())
	return nil
}
