package store

import (
	"database/sql"
	"fmt"
	"time"
)

// ms stores a time as milliseconds since 1970.
func ms(t time.Time) int64 { return t.UnixMilli() }

// msOrNull stores the zero time as NULL.
func msOrNull(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	v := t.UnixMilli()
	return &v
}

// timeInto reads what ms and msOrNull stored.
type timeInto struct{ t *time.Time }

func (d timeInto) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d.t = time.Time{}
	case int64:
		*d.t = time.UnixMilli(v).UTC()
	default:
		return fmt.Errorf("time column holds %T", src)
	}
	return nil
}

// bytesOrNull stores an all-zero hash or address as NULL.
func bytesOrNull(b []byte) []byte {
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}

// bytesInto reads a column of fixed length into an array's slice; NULL becomes zeros.
type bytesInto []byte

func (d bytesInto) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		clear(d)
	case []byte:
		if len(v) != len(d) {
			return fmt.Errorf("column holds %d bytes, expected %d", len(v), len(d))
		}
		copy(d, v)
	default:
		return fmt.Errorf("bytes column holds %T", src)
	}
	return nil
}

var (
	_ sql.Scanner = timeInto{}
	_ sql.Scanner = bytesInto{}
)

// bound keeps a page size between 1 and most.
func bound(limit, most int) int {
	if limit < 1 || limit > most {
		return most
	}
	return limit
}
