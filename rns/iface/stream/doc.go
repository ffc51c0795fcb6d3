// Package stream is what the drivers of framed byte streams have in common: moving frames over one connection, the
// timeouts of TCP sockets, choosing an address to listen on or to connect to, and accepting peers.
//
// spec: rns-interfaces §2, §3
package stream
