package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"sync"
)

// readers is the pool of reading connections, opened when first needed.
type readers struct {
	opt   *Options
	slots chan struct{} // one token per connection that may be in use

	mu     sync.Mutex // guards free and closed
	free   []*reader
	closed bool
}

// reader is one connection of the pool.
type reader struct {
	tx   *Tx
	pool *sql.DB
}

func (rs *readers) init(opt *Options) {
	rs.opt = opt
	rs.slots = make(chan struct{}, opt.Params.Readers)
}

func (rs *readers) run(ctx context.Context, fn func(*Tx) error) error {
	select {
	case rs.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-rs.slots }()
	r, err := rs.take(ctx)
	if err != nil {
		return err
	}
	ok := false
	defer func() { rs.give(r, ok) }()
	if err := r.tx.command(ctx, "BEGIN"); err != nil {
		return err
	}
	err = classify(fn(r.tx))
	if err != nil && ctx.Err() != nil {
		return err // interrupted: the driver discards such a connection
	}
	ok = r.tx.command(ctx, "ROLLBACK") == nil
	return err
}

func (rs *readers) take(ctx context.Context) (*reader, error) {
	rs.mu.Lock()
	if rs.closed {
		rs.mu.Unlock()
		return nil, ErrClosed
	}
	if n := len(rs.free); n > 0 {
		r := rs.free[n-1]
		rs.free = rs.free[:n-1]
		rs.mu.Unlock()
		return r, nil
	}
	rs.mu.Unlock()
	pool, err := rs.opt.open(readOnly)
	if err != nil {
		return nil, err
	}
	conn, err := pool.Conn(ctx)
	if err != nil {
		_ = pool.Close()
		return nil, classify(err)
	}
	return &reader{tx: newTx(conn, readOnly), pool: pool}, nil
}

func (rs *readers) give(r *reader, ok bool) {
	rs.mu.Lock()
	keep := ok && !rs.closed
	if keep {
		rs.free = append(rs.free, r)
	}
	rs.mu.Unlock()
	if !keep {
		_ = r.close()
	}
}

// stop refuses new reads, waits for the running ones and closes the pool.
func (rs *readers) stop() error {
	rs.mu.Lock()
	rs.closed = true
	rs.mu.Unlock()
	for range cap(rs.slots) {
		rs.slots <- struct{}{}
	}
	for range cap(rs.slots) {
		<-rs.slots
	}
	rs.mu.Lock()
	defer rs.mu.Unlock()
	var errs []error
	for _, r := range rs.free {
		errs = append(errs, r.close())
	}
	rs.free = nil
	return errors.Join(errs...)
}

func (r *reader) close() error {
	r.tx.close()
	return classify(r.pool.Close())
}
