package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// optimizeTimeout bounds the housekeeping done while closing.
const optimizeTimeout = time.Second

// job is one submitted write.
type job struct {
	ctx      context.Context //nolint:containedctx // travels with the request to the owner of the connection
	fn       func(*Tx) error
	done     chan error
	err      error
	panicked any
}

// writer owns the writing connection. Its goroutine ends with stop.
type writer struct {
	tx     *Tx
	pool   *sql.DB
	params Params
	jobs   chan *job
	ended  chan struct{}

	mu     sync.RWMutex // guards closed against a concurrent send on jobs
	closed bool
	endErr error

	// Used by serve only.
	began time.Time // when the first write of the running batch was done
	crowd float64   // how many writers came together lately
	timer *time.Timer
}

func newTx(conn *sql.Conn, a access) *Tx {
	return &Tx{conn: conn, stmts: make(map[string]*sql.Stmt), durable: a == readWrite}
}

func (w *writer) start(tx *Tx, pool *sql.DB, p Params) {
	w.tx, w.pool, w.params = tx, pool, p
	w.jobs = make(chan *job, p.QueueWrites)
	w.ended = make(chan struct{})
	go w.serve()
}

// stop refuses new writes, finishes the accepted ones and closes the connection.
func (w *writer) stop() error {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.jobs)
	}
	w.mu.Unlock()
	<-w.ended
	return w.endErr
}

func (w *writer) submit(ctx context.Context, fn func(*Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	j := &job{ctx: ctx, fn: fn, done: make(chan error, 1)}
	if err := w.enqueue(ctx, j); err != nil {
		return err
	}
	err := <-j.done
	if j.panicked != nil {
		panic(j.panicked)
	}
	return err
}

func (w *writer) enqueue(ctx context.Context, j *job) error {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return ErrClosed
	}
	select {
	case w.jobs <- j:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (w *writer) serve() {
	defer close(w.ended)
	for first := range w.jobs {
		w.commit(first)
	}
	ctx, cancel := context.WithTimeout(context.Background(), optimizeTimeout)
	defer cancel()
	_ = w.tx.command(ctx, "PRAGMA optimize")
	w.tx.close()
	w.endErr = classify(w.pool.Close())
}

// commit runs first and whatever else is already waiting in one transaction and answers each.
func (w *writer) commit(first *job) {
	ctx := context.Background()
	batch := []*job{}
	err := w.tx.command(ctx, "BEGIN IMMEDIATE")
	for j := first; j != nil; j = w.next(len(batch)) {
		batch = append(batch, j)
		if err == nil {
			err = w.run(ctx, j)
		}
		if err != nil || w.late(batch) {
			break
		}
	}
	w.expect(len(batch))
	if err == nil {
		err = w.tx.command(ctx, "COMMIT")
	}
	if err != nil {
		// Fails harmlessly when the engine has already undone the transaction.
		_ = w.tx.command(ctx, "ROLLBACK")
	}
	for _, j := range batch {
		switch {
		case j.err != nil || j.panicked != nil:
			j.done <- j.err
		case err != nil:
			j.done <- fmt.Errorf("commit: %w", err)
		default:
			j.done <- nil
		}
	}
}

// next returns a write that is already waiting or comes in time for this commit, or nil. Those who can run get a turn first: on
// a busy machine the writers that the last batch has answered have not come to their next write yet, and a commit costs much
// more than to let them.
func (w *writer) next(have int) *job {
	if have >= w.params.BatchWrites {
		return nil
	}
	if len(w.jobs) == 0 {
		runtime.Gosched()
	}
	select {
	case j := <-w.jobs: // nil when closed and empty
		return j
	default:
		return w.gather(have)
	}
}

// gather waits for one more write while fewer than lately have come together. Without it writers who wait for each other, such
// as messages under way in a window, fall into groups of one, each with a commit of its own.
func (w *writer) gather(have int) *job {
	left := w.params.GatherTime - time.Since(w.began)
	if float64(have+1) > w.crowd || left <= 0 {
		return nil
	}
	if w.timer == nil {
		w.timer = time.NewTimer(left)
	} else {
		w.timer.Reset(left)
	}
	defer w.timer.Stop()
	select {
	case j := <-w.jobs:
		return j
	case <-w.timer.C:
		return nil
	}
}

// crowdFade is the share of a smaller batch in the expectation of the next.
const crowdFade = 0.25

// expect learns from a batch how many writers to wait for next time.
func (w *writer) expect(batch int) {
	if n := float64(batch); n > w.crowd {
		w.crowd = n
	} else {
		w.crowd += (n - w.crowd) * crowdFade
	}
}

// late reports whether the oldest write of the batch has waited long enough for company.
func (w *writer) late(batch []*job) bool {
	if len(batch) == 1 {
		w.began = time.Now()
		return false
	}
	return time.Since(w.began) > w.params.BatchTime
}

// run executes one write inside a savepoint. Its own failure is kept in the job; the returned
// error means that the transaction as a whole is lost.
func (w *writer) run(ctx context.Context, j *job) error {
	if j.err = j.ctx.Err(); j.err != nil {
		return nil
	}
	if err := w.tx.command(ctx, "SAVEPOINT job"); err != nil {
		return err
	}
	if w.call(j); j.err == nil && j.panicked == nil {
		return w.tx.command(ctx, "RELEASE job")
	}
	if err := w.tx.command(ctx, "ROLLBACK TO job"); err != nil {
		// The engine gave up the whole transaction (full disk, I/O error): say so to everyone in it.
		return errors.Join(j.err, err)
	}
	return w.tx.command(ctx, "RELEASE job")
}

func (w *writer) call(j *job) {
	defer func() { j.panicked = recover() }()
	j.err = classify(j.fn(w.tx))
}
