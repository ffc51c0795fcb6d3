package sqlite

import (
	"context"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

// migration is one numbered step of the schema.
type migration struct {
	number int
	name   string
}

// migrate brings the schema to the newest version. Each step and its number are one transaction.
func migrate(ctx context.Context, tx *Tx, opt Options) (from, to int, err error) {
	steps, err := migrations(opt.Schema)
	if err != nil {
		return 0, 0, err
	}
	var app int32
	var tables int
	err = tx.Row(ctx, []any{&app, &from, &tables},
		"SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema) FROM pragma_application_id, pragma_user_version")
	if err != nil {
		return 0, 0, err
	}
	if app != opt.ApplicationID && (app != 0 || from != 0 || tables != 0) {
		return from, from, ErrForeign
	}
	if from > len(steps) {
		return from, from, fmt.Errorf("%w: schema %d, this program knows %d", ErrNewer, from, len(steps))
	}
	for _, step := range steps[from:] {
		if err := apply(ctx, tx, opt, step); err != nil {
			return from, step.number - 1, fmt.Errorf("migrate to %s: %w", step.name, err)
		}
	}
	return from, len(steps), nil
}

func apply(ctx context.Context, tx *Tx, opt Options, step migration) error {
	text, err := fs.ReadFile(opt.Schema, step.name)
	if err != nil {
		return err
	}
	// The script runs as one call: it holds many statements, which cannot be prepared as one.
	script := fmt.Sprintf("BEGIN IMMEDIATE;\n%s\n;PRAGMA application_id = %d;\nPRAGMA user_version = %d;\nCOMMIT;",
		text, opt.ApplicationID, step.number)
	if _, err := tx.conn.ExecContext(ctx, script); err != nil {
		_, _ = tx.conn.ExecContext(ctx, "ROLLBACK")
		return classify(err)
	}
	return nil
}

// migrations lists the steps, which are numbered from 1 without a gap.
func migrations(schema fs.FS) ([]migration, error) {
	names, err := fs.Glob(schema, "[0-9][0-9][0-9][0-9]_*.sql")
	if err != nil {
		return nil, err
	}
	steps := make([]migration, 0, len(names))
	for i, name := range names {
		digits, _, _ := strings.Cut(name, "_")
		n, err := strconv.Atoi(digits)
		if err != nil || n != i+1 {
			return nil, fmt.Errorf("migration %s: expected number %04d", name, i+1)
		}
		steps = append(steps, migration{number: n, name: name})
	}
	if len(steps) == 0 {
		return nil, fmt.Errorf("schema has no migrations")
	}
	return steps, nil
}
