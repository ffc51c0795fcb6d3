// Package transport is the part of a Reticulum node that decides where packets go: paths, announces, path requests, links
// in transit, proofs on their way back, tunnels, local programs behind a shared instance.
//
// # Shape
//
// A [Machine] is a sans-I/O state machine. It has no goroutines, locks, clock or sockets: every call gets the time, and
// what is to be done comes back as [Effects]. One goroutine owns a machine.
//
//	Inbound    a packet arrived on an interface     -> frames to send, deliveries, signatures to check, events
//	Verified   a signature was checked              -> the same
//	Outbound   a packet of this node leaves         -> frames to send
//	Expire     the time that Deadline named is here -> frames to send, events
//
// An idle machine has no deadline. Times pass only through the now parameter; readings of the monotonic clock in it are
// used for intervals, and the wall clock for what is stored.
//
// # Life of a received packet
//
//  1. The interface's port removes the access code; the owner of the machine hands the packet to Inbound.
//  2. It is parsed, its hops are counted, the packet filter drops repeats and packets for other transport nodes.
//  3. Path-directed packets that name this node, and packets of links that run through it, are forwarded. The frame is
//     rewritten in place, nothing is allocated.
//  4. Announces, link proofs and proofs of our packets need a signature check, which costs more than all the rest
//     together. Whatever can be refused without it is refused first. Then Inbound returns a [VerifyJob]; the caller runs
//     it where it likes, in order per destination, and hands the result to Verified, which looks at the tables again and
//     decides and updates in one step.
//  5. Packets for destinations and links of this node come out as [Delivery].
//
// An announce whose payload was verified before (most receptions in a network of many neighbours) costs no second check.
//
// # Ownership of memory
//
// Inbound may rewrite the frame in place and hand it back in Effects.Send and Effects.Deliver, so the caller must not
// reuse the frame's buffer before it has applied the effects. Effects themselves are valid until the next call that
// returns Effects. Jobs, events and records share nothing with the machine.
//
// # Announce bandwidth
//
// The announce queue of each interface lives in the machine: Effects.Send only ever holds announces that
// may leave now, and Deadline covers those that wait. Ports need no queue for announces of their own.
//
// spec: rns-core §10 to §18, §20, §24
package transport
