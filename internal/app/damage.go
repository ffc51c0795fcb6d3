package app

import (
	"path/filepath"
	"slices"
	"sync"

	"meshchatx/internal/api"
)

// damage remembers the damaged databases that were set aside since the start. It is safe for concurrent use; the zero value
// remembers none.
type damage struct {
	mu    sync.Mutex
	files []string
}

func (d *damage) note(path string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name := filepath.Base(path); !slices.Contains(d.files, name) {
		d.files = append(d.files, name)
	}
}

// problems are what the status tells of it.
func (d *damage) problems() []api.StatusProblem {
	d.mu.Lock()
	defer d.mu.Unlock()
	var out []api.StatusProblem
	for _, name := range d.files {
		out = append(out, api.StatusProblem{Code: "database_set_aside", Detail: name})
	}
	return out
}
