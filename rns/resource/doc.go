// Package resource moves byte strings of any length over a link: content is cut into segments, each optionally compressed,
// encrypted as one token and pulled by the receiver part by part.
//
// The package holds the two machines and their codecs. It knows nothing of packets: package link encrypts what a [Sender]
// or [Receiver] puts into an [Output], and feeds back what arrives. Machines have no goroutines, clocks or I/O; the work that
// costs more than microseconds is separated into [PrepareJob] and [AssembleJob], pure functions that may run on any goroutine
// while the machines go on.
//
// # Sequence
//
// A [Sender] prepares one segment at a time, and the next while one is in transfer. It advertises the segment, queues the
// parts the peer requests, and emits them when its owner pulls them with [Sender.Next], so that a slow medium is never
// overrun. An [Incoming] follows one transfer over all its segments and has one [Receiver] at a time, which requests windows
// of parts and checks each against its map hash. An [AssembleJob] turns the parts into content and proof.
//
// # Concurrency
//
// Machines belong to one goroutine. Jobs are values that share nothing with their machine. spec: rns-link §8
package resource
