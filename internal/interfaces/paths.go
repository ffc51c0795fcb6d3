package interfaces

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"meshchatx/rns"
	"meshchatx/rns/node"
)

// PathQuery selects paths.
type PathQuery struct {
	Text      string // part of a hash, or of a name as Name tells it
	Interface string
	MaxHops   int    // 0: any
	Sort      string // hops, recent, expires, destination
	Cursor    string
	Limit     int
	Name      func(rns.Addr) string
}

// Paths returns a page of the path table, the cursor of the next one, and how
// many paths match in all.
func (s *Service) Paths(ctx context.Context, q PathQuery) (page []node.Path, next string, total int, err error) {
	if s.opt.Node == nil {
		return nil, "", 0, ErrNodeDown
	}
	from := 0
	if q.Cursor != "" {
		if from, err = strconv.Atoi(q.Cursor); err != nil || from < 0 {
			return nil, "", 0, ErrCursor
		}
	}
	all, err := s.opt.Node.Paths(ctx)
	if err != nil {
		return nil, "", 0, err
	}
	for i := range all {
		all[i].InterfaceName = s.Configured(all[i].InterfaceName)
	}
	all = slices.DeleteFunc(all, func(p node.Path) bool { return !q.matches(p) })
	slices.SortFunc(all, q.order)
	from = min(from, len(all))
	to := min(from+q.Limit, len(all))
	if to < len(all) {
		next = strconv.Itoa(to)
	}
	return all[from:to], next, len(all), nil
}

func (q PathQuery) matches(p node.Path) bool {
	if q.Interface != "" && p.InterfaceName != q.Interface || q.MaxHops > 0 && p.Hops > q.MaxHops {
		return false
	}
	text := strings.ToLower(strings.TrimSpace(q.Text))
	if text == "" || strings.Contains(p.Destination.Hex(), text) || strings.Contains(p.NextHop.Hex(), text) {
		return true
	}
	return q.Name != nil && strings.Contains(strings.ToLower(q.Name(p.Destination)), text)
}

func (q PathQuery) order(a, b node.Path) int {
	by := 0
	switch q.Sort {
	case "recent":
		by = b.Learned.Compare(a.Learned)
	case "expires":
		by = a.Expires.Compare(b.Expires)
	case "destination":
	default:
		by = cmp.Compare(a.Hops, b.Hops)
	}
	return cmp.Or(by, strings.Compare(a.Destination.Hex(), b.Destination.Hex()))
}

// RequestPath asks the network for a path. It does not wait for the answer.
func (s *Service) RequestPath(ctx context.Context, dest rns.Addr) error {
	if s.opt.Node == nil {
		return ErrNodeDown
	}
	return s.opt.Node.RequestPath(ctx, dest, 0)
}

// DropPath forgets a path.
func (s *Service) DropPath(ctx context.Context, dest rns.Addr) error {
	if s.opt.Node == nil {
		return ErrNodeDown
	}
	err := s.opt.Node.DropPath(ctx, dest)
	if errors.Is(err, node.ErrNoPath) {
		return ErrNotFound
	}
	return err
}
