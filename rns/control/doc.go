// Package control is the control connection of a shared instance: the calls by which programs of one machine ask the one
// that owns the interfaces for tables and statistics, and change its tables.
//
// Stats, PathEntry, RateEntry and BlackholeEntry are what the calls return; remote management returns the same over the
// network. Request is a call, Service the set of all calls as Go methods: a node implements it, and a Client implements it
// by asking another program. Handshake, ReadMessage and AppendMessage are the lower layers. All of it except Client works
// on bytes and does no input or output.
//
// spec: rns-link §12, rns-core §21.1
package control
