package link

import (
	"meshchatx/rns"
	"meshchatx/rns/resource"
)

// Effects are what a call wants done, in order. They and their slices are reused: they are valid until the next call of a
// method of the same link. Frames, events and jobs themselves belong to the caller.
type Effects struct {
	// Send are packets for the attached interface.
	Send []Frame
	// Events are for the application.
	Events []Event
	// Jobs are computations to run on any goroutine; give their results to [Link.JobDone].
	Jobs []Job
	// Verdict says what became of the packet given to [Link.Receive].
	Verdict rns.Verdict
}

// Frame is one raw packet of the link, ready for the interface the link is attached to.
type Frame struct {
	// Raw belongs to the caller, who may change it.
	Raw []byte
	// Context is the packet's context, for statistics and the packet tap.
	Context rns.Context
	// Hash is the packet hash, to be entered into the packet filter against echoes on shared media. It is zero for contexts
	// that the filter exempts. spec: rns-core §11.4
	Hash rns.Hash
}

func (e *Effects) reset() {
	clear(e.Events)
	clear(e.Send)
	clear(e.Jobs)
	e.Send, e.Events, e.Jobs = e.Send[:0], e.Events[:0], e.Jobs[:0]
	e.Verdict = 0
}

func (e *Effects) emit(ev Event) { e.Events = append(e.Events, ev) }

// Job is expensive work of a resource: preparing or assembling a segment. Run it anywhere, once; it touches no state of
// the link.
type Job struct {
	transfer TransferID
	prepare  *resource.PrepareJob
	assemble *resource.AssembleJob
}

// Run does the work. It may read from the source of an outgoing resource.
func (j Job) Run() JobResult {
	r := JobResult{transfer: j.transfer}
	switch {
	case j.prepare != nil:
		r.prepared = new(resource.Prepared)
		*r.prepared = j.prepare.Run()
	case j.assemble != nil:
		r.assembled = new(resource.Assembled)
		*r.assembled = j.assemble.Run()
	}
	return r
}

// JobResult is what [Job.Run] found out. It is opaque.
type JobResult struct {
	transfer  TransferID
	prepared  *resource.Prepared
	assembled *resource.Assembled
}
