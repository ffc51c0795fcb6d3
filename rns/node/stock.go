package node

import (
	"sync"

	"meshchatx/rns/link"
)

// stock holds link keys that were drawn in advance, so that who opens or accepts a link does not wait for them. It begins
// empty and is filled after a use: a node without links draws nothing. It is safe for concurrent use.
type stock struct {
	node *Node
	role link.Role
	size int

	mu      sync.Mutex
	keys    []*link.OwnKeys
	filling bool
}

// take returns keys for one link, nil if there are none in stock.
func (s *stock) take() *link.OwnKeys {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.keys) - 1
	if n < 0 {
		return nil
	}
	k := s.keys[n]
	s.keys[n] = nil
	s.keys = s.keys[:n]
	return k
}

// refill draws keys on another goroutine until there are enough.
func (s *stock) refill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.filling || len(s.keys) >= s.size {
		return
	}
	s.filling = true
	s.node.crew.run(func() {
		for s.draw() {
		}
	})
}

// draw adds keys to the stock. It reports false when there are enough, or none to be had.
func (s *stock) draw() bool {
	s.node.workers.enter()
	k, err := link.DrawKeys(s.node.env.rand, s.role)
	s.node.workers.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err == nil {
		s.keys = append(s.keys, k)
	}
	s.filling = err == nil && len(s.keys) < s.size
	return s.filling
}
