package node

import (
	"sync"

	"meshchatx/rns/transport"
)

// checkedJob is a finished signature check and the port it came from, nil for none.
type checkedJob struct {
	result transport.Verification
	port   *port
}

// verifiers check signatures on a few goroutines. Jobs of one destination run in the order they were put, because they
// share a shard. The queues are not bounded here: the credit of each port bounds them.
type verifiers struct {
	shards []*shard
}

// shard is the queue of one verifier.
type shard struct {
	mu     sync.Mutex
	jobs   []pendingJob
	wake   chan struct{}
	closed bool
}

type pendingJob struct {
	job  transport.VerifyJob
	port *port
}

// resultStep is how many finished checks are handed to the loop at once.
const resultStep = 32

// start begins n verifiers that hand their results to out until stop.
func (v *verifiers) start(c *crew, n int, out chan<- []checkedJob, gone <-chan struct{}) {
	for range max(n, 1) {
		s := &shard{wake: make(chan struct{}, 1)}
		v.shards = append(v.shards, s)
		c.run(func() { s.run(out, gone) })
	}
}

// put queues a job on the shard of its destination. It never blocks.
func (v *verifiers) put(j transport.VerifyJob, from *port) {
	s := v.shards[int(j.Destination[0])%len(v.shards)]
	s.mu.Lock()
	s.jobs = append(s.jobs, pendingJob{job: j, port: from})
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// stop ends the verifiers. Jobs that wait are dropped.
func (v *verifiers) stop() {
	for _, s := range v.shards {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
}

// run checks signatures until the shard is closed.
func (s *shard) run(out chan<- []checkedJob, gone <-chan struct{}) {
	var spare []pendingJob
	for range s.wake {
		s.mu.Lock()
		jobs, closed := s.jobs, s.closed
		s.jobs = spare[:0]
		s.mu.Unlock()
		if closed {
			return
		}
		for from := 0; from < len(jobs); from += resultStep {
			step := jobs[from:min(from+resultStep, len(jobs))]
			results := make([]checkedJob, len(step))
			for i, j := range step {
				results[i] = checkedJob{result: j.job.Run(), port: j.port}
			}
			select {
			case out <- results:
			case <-gone:
				return
			}
		}
		clear(jobs)
		spare = jobs
	}
}
