// Package tcp carries packets over TCP: a client that connects, and a listener that accepts peers. Packets are framed like
// HDLC, or with KISS for modems that are reached over TCP. A Backbone interface of another node speaks the same format.
//
// spec: rns-interfaces §3
package tcp
