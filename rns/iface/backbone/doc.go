// Package backbone carries packets between well-connected nodes: a listener and a client over TCP, framed like HDLC, with a
// larger MTU than package tcp. The listener refuses addresses whose connections never last.
//
// spec: rns-interfaces §4
package backbone
