package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// Handle is what a query runs on: a [DB], where every call is a transaction of its own, or a
// [Tx], where calls join the transaction that is open. Code written against Handle composes.
type Handle interface {
	// Write runs fn with the right to change the database.
	Write(ctx context.Context, fn func(*Tx) error) error
	// Read runs fn on one consistent snapshot.
	Read(ctx context.Context, fn func(*Tx) error) error
}

// Row is one result row.
type Row interface {
	// Scan copies the columns into dest, as database/sql does.
	Scan(dest ...any) error
}

// Tx is an open transaction. It is owned by the function it was handed to.
type Tx struct {
	conn    *sql.Conn
	stmts   map[string]*sql.Stmt
	durable bool // true on the writer: a statement that began is finished, whatever ctx says
}

// maxStatements bounds the prepared statements kept per connection.
const maxStatements = 256

// Write runs fn in this transaction.
func (tx *Tx) Write(_ context.Context, fn func(*Tx) error) error { return fn(tx) }

// Read runs fn in this transaction.
func (tx *Tx) Read(_ context.Context, fn func(*Tx) error) error { return fn(tx) }

// Exec runs a statement and returns the number of rows it changed.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.exec(ctx, query, args)
	if err != nil {
		return 0, err
	}
	n, err := res.RowsAffected()
	return n, classify(err)
}

// Insert runs a statement and returns the rowid of the row it added, 0 if it added none.
func (tx *Tx) Insert(ctx context.Context, query string, args ...any) (int64, error) {
	res, err := tx.exec(ctx, query, args)
	if err != nil {
		return 0, err
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return 0, classify(err)
	}
	id, err := res.LastInsertId()
	return id, classify(err)
}

// Each calls fn for every row of a query, in order, until fn fails.
func (tx *Tx) Each(ctx context.Context, fn func(Row) error, query string, args ...any) (err error) {
	ctx = tx.context(ctx)
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	rows, err := stmt.QueryContext(ctx, args...)
	if err != nil {
		return classify(err)
	}
	defer func() {
		if cerr := rows.Close(); err == nil {
			err = classify(cerr)
		}
	}()
	for rows.Next() {
		if err := fn(rows); err != nil {
			return classify(err)
		}
	}
	return classify(rows.Err())
}

// Row scans the first row of a query into dest; without a row it returns ErrNotFound.
func (tx *Tx) Row(ctx context.Context, dest []any, query string, args ...any) error {
	ctx = tx.context(ctx)
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return err
	}
	return classify(stmt.QueryRowContext(ctx, args...).Scan(dest...))
}

func (tx *Tx) exec(ctx context.Context, query string, args []any) (sql.Result, error) {
	ctx = tx.context(ctx)
	stmt, err := tx.prepare(ctx, query)
	if err != nil {
		return nil, err
	}
	res, err := stmt.ExecContext(ctx, args...)
	return res, classify(err)
}

func (tx *Tx) context(ctx context.Context) context.Context {
	if tx.durable {
		// A write shares its commit with others: interrupting it would throw away the
		// connection, and with it the transaction of the others.
		return context.WithoutCancel(ctx)
	}
	return ctx
}

func (tx *Tx) prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	if stmt, ok := tx.stmts[query]; ok {
		return stmt, nil
	}
	if len(tx.stmts) >= maxStatements {
		for q, stmt := range tx.stmts {
			_ = stmt.Close()
			delete(tx.stmts, q)
		}
	}
	stmt, err := tx.conn.PrepareContext(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("prepare statement: %w", classify(err))
	}
	tx.stmts[query] = stmt
	return stmt, nil
}

func (tx *Tx) close() {
	for _, stmt := range tx.stmts {
		_ = stmt.Close()
	}
	_ = tx.conn.Close()
}

// command runs a statement of transaction control.
func (tx *Tx) command(ctx context.Context, query string) error {
	_, err := tx.exec(ctx, query, nil)
	return err
}

// Collect reads every row of a query through scan.
func Collect[T any](ctx context.Context, h Handle, scan func(Row) (T, error), query string, args ...any) ([]T, error) {
	var out []T
	err := h.Read(ctx, func(tx *Tx) error {
		return tx.Each(ctx, func(r Row) error {
			v, err := scan(r)
			if err == nil {
				out = append(out, v)
			}
			return err
		}, query, args...)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// One reads the first row of a query through scan; without a row it returns ErrNotFound.
func One[T any](ctx context.Context, h Handle, scan func(Row) (T, error), query string, args ...any) (T, error) {
	var zero T
	all, err := Collect(ctx, h, scan, query, args...)
	if err != nil {
		return zero, err
	}
	if len(all) == 0 {
		return zero, ErrNotFound
	}
	return all[0], nil
}

// Exec runs one statement as a write and returns the number of rows it changed.
func Exec(ctx context.Context, h Handle, query string, args ...any) (int64, error) {
	var n int64
	err := h.Write(ctx, func(tx *Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	return n, err
}
