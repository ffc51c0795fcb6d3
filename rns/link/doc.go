// Package link implements Reticulum links as machines without goroutines, clocks or I/O: establishment, keepalive,
// identification, packet proofs, requests and responses, resources, channels and streams.
//
// # Use
//
// A [Link] is one end of one link. The initiator gets it from [NewInitiator] together with the link request packet, which
// the caller routes like any other packet; the responder gets it from [Accept]. From then on the owner
//
//   - passes every packet for the link to [Link.Receive],
//   - calls [Link.Expire] when [Link.Deadline] has passed,
//   - calls [Link.Writable] when the interface has room and [Link.Pending] is not zero,
//   - runs the jobs in [Effects].Jobs anywhere and returns their results through [Link.JobDone].
//
// Every method that changes the link returns [Effects]: packets for the attached interface, events for the application, and
// jobs. Nothing is ever called back.
//
// # Proof is a decision of the application
//
// A [Data] event names the packet; [Link.Prove] sends its proof, when the application has stored what came. In the same way
// [Link.ConcludeSegment] releases the proof of a resource segment. What is not proved is sent again by the peer.
//
// # Answers that would come too early
//
// The Python reference registers an outgoing packet after sending it, so an answer within the first fraction of a
// millisecond can be lost. Answers are therefore held for Params.EarlyAnswer, unless the peer is known to register first.
// Links of this implementation recognise each other by a mark in the IVs of their first encrypted packets; see
// [Link.PeerCopes]. spec: rns-link §6.1
//
// # Concurrency
//
// A Link is not safe for concurrent use; one goroutine owns it. Jobs run anywhere. Many links share nothing.
package link
