// Package rnode carries packets over RNodes, LoRa transceivers that are spoken to in KISS frames over USB or TCP.
//
// The codec is pure: the Append functions write what the host sends, [State] is fed with the frames of the device and keeps
// what it reported. [Interface] is the driver: it opens the device, detects it, checks its firmware, configures the radio,
// compares what the radio reports with what was asked for, and only then is up. Package rnodemulti drives devices with
// several transceivers with the same codec.
//
// Bluetooth LE is not supported; such a port is refused with [ErrBluetooth].
//
// spec: rns-interfaces §12
package rnode
