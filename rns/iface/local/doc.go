// Package local joins the programs of one machine: the program that owns the interfaces listens, the others connect to it.
// Packets stand HDLC framed in a stream socket, which on Linux has an abstract name and elsewhere is a loopback port.
//
// spec: rns-link §11, rns-interfaces §9
package local
