// Package discovery is how transport nodes tell others how to reach their
// interfaces, and how others collect what they heard and decide whom to connect
// to. spec: rns-core §22
//
// Everything here is a codec, a pure function, or a small state machine that is
// given the time: [Info] and [AppData] are what travels in an announce, a
// [Receiver] turns heard announces into [Record]s, [Record] is the file a node
// keeps of each, [Filter] and [Sort] make the list people see, [Connectivity]
// decides about connecting, [Monitor] about what to give up, and [Schedule]
// about what to publish next. Package meshchatx/rns/discovery/agent runs them
// over a node.
//
// What comes from strangers is bounded by the size of an announce, checked field
// by field, and never more than text: neither a name nor a configuration entry
// may be executed or written to a file of its own name.
//
// Values are plain data, to be shared read-only. Receiver, Monitor and Schedule
// belong to one goroutine.
package discovery
