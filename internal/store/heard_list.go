package store

import (
	"context"
	"strings"
	"time"

	"meshchatx/internal/store/sqlite"
	"meshchatx/rns"
)

// HeardSort is an order of the list of heard destinations.
type HeardSort uint8

// Orders of the list.
const (
	SortLastHeard  HeardSort = iota // the latest first
	SortFirstHeard                  // the newest first
	SortName                        // alphabetically
	SortHops                        // the nearest first
	SortCount                       // the most announces first
)

// HeardQuery selects heard destinations. The zero value means all, the latest first.
type HeardQuery struct {
	// Kind limits to one kind; nil: all.
	Kind *HeardKind
	// MaxHops limits the distance; 0: any.
	MaxHops int
	// Interface limits to one interface; "": any.
	Interface string
	// Since limits to those heard since; zero: ever.
	Since time.Time
	// Named and Signal demand a name and signal figures.
	Named, Signal bool
	// Text must occur in the name or in the hexadecimal address.
	Text  string
	Sort  HeardSort
	After HeardCursor
	Limit int
}

// HeardCursor is the place of a row in the order of a query. The zero value is the beginning.
type HeardCursor struct {
	Key         int64  // of the orders by number or time
	Name        string // of the order by name
	Destination rns.Addr
}

// Cursor returns the place of a row, for reading on after it.
func (h Heard) Cursor(s HeardSort) HeardCursor {
	c := HeardCursor{Destination: h.Destination}
	switch s {
	case SortFirstHeard:
		c.Key = ms(h.FirstAt)
	case SortName:
		c.Name = strings.ToLower(h.Name)
	case SortHops:
		c.Key = int64(h.Hops)
	case SortCount:
		c.Key = int64(h.Count)
	default:
		c.Key = ms(h.LastAt)
	}
	return c
}

// parts of the query; every place in an order is made unique by the destination.
const (
	heardFrom       = `SELECT ` + heardColumns + ` FROM heard WHERE last_at >= ?`
	heardKind       = ` AND kind = ?`
	heardHops       = ` AND hops <= ?`
	heardInterface  = ` AND interface = ?`
	heardNamed      = ` AND name <> ''`
	heardSignal     = ` AND (rssi IS NOT NULL OR snr IS NOT NULL)`
	heardText       = ` AND (folded LIKE ? ESCAPE '\' OR hex(destination) LIKE ? ESCAPE '\')`
	heardLimit      = ` LIMIT ?`
	heardAfterLast  = ` AND last_at <= ? AND (last_at < ? OR destination > ?)`
	heardByLast     = ` ORDER BY last_at DESC, destination`
	heardAfterFirst = ` AND first_at <= ? AND (first_at < ? OR destination > ?)`
	heardByFirst    = ` ORDER BY first_at DESC, destination`
	heardAfterName  = ` AND folded >= ? AND (folded > ? OR destination > ?)`
	heardByName     = ` ORDER BY folded, destination`
	heardAfterHops  = ` AND hops >= ? AND (hops > ? OR destination > ?)`
	heardByHops     = ` ORDER BY hops, destination`
	heardAfterCount = ` AND count <= ? AND (count < ? OR destination > ?)`
	heardByCount    = ` ORDER BY count DESC, destination`
)

// List returns the destinations a query selects, at most MaxPage.
func (t HeardTable) List(ctx context.Context, q HeardQuery) ([]Heard, error) {
	query, args := q.build()
	return sqlite.Collect(ctx, t.h, scanHeard, query, args...)
}

func (q HeardQuery) build() (string, []any) {
	var b strings.Builder
	var args []any
	add := func(part string, values ...any) {
		b.WriteString(part)
		args = append(args, values...)
	}
	since := int64(0)
	if !q.Since.IsZero() {
		since = ms(q.Since)
	}
	add(heardFrom, since)
	if q.Kind != nil {
		add(heardKind, *q.Kind)
	}
	if q.MaxHops > 0 {
		add(heardHops, q.MaxHops)
	}
	if q.Interface != "" {
		add(heardInterface, q.Interface)
	}
	if q.Named {
		add(heardNamed)
	}
	if q.Signal {
		add(heardSignal)
	}
	if q.Text != "" {
		p := likePattern(strings.ToLower(q.Text))
		add(heardText, p, p)
	}
	after, order := q.Sort.parts()
	if q.After != (HeardCursor{}) {
		var key any = q.After.Key
		if q.Sort == SortName {
			key = q.After.Name
		}
		add(after, key, key, q.After.Destination[:])
	}
	add(order)
	add(heardLimit, bound(q.Limit, MaxPage))
	return b.String(), args
}

func (s HeardSort) parts() (after, order string) {
	switch s {
	case SortFirstHeard:
		return heardAfterFirst, heardByFirst
	case SortName:
		return heardAfterName, heardByName
	case SortHops:
		return heardAfterHops, heardByHops
	case SortCount:
		return heardAfterCount, heardByCount
	default:
		return heardAfterLast, heardByLast
	}
}

// likePattern matches texts that contain q; "" stays empty. Wildcards in q stand for themselves.
func likePattern(q string) string {
	if q == "" {
		return ""
	}
	return "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(q) + "%"
}
