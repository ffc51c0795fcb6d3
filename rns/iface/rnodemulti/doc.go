// Package rnodemulti drives RNodes with several transceivers. The device is one interface that never transmits itself;
// each configured transceiver is an interface of its own, spawned when the device is set up and gone when it is lost.
//
// spec: rns-interfaces §13
package rnodemulti
