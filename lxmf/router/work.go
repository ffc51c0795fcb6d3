package router

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"meshchatx/lxmf"
	"meshchatx/rns"
	"meshchatx/rns/stamp"
)

// stampWorker searches stamps and seals messages on a goroutine of its own, one after the other. It is safe for concurrent use.
type stampWorker struct {
	r    *Router
	wake chan struct{}

	mu   sync.Mutex
	next action   // searchStamp or sealMessage
	id   rns.Hash // of the search under way
	stop context.CancelFunc
}

func (w *stampWorker) init(r *Router) { w.r, w.wake = r, make(chan struct{}, 1) }

// start begins a search. The machine never asks for two at once.
func (w *stampWorker) start(job action) {
	w.mu.Lock()
	w.next = job
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
	case w.next != nil && jobID(w.next) == id:
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
		w.id, w.stop = jobID(job), stop
		w.mu.Unlock()
		result := w.work(searching, job)
		w.mu.Lock()
		w.stop = nil
		w.mu.Unlock()
		stop()
		w.r.box.post(func(m *machine, now time.Time) { m.stampEnded(now, result) })
	}
}

// jobID is the message a piece of work is for.
func jobID(job action) rns.Hash {
	switch job := job.(type) {
	case searchStamp:
		return job.id
	case sealMessage:
		return job.id
	}
	return rns.Hash{}
}

// work does one piece of work.
func (w *stampWorker) work(ctx context.Context, job action) stampResult {
	switch job := job.(type) {
	case searchStamp:
		return w.search(ctx, job)
	case sealMessage:
		return w.seal(ctx, job)
	}
	return stampResult{}
}

// seal encrypts a message for a propagation node, unless it was sealed before a restart. spec: lxmf §5.5
func (w *stampWorker) seal(ctx context.Context, job sealMessage) stampResult {
	result := stampResult{id: job.id, work: workSeal}
	kept, known, err := w.r.cfg.State.Sealed(ctx, job.id)
	if err == nil && known && kept.Packed == rns.FullHash(job.packed) {
		if s, err := lxmf.ParseStored(kept.Stored); err == nil {
			result.sealed, result.stamp = s.Sealed, s.Stamp[:]
			return result
		}
	}
	keys, err := w.r.cfg.Node.KeysOf(ctx, job.dest)
	if err != nil {
		result.err = err
		return result
	}
	ciphertext, err := keys.Public.Encrypt(w.r.cfg.Node.Random(), job.packed[rns.AddrSize:], keys.Ratchet)
	if err != nil {
		result.err = err
		return result
	}
	result.sealed = append(append(make([]byte, 0, rns.AddrSize+len(ciphertext)), job.dest[:]...), ciphertext...)
	return result
}

// search looks for one stamp and reports progress meanwhile.
func (w *stampWorker) search(ctx context.Context, job searchStamp) stampResult {
	result := stampResult{id: job.id, work: job.work, cost: job.cost}
	if job.cost <= 0 {
		result.stamp = make([]byte, stamp.Size) // any will do
		return result
	}
	var attempts atomic.Uint64
	done := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { w.report(job, &attempts, done) })
	defer wg.Wait()
	defer close(done)
	workers := w.r.cfg.Params.stampWorkers()
	work := stamp.NewWork(job.material[:], job.rounds, workers)
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
