package resource

import "meshchatx/rns"

// Message is something to send to the peer of a transfer. Whether the body is encrypted follows from the context: parts,
// proofs and cache requests are not. spec: rns-link §1.3
type Message struct {
	Context rns.Context
	// Body aliases memory of the machine and must be copied before the next call.
	Body []byte
}

// Output collects what calls want done. The caller clears it with [Output.Reset] after carrying it out.
type Output struct {
	Messages []Message
	// Prepare and Assemble are jobs to run, nil for none.
	Prepare  *PrepareJob
	Assemble *AssembleJob
}

// Reset empties the output and keeps its memory.
func (o *Output) Reset() {
	clear(o.Messages)
	o.Messages = o.Messages[:0]
	o.Prepare, o.Assemble = nil, nil
}

func (o *Output) send(c rns.Context, body []byte) {
	o.Messages = append(o.Messages, Message{Context: c, Body: body})
}

// Status is the state of a transfer. spec: rns-link §1.2
type Status uint8

// States of a transfer.
const (
	StatusNone Status = iota
	StatusQueued
	StatusAdvertised
	StatusTransferring
	StatusAwaitingProof
	StatusAssembling
	StatusComplete
	StatusFailed
	StatusCorrupt
	StatusRejected
)

var statusNames = [...]string{"none", "queued", "advertised", "transferring", "awaiting proof", "assembling", "complete",
	"failed", "corrupt", "rejected"}

// String is the name of the state in words.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

// Concluded reports whether the transfer is over.
func (s Status) Concluded() bool { return s >= StatusComplete }
