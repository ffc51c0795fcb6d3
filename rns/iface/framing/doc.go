// Package framing puts packets into byte streams and finds them again: the
// HDLC-like framing of TCP, local sockets and pipes, and KISS of modems.
//
// It is pure: [AppendHDLC] and [AppendKISS] write frames into a buffer of the
// caller, [HDLC] and [KISS] are fed whatever a read returned, in chunks of any
// size, and call back once per packet. A packet that lies complete within one
// chunk is handed out without being copied. Memory is bounded by twice the
// largest frame. spec: rns-interfaces §2
//
// A deframer belongs to one stream and one goroutine.
package framing
