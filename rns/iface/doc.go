// Package iface is the contract between the running stack and the drivers that move frames over a medium.
//
// A driver is small: it opens its medium, delivers each received frame once, and writes each frame it is given. It knows
// nothing of packets, access codes, announces or other interfaces. Everything that is the same for all media stands above
// the driver, in the node's port: access codes, statistics, announce bandwidth, bounded queues, reconnecting with
// back-off, ingress limits, states.
//
// Life of a driver, seen from the driver:
//
//  1. The node calls Info. The answer never changes.
//  2. The node calls Serve. The driver opens its medium and calls Host.Up when frames can be sent.
//  3. From Up until Serve returns the node may call Send, from one goroutine, and the driver calls Host.Receive with
//     what it received, several frames at a time where the medium delivers them so.
//  4. A listener hands each accepted peer to Host.Spawn. The node serves it as an interface of its own.
//  5. When the medium is lost, Serve returns the reason. The node waits and calls Serve again. When the context ends,
//     Serve closes everything it opened and returns; a Send that is blocked at that moment returns too.
//
// Package mem is the in-memory medium, the other packages but five are the real ones: framing holds the byte framings of
// stream media, stream what drivers of connections share, serialport what drivers of serial devices share, ifacetest serves
// drivers in tests, devicetest simulates serial devices.
//
// spec: rns-interfaces §1
package iface
