// Package udp carries packets as single datagrams, usually to a broadcast address.
//
// spec: rns-interfaces §6
package udp
