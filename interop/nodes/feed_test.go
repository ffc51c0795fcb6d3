package nodes

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// feed keeps what happened, in order, for those who wait for it. The zero value is empty.
type feed[T any] struct {
	mu      sync.Mutex
	list    []T
	changed chan struct{}
}

func (f *feed[T]) add(v T) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.list = append(f.list, v)
	if f.changed != nil {
		close(f.changed)
		f.changed = nil
	}
}

// from returns what came since a mark and a channel that is closed when there is more.
func (f *feed[T]) from(mark int) ([]T, <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed == nil {
		f.changed = make(chan struct{})
	}
	return slices.Clone(f.list[min(mark, len(f.list)):]), f.changed
}

func (f *feed[T]) mark() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.list)
}

// wait returns the first since mark that match accepts.
func (f *feed[T]) wait(ctx context.Context, mark int, match func(T) bool) (T, error) {
	for {
		list, changed := f.from(mark)
		if i := slices.IndexFunc(list, match); i >= 0 {
			return list[i], nil
		}
		mark += len(list)
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("waited for %T: %w", none, context.Cause(ctx))
		}
	}
}

// count is how many match.
func (f *feed[T]) count(match func(T) bool) int {
	list, _ := f.from(0)
	n := 0
	for _, v := range list {
		if match(v) {
			n++
		}
	}
	return n
}
