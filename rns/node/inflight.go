package node

import (
	"context"
	"sync"
)

// inflight counts inputs whose effects have not been applied yet, so that Quiesce knows when nothing is under way. The
// zero value counts nothing. It is safe for concurrent use.
type inflight struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n reaches zero; nil while nobody waits
}

// add counts n inputs; negative n takes them off.
func (f *inflight) add(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.n += n
	if f.n == 0 && f.idle != nil {
		close(f.idle)
		f.idle = nil
	}
}

// done takes one input off.
func (f *inflight) done() { f.add(-1) }

// wait returns when the count is zero.
func (f *inflight) wait(ctx context.Context) error {
	f.mu.Lock()
	if f.n == 0 {
		f.mu.Unlock()
		return nil
	}
	if f.idle == nil {
		f.idle = make(chan struct{})
	}
	idle := f.idle
	f.mu.Unlock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
