package router

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// stampWorker searches stamps on a goroutine of its own, one after the other. It is safe for concurrent use.
type stampWorker struct {
	r    *Router
	wake chan struct{}

	mu   sync.Mutex
	next *searchStamp
	id   rns.Hash // of the search under way
	stop context.CancelFunc
}

func (w *stampWorker) init(r *Router) { w.r, w.wake = r, make(chan struct{}, 1) }

// start begins a search. The machine never asks for two at once.
func (w *stampWorker) start(job searchStamp) {
	w.mu.Lock()
	w.next = &job
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// cancel stops a search; it ends within a millisecond.
func (w *stampWorker) cancel(id rns.Hash) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch {
	case w.next != nil && w.next.id == id:
		w.next = nil
		w.r.box.post(func(m *machine, now time.Time) { m.stampEnded(now, stampResult{id: id}) })
	case w.stop != nil && w.id == id:
		w.stop()
	}
}

// run searches until ctx ends.
func (w *stampWorker) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-w.wake:
		}
		w.mu.Lock()
		job := w.next
		w.next = nil
		if job == nil {
			w.mu.Unlock()
			continue
		}
		searching, stop := context.WithCancel(ctx)
		w.id, w.stop = job.id, stop
		w.mu.Unlock()
		result := w.search(searching, *job)
		w.mu.Lock()
		w.stop = nil
		w.mu.Unlock()
		stop()
		w.r.box.post(func(m *machine, now time.Time) { m.stampEnded(now, result) })
	}
}

// search looks for one stamp and reports progress meanwhile.
func (w *stampWorker) search(ctx context.Context, job searchStamp) stampResult {
	result := stampResult{id: job.id, cost: job.cost}
	var attempts atomic.Uint64
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.report(job, &attempts, done) })
	defer wg.Wait()
	defer close(done)
	workers := w.r.cfg.Params.stampWorkers()
	work := stamp.NewWork(job.id[:], stamp.MessageRounds, workers)
	if job.carried != nil && work.Valid(job.carried, job.cost) {
		result.stamp = job.carried
		return result
	}
	found, err := work.Search(ctx, job.cost, stamp.Options{Workers: workers, Rand: w.r.cfg.Node.Random(), Attempts: &attempts})
	switch {
	case err == nil:
		result.stamp = found.Stamp[:]
	case ctx.Err() == nil:
		result.err = err
	}
	return result
}

// report tells how far a search is, until done is closed.
func (w *stampWorker) report(job searchStamp, attempts *atomic.Uint64, done <-chan struct{}) {
	every := w.r.cfg.Params.ProgressEvery
	tick := time.NewTicker(every)
	defer tick.Stop()
	begun := w.r.cfg.Node.Now()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		n := attempts.Load()
		rate := float64(n) / max(w.r.cfg.Node.Now().Sub(begun), every).Seconds()
		w.r.box.post(func(m *machine, now time.Time) { m.stampProgress(now, job.id, job.cost, n, rate) })
	}
}
