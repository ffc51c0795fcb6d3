package node

// PathAnswers is the number of path responses a destination keeps.
func PathAnswers(d *Destination) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.answers)
}
