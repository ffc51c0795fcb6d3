// Package i2p carries packets through I2P: to named peers, and from anybody to an endpoint of its own. It asks a local I2P
// router over its SAM interface, version 3.1. Inside the tunnel packets are framed like HDLC.
//
// An endpoint is named by a key that stays in a file. Without that file it has another address after each start.
//
// Package samtest is a router for tests.
//
// spec: rns-interfaces §14
package i2p
