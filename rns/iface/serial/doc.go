// Package serial carries packets over a serial line between two machines, or over modems that are transparent. Packets are
// framed like HDLC; there is no flow control.
//
// spec: rns-interfaces §7
package serial
