// Package bridge speaks the bridge protocol of the public suite torlando-tech/reticulum-conformance, which certifies
// independent implementations of Reticulum against the reference: it starts one bridge per peer, sends commands, and judges
// the answers. docs/compatibility.md says how to run it and what it showed.
//
// A command maps onto the public API of the stack. There is no protocol logic here: no hashing, no encryption, no packing of
// bytes beyond what the library offers. Where the suite thinks in terms of the reference (numbers of states, names of classes
// and exceptions) the translation is here and nowhere else. The library knows nothing of this package.
//
// Commands are grouped by file:
//
//	crypto, framing, identity, packet, announce, constant   pure functions
//	destination, ifconfig                                    destinations and configuration text
//	mock*                                                    nodes with interfaces in memory (behavioral_*)
//	wire*                                                    nodes with TCP interfaces (wire_*)
package bridge
