package node

// workers limits how many expensive computations of links run at once. The zero value is not valid.
type workers chan struct{}

func newWorkers(n int) workers { return make(workers, max(n, 1)) }

func (w workers) enter() { w <- struct{}{} }
func (w workers) leave() { <-w }
