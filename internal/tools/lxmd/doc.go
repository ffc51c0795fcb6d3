// Package lxmd is a messenger without a face: it receives messages for one
// identity, writes each to a file and runs a command with it, and, if it is told
// to, keeps messages for others as a propagation node.
//
// Its directory is that of the reference's daemon, which can be taken over and
// back: the file config, identity, ignored and allowed, and the folder storage
// with the messages, the message store, peers, tickets and the ids of what came
// before.
//
// [Remote] asks a running daemon, this one or the reference's, for statistics
// and has it synchronise with peers or leave them.
//
// spec: lxmf §13–§15
package lxmd
