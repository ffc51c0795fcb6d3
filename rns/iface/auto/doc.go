// Package auto finds peers on the local links by IPv6 multicast and exchanges packets with each of them by unicast, without
// configuration.
//
// Every adopted system interface announces a token, a hash over the group and its own link-local address, to a multicast
// group. Whoever hears a token that fits the address it came from is a peer, and becomes an interface of its own. This is a
// weak authentication: everybody who knows the group can join; access codes keep others out.
//
// spec: rns-interfaces §5
package auto
