package transport

import "meshchatx/rns"

// VerifyJob is one signature to check, 53 µs of pure computation that needs nothing of the machine.
type VerifyJob struct {
	// Destination shards jobs: jobs of one destination should run in order. It is the announced destination, the link
	// id, or the packet that is proved.
	Destination rns.Addr
}

// Run checks the signature. It may run on any goroutine, once.
func (j VerifyJob) Run() Verification { return Verification{job: j} }

// Abandon gives the job back unchecked, for a pool that is full or stopping. The packet is dropped.
func (j VerifyJob) Abandon() Verification { return Verification{job: j} }

// Verification is the result of a VerifyJob, for Machine.Verified.
type Verification struct {
	job VerifyJob
}
