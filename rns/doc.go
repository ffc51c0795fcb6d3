// Package rns is the vocabulary of a Reticulum network: hashes and addresses,
// identities and their keys, destinations, packets, announces, proofs,
// interface access codes, and the files in which nodes keep what they know.
//
// Everything here is a pure codec or a pure function of its inputs. There is
// no I/O, no clock and no goroutine: times are parameters and randomness is an
// [io.Reader]. To run a node, use package meshchatx/rns/node, which is built
// on this package; the state machines of routing and of links are in
// meshchatx/rns/transport, meshchatx/rns/link and meshchatx/rns/resource.
//
// A node that sends a packet to a destination it knows from an announce:
//
//	a, err := rns.ParseAnnounce(heard)              // structure
//	if err := a.Verify(); err != nil { … }          // signature
//	if err := a.VerifyHash(); err != nil { … }      // address
//	data, err := a.Public.Encrypt(rand.Reader, text, a.Ratchet)
//	raw, err := rns.Packet{Dest: a.Dest, Data: data}.Pack(rns.MTU)
//
// # Errors
//
// What a node does with a packet, and why it drops one, is a [Verdict], which
// is an error and can be counted. What a program does wrong with keys and
// files is a sentinel error such as [ErrBadIdentitySize]. Use errors.Is for
// both.
//
// # Concurrency
//
// Values are plain data, to be shared read-only. [Identity], [RatchetPrivate],
// [Token] and [IFAC] are immutable and safe for concurrent use.
//
// # Specification
//
// Comments of the form "spec: rns-core §7.1" point into spec/rns-core.md.
package rns
