// Package serialport opens serial devices and has what their drivers share: [Line] moves bytes, [Gate] waits for a device
// that takes one packet at a time, [Beacon] decides when the operator's call sign is due.
//
// A driver opens its device through an [Opener], so that tests and simulators put a pseudo-terminal or memory in its place.
// What an Opener returns must let a blocked Read and a blocked Write return when it is closed from another goroutine.
//
// This is the only package that imports the serial library.
//
// spec: rns-interfaces §7, §10
package serialport
