package node

import "sync/atomic"

// workers limits how many expensive computations of links run at once. The zero value is not valid.
type workers chan struct{}

func newWorkers(n int) workers { return make(workers, max(n, 1)) }

func (w workers) enter() { w <- struct{}{} }
func (w workers) leave() { <-w }

// both runs two functions, at the same time if a processor is free before the first has ended: the parts of a job of a link.
// It is resource.Both.
func (n *Node) both(a, b func()) {
	var begun atomic.Bool
	done := make(chan struct{})
	n.crew.run(func() {
		if begun.CompareAndSwap(false, true) {
			defer close(done)
			b()
		}
	})
	a()
	if begun.CompareAndSwap(false, true) {
		b()
		return
	}
	<-done
}
