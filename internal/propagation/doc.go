// Package propagation is what people see of propagation nodes: the one this
// program can be for others ([Host], one per installation), the ones that were
// heard ([Nodes]), and the one each identity uses, with fetching messages from it
// ([Client], one per identity).
//
// The protocols are in lxmf/propagation and lxmf/router; this package turns
// settings into their configuration and their events into those of the program.
package propagation
