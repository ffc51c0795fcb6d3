package announces

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"meshchatx/internal/store"
	"meshchatx/rns"
)

// Errors a caller can act on.
var (
	// ErrNotFound: the destination was never heard.
	ErrNotFound = store.ErrNotFound
	// ErrCursor: a place in a list that this program never gave out.
	ErrCursor = errors.New("not a cursor of this list")
)

// List returns a page of heard destinations, and the cursor of the next one,
// empty at the end.
func (s *Service) List(ctx context.Context, q store.HeardQuery, cursor string) (rows []store.Heard, next string, err error) {
	if q.After, err = parseCursor(cursor); err != nil {
		return nil, "", err
	}
	rows, err = s.conf.Store.Heard.List(ctx, q)
	if err != nil {
		return nil, "", err
	}
	if len(rows) == q.Limit && len(rows) > 0 {
		next = formatCursor(rows[len(rows)-1].Cursor(q.Sort))
	}
	return rows, next, nil
}

// Counts returns how many destinations of each kind were heard since a time.
func (s *Service) Counts(ctx context.Context, since time.Time) (map[store.HeardKind]int, error) {
	return s.conf.Store.Heard.Counts(ctx, since)
}

// Get returns what announces told about a destination, those not yet written
// included.
func (s *Service) Get(ctx context.Context, dest rns.Addr) (store.Heard, error) {
	row, err := s.conf.Store.Heard.Get(ctx, dest)
	s.mu.Lock()
	defer s.mu.Unlock()
	fresh, ok := s.pending[dest]
	switch {
	case !ok:
		return row, err
	case errors.Is(err, store.ErrNotFound):
		return *fresh, nil
	case err != nil:
		return row, err
	}
	merged := *fresh
	merged.FirstAt, merged.Count = row.FirstAt, row.Count+fresh.Count
	return merged, nil
}

// Many returns what is known of several destinations; unknown ones are absent.
func (s *Service) Many(ctx context.Context, dests []rns.Addr) (map[rns.Addr]store.Heard, error) {
	out := make(map[rns.Addr]store.Heard, len(dests))
	for _, d := range dests {
		if _, done := out[d]; done {
			continue
		}
		h, err := s.Get(ctx, d)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		out[d] = h
	}
	return out, nil
}

// OfIdentity returns the destinations an identity announced.
func (s *Service) OfIdentity(ctx context.Context, identity rns.Addr) ([]store.Heard, error) {
	return s.conf.Store.Heard.OfIdentity(ctx, identity)
}

// Lookalike reports whether another destination of the same kind bears the same
// name: it may be an imitation.
func (s *Service) Lookalike(ctx context.Context, h store.Heard) (bool, error) {
	if h.Name == "" {
		return false, nil
	}
	const sample = 50
	kind := h.Kind
	same, err := s.conf.Store.Heard.List(ctx, store.HeardQuery{Kind: &kind, Text: h.Name, Limit: sample})
	if err != nil {
		return false, err
	}
	for _, o := range same {
		if o.Destination != h.Destination && o.Identity != h.Identity && strings.EqualFold(strings.TrimSpace(o.Name), strings.TrimSpace(h.Name)) {
			return true, nil
		}
	}
	return false, nil
}

type cursorText struct {
	K int64
	N string
	D rns.Addr
}

func formatCursor(c store.HeardCursor) string {
	b, err := json.Marshal(cursorText{c.Key, c.Name, c.Destination})
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (store.HeardCursor, error) {
	if s == "" {
		return store.HeardCursor{}, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	var c cursorText
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		return store.HeardCursor{}, ErrCursor
	}
	return store.HeardCursor{Key: c.K, Name: c.N, Destination: c.D}, nil
}
